//! A walk over a list of edges, in the arithmetic of one's choice.

use super::edges::EdgeList;
use super::float::{Float, Real};
use super::threads;
use indicatif::ProgressBar;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use warmnet_protocol::trust::csr::{Csr, Edge};
use warmnet_protocol::trust::fixed::Fixed;
use warmnet_protocol::trust::kernel::{Arithmetic, Walk};

/// Steps of the rules (`Params::walk_steps`): what a walk in fixed point does unless told otherwise.
pub const RULES_STEPS: u32 = 32;
/// A walk that hasn't settled after so many steps never will: at the smallest restart, 0.001, the change falls below 2e-6 in
/// 14,000.
pub const MAX_STEPS: u32 = 20_000;
/// Mass of all together in fixed point: what the rules use from 10,000 members.
const TOTAL: u64 = 1 << 60;

/// What masses are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// 32-bit floats, summed in 64 bits: least memory
    F32,
    /// 64-bit floats
    F64,
    /// The fixed point of the protocol's rules; weights are whole numbers
    Fixed,
}

/// When a walk ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stop {
    /// When a step changes all masses together by less than this part of the total.
    Below(f64),
    /// After so many steps.
    Steps(u32),
}

/// What is to be solved.
#[derive(Debug)]
pub struct Question<'a> {
    /// The graph.
    pub edges: &'a EdgeList,
    /// Weights of the golden nodes.
    pub golden: &'a BTreeMap<u32, f64>,
    /// Part of the mass that returns to them at each step, 0.001..=1.
    pub restart: f64,
    /// What masses are.
    pub values: Values,
    /// When to end.
    pub stop: Stop,
    /// Threads.
    pub threads: usize,
}

/// What came out.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// Share of all mass by node; they sum to 1.
    pub trust: Vec<f64>,
    /// Nodes that the golden ones reach.
    pub reached: usize,
    /// Steps done.
    pub steps: u32,
    /// By how much the last one changed all masses together, as a part of the total.
    pub change: f64,
    /// Time for rows and shares.
    pub build: Duration,
    /// Time for the steps.
    pub solve: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum SolveError {
    /// Fixed point takes whole units.
    #[error("fixed point needs whole weights up to 4,294,967,295; edge {0} has another")]
    NotWhole(usize),
    /// Fixed point shares the restart evenly.
    #[error("fixed point needs golden ids of equal weight")]
    Uneven,
    /// Fixed point counts the restart in thousandths.
    #[error("fixed point needs a restart of whole thousandths")]
    NotPermille,
    /// [`MAX_STEPS`] were not enough.
    #[error("it still changed by {0:e} after {MAX_STEPS} steps")]
    Restless(f64),
    /// A mass is no number.
    #[error("after {0} steps a mass is no number")]
    NotANumber(u32),
}

/// Solves it. `bar` shows what is being done.
///
/// # Errors
/// [`SolveError`].
pub fn solve(question: &Question<'_>, bar: &ProgressBar) -> Result<Answer, SolveError> {
    let golden: Vec<f64> = question.golden.values().copied().collect();
    match question.values {
        Values::F32 => float::<f32>(question, &golden, bar),
        Values::F64 => float::<f64>(question, &golden, bar),
        Values::Fixed => fixed(question, &golden, bar),
    }
}

fn float<T: Real>(question: &Question<'_>, golden: &[f64], bar: &ProgressBar) -> Result<Answer, SolveError> {
    let rows = |roots: &BTreeSet<u32>| Float::<T>::rows(question.restart, question.edges.ids.len(), roots, || edges(question.edges));
    walk(question, rows, Float::<T>::new(golden), T::wide, 1.0, bar)
}

fn fixed(question: &Question<'_>, golden: &[f64], bar: &ProgressBar) -> Result<Answer, SolveError> {
    let whole = |w: &f64| w.fract() == 0.0 && *w <= f64::from(u32::MAX);
    if let Some(edge) = question.edges.weights.iter().position(|w| !whole(w)) {
        return Err(SolveError::NotWhole(edge + 1));
    }
    if golden.iter().any(|g| g.total_cmp(&golden[0]).is_ne()) {
        return Err(SolveError::Uneven);
    }
    let permille = (question.restart * 1_000.0).round();
    if (permille - question.restart * 1_000.0).abs() > 1e-9 {
        return Err(SolveError::NotPermille);
    }
    let dealt = vec![0; question.edges.ids.len()];
    let arithmetic = Fixed::<u32>::new(permille as u32, TOTAL, golden.len(), &dealt);
    let whole = |e: Edge<f64>| Edge { source: e.source, target: e.target, weight: e.weight as u32 };
    let rows = |roots: &BTreeSet<u32>| Csr::new(dealt.len(), roots, || edges(question.edges).map(whole));
    walk(question, rows, arithmetic, |mass| mass as f64 / TOTAL as f64, TOTAL as f64, bar)
}

fn edges(list: &EdgeList) -> impl Iterator<Item = Edge<f64>> {
    let EdgeList { sources, targets, weights, .. } = list;
    sources.iter().zip(targets).zip(weights).map(|((source, target), weight)| Edge { source: *source, target: *target, weight: *weight })
}

/// `rows`: of the graph with these roots; `share`: of a mass in the total, which is `total` in the unit of sums.
fn walk<A>(
    question: &Question<'_>,
    rows: impl FnOnce(&BTreeSet<u32>) -> Csr<A::Weight>,
    arithmetic: A,
    share: impl Fn(A::Mass) -> f64,
    total: f64,
    bar: &ProgressBar,
) -> Result<Answer, SolveError>
where
    A: Arithmetic<Weight: Sync, Mass: Send + Sync, Share: Sync, Kept: Send, Sum: Send + Change> + Sync,
{
    let start = Instant::now();
    bar.set_message("building");
    let csr = rows(&question.golden.keys().copied().collect());
    let mut walk = Walk::new(arithmetic, &csr);
    let build = start.elapsed();
    let start = Instant::now();
    let (mut steps, mut change) = (0, f64::INFINITY);
    let done = |steps: u32, change: f64| match question.stop {
        Stop::Below(tolerance) => change < tolerance,
        Stop::Steps(wanted) => steps == wanted,
    };
    while !done(steps, change) {
        if steps == MAX_STEPS {
            return Err(SolveError::Restless(change));
        }
        change = walk.step(|blocks| threads::run(question.threads, blocks)).wide() / total;
        steps += 1;
        if !change.is_finite() {
            return Err(SolveError::NotANumber(steps));
        }
        if !bar.is_hidden() {
            bar.set_message(format!("step {steps}, change {change:.1e}"));
        }
    }
    let solve = start.elapsed();
    let trust = walk.masses().into_iter().map(share).collect();
    Ok(Answer { trust, reached: csr.rows(), steps, change, build, solve })
}

/// A sum of changes as a float.
trait Change {
    fn wide(self) -> f64;
}

impl Change for f64 {
    fn wide(self) -> f64 {
        self
    }
}

impl Change for u64 {
    fn wide(self) -> f64 {
        self as f64
    }
}
