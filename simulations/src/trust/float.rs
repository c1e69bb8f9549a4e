//! Floating point: masses sum to 1, sums are kept in f64 whatever the masses are.
//!
//! A weight becomes its part of what its source gives, (1-a) taken off, once and for all ([`Float::rows`]): a step has nothing left
//! to divide, and what a node gives is its mass. Weights are first divided by the greatest of their source, in f64, so that any
//! finite ones will do: no sum leaves f64, and no weight f32.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use warmnet_protocol::trust::csr::{Csr, Edge};
use warmnet_protocol::trust::kernel::Arithmetic;

/// f32 or f64.
pub trait Real: Copy + Default + PartialOrd + Send + Sync + std::ops::Mul<Output = Self> + 'static {
    /// As f64.
    fn wide(self) -> f64;
    /// From f64, rounded to nearest.
    fn narrow(wide: f64) -> Self;
}

impl Real for f32 {
    fn wide(self) -> f64 {
        f64::from(self)
    }
    fn narrow(wide: f64) -> Self {
        wide as Self
    }
}

impl Real for f64 {
    fn wide(self) -> f64 {
        self
    }
    fn narrow(wide: f64) -> Self {
        wide
    }
}

/// Part of its source's mass that goes along an edge at each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part<T>(T);

/// Masses of type `T`.
pub struct Float<T> {
    /// Part of each root in the restart; they sum to 1.
    roots: Vec<f64>,
    mass: PhantomData<T>,
}

impl<T: Real> Float<T> {
    /// `roots`: a weight for each root, in the order of their nodes; any scale.
    #[must_use]
    pub fn new(roots: &[f64]) -> Self {
        let most = roots.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let sum: f64 = roots.iter().map(|r| r / most).sum();
        Self { roots: roots.iter().map(|r| r / most / sum).collect(), mass: PhantomData }
    }

    /// The rows of a graph, as [`Csr::new`]. `restart`: a. Weights are finite and not negative.
    #[must_use]
    pub fn rows<I>(restart: f64, nodes: usize, roots: &BTreeSet<u32>, edges: impl Fn() -> I) -> Csr<Part<T>>
    where
        I: Iterator<Item = Edge<f64>>,
    {
        let mut most = vec![0.0f64; nodes];
        edges().for_each(|e| most[e.source as usize] = most[e.source as usize].max(e.weight));
        let scaled = |e: Edge<f64>| {
            let most = most[e.source as usize];
            Edge { source: e.source, target: e.target, weight: T::narrow(if most > 0.0 { e.weight / most } else { 0.0 }) }
        };
        let csr = Csr::new(nodes, roots, || edges().map(scaled));
        let factors: Vec<f64> =
            csr.outflows(|sum: f64, weight: &T| sum + weight.wide()).into_iter().map(|out| (1.0 - restart) / out).collect();
        // A source without weight gives nothing, not 0 / 0.
        csr.map(|row, weight| Part(T::narrow(if weight > T::default() { weight.wide() * factors[row] } else { 0.0 })))
    }
}

impl<T: Real> Arithmetic for Float<T> {
    type Weight = Part<T>;
    type Mass = T;
    type Sum = f64;
    type Share = ();
    type Kept = ();

    fn shares(&self, csr: &Csr<Part<T>>) -> Vec<()> {
        vec![(); csr.rows()]
    }
    fn give(&self, mass: T, (): ()) -> ((), T) {
        ((), mass)
    }
    fn whole((): (), give: T) -> T {
        give
    }
    fn flow(sum: f64, give: T, weight: Part<T>) -> f64 {
        sum + (give * weight.0).wide()
    }
    fn add(a: f64, b: f64) -> f64 {
        a + b
    }
    fn distance(a: T, b: T) -> f64 {
        (a.wide() - b.wide()).abs()
    }
    fn mass(sum: f64) -> T {
        T::narrow(sum)
    }
    fn sum(mass: T) -> f64 {
        mass.wide()
    }
    fn restart(&self, root: usize, spent: f64) -> f64 {
        self.roots[root] * (1.0 - spent)
    }
}
