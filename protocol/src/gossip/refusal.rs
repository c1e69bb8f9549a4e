//! Why a message is not taken: one type for all stations, so that whoever is told hears the rule that was broken.

use super::verdict::Finding;
use crate::chain::{BundleRefusal, FaultRefusal, RecordRefusal};
use crate::identity::SignedError;

/// Why a message is not taken; its text names the rule (docs/spec).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Judged before.
    #[error("it was heard before (R-GOSSIP-9)")]
    Seen,
    /// Not decodable, of an unknown layout, or not signed.
    #[error(transparent)]
    Signed(#[from] SignedError),
    /// Its epoch is too far ahead of this node's clock.
    #[error("its epoch is too far ahead of this node's clock (R-GOSSIP-5, R-GOSSIP-6)")]
    Early,
    /// A bundle past the time at which gossip carries it.
    #[error("gossip carries it no longer (R-LEDGER-2)")]
    Late,
    /// The chain is being folded anew.
    #[error("records are being undone; it is looked at again after that (R-REC-26)")]
    GoingBack,
    /// Of a record.
    #[error(transparent)]
    Record(#[from] RecordRefusal),
    /// Of a bundle.
    #[error(transparent)]
    Bundle(#[from] BundleRefusal),
    /// Of an equivocation proof.
    #[error(transparent)]
    Fault(#[from] FaultRefusal),
    /// Of a notice.
    #[error(transparent)]
    Notice(#[from] NoticeRefusal),
}

/// Why a notice is not taken.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum NoticeRefusal {
    /// No record says who signs notices.
    #[error("no record is here that names its signer (R-GOSSIP-7)")]
    NoRecord,
    /// Keys rotate: a signer unknown here may be the next one.
    #[error("its signer is not that of the newest record (R-GOSSIP-7)")]
    Signer,
    /// Its finding lies ahead of this node's clock.
    #[error("it tells of a later epoch than the next one (R-ADM-12)")]
    Early,
    /// Records have spoken since.
    #[error("it is older than a network plays on without a record (R-ADM-12)")]
    Old,
    /// A newer one of its tag, or the same, was heard or stands in a record.
    #[error("a newer notice of its tag is known (R-ADM-12)")]
    Superseded,
    /// As many are held as records can list.
    #[error("more notices are held than records can list (R-ADM-12)")]
    Full,
}

impl Finding {
    /// What the verdict table calls a judgement. A refused message may be new and true all the same: everybody must see both records of a
    /// fork.
    #[must_use]
    pub fn of(judged: &Result<(), Refusal>) -> Self {
        judged.as_ref().map_or_else(Refusal::finding, |()| Self::Fresh)
    }
}

impl Refusal {
    /// What the verdict table calls it.
    #[must_use]
    pub fn finding(&self) -> Finding {
        match self {
            Self::Seen => Finding::Duplicate,
            Self::Signed(e) => Finding::from(e),
            Self::Early => Finding::TooEarly,
            Self::Late => Finding::TooLate,
            Self::GoingBack => Finding::NotReady,
            Self::Record(r) => Finding::from(*r),
            Self::Bundle(r) => Finding::from(*r),
            Self::Fault(r) => Finding::from(r),
            Self::Notice(r) => Finding::from(*r),
        }
    }
}
