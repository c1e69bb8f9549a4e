//! How long to wait before the next connection.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
    time::Duration,
};

/// First wait after a lost connection.
const FIRST: Duration = Duration::from_millis(500);
/// Longest wait: an outage of hours costs the server 12 connections an hour.
const LONGEST: Duration = Duration::from_secs(300);
/// A connection that lasted this long was a good one: the next failure starts anew.
const GOOD: Duration = Duration::from_secs(60);

/// Exponential, doubling from half a second to 5 minutes, with jitter of a quarter so that many mailboxes
/// don't come back to a server at one moment.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after a failure of a connection that had lasted `lasted`.
    pub(super) fn next(&mut self, lasted: Duration) -> Duration {
        if lasted >= GOOD {
            self.failures = 0;
        }
        let wait = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        wait.mul_f64(0.75 + 0.5 * chance())
    }
}

/// A number in 0..1. The standard library seeds each hasher state differently, which is random enough to
/// spread reconnects.
fn chance() -> f64 {
    f64::from((RandomState::new().build_hasher().finish() >> 32) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_start_anew_after_a_good_connection() {
        let mut backoff = Backoff::default();
        let mut base = 500.0;
        for _ in 0..40 {
            let wait = backoff.next(Duration::ZERO).as_secs_f64() * 1000.0;
            assert!(wait >= base * 0.75 && wait <= base * 1.25, "{wait} for {base}");
            base = f64::min(base * 2.0, 300_000.0);
        }
        assert!(backoff.next(GOOD) < Duration::from_secs(1));
    }
}
