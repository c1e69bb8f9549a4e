//! The walk: `t = a x golden + (1-a) x W^T t`, in fixed point. Every receiver gives (1-a) of its mass to those whose mail it
//! found good, in equal parts of everything dealt to it; what it doesn't give returns to the golden set, like the restart.
//!
//! All sums are of integers, so neither order nor threads change a bit, and the total never changes. A closed set of members
//! without a golden one holds at most ((1-a)/a) times the mass that flows into it from outside.

use crate::ledger::Window;
use crate::params::Params;

/// Mass of all members together.
#[must_use]
pub fn total(params: &Params, members: usize) -> u64 {
    if members as u64 >= u64::from(params.fine_from_members) { 1 << 60 } else { 1 << 40 }
}

/// The golden vector: all mass, evenly; what doesn't divide goes to the first ones. `None` without a golden member.
fn restart(mass: u64, golden: &[bool], into: &mut [u64]) -> Option<()> {
    let count = golden.iter().filter(|g| **g).count() as u64;
    let (each, rest) = (mass.checked_div(count)?, mass.checked_rem(count)?);
    for (n, i) in (0u64..).zip((0..golden.len()).filter(|i| golden[*i])) {
        into[i] += each + u64::from(n < rest);
    }
    Some(())
}

/// What each member gives for one unit of good mail: (1-a) of its mass over everything dealt to it, rounded down.
#[must_use]
pub fn per_unit(params: &Params, mass: &[u64], dealt: &[u64]) -> Vec<u64> {
    let keep = 1_000u128.saturating_sub(u128::from(params.restart_permille));
    let share = |(t, d): (&u64, &u64)| (u128::from(*t) * keep / 1_000).checked_div(u128::from(*d)).unwrap_or(0) as u64;
    mass.iter().zip(dealt).map(share).collect()
}

/// One step. `dealt`: inbound units dealt to each member; `spend(per_unit, next)` adds what flows along good mail.
/// Without a golden member nobody has any mass.
pub fn step(params: &Params, mass: &[u64], dealt: &[u64], golden: &[bool], total: u64, spend: impl FnOnce(&[u64], &mut [u64])) -> Vec<u64> {
    let mut next = vec![0; mass.len()];
    spend(&per_unit(params, mass, dealt), &mut next);
    let spent: u64 = next.iter().sum();
    match restart(total.saturating_sub(spent), golden, &mut next) {
        Some(()) => next,
        None => vec![0; mass.len()],
    }
}

/// The whole walk over a window: `walk_steps` steps from the golden vector. By window index.
#[must_use]
pub fn walk(params: &Params, window: &Window, golden: &[bool]) -> Vec<u64> {
    let members = golden.len();
    let dealt: Vec<u64> = (0..members as u32).map(|i| window.tallies(i).map(|(_, t)| u64::from(t.dealt_in)).sum()).collect();
    let total = total(params, members);
    let mut mass = vec![0; members];
    if restart(total, golden, &mut mass).is_none() {
        return mass;
    }
    for _ in 0..params.walk_steps {
        mass = step(params, &mass, &dealt, golden, total, |per_unit, next| {
            for block in 0..window.blocks() {
                window.spend_block(block, per_unit, next);
            }
        });
    }
    mass
}
