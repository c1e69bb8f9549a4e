//! Five soft bounces of one address in a row count as one hard bounce (FACTS: reputation). A pure counter.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Soft bounces in a row that are a hard one.
const RUN: u8 = 5;
/// Addresses with an open run; the one that was quiet longest is forgotten first.
const MAX_RUNS: usize = 1_024;
/// A run older than this is over: the ledger's window has 30 days.
const QUIET_MS: i64 = 30 * 86_400_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    address: [u8; 16],
    count: u8,
    last_ms: i64,
}

/// Open runs, the most recent last. Addresses are hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftRuns(VecDeque<Run>);

impl SoftRuns {
    /// Counts a soft bounce; true when it is the fifth in a row, which ends the run.
    pub fn soft(&mut self, address: [u8; 16], now_ms: i64) -> bool {
        let before = self.take(&address).filter(|r| now_ms.saturating_sub(r.last_ms) <= QUIET_MS).map_or(0, |r| r.count);
        let count = before.saturating_add(1);
        if count >= RUN {
            return true;
        }
        if self.0.len() >= MAX_RUNS {
            self.0.pop_front();
        }
        self.0.push_back(Run { address, count, last_ms: now_ms });
        false
    }

    /// A delivery, or a hard bounce that counts by itself: the row is broken.
    pub fn end(&mut self, address: &[u8; 16]) {
        self.take(address);
    }

    /// Open runs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no run is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, address: &[u8; 16]) -> Option<Run> {
        let at = self.0.iter().position(|r| r.address == *address)?;
        self.0.remove(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const A: [u8; 16] = [1; 16];
    const DAY: i64 = 86_400_000;

    #[test]
    fn the_fifth_in_a_row_is_hard_and_the_row_begins_anew() {
        let mut runs = SoftRuns::default();
        let got: Vec<bool> = (0..11).map(|i| runs.soft(A, i * DAY)).collect();
        assert_eq!(got, [false, false, false, false, true, false, false, false, false, true, false]);
    }

    #[test]
    fn a_delivery_or_a_month_breaks_the_row() {
        let mut runs = SoftRuns::default();
        for i in 0..4 {
            assert!(!runs.soft(A, i));
        }
        runs.end(&A);
        assert!(!runs.soft(A, 5));
        for i in 0..3 {
            assert!(!runs.soft(A, DAY + i));
        }
        assert!(!runs.soft(A, 32 * DAY), "31 days of quiet");
        assert_eq!(runs.len(), 1);
    }

    #[test]
    fn it_never_grows_beyond_its_bound() {
        let mut runs = SoftRuns::default();
        for i in 0..5_000_u32 {
            let mut address = [0; 16];
            address[..4].copy_from_slice(&i.to_be_bytes());
            runs.soft(address, i64::from(i));
        }
        assert_eq!(runs.len(), MAX_RUNS);
    }

    proptest! {
        #[test]
        fn hard_ones_are_a_fifth_of_unbroken_soft_ones(steps in prop::collection::vec((0u8..6, any::<bool>()), 0..300)) {
            let mut runs = SoftRuns::default();
            let mut row: BTreeMap<u8, u32> = BTreeMap::new();
            for (i, (address, broken)) in steps.into_iter().enumerate() {
                let key = [address; 16];
                let now = i64::try_from(i).unwrap();
                if broken {
                    runs.end(&key);
                    row.insert(address, 0);
                } else {
                    let n = row.entry(address).or_default();
                    *n += 1;
                    prop_assert_eq!(runs.soft(key, now), n.is_multiple_of(5));
                }
            }
        }
    }
}
