//! Which roster and seed an epoch is played with (PROTOCOL.md section 3, "Degraded").

use super::{Chain, HeldRecord};
use crate::identity::hash;
use crate::ids::Digest;
use crate::limits;
use crate::matching::Deal;
use crate::time::Epoch;
use crate::wire::roster::Roster;
use std::sync::Arc;

/// The play of one epoch.
#[derive(Clone, Debug)]
pub struct Play {
    /// The epoch.
    pub epoch: Epoch,
    /// Who plays.
    pub roster: Arc<Roster>,
    /// The matching seed.
    pub seed: Digest,
    /// Whether it is played without an on-time record of its own.
    pub degraded: bool,
}

impl Chain {
    /// How `epoch` is played, by what the chain holds now: its own on-time record, else the last on-time record
    /// before it, at most `limits::DEGRADED_EPOCHS` back. `None` without either (or without the roster), and where the epoch's rules are
    /// of a newer program.
    #[must_use]
    pub fn play(&self, epoch: Epoch) -> Option<Play> {
        if !self.params_at(epoch).known() {
            return None;
        }
        let (held, roster) = self.played(epoch)?;
        let degraded = held.record.epoch != epoch;
        let mut h = hash::keyed(if degraded { "degraded-seed" } else { "matching-seed" });
        h.update(&held.record.beacon.0);
        if degraded {
            h.update(&epoch.0.to_be_bytes());
        } else {
            h.update(&held.record.previous.0);
        }
        Some(Play { epoch, roster: roster.clone(), seed: Digest(*h.finalize().as_bytes()), degraded })
    }

    /// The on-time record that `epoch` is played by, and its roster.
    pub(super) fn played(&self, epoch: Epoch) -> Option<(&HeldRecord, &Arc<Roster>)> {
        let held = self.played_by(epoch)?;
        self.rosters.get(&held.record.epoch).map(|roster| (held, roster))
    }

    /// The on-time record that `epoch` is played by. Its roster may be in the host's store alone: closed epochs need theirs no more,
    /// but who joins late asks for their bundles by it.
    #[must_use]
    pub fn played_by(&self, epoch: Epoch) -> Option<&HeldRecord> {
        let (at, held) = self.records.range(..=epoch).rev().find(|(_, r)| !r.record.degraded)?;
        (epoch.0 - at.0 <= limits::DEGRADED_EPOCHS).then_some(held)
    }

    /// Weekday of an epoch, 0 = Monday, from the genesis date (epoch 0 has the weekday of its wall-clock date).
    #[must_use]
    pub fn weekday(&self, epoch: Epoch) -> u8 {
        let days = self.genesis.clock.epoch_zero_ms.div_euclid(86_400_000) + i64::from(epoch.0);
        // 1 January 1970 was a Thursday.
        u8::try_from((days + 3).rem_euclid(7)).unwrap_or(0)
    }

    /// The deal of a play.
    #[must_use]
    pub fn deal(&self, play: &Play) -> Deal {
        Deal::new(self.params_at(play.epoch), &play.roster, &play.seed, self.weekday(play.epoch))
    }
}
