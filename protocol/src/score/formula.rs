//! Rates into a score.

use super::Score;
use super::rates::Rates;
use super::wilson::{ONE, wilson_lower_z1, wilson_lower_z2};
use crate::params::{MILLION, Params};

/// `clamp(50 A + 1.5 R + 0.2 O - 10 B - 1000 S, 0, 100)` in millionths of a point; all rates in ppm (A a share, the others
/// percent: 10,000 ppm are 1 %).
///
/// # Example
/// ```
/// // A = 1, R = 20 %, O = 50 %: 90 points.
/// assert_eq!(warmnet_protocol::score::points(1_000_000, 200_000, 500_000, 0, 0), 90_000_000);
/// ```
#[must_use]
pub fn points(a: u32, r: u32, o: u32, b: u32, s: u32) -> u32 {
    let [a, r, o, b, s] = [a, r, o, b, s].map(i64::from);
    // Per ppm: 50, 1.5 / 10,000 and so on, times a million.
    let sum = 50 * a + 150 * r + 20 * o - 1_000 * b - 100_000 * s;
    sum.clamp(0, 100 * MILLION as i64) as u32
}

/// Bound of `k` of `n` whole mails with a denominator of at least `floor`.
fn floored(bound: fn(u64, u64) -> u32, k: u64, n: u64, floor: u32) -> u32 {
    let n = n.max(u64::from(floor));
    bound(k.min(n).saturating_mul(ONE), n.saturating_mul(ONE))
}

pub(super) fn score(params: &Params, rates: &Rates) -> Score {
    let a = (u128::from(rates.auth.0) * u128::from(MILLION)).checked_div(u128::from(rates.auth.1)).unwrap_or(0) as u32;
    let r = wilson_lower_z1(rates.replied.0, rates.replied.1);
    let o = wilson_lower_z1(rates.read.0, rates.read.1);
    let inbox_lower = wilson_lower_z1(rates.inbox.0, rates.inbox.1);
    let bounce = |(hard, of): (u64, u64)| floored(wilson_lower_z1, hard, of, params.bounce_floor);
    let complaint = |(complaints, of): (u64, u64)| floored(wilson_lower_z2, complaints, of, params.complaint_floor);
    let x = &rates.bounces;
    let b = bounce((x.hard, x.attempts)).max(bounce((x.external_hard, x.external_sent)));
    let s = complaint((x.golden_complaints, x.golden_delivered)).max(complaint((x.external_complaints, x.complaint_sent)));
    let value = points(a, r, o, b, s);
    let incomplete =
        u128::from(rates.completed) * u128::from(MILLION) < u128::from(params.provisional_completion) * u128::from(rates.dealt);
    let provisional = rates.delivered < params.provisional_delivered || incomplete;
    let locked = provisional || value < params.lock_below || inbox_lower < params.inbox_gate;
    let (delivered, dealt, completed) = (rates.delivered, rates.dealt, rates.completed);
    Score { value, a, r, o, b, s, inbox_lower, delivered, dealt, completed, provisional, locked }
}
