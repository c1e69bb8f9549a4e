//! Service: replies given over replies owed, per mille, at most 1,000.
//!
//! Which replies are owed is the public draw of each exchange, counted where the mail reached the receiver; what was not owed
//! and given all the same counts nothing. Mails that were not sent are left to the rule of completion, since a partner
//! that declines the introduction is no fault of the sender. An owner that allows no replies owes none.

use crate::ledger::Window;
use crate::wire::roster::acts;
use serde::{Deserialize, Serialize};

/// Whole.
const FULL: u16 = 1_000;

/// Service and what it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Mails observed in the window; 0 where the owner allows no replies.
    pub seen: u64,
    /// Replies owed to them.
    pub owed: u64,
    /// Replies given of these.
    pub given: u64,
    /// Given over owed, per mille; 1,000 when nothing is owed.
    pub per_mille: u16,
}

impl Service {
    fn new(seen: u64, owed: u64, given: u64) -> Self {
        let rate = (given * u64::from(FULL)).checked_div(owed).map_or(FULL, |r| r.min(u64::from(FULL)) as u16);
        Self { seen, owed, given, per_mille: rate }
    }

    /// Service of a member by the window; `allowed`: the acts its owner allows.
    #[must_use]
    pub fn of(window: &Window, index: Option<u32>, allowed: u8) -> Self {
        let Some(index) = index.filter(|_| allowed & acts::REPLY != 0) else { return Self::new(0, 0, 0) };
        let sum = |of: fn(&crate::ledger::Tally) -> u16| window.tallies(index).map(|(_, t)| u64::from(of(&t))).sum();
        Self::new(sum(|t| t.seen_in), sum(|t| t.owed_in), sum(|t| t.replied_in))
    }
}
