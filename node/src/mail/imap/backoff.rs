//! How long to wait before the next connection.

use std::{
    collections::{VecDeque, hash_map::RandomState},
    hash::{BuildHasher as _, Hasher as _},
    time::Duration,
};

use tokio::time::Instant;

/// First wait after a lost connection.
const FIRST: Duration = Duration::from_millis(500);
/// Longest wait: an outage of hours costs the server 12 connections an hour.
const LONGEST: Duration = Duration::from_secs(300);
/// A connection that lasted this long was a good one: the next failure starts anew.
const GOOD: Duration = Duration::from_secs(60);

/// Sign-ins in any hour: providers lock accounts that sign in all the time, and a server that ends every good connection
/// after a minute would have them so.
const SIGN_INS: usize = 20;
const HOUR: Duration = Duration::from_secs(3_600);

/// Exponential, doubling from half a second to 5 minutes, with jitter of a quarter so that many mailboxes
/// don't come back to a server at one moment.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    /// When the last sign-ins were.
    sign_ins: VecDeque<Instant>,
}

impl Backoff {
    /// The wait after a failure, at `now`, of a connection that was begun at `begun`.
    pub(super) fn next(&mut self, begun: Instant, now: Instant) -> Duration {
        if now.duration_since(begun) >= GOOD {
            self.failures = 0;
        }
        let wait = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        wait.mul_f64(0.75 + 0.5 * chance()).max(self.free(begun, now))
    }

    /// The wait until the hour has room for another sign-in.
    fn free(&mut self, begun: Instant, now: Instant) -> Duration {
        self.sign_ins.push_back(begun);
        if self.sign_ins.len() > SIGN_INS {
            self.sign_ins.pop_front();
        }
        let oldest = self.sign_ins.front().filter(|_| self.sign_ins.len() == SIGN_INS);
        oldest.map_or(Duration::ZERO, |oldest| (*oldest + HOUR).saturating_duration_since(now))
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
        let (mut base, mut now) = (500.0, Instant::now());
        for _ in 0..19 {
            let wait = backoff.next(now, now).as_secs_f64() * 1000.0;
            assert!(wait >= base * 0.75 && wait <= base * 1.25, "{wait} for {base}");
            base = f64::min(base * 2.0, 300_000.0);
            now += HOUR;
        }
        assert!(backoff.next(now, now + GOOD) < Duration::from_secs(1));
    }

    #[test]
    fn an_hour_has_twenty_sign_ins_however_good_the_connections_were() {
        let (mut backoff, begin) = (Backoff::default(), Instant::now());
        let (mut now, mut starts) = (begin, Vec::new());
        while now < begin + 3 * HOUR {
            starts.push(now);
            let end = now + GOOD;
            now = end + backoff.next(now, end);
        }
        let within = |from: &Instant| starts.iter().filter(|s| **s >= *from && **s < *from + HOUR).count();
        assert_eq!(starts.iter().map(within).max(), Some(SIGN_INS));
    }
}
