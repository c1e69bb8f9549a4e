//! A walk over a list of edges, in the arithmetic of one's choice.

use super::edges::EdgeList;
use super::float::{Float, Real};
use super::threads;
use std::collections::BTreeMap;
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
}

/// Solves it.
///
/// # Errors
/// [`SolveError`].
pub fn solve(question: &Question<'_>) -> Result<Answer, SolveError> {
    let golden: Vec<f64> = question.golden.values().copied().collect();
    match question.values {
        Values::F32 => float::<f32>(question, &golden),
        Values::F64 => float::<f64>(question, &golden),
        Values::Fixed => fixed(question, &golden),
    }
}

fn float<T: Real>(question: &Question<'_>, golden: &[f64]) -> Result<Answer, SolveError> {
    walk(question, T::narrow, Float::<T>::new(question.restart, golden), T::wide, 1.0)
}

fn fixed(question: &Question<'_>, golden: &[f64]) -> Result<Answer, SolveError> {
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
    walk(question, |w| w as u32, arithmetic, |mass| mass as f64 / TOTAL as f64, TOTAL as f64)
}

/// `weight`: of an edge; `share`: of a mass in the total, which is `total` in the unit of sums.
fn walk<A>(
    question: &Question<'_>,
    weight: impl Fn(f64) -> A::Weight,
    arithmetic: A,
    share: impl Fn(A::Mass) -> f64,
    total: f64,
) -> Result<Answer, SolveError>
where
    A: Arithmetic<Weight: Sync + Default + PartialOrd, Mass: Send + Sync, Share: Sync, Sum: Send + Change> + Sync,
{
    let EdgeList { ids, sources, targets, weights } = question.edges;
    let start = Instant::now();
    let roots = question.golden.keys().copied().collect();
    let edges = || sources.iter().zip(targets).zip(weights);
    let csr = Csr::new(ids.len(), &roots, || edges().map(|((s, t), w)| Edge { source: *s, target: *t, weight: weight(*w) }));
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
