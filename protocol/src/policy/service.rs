//! Service: replies given over replies owed, per mille, at most 1,000.
//!
//! Owed is an expectation: `reply_ppm` of the mails a member observed in the window, less two standard deviations, because
//! which of them owed a reply is a lottery that the member doesn't hold. An owner that allows no replies owes none.

use crate::ledger::Window;
use crate::params::{MILLION, Params};
use crate::wire::roster::acts;

/// Whole and nothing.
const FULL: u16 = 1_000;

/// Service for `replied` of `seen` mails.
#[must_use]
pub fn per_mille(params: &Params, seen: u64, replied: u64) -> u16 {
    let (n, p) = (u128::from(seen), u128::from(params.reply_ppm).min(u128::from(MILLION)));
    let million = u128::from(MILLION);
    // All in millionths of a mail.
    let owed = (n * p).saturating_sub(2 * (n * p * (million - p)).isqrt());
    if owed == 0 {
        return FULL;
    }
    (u128::from(replied) * million * u128::from(FULL) / owed).min(u128::from(FULL)) as u16
}

/// Service of a member by the window.
#[must_use]
pub fn of(params: &Params, window: &Window, index: Option<u32>, allowed: u8) -> u16 {
    let Some(index) = index.filter(|_| allowed & acts::REPLY != 0) else { return FULL };
    let sum = |(seen, replied), (_, t): (_, crate::ledger::Tally)| (seen + u64::from(t.seen_in), replied + u64::from(t.replied_in));
    let (seen, replied) = window.tallies(index).fold((0, 0), sum);
    per_mille(params, seen, replied)
}
