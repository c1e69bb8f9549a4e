//! A member's part of an epoch's deal, with what its ring made of its quota.

use super::{Deal, RingKind};
use serde::{Deserialize, Serialize};

/// A ring as one rider meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ride {
    /// Which ring.
    pub ring: RingKind,
    /// Members that ride it this epoch.
    pub riders: u32,
    /// The most that each of so few may send.
    pub cap: u32,
    /// Rounds laid out, those for spares too.
    pub rounds: u32,
    /// Mails of the roster row's quota that cap and rounds leave.
    pub quota: u32,
    /// Of these, pairs that the conflict rule leaves.
    pub mails: u32,
}

/// What an epoch deals to a member to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dealt {
    /// Its ring; `None` when it rides none: a day off, quota 0, dead, quarantined or golden.
    pub ride: Option<Ride>,
    /// Mails to golden mailboxes.
    pub golden: u32,
}

impl Deal {
    /// What the member at a roster position sends, spares aside.
    #[must_use]
    pub fn dealt(&self, position: u32) -> Dealt {
        let sends = self.sends(position);
        let count = |golden: bool| sends.iter().filter(|p| !p.spare && (p.slot.ring == RingKind::Golden) == golden).count() as u32;
        let ride = self.ride(position).map(|(ring, index)| Ride {
            ring: ring.kind,
            riders: ring.riders().len() as u32,
            cap: ring.cap(),
            rounds: ring.rounds(),
            quota: ring.quota(index),
            mails: count(false),
        });
        Dealt { ride, golden: count(true) }
    }
}
