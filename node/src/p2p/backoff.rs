//! Pauses between dials: doubling, with jitter, forever.

use std::time::Duration;

/// A stream of numbers from the node's key. Nodes must differ from each other (so that they don't
/// all redial at one instant); they need not be unpredictable.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    key: [u8; 32],
    counter: u64,
}

impl Spread {
    pub(super) fn new(node: &[u8; 32]) -> Self {
        Self { key: blake3::derive_key("warmnet p2p redial spread v1", node), counter: 0 }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.counter += 1;
        let hash = blake3::keyed_hash(&self.key, &self.counter.to_le_bytes());
        let mut bytes = [0u8; 8];
        bytes.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_le_bytes(bytes)
    }

    /// The pause after `failures` failed dials: `min * 2^(failures - 1)`, at most `max`, of which a
    /// random half to whole is taken.
    pub(super) fn pause(&mut self, failures: u32, min: Duration, max: Duration) -> Duration {
        // 2^20 times the shortest pause is beyond any longest one.
        let doublings = failures.saturating_sub(1).min(20);
        let full = min.saturating_mul(1 << doublings).min(max);
        let half = full / 2;
        let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX - 1);
        half + Duration::from_nanos(self.next() % (nanos + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit_and_differ() {
        let min = Duration::from_secs(1);
        let max = Duration::from_secs(60);
        let mut spread = Spread::new(&[1; 32]);
        for failures in 0..100u32 {
            let full = if failures >= 7 { max } else { min * (1 << failures.saturating_sub(1)) };
            let full = full.min(max);
            let pause = spread.pause(failures, min, max);
            assert!(pause >= full / 2 && pause <= full, "{failures}: {pause:?}");
        }
        let mut other = Spread::new(&[2; 32]);
        assert_ne!(spread.pause(5, min, max), other.pause(5, min, max));
    }
}
