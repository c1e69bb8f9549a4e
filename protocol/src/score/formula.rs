//! Rates into a score.

use super::Score;
use super::rates::{Bounces, Rates};
use super::wilson::{ONE, wilson_lower_z1, wilson_lower_z2};
use crate::params::{MILLION, Params};
use serde::{Deserialize, Serialize};

/// What A, R, O, B and S earn or cost, in millionths of a point; all rates in ppm (A a share, the others percent: 10,000 ppm
/// are 1 %).
#[must_use]
pub(super) fn shares(a: u32, r: u32, o: u32, b: u32, s: u32) -> [i64; 5] {
    let [a, r, o, b, s] = [a, r, o, b, s].map(i64::from);
    // Per ppm: 50, 1.5 / 10,000 and so on, times a million.
    [50 * a, 150 * r, 20 * o, -1_000 * b, -100_000 * s]
}

/// `clamp(50 A + 1.5 R + 0.2 O - 10 B - 1000 S, 0, 100)` in millionths of a point; all rates in ppm.
///
/// # Example
/// ```
/// // A = 1, R = 20 %, O = 50 %: 90 points.
/// assert_eq!(warmnet_protocol::score::points(1_000_000, 200_000, 500_000, 0, 0), 90_000_000);
/// ```
#[must_use]
pub fn points(a: u32, r: u32, o: u32, b: u32, s: u32) -> u32 {
    let sum: i64 = shares(a, r, o, b, s).iter().sum();
    sum.clamp(0, 100 * MILLION as i64) as u32
}

/// Why a score locks external sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Barrier {
    /// Provisional: fewer than `provisional_delivered` mails were delivered.
    FewDelivered,
    /// Provisional: less than `provisional_completion` of the dealt slots were completed.
    Incomplete,
    /// Below `lock_below`.
    LowScore,
    /// Inbox share below `inbox_gate`.
    LowInbox,
}

/// A barrier with the figures that make it stand. Mails, ppm of the dealt slots, millionths of a point, ppm of the mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hurdle {
    /// Which one.
    pub barrier: Barrier,
    /// What there is; a share is rounded down.
    pub have: u32,
    /// What it takes, by the parameters.
    pub need: u32,
}

/// Everything that locks a score.
#[must_use]
pub fn barriers(params: &Params, score: &Score) -> Vec<Hurdle> {
    let (completed, dealt) = (u128::from(score.completed) * u128::from(MILLION), u128::from(score.dealt));
    let incomplete = completed < u128::from(params.provisional_completion) * dealt;
    let share = u32::try_from(completed.checked_div(dealt).unwrap_or(0)).unwrap_or(u32::MAX);
    let below = |have: u32, need: u32| (have, need, have < need);
    let all = [
        (Barrier::FewDelivered, below(score.delivered, params.provisional_delivered)),
        (Barrier::Incomplete, (share, params.provisional_completion, incomplete)),
        (Barrier::LowScore, below(score.value, params.lock_below)),
        (Barrier::LowInbox, below(score.inbox_lower, params.inbox_gate)),
    ];
    all.into_iter().filter_map(|(barrier, (have, need, stands))| stands.then_some(Hurdle { barrier, have, need })).collect()
}

impl Score {
    /// The same figures with the bounces that are left when a debt is paid.
    #[must_use]
    pub(crate) fn with_bounces(self, params: &Params, left: &Bounces) -> Self {
        let [inside, outside] = bounce_rates(params, left);
        let b = inside.max(outside);
        Self { b, value: points(self.a, self.r, self.o, b, self.s), ..self }.judged(params)
    }
    /// The same figures, with what follows from them: whether it is provisional and locked.
    #[must_use]
    pub(crate) fn judged(self, params: &Params) -> Self {
        let barriers = barriers(params, &self);
        let provisional = barriers.iter().any(|h| matches!(h.barrier, Barrier::FewDelivered | Barrier::Incomplete));
        Self { provisional, locked: !barriers.is_empty(), ..self }
    }
}

/// Bound of `k` of `n` whole mails with a denominator of at least `floor`.
fn floored(bound: fn(u64, u64) -> u32, k: u64, n: u64, floor: u32) -> u32 {
    let n = n.max(u64::from(floor));
    bound(k.min(n).saturating_mul(ONE), n.saturating_mul(ONE))
}

fn share((hits, of): (u64, u64)) -> u32 {
    (u128::from(hits) * u128::from(MILLION)).checked_div(u128::from(of)).unwrap_or(0) as u32
}

/// B by the ledger and by the self reports, ppm; the larger one counts.
pub(super) fn bounce_rates(params: &Params, x: &Bounces) -> [u32; 2] {
    [(x.hard, x.attempts), (x.external_hard, x.external_sent)].map(|(k, n)| floored(wilson_lower_z1, k, n, params.bounce_floor))
}

/// S by golden mailboxes and by the self reports, ppm; the larger one counts.
pub(super) fn complaint_rates(params: &Params, x: &Bounces) -> [u32; 2] {
    let both = [(x.golden_complaints, x.golden_delivered), (x.external_complaints, x.complaint_sent)];
    both.map(|(k, n)| floored(wilson_lower_z2, k, n, params.complaint_floor))
}

pub(super) fn score(params: &Params, rates: &Rates) -> Score {
    let [r, o, inbox_lower] = [rates.replied, rates.read, rates.inbox].map(|(hits, of)| wilson_lower_z1(hits, of));
    let [inside, outside] = bounce_rates(params, &rates.bounces);
    let [golden, told] = complaint_rates(params, &rates.bounces);
    let (a, b, s) = (share(rates.auth), inside.max(outside), golden.max(told));
    let (delivered, dealt, completed) = (rates.delivered, rates.dealt, rates.completed);
    let value = points(a, r, o, b, s);
    Score { value, a, r, o, b, s, inbox_lower, delivered, dealt, completed, provisional: false, locked: false }.judged(params)
}
