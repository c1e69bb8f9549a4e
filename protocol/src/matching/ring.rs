//! The rounds of one class. A round is a ring of the class's first m riders; each sends to the next one.

use super::RingKind;
use super::permutation::Permutation;
use crate::ids::Digest;
use crate::params::Params;

/// Highest quota a ring deals. 120: with spares 150 rounds, so that sends, receives and golden seats of one member fit
/// the 400 entries of a bundle; presets stay at or below 30.
const QUOTA_MAX: u32 = 120;

/// One class of an epoch.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    pub(super) kind: RingKind,
    /// The highest quota in a class of this size.
    cap: u32,
    /// Roster positions, highest effective quota first, then by position.
    riders: Vec<u32>,
    /// Effective quota of each rider.
    quotas: Vec<u32>,
    /// Per round: its permutation and number of participants.
    rounds: Vec<(Permutation, u32)>,
}

impl Ring {
    /// Orders the riders (position, quota of the roster row) and lays out the rounds.
    pub(super) fn new(params: &Params, seed: &Digest, kind: RingKind, riders: &[(u32, u32)]) -> Self {
        let m = riders.len() as u32;
        let cap = (m.saturating_sub(1) / params.quota_divisor.max(1)).clamp(1, QUOTA_MAX);
        let mut order: Vec<(u32, u32)> = riders.iter().map(|(position, quota)| (*position, (*quota).min(cap))).collect();
        order.sort_by_key(|(position, quota)| (std::cmp::Reverse(*quota), *position));
        let fewest = m.div_ceil(params.round_share.max(1)).max(2);
        let reach = |quota: u32| quota + quota.div_ceil(params.spare_divisor.max(1));
        let mut rounds = Vec::new();
        for k in 0..reach(QUOTA_MAX) {
            let size = order.partition_point(|(_, quota)| reach(*quota) > k) as u32;
            if size < fewest {
                break;
            }
            rounds.push((Permutation::new(seed, kind, k as u16, size), size));
        }
        let dealt = rounds.len() as u32;
        let (riders, quotas) = order.into_iter().map(|(position, quota)| (position, quota.min(dealt))).unzip();
        Self { kind, cap, riders, quotas, rounds }
    }

    /// The highest quota it deals.
    pub(super) fn cap(&self) -> u32 {
        self.cap
    }
    /// Number of rounds dealt.
    pub(super) fn rounds(&self) -> u32 {
        self.rounds.len() as u32
    }
    /// Riders in ring order.
    pub(super) fn riders(&self) -> &[u32] {
        &self.riders
    }
    /// Effective quota of the rider at `index`.
    pub(super) fn quota(&self, index: u32) -> u32 {
        self.quotas.get(index as usize).copied().unwrap_or(0)
    }
    /// Participants of round `k`.
    pub(super) fn size(&self, k: u32) -> u32 {
        self.rounds.get(k as usize).map_or(0, |(_, size)| *size)
    }
    /// (the one before, the one after) rider `index` on the ring of round `k`; `None` when it is not in it.
    pub(super) fn neighbours(&self, k: u32, index: u32) -> Option<(u32, u32)> {
        let (permutation, size) = self.rounds.get(k as usize)?;
        if index >= *size {
            return None;
        }
        let place = permutation.forward(index);
        let before = permutation.backward(if place == 0 { size - 1 } else { place - 1 });
        let after = permutation.backward(if place + 1 == *size { 0 } else { place + 1 });
        Some((before, after))
    }
    /// (the one before, the one after) every rider of round `k`, by index: [`Ring::neighbours`] of all of them.
    pub(super) fn round(&self, k: u32) -> Vec<(u32, u32)> {
        let Some((permutation, size)) = self.rounds.get(k as usize) else { return vec![] };
        let mut layout = vec![0; *size as usize];
        for (index, place) in (0u32..).zip(permutation.places()) {
            layout[place as usize] = index;
        }
        let (before, after) = (layout.iter().cycle().skip(layout.len() - 1), layout.iter().cycle().skip(1));
        let mut out = vec![(0, 0); layout.len()];
        for ((index, before), after) in layout.iter().zip(before).zip(after) {
            out[*index as usize] = (*before, *after);
        }
        out
    }
}
