//! Requests between nodes, over one request-response protocol.

use super::enrolment::{Apply, EnrolAnswer, Token};
use super::introduction::{Introduce, Introduced};
use super::roster::RosterRow;
use crate::ids::{Digest, MemberId, NodeId};
use crate::time::Epoch;
use serde::{Deserialize, Serialize};

/// A question to another node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Introduce a sender to a receiver.
    Introduce(Introduce),
    /// Apply for membership (coordinator only).
    Apply(Box<Apply>),
    /// Show the mailed code (coordinator only).
    Confirm {
        /// The applicant.
        member: MemberId,
        /// The code from the golden mailbox's mail.
        code: Token,
    },
    /// Record envelopes from this epoch on, at most `limits::RECORD_PAGE`.
    Records {
        /// First epoch wanted.
        from: Epoch,
    },
    /// Rows of a roster from a position on, at most `limits::ROSTER_PAGE`.
    Roster {
        /// Epoch of the roster.
        epoch: Epoch,
        /// Its digest, so that a node without it can say so.
        digest: Digest,
        /// First position.
        from: u32,
    },
    /// Bundles of an epoch that the asker lacks, at most `limits::BUNDLE_PAGE`.
    Bundles {
        /// The epoch.
        epoch: Epoch,
        /// Bitmap over that epoch's roster: what the asker has.
        have: Vec<u8>,
    },
    /// Notices in force.
    Notices,
    /// Where are these nodes?
    Contacts {
        /// At most `limits::CONTACTS`.
        nodes: Vec<NodeId>,
    },
    /// Leave the network (coordinator only): an encoded `Envelope` of a `Departure`.
    Leave(Vec<u8>),
    /// Payload digests of the bundles that a record counts, in roster order, at most `limits::LEAF_PAGE`.
    Leaves {
        /// Epoch of the record.
        record: Epoch,
        /// First of them wanted.
        from: u32,
    },
    /// Equivocation proofs that records list.
    Faults {
        /// Their digests, at most `limits::RECORD_PROOFS`.
        digests: Vec<Digest>,
    },
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// To `Introduce`.
    Introduced(Introduced),
    /// To `Apply`, `Confirm` and `Leave`.
    Enrolment(EnrolAnswer),
    /// To `Records`: envelopes in epoch order.
    Records(Vec<Vec<u8>>),
    /// To `Roster`: rows and the roster's whole length; empty when unknown here.
    Roster {
        /// Rows from the asked position on.
        rows: Vec<RosterRow>,
        /// Length of the whole roster.
        total: u32,
    },
    /// To `Bundles`: envelopes.
    Bundles(Vec<Vec<u8>>),
    /// To `Notices`: envelopes.
    Notices(Vec<Vec<u8>>),
    /// To `Contacts`: multiaddresses in text.
    Contacts(Vec<(NodeId, Vec<String>)>),
    /// This node can't answer that.
    Refused {
        /// Plain words.
        reason: String,
    },
    /// To `Leaves`: digests from the asked one on and how many there are; empty when unknown here.
    Leaves {
        /// Digests.
        digests: Vec<Digest>,
        /// How many the record counts.
        total: u32,
    },
    /// To `Faults`: the encoded ones that are known.
    Faults(Vec<Vec<u8>>),
}
