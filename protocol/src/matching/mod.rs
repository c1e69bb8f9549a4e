//! Who mails whom: rounds on rings, dealt from public randomness (PROTOCOL.md section 4).
//!
//! | file | what is in it |
//! |---|---|
//! | `permutation.rs` | a keyed permutation of `0..m`: Feistel with cycle walking |
//! | `ring.rs` | the rounds of one class |
//! | `golden.rs` | golden seats |
//! | `deal.rs` | the whole deal of an epoch: conflicts, one member's pairs, one pair verified |
//! | `dealt.rs` | what the deal made of one member's quota |
//!
//! Choices made here:
//! - **Riders.** A member rides when its role is member, it is neither quarantined nor dead, its weekday bit is set and
//!   its quota is above 0. Rehab members ride the open ring until `rehab_ring_from` of them ride.
//! - **Order.** Riders are sorted by effective quota (capped at `(m-1)/quota_divisor`, at least 1), highest first, then
//!   by member id, so every round is a prefix: round k holds those with `q + ceil(q/spare_divisor) > k`.
//! - **Effective quota** is also cut to the number of rounds dealt. A pair is `spare` from the sender's quota on.
//! - **Golden seats.** The eligible members (dead and rehab ones once more, those complained of once more) are permuted once an epoch; seat n belongs to
//!   place `n mod len`. The golden mailbox is `n mod G`, shifted after each whole cycle, so that every golden mailbox has
//!   exactly its seats and a place meets each of them once before it meets one again, never the same twice in a row.
//!   A small network deals at most `golden_per_member` seats to one listing.

mod deal;
mod dealt;
mod golden;
mod permutation;
mod ring;
#[cfg(test)]
mod tests;

pub(crate) use deal::Rounds;
pub use deal::{Deal, Pairing};
pub use dealt::{Dealt, Ride};

use serde::{Deserialize, Serialize};

/// Which ring a slot belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum RingKind {
    /// The common ring.
    Open = 0,
    /// Rehab members' own ring, only from `Params::rehab_ring_from` members.
    Rehab = 1,
    /// Golden seats: the member sends, the golden mailbox observes.
    Golden = 2,
}

impl RingKind {
    /// The ring of a wire byte.
    #[must_use]
    pub fn from_u8(v: u8) -> Option<Self> {
        match v {
            0 => Some(Self::Open),
            1 => Some(Self::Rehab),
            2 => Some(Self::Golden),
            _ => None,
        }
    }
}

/// Ring and round of a dealt pair. In an epoch a member has at most one send and one receive per slot; a golden
/// member's receives are numbered by its seat instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// Ring.
    pub ring: RingKind,
    /// Round; for golden seats the number of the seat.
    pub round: u16,
}
