//! Where the coordinator plugs in: the same runtime drives a node and, with an [`Authority`], a coordinator.

use warmnet_protocol::chain::Chain;
use warmnet_protocol::identity::Verified;
use warmnet_protocol::ids::{MemberId, NodeId};
use warmnet_protocol::time::{Epoch, Timestamp};
use warmnet_protocol::wire::bundle::AuthResult;
use warmnet_protocol::wire::enrolment::{EnrolAnswer, Token};
use warmnet_protocol::wire::epoch_record::EpochRecord;
use warmnet_protocol::wire::notice::Notice;
use warmnet_protocol::wire::roster::Roster;
use warmnet_protocol::wire::sync::Request;

/// What the golden mailbox's provider says of an applicant's mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnrolmentAuth {
    /// SPF.
    pub spf: AuthResult,
    /// DKIM.
    pub dkim: AuthResult,
    /// DMARC.
    pub dmarc: AuthResult,
}

/// Something an authority wants published.
pub enum AuthorityOutput {
    /// The next record with its roster.
    Record(Box<Verified<EpochRecord>>, Roster),
    /// A notice.
    Notice(Verified<Notice>),
    /// Ask the connected peers for bundles of this epoch before it is closed.
    SyncBundles(Epoch),
}

/// The coordinator's half of the runtime. Every call returns at once; slow work happens in the authority's own tasks.
pub trait Authority: Send {
    /// An application or a confirmation from a node.
    fn enrol(&mut self, now: Timestamp, from: NodeId, request: Request, chain: &Chain) -> EnrolAnswer;
    /// A mail with an enrolment token reached a golden mailbox. Returns the code to mail back, if any.
    fn enrolment_mail(&mut self, now: Timestamp, golden: MemberId, from_address: &str, token: Token, auth: EnrolmentAuth) -> Option<Token>;
    /// Called after every input and whenever [`Authority::next_wake`] says so.
    fn tick(&mut self, now: Timestamp, chain: &Chain) -> Vec<AuthorityOutput>;
    /// When `tick` is next useful.
    fn next_wake(&self, now: Timestamp, chain: &Chain) -> Option<Timestamp>;
    /// A request on the control socket that only a coordinator knows; `None`: not one of those.
    fn control(&mut self, now: Timestamp, request: &serde_json::Value, chain: &Chain) -> Option<Result<serde_json::Value, String>>;
}
