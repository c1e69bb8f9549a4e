//! When things are due. All from per-exchange streams: recomputing gives the same plan.

use crate::entropy::Stream;
use crate::ids::{ExchangeId, MemberId};
use crate::limits::TURNS;
use crate::params::Params;
use crate::time::{Clock, Epoch, Span, Timestamp};

/// Smallest gap between two mails of one mailbox: 10 protocol minutes (PROTOCOL.md section 5).
pub const MIN_GAP: Span = Span::minutes(10);
/// First pause before an introduction is asked again; doubles up to [`INTRODUCTION_RETRY_MAX`].
pub const INTRODUCTION_RETRY: Span = Span::minutes(20);
/// Longest pause between two introductions.
pub const INTRODUCTION_RETRY_MAX: Span = Span::minutes(120);

/// A member's working hours of one epoch as offsets from its start; `until` may pass the epoch's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkingHours {
    /// Opens.
    pub from: Span,
    /// Closes.
    pub until: Span,
}

/// Send times of `n` mails in the working hours: one in each of `n` equal parts, log-normally jittered inside it, at
/// least [`MIN_GAP`] apart.
#[must_use]
pub fn send_slots(clock: &Clock, epoch: Epoch, member: &MemberId, hours: WorkingHours, n: usize) -> Vec<Timestamp> {
    let mut stream = Stream::new("send-slots", &[&member.0, &epoch.0.to_be_bytes()]);
    let length = hours.until.0.saturating_sub(hours.from.0).max(MIN_GAP.0);
    let part = length / n.max(1) as u64;
    let mut last = 0u64;
    (0..n as u64)
        .map(|i| {
            // Median a third into the part: people answer mail early in a free hour rather than late.
            let jitter = stream.log_normal(part as f64 / 3.0, 0.6).min(part as f64 * 0.95) as u64;
            let offset = (hours.from.0 + i * part + jitter).max(last);
            last = offset + MIN_GAP.0;
            clock.at(epoch, Span(offset))
        })
        .collect()
}

/// When the introduction for an exchange is first asked: somewhere in the first two hours, so that not all ask at once.
#[must_use]
pub fn introduction_at(clock: &Clock, epoch: Epoch, exchange: &ExchangeId) -> Timestamp {
    let spread = Span::hours(2).0;
    clock.at(epoch, Span(Stream::new("introduction", &[&exchange.0]).below(spread)))
}

/// Pause before introduction number `tries + 1`.
#[must_use]
pub fn introduction_retry(tries: u8) -> Span {
    Span((INTRODUCTION_RETRY.0 << tries.min(8)).min(INTRODUCTION_RETRY_MAX.0))
}

/// A mail of epoch e may leave until the middle of e+1; later it is a no-show.
#[must_use]
pub fn send_deadline(clock: &Clock, epoch: Epoch) -> Timestamp {
    clock.at(epoch.plus(1), Span::hours(12))
}

/// Acts and replies count until three quarters of e+1, when bundles may be signed.
#[must_use]
pub fn act_deadline(clock: &Clock, epoch: Epoch) -> Timestamp {
    clock.at(epoch.plus(1), Span::hours(18))
}

/// When a member signs its bundle of `epoch`: a point in the last quarter of the next epoch, spread by member so
/// that the network's bundles don't come at once.
#[must_use]
pub fn bundle_at(clock: &Clock, epoch: Epoch, member: &MemberId) -> Timestamp {
    let mut s = Stream::new("bundle-point", &[&member.0, &epoch.0.to_be_bytes()]);
    clock.at(epoch.plus(1), Span(Span::hours(18).0 + s.below(Span::hours(5).0)))
}

/// Gossip accepts a bundle of `epoch` until the middle of e+4: an office PC's Friday is safe.
#[must_use]
pub fn bundle_deadline(clock: &Clock, epoch: Epoch) -> Timestamp {
    clock.at(epoch.plus(4), Span::hours(12))
}

/// How many replies the exchange owes, 0..=4: each turn is answered with `reply_ppm` chance, decided by a public
/// function of the exchange, so nobody can pick whom to answer.
#[must_use]
pub fn replies_owed(params: &Params, exchange: &ExchangeId) -> u8 {
    let mut s = Stream::new("replies", &[&exchange.0]);
    (1..TURNS).take_while(|_| s.chance(params.reply_ppm)).count() as u8
}

/// When an addressee acts on a mail found at `now`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActPlan {
    /// Move out of spam.
    pub rescue: Timestamp,
    /// Mark read; `None`: this one stays unread.
    pub read: Option<Timestamp>,
    /// Answer, if a reply is owed: 25 minutes to 5 hours.
    pub reply: Timestamp,
    /// File away.
    pub file: Timestamp,
}

/// The act plan of one mail.
#[must_use]
pub fn act_plan(clock: &Clock, params: &Params, exchange: &ExchangeId, turn: u8, now: Timestamp) -> ActPlan {
    let mut s = Stream::new("acts", &[&exchange.0, &[turn]]);
    let rescue = Span::minutes(3 + s.below(12));
    // Dwell before \Seen: heavy tail around 15 minutes, never above three hours.
    let dwell = Span((s.log_normal(Span::minutes(15).0 as f64, 0.8) as u64).clamp(Span::minutes(1).0, Span::hours(3).0));
    let reads = s.chance(params.read_ppm);
    let reply = Span(Span::minutes(25).0 + (s.log_normal(Span::minutes(60).0 as f64, 0.8) as u64).min(Span::minutes(275).0));
    let read = Span(rescue.0 + dwell.0);
    ActPlan {
        rescue: clock.after(now, rescue),
        read: reads.then(|| clock.after(now, read)),
        reply: clock.after(now, Span(reply.0.max(read.0 + Span::minutes(2).0))),
        file: clock.after(now, Span(read.0.max(reply.0) + Span::minutes(20).0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCK: Clock = Clock { epoch_zero_ms: 0, epoch_ms: 86_400_000 };

    #[test]
    fn slots_keep_hours_gap_and_order() {
        let hours = WorkingHours { from: Span::hours(8), until: Span::hours(18) };
        for n in [1usize, 2, 20, 59] {
            let slots = send_slots(&CLOCK, Epoch(3), &MemberId([n as u8; 32]), hours, n);
            assert_eq!(slots.len(), n);
            assert!(slots.windows(2).all(|w| w[1].0 - w[0].0 >= MIN_GAP.0 as i64));
            assert!(slots[0] >= CLOCK.at(Epoch(3), hours.from));
            assert!(slots[n - 1] <= CLOCK.at(Epoch(3), hours.until), "{n}");
        }
    }

    #[test]
    fn replies_owed_follow_the_rate() {
        let p = Params::standard();
        let owed: Vec<u8> = (0..4_000u32)
            .map(|i| {
                let mut x = [0; 16];
                x[..4].copy_from_slice(&i.to_be_bytes());
                replies_owed(&p, &ExchangeId(x))
            })
            .collect();
        let share = owed.iter().filter(|o| **o > 0).count() as f64 / 4_000.0;
        assert!((0.27..0.33).contains(&share), "{share}");
        assert!(owed.iter().all(|o| *o < TURNS));
    }

    #[test]
    fn acts_come_in_order_and_before_half_a_day() {
        for i in 0..200u8 {
            let p = act_plan(&CLOCK, &Params::standard(), &ExchangeId([i; 16]), 0, Timestamp(0));
            let read = p.read.unwrap_or(p.rescue);
            assert!(p.rescue <= read && read < p.reply && p.reply < p.file);
            assert!(p.reply >= CLOCK.after(Timestamp(0), Span::minutes(25)));
            assert!(p.file <= CLOCK.after(Timestamp(0), Span::hours(9)));
        }
    }
}
