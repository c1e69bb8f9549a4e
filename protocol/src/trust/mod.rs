//! Who is believed (PROTOCOL.md section 7). Integers only; one pass from the window alone, no warm start.
//!
//! | file | what is in it |
//! |---|---|
//! | `csr.rs`, `order.rs` | any weighted graph as compressed sparse rows, in an order that caches like |
//! | `kernel.rs` | the walk with restart over any arithmetic; its row-block step may run in parallel |
//! | `fixed.rs` | the arithmetic of the rules: fixed point that can't overflow |
//! | `walk.rs` | trust mass of a window: the kernel from the golden members along good exchanges |
//! | `credibility.rs` | a rater's word against golden evidence |
//! | `weights.rs` | mass and credibility into the weight of a word |
//!
//! Choices made here:
//! - **Good** is a mail delivered to inbox or tab without a complaint by its receiver. The row of r is divided by everything
//!   dealt to r (no-shows too), so praising only friends, or refusing the others, doesn't give the friends more.
//! - Golden observations count with their golden weight (1 or 4), in numerator and denominator.
//! - The golden set is that of the roster handed in: a golden mailbox struck from it, or quarantined in it, loses its trust at
//!   once, and what it observed before is an ordinary member's word.
//! - The median falls back to all ordinary members while nobody is older than `median_age`.
//! - A member of the roster that is not in the window yet has no mass and the floor weight.

mod credibility;
pub mod csr;
pub mod fixed;
pub mod kernel;
mod order;
#[cfg(test)]
mod tests;
pub mod walk;
mod weights;

use crate::identity::hash;
use crate::ids::{Digest, MemberId};
use crate::ledger::Window;
use crate::params::{MILLION, Params};
use crate::wire::roster::{Roster, RosterRow};

/// One member's trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rating {
    member: MemberId,
    mass: u64,
    credibility: u32,
    weight: u32,
}

/// Trust of every member of window and roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Sorted by member.
    ratings: Vec<Rating>,
}

impl Trust {
    /// Trust by a window and the newest roster.
    #[must_use]
    pub fn compute(params: &Params, window: &Window, roster: &Roster) -> Self {
        let members = window.members();
        let is_golden = |member: &MemberId| roster.row(member).is_some_and(RosterRow::is_golden);
        let golden: Vec<bool> = members.iter().map(|m| is_golden(&m.member)).collect();
        let masses = walk::walk(params, window, &golden);
        let credibility = credibility::credibility(params, window, &golden);
        let median = weights::median(params, window, &golden, &masses);
        let rate = |i: usize| {
            let (mass, credibility) = (masses[i], credibility[i]);
            let weight = if golden[i] { weights::ONE } else { weights::weight(params, mass, median, credibility) };
            Rating { member: members[i].member, mass, credibility, weight }
        };
        let mut ratings: Vec<Rating> = (0..members.len()).map(rate).collect();
        for row in roster.rows().iter().filter(|r| window.index(&r.member).is_none()) {
            let weight = if row.is_golden() { weights::ONE } else { params.weight_floor_q16 };
            ratings.push(Rating { member: row.member, mass: 0, credibility: MILLION as u32, weight });
        }
        ratings.sort_unstable_by_key(|r| r.member);
        Self { ratings }
    }

    fn rating(&self, member: &MemberId) -> Option<&Rating> {
        self.ratings.binary_search_by_key(member, |r| r.member).ok().map(|i| &self.ratings[i])
    }
    /// Trust mass in fixed point: all masses sum to 2^40, or 2^60 from `fine_from_members`. 0 for strangers.
    #[must_use]
    pub fn mass(&self, member: &MemberId) -> u64 {
        self.rating(member).map_or(0, |r| r.mass)
    }
    /// Credibility in ppm; 0 for strangers.
    #[must_use]
    pub fn credibility(&self, member: &MemberId) -> u32 {
        self.rating(member).map_or(0, |r| r.credibility)
    }
    /// Weight of the member's word in Q16.16, at most 65,536; 0 for strangers.
    #[must_use]
    pub fn weight(&self, member: &MemberId) -> u32 {
        self.rating(member).map_or(0, |r| r.weight)
    }
    /// Digest over all of it, by member id.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut h = hash::keyed("trust");
        for r in &self.ratings {
            h.update(&r.member.0).update(&r.mass.to_be_bytes()).update(&r.credibility.to_be_bytes()).update(&r.weight.to_be_bytes());
        }
        Digest(*h.finalize().as_bytes())
    }
}
