//! Which roster and seed an epoch is played with (PROTOCOL.md section 3, "Degraded").

use super::Chain;
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
        let own = self.records.get(&epoch).filter(|r| !r.record.degraded);
        if let Some(held) = own {
            let mut h = hash::keyed("matching-seed");
            h.update(&held.record.beacon.0).update(&held.record.previous.0);
            let seed = Digest(*h.finalize().as_bytes());
            return Some(Play { epoch, roster: self.rosters.get(&epoch)?.clone(), seed, degraded: false });
        }
        let (at, held) = self.records.range(..epoch).rev().find(|(_, r)| !r.record.degraded)?;
        if epoch.0 - at.0 > limits::DEGRADED_EPOCHS {
            return None;
        }
        let mut h = hash::keyed("degraded-seed");
        h.update(&held.record.beacon.0).update(&epoch.0.to_be_bytes());
        let seed = Digest(*h.finalize().as_bytes());
        Some(Play { epoch, roster: self.rosters.get(at)?.clone(), seed, degraded: true })
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
