//! Service: replies given over replies owed, per mille, at most 1,000.
//!
//! Owed is an expectation: `reply_ppm` of the mails a member observed in the window, less two standard deviations, because
//! which of them owed a reply is a lottery that the member doesn't hold. An owner that allows no replies owes none.

use crate::ledger::Window;
use crate::params::{MILLION, Params};
use crate::wire::roster::acts;
use serde::{Deserialize, Serialize};

/// Whole and nothing.
const FULL: u16 = 1_000;

/// Service and what it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Mails observed in the window; 0 where the owner allows no replies.
    pub seen: u64,
    /// Replies given.
    pub given: u64,
    /// Replies owed, in millionths.
    pub owed: u64,
    /// Given over owed, per mille, at most 1,000.
    pub per_mille: u16,
}

/// Service for `given` replies to `seen` mails.
#[must_use]
pub fn service(params: &Params, seen: u64, given: u64) -> Service {
    let (n, p) = (u128::from(seen), u128::from(params.reply_ppm).min(u128::from(MILLION)));
    let million = u128::from(MILLION);
    let owed = (n * p).saturating_sub(2 * (n * p * (million - p)).isqrt());
    let rate = (u128::from(given) * million * u128::from(FULL)).checked_div(owed);
    let per_mille = rate.map_or(FULL, |r| r.min(u128::from(FULL)) as u16);
    Service { seen, given, owed: u64::try_from(owed).unwrap_or(u64::MAX), per_mille }
}

/// Service of a member by the window.
#[must_use]
pub fn of(params: &Params, window: &Window, index: Option<u32>, allowed: u8) -> Service {
    let Some(index) = index.filter(|_| allowed & acts::REPLY != 0) else { return service(params, 0, 0) };
    let sum = |(seen, replied), (_, t): (_, crate::ledger::Tally)| (seen + u64::from(t.seen_in), replied + u64::from(t.replied_in));
    let (seen, given) = window.tallies(index).fold((0, 0), sum);
    service(params, seen, given)
}
