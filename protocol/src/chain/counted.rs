//! Which of two bundles counts (PROTOCOL.md section 3): a node that holds another one than the record counts finds out which.
//!
//! ```text
//!  all counted bundles held ──their root is the record's──> derived
//!        │
//!        └──it is not──> disputed ──the digests the record counts are shown──> the other bundle is wanted ──it came──> derived
//!                             └──nobody can show digests with that root──> conceded: derived with what is held, and reported
//! ```
//! So an equivocator that gives one bundle to the coordinator and another one to somebody else, however late, splits no ledger.

use super::Chain;
use crate::identity::{hash, signed};
use crate::ids::{Digest, MemberId};
use crate::time::Epoch;
use crate::wire::bundle::Bundle;
use crate::wire::epoch_record::{bit, count};

/// Why digests are not those that a record counts.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum LeavesRefusal {
    /// No record of that epoch is in dispute.
    #[error("no record of this epoch is in dispute (R-REC-27)")]
    NotAsked,
    /// Their number or their root is another one.
    #[error("they are not the digests that the record counts (R-REC-27)")]
    Root,
}

impl Chain {
    /// The record that waits because bundles held here are not those it counts, and how many it counts.
    #[must_use]
    pub fn disputed(&self) -> Option<(Epoch, usize)> {
        let epoch = self.disputed?;
        let root = self.records.get(&epoch)?.record.ledger.as_ref()?;
        if self.wanted.keys().any(|(closing, _)| *closing == root.epoch) {
            return None;
        }
        Some((epoch, count(&root.present, self.play(root.epoch)?.roster.len())))
    }

    /// Takes the payload digests that a disputed record counts, in roster order: held bundles with another digest are wanted anew.
    ///
    /// # Errors
    /// [`LeavesRefusal`].
    pub fn take_leaves(&mut self, record: Epoch, leaves: &[Digest]) -> Result<(), LeavesRefusal> {
        if self.disputed().is_none_or(|(epoch, _)| epoch != record) {
            return Err(LeavesRefusal::NotAsked);
        }
        let Counted { epoch, members, root } = self.counted(record).ok_or(LeavesRefusal::NotAsked)?;
        if leaves.len() != members.len() || hash::merkle(leaves.iter().map(|leaf| leaf.0)) != root {
            return Err(LeavesRefusal::Root);
        }
        let held = self.bundles.get(&epoch);
        let other = |member: &MemberId, leaf: &Digest| held.and_then(|b| b.get(member)).is_none_or(|bundle| bundle.digest != *leaf);
        let wanted = members.into_iter().zip(leaves).filter(|(member, leaf)| other(member, leaf));
        let wanted: Vec<_> = wanted.map(|(member, leaf)| ((epoch, member), *leaf)).collect();
        self.wanted.extend(wanted);
        Ok(())
    }

    /// Gives up asking which bundles a record counts, or did so before: it is derived with those held here, and differs by that.
    pub fn concede(&mut self, record: Epoch) {
        self.conceded.insert(record);
        if self.disputed == Some(record) {
            self.disputed = None;
        }
    }

    /// What a record counts, in roster order.
    #[must_use]
    pub fn counted(&self, record: Epoch) -> Option<Counted> {
        let root = self.records.get(&record)?.record.ledger.as_ref()?;
        let play = self.play(root.epoch)?;
        let members = play.roster.rows().iter().enumerate().filter(|(i, _)| bit(&root.present, *i)).map(|(_, row)| row.member).collect();
        Some(Counted { epoch: root.epoch, members, root: root.digest })
    }
}

/// The bundles that a record counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The epoch they are about.
    pub epoch: Epoch,
    /// Whose they are, in roster order.
    pub members: Vec<MemberId>,
    /// Merkle root over their payload digests.
    pub root: Digest,
}

impl Counted {
    /// Their payload digests, to show to who asks: `bundle` gives a member's envelope. `None` when one is missing or they don't have the
    /// root.
    #[must_use]
    pub fn leaves(&self, mut bundle: impl FnMut(&MemberId) -> Option<Vec<u8>>) -> Option<Vec<Digest>> {
        let digest = |envelope: Vec<u8>| signed::decode::<Bundle>(&envelope).map(|decoded| decoded.digest).ok();
        let leaves: Option<Vec<Digest>> = self.members.iter().map(|member| digest(bundle(member)?)).collect();
        leaves.filter(|leaves| self.root == hash::merkle(leaves.iter().map(|leaf| leaf.0)))
    }
}
