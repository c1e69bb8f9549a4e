//! Fixed point: the arithmetic of the rules. Sums of integers, so neither order nor threads change a bit.
//!
//! Nothing overflows. A node gives `floor(floor(keep x mass) / share)` a unit, and its share is at least the sum of the units it
//! gives for, so all it gives is at most its mass. All masses sum to at most the total, below 2^63, and so does every partial
//! sum and every change.

use super::csr::Csr;
use super::kernel::Arithmetic;
use std::marker::PhantomData;

/// Fixed point over whole units `W`.
pub struct Fixed<'a, W> {
    /// What is kept for giving, in permille: 1,000 (1-a).
    keep: u64,
    /// Mass of all together.
    total: u64,
    roots: u64,
    /// Units dealt, by node.
    dealt: &'a [u64],
    weight: PhantomData<W>,
}

impl<'a, W> Fixed<'a, W> {
    /// `restart_permille`: a (everything from 1,000). `total`: mass of all together, below 2^63. `roots`: how many share the
    /// restart evenly. `dealt`: units that each node's giving is divided by, at least those it gives for.
    #[must_use]
    pub fn new(restart_permille: u32, total: u64, roots: usize, dealt: &'a [u64]) -> Self {
        let keep = 1_000u64.saturating_sub(u64::from(restart_permille));
        Self { keep, total: total.min(i64::MAX as u64), roots: roots as u64, dealt, weight: PhantomData }
    }
}

impl<W: Copy + Into<u64>> Arithmetic for Fixed<'_, W> {
    type Weight = W;
    type Mass = u64;
    type Sum = u64;
    /// What a node's giving is divided by.
    type Share = u64;
    type Kept = u64;

    fn shares(&self, csr: &Csr<W>) -> Vec<u64> {
        let outflows = csr.outflows(|sum: u64, weight| sum + (*weight).into());
        csr.nodes().iter().zip(outflows).map(|(node, outflow)| self.dealt[*node as usize].max(outflow).max(1)).collect()
    }
    /// Rounded down twice: (1-a) of the mass, then a unit of that.
    fn give(&self, mass: u64, share: u64) -> (u64, u64) {
        // keep x mass / 1,000 without leaving 64 bits.
        (mass, (mass / 1_000 * self.keep + mass % 1_000 * self.keep / 1_000) / share)
    }
    fn whole(kept: u64, _: u64) -> u64 {
        kept
    }
    fn flow(sum: u64, give: u64, weight: W) -> u64 {
        sum + give * weight.into()
    }
    fn add(a: u64, b: u64) -> u64 {
        a + b
    }
    fn distance(a: u64, b: u64) -> u64 {
        a.abs_diff(b)
    }
    fn mass(sum: u64) -> u64 {
        sum
    }
    fn sum(mass: u64) -> u64 {
        mass
    }
    /// Even parts; what doesn't divide goes to the first roots.
    fn restart(&self, root: usize, spent: u64) -> u64 {
        let rest = self.total - spent;
        rest / self.roots + u64::from((root as u64) < rest % self.roots)
    }
}
