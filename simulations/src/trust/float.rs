//! Floating point: masses sum to 1, sums are kept in f64 whatever the masses are.

use std::marker::PhantomData;
use warmnet_protocol::trust::kernel::Arithmetic;

/// f32 or f64.
pub trait Real: Copy + Default + PartialOrd + Send + Sync + std::ops::Mul<Output = Self> + 'static {
    /// 1.
    const ONE: Self;
    /// As f64.
    fn wide(self) -> f64;
    /// From f64, rounded to nearest.
    fn narrow(wide: f64) -> Self;
}

impl Real for f32 {
    const ONE: Self = 1.0;
    fn wide(self) -> f64 {
        f64::from(self)
    }
    fn narrow(wide: f64) -> Self {
        wide as Self
    }
}

impl Real for f64 {
    const ONE: Self = 1.0;
    fn wide(self) -> f64 {
        self
    }
    fn narrow(wide: f64) -> Self {
        wide
    }
}

/// Masses of type `T`.
pub struct Float<T> {
    keep: f64,
    /// Part of each root in the restart; they sum to 1.
    roots: Vec<f64>,
    mass: PhantomData<T>,
}

impl<T> Float<T> {
    /// `restart`: a. `roots`: a weight for each root, in the order of their nodes; any scale.
    #[must_use]
    pub fn new(restart: f64, roots: &[f64]) -> Self {
        let sum: f64 = roots.iter().sum();
        Self { keep: 1.0 - restart, roots: roots.iter().map(|r| r / sum).collect(), mass: PhantomData }
    }
}

impl<T: Real> Arithmetic for Float<T> {
    type Weight = T;
    type Mass = T;
    type Sum = f64;
    type Share = T;
    const UNIT: T = T::ONE;

    fn share(&self, _: u32, outflow: f64) -> T {
        T::narrow(if outflow > 0.0 { self.keep / outflow } else { 0.0 })
    }
    fn give(&self, mass: T, share: T) -> T {
        mass * share
    }
    fn flow(sum: f64, give: T, weight: T) -> f64 {
        sum + (give * weight).wide()
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
