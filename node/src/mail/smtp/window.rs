//! How many mails left in the last hour and day: a pure rule over counts in minutes and hours.
//!
//! State Transition: `count` adds a mail at `now`; what is older than the windows falls out. Limits hold in every
//! rolling hour and every rolling day, so a part of a minute (or hour) at the far end counts as a whole one.
//!
//! A clock that goes back never makes room: up to an hour back, time stands still at the latest time seen; further back,
//! everything counted moves to the new now. A clock that jumps forward does make room; nothing here can tell it from time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// Minutes that a rolling hour can touch.
const MINUTES: u64 = 61;
/// Hours that a rolling day can touch.
const HOURS: u64 = 25;

/// The most that may leave in any hour and any day.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SendCaps {
    /// In any 60 minutes.
    pub per_hour: u32,
    /// In any 24 hours.
    pub per_day: u32,
}

/// Mails that left, by minute and by hour, and until when nothing may leave.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SendWindow {
    /// The latest time seen, Unix milliseconds.
    latest: u64,
    /// Minute since 1970 and mails; at most [`MINUTES`] of them.
    minutes: BTreeMap<u64, u32>,
    /// Hour since 1970 and mails; at most [`HOURS`] of them.
    hours: BTreeMap<u64, u32>,
    /// End of a pause, Unix milliseconds.
    paused_until: u64,
}

impl SendWindow {
    /// Counts a mail at `now` (Unix milliseconds) if the caps allow one more.
    ///
    /// # Errors
    /// The time from which one may leave; then nothing is counted.
    pub fn count(&mut self, now: u64, caps: SendCaps) -> Result<(), u64> {
        let now = self.advance(now);
        self.check(now, caps)?;
        *self.minutes.entry(now / MINUTE_MS).or_default() += 1;
        *self.hours.entry(now / HOUR_MS).or_default() += 1;
        Ok(())
    }

    /// Whether [`SendWindow::count`] would allow one more.
    ///
    /// # Errors
    /// The time from which it would.
    pub fn allows(&self, now: u64, caps: SendCaps) -> Result<(), u64> {
        let mut copy = self.clone();
        let now = copy.advance(now);
        copy.check(now, caps)
    }

    /// Lets nothing leave for `ms` from `now`; a longer pause stays.
    pub fn pause(&mut self, now: u64, ms: u64) {
        let now = self.advance(now);
        self.paused_until = self.paused_until.max(now.saturating_add(ms));
    }

    /// Takes the clock's time and lets old counts go.
    fn advance(&mut self, now: u64) -> u64 {
        if now < self.latest && self.latest - now > HOUR_MS {
            let (hour, day) = (total(&self.minutes), total(&self.hours));
            self.minutes = BTreeMap::from([(now / MINUTE_MS, hour)]);
            self.hours = BTreeMap::from([(now / HOUR_MS, day)]);
            // What was left of a pause is served from the new now on.
            self.paused_until = now.saturating_add(self.paused_until.saturating_sub(self.latest));
            self.latest = now;
        }
        self.latest = self.latest.max(now);
        let now = self.latest;
        self.minutes.retain(|minute, _| minute + MINUTES > now / MINUTE_MS);
        self.hours.retain(|hour, _| hour + HOURS > now / HOUR_MS);
        now
    }

    fn check(&self, now: u64, caps: SendCaps) -> Result<(), u64> {
        let hour = room(&self.minutes, caps.per_hour, MINUTES, MINUTE_MS);
        let day = room(&self.hours, caps.per_day, HOURS, HOUR_MS);
        let from = self.paused_until.max(hour).max(day);
        if from <= now { Ok(()) } else { Err(from) }
    }
}

fn total(counts: &BTreeMap<u64, u32>) -> u32 {
    counts.values().fold(0, |all, n| all.saturating_add(*n))
}

/// From when on the counts leave room below `cap`; 0: now. Never, with a cap of 0.
fn room(counts: &BTreeMap<u64, u32>, cap: u32, span: u64, unit: u64) -> u64 {
    let mut left = total(counts);
    let mut from = 0;
    if cap == 0 {
        return u64::MAX;
    }
    for (slot, count) in counts {
        if left < cap {
            break;
        }
        left -= count;
        from = (slot + span) * unit;
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug)]
    enum Act {
        Wait(u64),
        ClockBack(u64),
        Send(u8),
        Restart,
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            4 => (0..20 * MINUTE_MS).prop_map(Act::Wait),
            1 => (0..30 * HOUR_MS).prop_map(Act::Wait),
            1 => (0..3000_u64).prop_map(Act::ClockBack),
            1 => (0..40 * 24 * HOUR_MS).prop_map(Act::ClockBack),
            8 => (1..6_u8).prop_map(Act::Send),
            2 => Just(Act::Restart),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_hour_and_no_day_holds_more_than_its_cap(acts in prop::collection::vec(act(), 1..200), per_hour in 1..8_u32, per_day in 1..20_u32) {
            let caps = SendCaps { per_hour, per_day };
            let mut window = SendWindow::default();
            // Real time, which no clock shows once it was set back.
            let (mut real, mut wall) = (0_u64, 1_800_000_000_000_u64);
            let mut sent: Vec<u64> = Vec::new();
            for act in acts {
                match act {
                    Act::Wait(ms) => (real, wall) = (real + ms, wall + ms),
                    Act::ClockBack(ms) => wall -= ms,
                    Act::Restart => {
                        let bytes = serde_json::to_vec(&window).expect("encodes");
                        prop_assert!(bytes.len() < 4096);
                        window = serde_json::from_slice(&bytes).expect("decodes");
                    }
                    Act::Send(times) => {
                        for _ in 0..times {
                            let allowed = window.allows(wall, caps);
                            let counted = window.count(wall, caps);
                            prop_assert_eq!(allowed, counted);
                            match counted {
                                Ok(()) => sent.push(real),
                                // At the named time there is room.
                                Err(from) => prop_assert!(from > wall && window.allows(from, caps).is_ok()),
                            }
                        }
                    }
                }
            }
            for (i, end) in sent.iter().enumerate() {
                let within = |span: u64| sent[..=i].iter().filter(|s| end - **s < span).count();
                prop_assert!(within(HOUR_MS) <= per_hour as usize);
                prop_assert!(within(24 * HOUR_MS) <= per_day as usize);
            }
        }
    }

    #[test]
    fn a_pause_holds_and_the_longer_one_counts() {
        let caps = SendCaps { per_hour: 5, per_day: 5 };
        let mut window = SendWindow::default();
        window.pause(1_000, 500);
        window.pause(1_000, 100);
        assert_eq!(window.count(1_499, caps), Err(1_500));
        assert_eq!(window.count(1_500, caps), Ok(()));
    }

    #[test]
    fn room_comes_back() {
        let caps = SendCaps { per_hour: 2, per_day: 3 };
        let mut window = SendWindow::default();
        assert_eq!((window.count(0, caps), window.count(0, caps)), (Ok(()), Ok(())));
        assert_eq!(window.count(1, caps), Err(61 * MINUTE_MS));
        assert_eq!(window.count(61 * MINUTE_MS, caps), Ok(()));
        assert_eq!(window.count(61 * MINUTE_MS, caps), Err(25 * HOUR_MS));
    }
}
