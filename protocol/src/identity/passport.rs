//! Passport: the coordinator's signed word that a member is enrolled, kept by the member's node.

use super::Signable;
use crate::ids::{DomainTag, MemberId, NodeId};
use crate::time::Epoch;
use crate::wire::codec::{self, CodecError};
use serde::{Deserialize, Serialize};

/// What admission certifies. The roster is what counts; a passport lets its holder show when it was admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passport {
    /// The enrolled mailbox.
    pub member: MemberId,
    /// The node that speaks for it.
    pub node: NodeId,
    /// Its domain's tag.
    pub tag: DomainTag,
    /// First epoch whose roster holds the member.
    pub from: Epoch,
}

impl Signable for Passport {
    const KIND: &'static str = "passport";
    const LIMIT: usize = 256;

    fn read(payload: &[u8]) -> Result<Self, CodecError> {
        codec::decode(payload, Self::LIMIT)
    }
}
