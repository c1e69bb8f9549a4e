//! Mass and credibility into the weight of a word, Q16.16.

use crate::ledger::Window;
use crate::params::{MILLION, Params};

/// 1.0.
pub(super) const ONE: u32 = 1 << 16;

/// Median mass of ordinary members older than `median_age` (of all ordinary ones while there is none); of an even number
/// the lower middle one.
pub(super) fn median(params: &Params, window: &Window, golden: &[bool], mass: &[u64]) -> u64 {
    let now = window.latest().map_or(0, |c| c.epoch.0);
    let ordinary = || window.members().iter().enumerate().filter(|(i, _)| !golden[*i]);
    let old = ordinary().filter(|(_, m)| now.saturating_sub(m.joined.0) > params.median_age);
    let mut of: Vec<u64> = old.map(|(i, _)| mass[i]).collect();
    if of.is_empty() {
        of = ordinary().map(|(i, _)| mass[i]).collect();
    }
    of.sort_unstable();
    of.get(of.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

/// `min(1, mass / median) x credibility`, at least the floor while credibility exceeds `floor_credibility`.
pub(super) fn weight(params: &Params, mass: u64, median: u64, credibility: u32) -> u32 {
    let one = u128::from(ONE);
    let ratio = (u128::from(mass) * one).checked_div(u128::from(median)).unwrap_or(if mass > 0 { one } else { 0 });
    let weight = (ratio.min(one) * u128::from(credibility) / u128::from(MILLION)) as u32;
    let floor = if credibility > params.floor_credibility { params.weight_floor_q16 } else { 0 };
    weight.max(floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_follow_mass_and_credibility() {
        let p = Params::standard();
        assert_eq!(weight(&p, 200, 100, 1_000_000), ONE);
        assert_eq!(weight(&p, 50, 100, 1_000_000), ONE / 2);
        assert_eq!(weight(&p, 100, 100, 500_000), ONE / 2);
        assert_eq!(weight(&p, 0, 100, 300_001), p.weight_floor_q16);
        assert_eq!(weight(&p, 0, 100, 300_000), 0);
        assert_eq!(weight(&p, 0, 0, 1_000_000), p.weight_floor_q16);
    }
}
