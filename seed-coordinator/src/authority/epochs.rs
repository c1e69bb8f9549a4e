//! When the next record is due. Pure: the caller brings the clock.
//!
//! ```text
//!            start(e) - epoch/4            start(e)
//!  ──Wait────────┤──────── Publish ───────────┤──── Publish, degraded ────>   records 0 and 1: as soon as possible
//!                └ after a start: Sync, then Settle for a moment first
//! ```

use warmnet_protocol::limits::DEGRADED_EPOCHS;
use warmnet_protocol::time::{Clock, Epoch, Span, Timestamp};

/// Records appear a quarter epoch before their epoch begins (PROTOCOL.md section 3).
pub const PUBLISH_AHEAD: Span = Span::hours(6);
/// Records of these epochs are published at once: enrolment takes effect two epochs later, so nobody but the
/// coordinator's own golden members can be in them.
const EARLY_EPOCHS: u32 = 2;
/// Most epochs whose bundles are asked for after a downtime: what nodes play on without a record, and the open ones.
const SYNC_EPOCHS: u32 = DEGRADED_EPOCHS + 5;
/// Pause before looking again when the chain is not ready: short against an epoch of a rehearsal (a second at least).
const NOT_READY_MS: u64 = 50;

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing before this instant.
    Wait(Timestamp),
    /// Ask every peer for the bundles of these epochs, which the due records close.
    Sync(Vec<Epoch>),
    /// Publish the record of this epoch.
    Publish {
        /// Its epoch.
        epoch: Epoch,
        /// It comes after its epoch began.
        degraded: bool,
    },
}

/// Remembers what was asked for since the program started.
#[derive(Clone, Debug)]
pub struct Publisher {
    clock: Clock,
    close_lag: u32,
    /// Longest wait for late bundles, wall ms.
    settle_ms: u64,
    /// Until when answers to the first questions are waited for; `None` before they are asked.
    settled_at: Option<Timestamp>,
    last_seen: Option<Timestamp>,
}

impl Publisher {
    /// `settle_ms`: longest wall wait for late bundles, cut to an eighth of an epoch.
    #[must_use]
    pub fn new(clock: Clock, close_lag: u32, settle_ms: u64) -> Self {
        Self { clock, close_lag, settle_ms: settle_ms.min(clock.epoch_ms / 8), settled_at: None, last_seen: None }
    }

    /// When the record of `epoch` appears.
    #[must_use]
    pub fn due(&self, epoch: Epoch) -> Timestamp {
        if epoch.0 < EARLY_EPOCHS {
            return Timestamp(i64::MIN);
        }
        let ahead = i64::try_from(self.clock.wall_ms(PUBLISH_AHEAD)).unwrap_or(i64::MAX);
        Timestamp(self.clock.start(epoch).0.saturating_sub(ahead))
    }

    /// The next step for the record of `next`; `ready`: everything before it is derived.
    pub fn step(&mut self, now: Timestamp, next: Epoch, ready: bool) -> Step {
        let due = self.due(next);
        // A machine that slept for an epoch missed bundles as if the program had been stopped.
        let slept = self.last_seen.is_some_and(|t| now > t.plus_wall_ms(self.clock.epoch_ms));
        self.last_seen = Some(now);
        if slept {
            self.settled_at = None;
        }
        if now < due {
            return Step::Wait(due);
        }
        match self.settled_at {
            None => {
                self.settled_at = Some(self.settle_until(now, next));
                let epochs = self.to_close(now, next);
                if !epochs.is_empty() {
                    return Step::Sync(epochs);
                }
                self.settled_at = Some(now);
            }
            Some(until) if now < until => return Step::Wait(until),
            Some(_) => {}
        }
        if !ready {
            return Step::Wait(now.plus_wall_ms(NOT_READY_MS));
        }
        Step::Publish { epoch: next, degraded: now >= self.clock.start(next) }
    }

    /// A record still in time is never made late by waiting: half of what is left at most.
    fn settle_until(&self, now: Timestamp, next: Epoch) -> Timestamp {
        let left = u64::try_from(self.clock.start(next).0 - now.0).unwrap_or(0);
        let wait = if left > 0 { self.settle_ms.min(left / 2) } else { self.settle_ms };
        now.plus_wall_ms(wait)
    }

    /// Epochs that the records due by now close, those that somebody can still have played.
    fn to_close(&self, now: Timestamp, next: Epoch) -> Vec<Epoch> {
        let mut out = Vec::new();
        let mut record = next;
        while self.due(record) <= now && out.len() < SYNC_EPOCHS as usize {
            if let Some(closing) = record.minus(self.close_lag)
                && closing.0 <= next.0.saturating_add(DEGRADED_EPOCHS)
            {
                out.push(closing);
            }
            if record.0 > next.0 + SYNC_EPOCHS + self.close_lag {
                break;
            }
            record = record.plus(1);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CLOCK: Clock = Clock { epoch_zero_ms: 1_000_000, epoch_ms: 12_000 };

    fn at(epoch: u32, ms: i64) -> Timestamp {
        Timestamp(CLOCK.start(Epoch(epoch)).0 + ms)
    }

    #[test]
    fn the_first_two_records_come_early_and_the_third_a_quarter_epoch_ahead() {
        let mut p = Publisher::new(CLOCK, 5, 3_000);
        let early = Timestamp(0);
        assert_eq!(p.step(early, Epoch(0), true), Step::Publish { epoch: Epoch(0), degraded: false });
        assert_eq!(p.step(early, Epoch(1), true), Step::Publish { epoch: Epoch(1), degraded: false });
        assert_eq!(p.step(early, Epoch(2), true), Step::Wait(at(2, -3_000)));
        assert_eq!(p.step(at(2, -3_000), Epoch(2), true), Step::Publish { epoch: Epoch(2), degraded: false });
    }

    #[test]
    fn after_a_downtime_it_asks_waits_and_flags_what_is_late() {
        let mut p = Publisher::new(CLOCK, 5, 3_000);
        let now = at(13, 100);
        let asked = p.step(now, Epoch(10), true);
        assert_eq!(asked, Step::Sync((5..=8).map(Epoch).collect()));
        let until = now.plus_wall_ms(1_500);
        assert_eq!(p.step(now, Epoch(10), true), Step::Wait(until), "an eighth of an epoch is less than three seconds");
        for late in 10..=13 {
            assert_eq!(p.step(until, Epoch(late), true), Step::Publish { epoch: Epoch(late), degraded: true });
        }
        assert_eq!(p.step(until, Epoch(14), true), Step::Wait(at(14, -3_000)));
        assert_eq!(p.step(at(14, -3_000), Epoch(14), true), Step::Publish { epoch: Epoch(14), degraded: false });
    }

    #[test]
    fn waiting_for_bundles_never_makes_a_record_late() {
        let mut p = Publisher::new(CLOCK, 5, 3_000);
        let now = at(20, -400);
        assert_eq!(p.step(now, Epoch(20), true), Step::Sync(vec![Epoch(15)]));
        assert_eq!(p.step(now, Epoch(20), true), Step::Wait(at(20, -200)));
        assert_eq!(p.step(at(20, -200), Epoch(20), true), Step::Publish { epoch: Epoch(20), degraded: false });
    }

    #[test]
    fn a_chain_that_is_not_derived_is_waited_for() {
        let mut p = Publisher::new(CLOCK, 5, 3_000);
        assert!(matches!(p.step(at(0, 0), Epoch(0), false), Step::Wait(t) if t > at(0, 0)));
    }

    proptest! {
        /// Whatever the downtime: questions are bounded, waits end, and a record is flagged exactly when it is late.
        #[test]
        fn every_missing_record_comes_out_once_in_order(next in 0u32..200, gone_ms in 0i64..2_000_000) {
            let mut p = Publisher::new(CLOCK, 5, 3_000);
            let mut now = Timestamp(CLOCK.epoch_zero_ms + gone_ms);
            let (mut record, mut asked) = (next, 0);
            for _ in 0..600 {
                match p.step(now, Epoch(record), true) {
                    Step::Sync(epochs) => {
                        asked += 1;
                        prop_assert!(epochs.len() <= SYNC_EPOCHS as usize);
                        prop_assert!(epochs.iter().all(|e| e.0 + 5 >= next));
                    }
                    Step::Wait(until) => {
                        prop_assert!(until > now);
                        if record >= 2 && now < p.due(Epoch(record)) { break }
                        now = until;
                    }
                    Step::Publish { epoch, degraded } => {
                        prop_assert_eq!(epoch, Epoch(record));
                        prop_assert_eq!(degraded, now >= CLOCK.start(epoch));
                        record += 1;
                    }
                }
            }
            prop_assert!(asked <= 1);
            prop_assert!(record >= 2 && now < p.due(Epoch(record)), "it caught up");
        }
    }
}
