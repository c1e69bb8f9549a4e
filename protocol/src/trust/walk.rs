//! The walk over a window: every receiver gives (1-a) of its mass to those whose mail it found good, in equal parts of everything
//! dealt to it; what it doesn't give returns to the golden set, like the restart. `walk_steps` steps of the kernel in fixed
//! point, cold, from the golden vector.
//!
//! A closed set of members without a golden one holds at most ((1-a)/a) times the mass that flows into it from outside.

use super::csr::{Csr, Edge};
use super::fixed::Fixed;
use super::kernel::{Walk, in_turn};
use crate::ledger::Window;
use crate::params::Params;
use std::collections::BTreeSet;

/// Mass of all members together.
#[must_use]
pub fn total(params: &Params, members: usize) -> u64 {
    if members as u64 >= u64::from(params.fine_from_members) { 1 << 60 } else { 1 << 40 }
}

/// Masses by window index. Without a golden member nobody has any.
#[must_use]
pub fn walk(params: &Params, window: &Window, golden: &[bool]) -> Vec<u64> {
    let members = golden.len();
    let dealt: Vec<u64> = (0..members as u32).map(|i| window.tallies(i).map(|(_, t)| u64::from(t.dealt_in)).sum()).collect();
    let roots: BTreeSet<u32> = (0..members as u32).filter(|i| golden[*i as usize]).collect();
    let csr = Csr::new(members, &roots, || window.good().map(|(source, target, weight)| Edge { source, target, weight }));
    let fixed = Fixed::<u8>::new(params.restart_permille, total(params, members), roots.len(), &dealt);
    let mut walk = Walk::new(fixed, &csr);
    (0..params.walk_steps).for_each(|_| _ = walk.step(in_turn));
    walk.masses()
}
