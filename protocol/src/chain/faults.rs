//! Equivocation proofs: gathered until a record lists them, kept so that everybody can look at what a record lists.
//!
//! ```text
//!  two bundles of one member and epoch ──proved──> caught ──a record lists the member──> void for `equivocation_epochs`
//!  a record lists a digest that nobody showed ──asked for──> held, or named by the audit as unproved
//! ```

use super::Chain;
use crate::identity::hash;
use crate::identity::signed::{self, SignedError};
use crate::ids::{Digest, MemberId, NodeId};
use crate::limits;
use crate::time::Epoch;
use crate::wire::bundle::Bundle;
use crate::wire::codec::{self, CodecError};
use crate::wire::fault::{FAULT_BYTES, Fault};

/// A proof that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldFault {
    /// Who said two different things.
    pub member: MemberId,
    /// About which epoch.
    pub epoch: Epoch,
    /// The encoded [`Fault`].
    pub bytes: Vec<u8>,
}

impl HeldFault {
    /// A proof that this node checked before it stored it; `None` when it can't be read.
    #[must_use]
    pub fn stored(bytes: Vec<u8>) -> Option<Self> {
        let Fault::Equivocation { first, .. } = codec::decode(&bytes, FAULT_BYTES).ok()?;
        let Bundle { member, epoch, .. } = signed::message::<Bundle>(&first).ok()?;
        Some(Self { member, epoch, bytes })
    }
}

/// Why a proof is not taken.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum FaultRefusal {
    /// It or one of its bundles is no message, or is not signed.
    #[error(transparent)]
    Signed(#[from] SignedError),
    /// Two members, epochs or signers, or twice the same.
    #[error("its two bundles do not contradict each other (R-GOSSIP-8)")]
    NoContradiction,
    /// The one with the smaller digest must come first: one contradiction has one spelling.
    #[error("its two bundles stand in the wrong order (R-GOSSIP-8)")]
    Order,
    /// The member is caught or void already, and no record asks for this proof: one is enough.
    #[error("its member was caught before (R-GOSSIP-8)")]
    Known,
    /// The roster that would say who signs for the member is not here.
    #[error("the roster of its epoch is not here (R-GOSSIP-8)")]
    NoRoster,
    /// Not signed by the member's node.
    #[error("it is not signed by its member's node (R-GOSSIP-8)")]
    Stranger,
    /// As many are held as a window's records can list.
    #[error("more proofs are held than records can list (R-GOSSIP-8)")]
    Full,
}

impl From<CodecError> for FaultRefusal {
    fn from(e: CodecError) -> Self {
        Self::Signed(e.into())
    }
}

impl Chain {
    /// Checks a proof: the cheap questions first, signatures last.
    ///
    /// # Errors
    /// [`FaultRefusal`].
    pub fn judge_fault(&self, bytes: &[u8]) -> Result<HeldFault, FaultRefusal> {
        let Fault::Equivocation { first, second } = codec::decode(bytes, FAULT_BYTES)?;
        let (a, b) = (signed::decode::<Bundle>(&first)?, signed::decode::<Bundle>(&second)?);
        let (member, epoch, signer) = (a.message.member, a.message.epoch, a.signer());
        if (b.message.member, b.message.epoch, b.signer()) != (member, epoch, signer) || a.digest == b.digest {
            return Err(FaultRefusal::NoContradiction);
        }
        if hash::digest(&first) >= hash::digest(&second) {
            return Err(FaultRefusal::Order);
        }
        let digest = hash::digest(bytes);
        let wanted = self.unproved().any(|line| line == (member, digest));
        if self.faults.contains_key(&digest) || (!wanted && self.knows_caught(&member, epoch)) {
            return Err(FaultRefusal::Known);
        }
        let node = self.node_of(epoch, &member).or_else(|| if wanted { self.any_node_of(&member) } else { None });
        if node.ok_or(FaultRefusal::NoRoster)? != signer {
            return Err(FaultRefusal::Stranger);
        }
        a.verify(&self.network)?;
        b.verify(&self.network)?;
        if self.faults.len() >= limits::FAULTS {
            return Err(FaultRefusal::Full);
        }
        Ok(HeldFault { member, epoch, bytes: bytes.to_vec() })
    }

    /// Takes in a proof that [`Chain::judge_fault`] passed, or that this node stored before.
    pub fn take_fault(&mut self, fault: HeldFault) {
        let digest = hash::digest(&fault.bytes);
        let listed = self.records.values().any(|held| held.record.proofs.contains(&(fault.member, digest)));
        if !listed && !self.void.contains_key(&fault.member) {
            self.caught.insert(fault.member, digest);
        }
        self.faults.insert(digest, fault);
    }

    /// A proof that is held.
    #[must_use]
    pub fn fault(&self, digest: &Digest) -> Option<&HeldFault> {
        self.faults.get(digest)
    }

    /// What the held records list without that the proof was shown here.
    pub fn unproved(&self) -> impl Iterator<Item = (MemberId, Digest)> {
        let lines = self.records.values().flat_map(|held| held.record.proofs.iter().copied());
        lines.filter(|(member, digest)| self.faults.get(digest).is_none_or(|fault| fault.member != *member))
    }

    /// Whether one more proof about a member changes nothing.
    pub(crate) fn knows_caught(&self, member: &MemberId, epoch: Epoch) -> bool {
        let same = |fault: &HeldFault| fault.member == *member && fault.epoch == epoch;
        self.void.contains_key(member) || self.caught.contains_key(member) || self.faults.values().any(same)
    }

    /// A member's node by any roster held: the epoch's own may be pruned where a late joiner looks at an old record.
    fn any_node_of(&self, member: &MemberId) -> Option<NodeId> {
        self.rosters.values().rev().find_map(|roster| roster.row(member)).map(|row| row.node)
    }

    /// Drops proofs of epochs before `floor`.
    pub(super) fn prune_faults(&mut self, floor: Epoch) {
        self.faults.retain(|_, fault| fault.epoch >= floor);
        self.caught.retain(|_, digest| self.faults.contains_key(digest));
    }
}
