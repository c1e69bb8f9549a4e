//! Credibility: the inbox placements a rater reports against what golden evidence predicts for the same senders at the
//! rater's provider class. Against golden evidence, never the majority: a majority can be Sybils.
//!
//! Prediction for one mail: golden mean of the class, shifted by the sender's own golden record, shrunk by 4, clamped to 0..1.
//! `z = (reported - predicted) / sqrt(1.3 var + 1 + (0.08 n)^2)`; under `tolerance_observations` golden observations of the
//! class the root doubles. Credibility is `clamp(1.5 - |z|/2, 0, 1)`. All in ppm. A class without golden observations is
//! judged by the mean of all; without any, and for raters without a report, there is nothing against them: 1.

use crate::ledger::{Exchange, Outcome, Window};
use crate::params::{MILLION, Params};

/// Provider classes: 0..=7.
const CLASSES: usize = 8;
/// Golden observations that a sender's own record is shrunk by.
const SHRINK: i64 = 4;
/// Variance is taken 1.3 times: senders of one epoch are not independent (simulated).
const VARIANCE_TENTHS: u128 = 13;
/// Systematic difference between golden mailboxes and others that is tolerated: 8 % of the mails.
const BIAS_PPM: u128 = 80_000;

const PPM: i64 = MILLION as i64;

#[derive(Clone, Copy, Default)]
struct Count {
    n: i64,
    inbox: i64,
}

impl Count {
    fn add(&mut self, x: &Exchange) {
        self.n += 1;
        self.inbox += i64::from(x.outcome == Outcome::DeliveredInbox);
    }
    fn mean(self) -> Option<i64> {
        (self.inbox * PPM).checked_div(self.n)
    }
}

#[derive(Clone, Copy, Default)]
struct Reports {
    n: u64,
    inbox: u64,
    predicted: u64,
    /// Sum of p(1-p), ppm.
    variance: u64,
}

/// Credibility in ppm by window index; golden members have 1.
pub(super) fn credibility(params: &Params, window: &Window, golden: &[bool]) -> Vec<u32> {
    let members = window.members();
    let class = |i: u32| usize::from(members[i as usize].provider) % CLASSES;
    let mut classes = [Count::default(); CLASSES];
    let mut records = vec![[Count::default(); CLASSES]; members.len()];
    let known = || window.exchanges().map(|(_, x)| x).filter(|x| x.outcome.delivered());
    for x in known().filter(|x| golden[x.receiver as usize]) {
        classes[class(x.receiver)].add(&x);
        records[x.sender as usize][class(x.receiver)].add(&x);
    }
    let all = classes.iter().fold(Count::default(), |a, c| Count { n: a.n + c.n, inbox: a.inbox + c.inbox });
    let Some(overall) = all.mean() else { return vec![MILLION as u32; members.len()] };
    let means: [i64; CLASSES] = classes.map(|c| c.mean().unwrap_or(overall));
    // How much better than its classes a sender did at golden mailboxes.
    let shift = |record: &[Count; CLASSES]| {
        let (mut n, mut difference) = (0, 0);
        for (count, mean) in record.iter().zip(means) {
            n += count.n;
            difference += count.inbox * PPM - count.n * mean;
        }
        difference / (n + SHRINK)
    };
    let shifts: Vec<i64> = records.iter().map(shift).collect();
    let mut reports = vec![Reports::default(); members.len()];
    for x in known().filter(|x| !golden[x.receiver as usize]) {
        let p = (means[class(x.receiver)] + shifts[x.sender as usize]).clamp(0, PPM) as u64;
        let r = &mut reports[x.receiver as usize];
        r.n += 1;
        r.inbox += u64::from(x.outcome == Outcome::DeliveredInbox);
        r.predicted += p;
        r.variance += p * (MILLION - p) / MILLION;
    }
    let judge = |(i, r): (u32, &Reports)| {
        let wide = classes[class(i)].n < i64::from(params.tolerance_observations);
        of(r, wide)
    };
    (0u32..).zip(&reports).map(judge).collect()
}

fn of(r: &Reports, wide: bool) -> u32 {
    let million = u128::from(MILLION);
    let bias = BIAS_PPM * u128::from(r.n);
    let square = VARIANCE_TENTHS * u128::from(r.variance) * million / 10 + million * million + bias * bias;
    let root = square.isqrt() * if wide { 2 } else { 1 };
    let difference = u128::from((r.inbox * MILLION).abs_diff(r.predicted));
    let z = difference * million / root;
    (3 * million / 2).saturating_sub(z / 2).min(million) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blanket_liar_is_not_believed_and_chance_is() {
        let report =
            |n: u64, inbox: u64, p: u64| of(&Reports { n, inbox, predicted: n * p, variance: n * p * (MILLION - p) / MILLION }, false);
        assert_eq!(report(0, 0, 0), 1_000_000);
        // 80 % predicted: what chance gives is believed, "all spam" and (of many) "all inbox" are not.
        assert_eq!(report(300, 235, 800_000), 1_000_000);
        assert_eq!(report(300, 0, 800_000), 0);
        assert!(report(300, 300, 800_000) < 600_000);
        assert!(report(10, 5, 800_000) > 500_000);
    }

    #[test]
    fn the_formula_agrees_with_floating_point() {
        for (n, inbox, p) in [(50u64, 20u64, 0.7f64), (600, 500, 0.9), (30, 30, 0.31), (200, 90, 0.55)] {
            let ppm = (p * 1e6) as u64;
            let r = Reports { n, inbox, predicted: n * ppm, variance: n * (ppm * (MILLION - ppm) / MILLION) };
            let z = (inbox as f64 - n as f64 * p).abs() / (1.3 * n as f64 * p * (1.0 - p) + 1.0 + (0.08 * n as f64).powi(2)).sqrt();
            let want = (1.5 - z / 2.0).clamp(0.0, 1.0);
            assert!((f64::from(of(&r, false)) / 1e6 - want).abs() < 1e-5, "{n} {inbox} {p}");
        }
    }
}
