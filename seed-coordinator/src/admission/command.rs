//! What admission is told.

use crate::golden::GoldenMember;
use warmnet_protocol::identity::Verified;
use warmnet_protocol::ids::{MemberId, NetworkId, NodeId};
use warmnet_protocol::params::Params;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::bundle::AuthResult;
use warmnet_protocol::wire::departure::Departure;
use warmnet_protocol::wire::enrolment::{Apply, Token};

/// An input; it holds addresses, so it has no `Debug`.
#[derive(Clone)]
pub enum Command {
    /// A node applies for a mailbox.
    Apply {
        /// The authenticated node.
        from: NodeId,
        /// What it says.
        apply: Box<Apply>,
    },
    /// A mail with a token reached a golden mailbox.
    TokenMail {
        /// Its From address as written.
        from: String,
        /// The token.
        token: Token,
        /// SPF, DKIM, DMARC by the golden mailbox's provider.
        auth: [AuthResult; 3],
    },
    /// A node takes its member out.
    Leave {
        /// The departure, its signature checked.
        departure: Verified<Departure>,
    },
    /// A node shows a code.
    Confirm {
        /// The authenticated node.
        from: NodeId,
        /// The applicant.
        member: MemberId,
        /// The code.
        code: Token,
    },
}

/// What the decision may depend on besides the state; the host gathers it.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The network.
    pub network: NetworkId,
    /// Its parameters.
    pub params: &'a Params,
    /// The running epoch; 0 before the first begins.
    pub epoch: Epoch,
    /// The epoch of the next record.
    pub next_record: Epoch,
    /// Rows of the newest roster.
    pub roster_len: usize,
    /// Golden mailboxes that take challenge mails.
    pub golden: &'a [GoldenMember],
    /// The operator's rules.
    pub rules: &'a super::AdmissionRules,
    /// Secret behind tokens, codes and address keys.
    pub secret: &'a [u8; 32],
    /// Secret behind domain tags.
    pub tag_key: &'a [u8; 32],
}
