//! The one table: what is found about a message, and what that means for it and for the peer that sent it.
//!
//! *Reject* only what is provably wrong for everybody, whenever and however it came; *ignore* what another node may
//! rightly see otherwise.

use super::refusal::NoticeRefusal;
use crate::chain::{BundleRefusal, FaultRefusal, RecordRefusal};
use crate::identity::SignedError;
use crate::wire::codec::CodecError;

/// What gossip does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// Forward it.
    Accept,
    /// Don't forward it, blame nobody.
    Ignore,
    /// Don't forward it, blame the sender.
    Reject,
}

/// Acceptance and the penalty for the peer that sent it (0..=10 on the application score).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Forward or not.
    pub acceptance: Acceptance,
    /// Penalty for the sending peer.
    pub penalty: u8,
}

/// Every way in which a message can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// New, true and useful.
    Fresh,
    /// Known already.
    Duplicate,
    /// Over the size limit of its kind.
    TooLarge,
    /// Not decodable or not canonical.
    Malformed,
    /// A version this node doesn't know.
    UnknownVersion,
    /// The signature is wrong.
    BadSignature,
    /// Its epoch is too far ahead of this node's clock.
    TooEarly,
    /// Past its deadline.
    TooLate,
    /// Its signer or member is not known here (yet).
    Stranger,
    /// Signed by a key that may not sign this.
    WrongSigner,
    /// It needs something this node lacks.
    NotReady,
    /// It breaks a rule by its own content.
    BreaksRule,
    /// It contradicts another signed message of its signer.
    Equivocation,
}

impl Finding {
    /// The table.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        use Acceptance::{Accept, Ignore, Reject};
        let (acceptance, penalty) = match self {
            Self::Fresh => (Accept, 0),
            Self::Duplicate | Self::UnknownVersion | Self::TooEarly | Self::TooLate | Self::Stranger | Self::NotReady => (Ignore, 0),
            // The second word is not forwarded as a bundle; the proof goes out on its own topic.
            Self::Equivocation => (Ignore, 0),
            Self::TooLarge | Self::Malformed | Self::BadSignature => (Reject, 10),
            Self::WrongSigner | Self::BreaksRule => (Reject, 5),
        };
        Verdict { acceptance, penalty }
    }
}

impl From<&SignedError> for Finding {
    fn from(e: &SignedError) -> Self {
        match e {
            SignedError::Codec(CodecError::TooLarge { .. }) => Self::TooLarge,
            SignedError::Codec(_) => Self::Malformed,
            SignedError::UnknownVersion(_) => Self::UnknownVersion,
            SignedError::BadSignature(_) => Self::BadSignature,
        }
    }
}

impl From<RecordRefusal> for Finding {
    fn from(r: RecordRefusal) -> Self {
        match r {
            RecordRefusal::Known => Self::Duplicate,
            // Everybody must see both, or the one that decides.
            RecordRefusal::Fork | RecordRefusal::Overrules => Self::Fresh,
            RecordRefusal::Overruled | RecordRefusal::Void => Self::Equivocation,
            RecordRefusal::Settled => Self::TooLate,
            RecordRefusal::Gap => Self::NotReady,
            // A fork can put an honest node on another branch: no reason to blame who forwards.
            RecordRefusal::Previous | RecordRefusal::Beacon => Self::NotReady,
            RecordRefusal::Authority | RecordRefusal::Serial => Self::WrongSigner,
            RecordRefusal::Params | RecordRefusal::Upcoming | RecordRefusal::Closes | RecordRefusal::TooMany => Self::BreaksRule,
        }
    }
}

impl From<BundleRefusal> for Finding {
    fn from(r: BundleRefusal) -> Self {
        match r {
            BundleRefusal::Known => Self::Duplicate,
            BundleRefusal::Closed => Self::TooLate,
            BundleRefusal::NoRoster => Self::NotReady,
            // Rosters may differ for a moment at an epoch's edge.
            BundleRefusal::Stranger | BundleRefusal::Signer => Self::Stranger,
            BundleRefusal::Equivocation | BundleRefusal::NotCounted => Self::Equivocation,
        }
    }
}

impl From<&FaultRefusal> for Finding {
    fn from(r: &FaultRefusal) -> Self {
        match r {
            FaultRefusal::Signed(e) => Self::from(e),
            FaultRefusal::NoContradiction | FaultRefusal::Order => Self::BreaksRule,
            FaultRefusal::Known => Self::Duplicate,
            FaultRefusal::NoRoster | FaultRefusal::Full => Self::NotReady,
            FaultRefusal::Stranger => Self::Stranger,
        }
    }
}

impl From<NoticeRefusal> for Finding {
    fn from(r: NoticeRefusal) -> Self {
        match r {
            NoticeRefusal::NoRecord | NoticeRefusal::Full => Self::NotReady,
            NoticeRefusal::Signer => Self::Stranger,
            NoticeRefusal::Early => Self::TooEarly,
            NoticeRefusal::Old => Self::TooLate,
            NoticeRefusal::Superseded => Self::Duplicate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Acceptance::{Accept, Ignore, Reject};

    #[test]
    fn only_what_is_wrong_for_everybody_is_rejected() {
        let table = [
            (Finding::Fresh, Accept, 0),
            (Finding::Duplicate, Ignore, 0),
            (Finding::TooLarge, Reject, 10),
            (Finding::Malformed, Reject, 10),
            (Finding::UnknownVersion, Ignore, 0),
            (Finding::BadSignature, Reject, 10),
            (Finding::TooEarly, Ignore, 0),
            (Finding::TooLate, Ignore, 0),
            (Finding::Stranger, Ignore, 0),
            (Finding::WrongSigner, Reject, 5),
            (Finding::NotReady, Ignore, 0),
            (Finding::BreaksRule, Reject, 5),
            (Finding::Equivocation, Ignore, 0),
        ];
        for (finding, acceptance, penalty) in table {
            assert_eq!(finding.verdict(), Verdict { acceptance, penalty }, "{finding:?}");
        }
    }
}
