//! Protocol time. An epoch is a UTC day in production and may be seconds in a rehearsal; every duration in
//! the rules is a [`Span`] in *protocol* milliseconds (86,400,000 an epoch), scaled by the network's [`Clock`].

use serde::{Deserialize, Serialize};
use std::fmt;

/// Protocol milliseconds in one epoch (a day).
pub const SPAN_PER_EPOCH: u64 = 86_400_000;

/// A wall-clock instant in milliseconds since the Unix epoch, always handed in by the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The instant `ms` wall milliseconds later.
    #[must_use]
    pub fn plus_wall_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)))
    }
}

/// Number of an epoch; epoch 0 begins at `epoch_zero_ms` of the genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The epoch `n` later (saturating).
    #[must_use]
    pub fn plus(self, n: u32) -> Self {
        Self(self.0.saturating_add(n))
    }
    /// The epoch `n` earlier, if there is one.
    #[must_use]
    pub fn minus(self, n: u32) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A length of protocol time in protocol milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub u64);

impl Span {
    /// `n` protocol minutes (1/1440 epoch each).
    #[must_use]
    pub const fn minutes(n: u64) -> Self {
        Self(n * 60_000)
    }
    /// `n` protocol hours.
    #[must_use]
    pub const fn hours(n: u64) -> Self {
        Self(n * 3_600_000)
    }
}

/// The network's clock: where epoch 0 begins and how many wall milliseconds an epoch lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Wall time at which epoch 0 begins, ms since the Unix epoch.
    pub epoch_zero_ms: i64,
    /// Wall milliseconds in one epoch; 86,400,000 in production.
    pub epoch_ms: u64,
}

impl Clock {
    /// The epoch that holds `now`; `None` before epoch 0.
    #[must_use]
    pub fn epoch_at(&self, now: Timestamp) -> Option<Epoch> {
        let since = now.0.checked_sub(self.epoch_zero_ms)?;
        let since = u64::try_from(since).ok()?;
        u32::try_from(since / self.epoch_ms.max(1)).ok().map(Epoch)
    }
    /// When `epoch` begins.
    #[must_use]
    pub fn start(&self, epoch: Epoch) -> Timestamp {
        Timestamp(self.epoch_zero_ms).plus_wall_ms(u64::from(epoch.0).saturating_mul(self.epoch_ms))
    }
    /// The instant `offset` of protocol time after `epoch` begins (the offset may pass the epoch's end).
    #[must_use]
    pub fn at(&self, epoch: Epoch, offset: Span) -> Timestamp {
        self.start(epoch).plus_wall_ms(self.wall_ms(offset))
    }
    /// `span` in wall milliseconds, rounded down.
    #[must_use]
    pub fn wall_ms(&self, span: Span) -> u64 {
        let ms = u128::from(span.0) * u128::from(self.epoch_ms) / u128::from(SPAN_PER_EPOCH);
        u64::try_from(ms).unwrap_or(u64::MAX)
    }
    /// `now + span`.
    #[must_use]
    pub fn after(&self, now: Timestamp, span: Span) -> Timestamp {
        now.plus_wall_ms(self.wall_ms(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_of_twelve_seconds_scales_minutes() {
        let c = Clock { epoch_zero_ms: 1_000, epoch_ms: 12_000 };
        assert_eq!(c.epoch_at(Timestamp(999)), None);
        assert_eq!(c.epoch_at(Timestamp(1_000)), Some(Epoch(0)));
        assert_eq!(c.epoch_at(Timestamp(13_000)), Some(Epoch(1)));
        assert_eq!(c.wall_ms(Span::minutes(1440)), 12_000);
        assert_eq!(c.at(Epoch(2), Span::hours(12)), Timestamp(31_000));
    }
}
