//! Quarantine notice: a domain tag is listed or released.

use super::codec::{self, CodecError};
use crate::identity::Signable;
use crate::ids::{Digest, DomainTag};
use crate::time::Epoch;
use serde::{Deserialize, Serialize};

/// What a notice says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The domain is quarantined.
    Listed,
    /// The quarantine ends.
    Released,
}

/// Why, in classes that say nothing about who lists whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonClass {
    /// On DNS blocklists.
    Blocklist,
    /// By the operator's hand.
    Operator,
}

/// A signed notice; it stops introductions at once and acts on matching from the record that lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Notice {
    /// Whom it is about.
    pub tag: DomainTag,
    /// Listed or released.
    pub kind: NoticeKind,
    /// Why.
    pub reason: ReasonClass,
    /// Digest of the evidence the coordinator keeps.
    pub evidence: Digest,
    /// Epoch of the finding.
    pub since: Epoch,
    /// Epoch at which it is looked at again.
    pub review: Epoch,
}

impl Signable for Notice {
    const KIND: &'static str = "notice";
    const LIMIT: usize = 256;

    fn read(payload: &[u8]) -> Result<Self, CodecError> {
        codec::decode(payload, Self::LIMIT)
    }
}
