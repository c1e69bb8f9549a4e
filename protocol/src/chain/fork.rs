//! Records that contradict each other (PROTOCOL.md section 3): both are void until the root decides.
//!
//! ```text
//!  record e held ──another one, same serial──> both void: the chain ends at e-1, what follows is played without a record
//!       │                                           │
//!       └──another one, later certificate──┐        └──one with a later certificate──┐
//!                                          v                                         v
//!                              it stands in the other's place                    it stands
//! ```
//! The root decides by the certificate of the key that signs: the record whose certificate has the higher serial stands. A stolen
//! issuing key is thereby of no more use, and nobody needs another message to learn of the decision than the record itself.

use super::{Chain, RecordRefusal};
use crate::identity::{Verified, hash};
use crate::ids::Beacon;
use crate::limits::{DEGRADED_EPOCHS, RECORD_BYTES};
use crate::time::Epoch;
use crate::wire::epoch_record::EpochRecord;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Proof of a fork: two records of one epoch under certificates of the same serial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The epoch.
    pub epoch: Epoch,
    /// Serial of their certificates; a later one decides.
    pub serial: u32,
    /// The whole envelopes, the one held first first.
    pub records: [Vec<u8>; 2],
}

/// Largest encoded fork.
pub const FORK_BYTES: usize = 2 * (RECORD_BYTES + 256);

impl Chain {
    /// The fork that the chain ends at: no record follows until the root has decided.
    #[must_use]
    pub fn undecided(&self) -> Option<&Fork> {
        self.forks.get(&self.next_epoch())
    }

    /// Takes in a fork that this node proved before.
    pub fn take_fork(&mut self, fork: Fork) {
        self.forks.insert(fork.epoch, fork);
    }

    /// The proof that a record makes together with the one held for its epoch.
    pub(crate) fn fork_with(&self, epoch: Epoch, other: Vec<u8>) -> Option<Fork> {
        let held = self.records.get(&epoch)?;
        Some(Fork { epoch, serial: held.serial, records: [held.envelope.clone(), other] })
    }

    /// Why a record of an epoch that has one already is not simply accepted.
    pub(super) fn contradiction(&self, record: &Verified<EpochRecord>, serial: u32) -> RecordRefusal {
        let epoch = record.message.epoch;
        let Some(held) = self.records.get(&epoch).filter(|held| held.digest != record.digest) else { return RecordRefusal::Known };
        if let Err(refusal) = self.check_link(&record.message).and_then(|()| self.check_content(&record.message, serial)) {
            return refusal;
        }
        match serial.cmp(&held.serial) {
            Ordering::Less => RecordRefusal::Overruled,
            Ordering::Greater => RecordRefusal::Overrules,
            // Who holds an old key must not be able to undo what everybody has long gone on from.
            Ordering::Equal if epoch.plus(DEGRADED_EPOCHS) < self.next_epoch() => RecordRefusal::Settled,
            Ordering::Equal => RecordRefusal::Fork,
        }
    }

    /// Whether a record continues the one before its epoch.
    pub(super) fn check_link(&self, record: &EpochRecord) -> Result<(), RecordRefusal> {
        let (digest, beacon) = self.link_before(record.epoch).ok_or(RecordRefusal::Settled)?;
        if record.previous != digest {
            return Err(RecordRefusal::Previous);
        }
        let link = Beacon(hash::digest(&record.beacon.0).0);
        if link == beacon { Ok(()) } else { Err(RecordRefusal::Beacon) }
    }
}
