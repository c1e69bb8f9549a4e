//! Everything an engine asks its host to do.

use crate::chain::Fork;
use crate::exchange::Act;
use crate::gossip::{Refusal, Topic, Verdict};
use crate::ids::{Digest, ExchangeId, MemberId, NodeId};
use crate::time::Epoch;
use crate::wire::bundle::SelfReport;
use crate::wire::enrolment::Token;
use crate::wire::introduction::{Introduce, Introduced};
use crate::wire::sync::Request;

/// A mail to send. The host composes it, journals it and hands it to the member's server.
#[derive(Clone, PartialEq, Eq)]
pub struct MailTask {
    /// Its exchange.
    pub exchange: ExchangeId,
    /// Its turn.
    pub turn: u8,
    /// Author: a hosted member.
    pub from: MemberId,
    /// Addressee's mailbox.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Text.
    pub text: String,
    /// Message-ID without angle brackets.
    pub message_id: String,
    /// Message-IDs of the thread so far, oldest first; the last one is answered.
    pub references: Vec<String>,
    /// Value of the label header.
    pub label: String,
}

/// Something the engine lacks and a peer may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// Records from this epoch on.
    Records(Epoch),
    /// A page of the roster of a record.
    Roster(Epoch, Digest, u32),
    /// Bundles of an epoch beyond those in the bitmap.
    Bundles(Epoch, Vec<u8>),
    /// Notices in force.
    Notices,
    /// Payload digests of the bundles that a record counts, from the n-th on.
    Leaves(Epoch, u32),
    /// Equivocation proofs by their digests.
    Faults(Vec<Digest>),
}

impl Want {
    /// The request to send.
    #[must_use]
    pub fn request(&self) -> Request {
        match self.clone() {
            Self::Records(from) => Request::Records { from },
            Self::Roster(epoch, digest, from) => Request::Roster { epoch, digest, from },
            Self::Bundles(epoch, have) => Request::Bundles { epoch, have },
            Self::Notices => Request::Notices,
            Self::Leaves(record, from) => Request::Leaves { record, from },
            Self::Faults(digests) => Request::Faults { digests },
        }
    }
}

/// Why the chain goes back to an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoBack {
    /// Its records contradict each other: the proof to store.
    Forked(Fork),
    /// Another record stands in place of the one held: the envelope to store.
    Overruled(Vec<u8>),
}

/// An output.
#[derive(Clone)]
pub enum Output {
    /// What gossip shall do with a message.
    Verdict {
        /// Of `Input::Gossip`.
        token: u64,
        /// Accept, ignore or reject, and the penalty.
        verdict: Verdict,
        /// The rule that it broke; also of a record that is forwarded though it doesn't stand here.
        refusal: Option<Refusal>,
    },
    /// Publish.
    Publish {
        /// On this topic.
        topic: Topic,
        /// These bytes.
        bytes: Vec<u8>,
    },
    /// Ask some peer, preferably one that was not asked last.
    Ask(Want),
    /// Introduce a hosted member to its partner's node.
    Introduce {
        /// The exchange.
        exchange: ExchangeId,
        /// Whom to ask.
        node: NodeId,
        /// What to show.
        request: Introduce,
    },
    /// Answer a peer's introduction.
    IntroductionAnswer {
        /// Of `Input::Introduction`.
        token: u64,
        /// The answer.
        answer: Introduced,
    },
    /// Send a mail.
    Send(Box<MailTask>),
    /// Act on a mail in a hosted mailbox.
    Act {
        /// Whose mailbox.
        member: MemberId,
        /// The exchange.
        exchange: ExchangeId,
        /// Turn of the mail.
        turn: u8,
        /// Its Message-ID without angle brackets.
        message_id: String,
        /// The act.
        act: Act,
    },
    /// Ask the coordinator (apply or confirm).
    Enrol {
        /// The applicant.
        member: MemberId,
        /// The request.
        request: Box<Request>,
    },
    /// Mail this token from the applicant's mailbox to a golden one.
    MailToken {
        /// The applicant.
        member: MemberId,
        /// The golden mailbox.
        golden: String,
        /// The token.
        token: Token,
    },
    /// Store this before anything is done or said that stands on it.
    Store(ToStore),
    /// Forget the stored records and rosters from an epoch on, store what replaces them, all at once, and then call
    /// [`Engine::refold`](super::Engine::refold).
    GoBack {
        /// First epoch to forget.
        epoch: Epoch,
        /// Why, and what to store.
        cause: GoBack,
    },
    /// Store this node's own bundle durably, answered by `Input::OwnBundleStored`; no answer when another one of its member and epoch
    /// is stored. It is published after that.
    OwnBundle {
        /// Its epoch.
        epoch: Epoch,
        /// Its member.
        member: MemberId,
        /// The envelope.
        bytes: Vec<u8>,
    },
    /// A record was derived: scores and pools are new.
    Derived {
        /// Its epoch.
        epoch: Epoch,
    },
    /// A labelled mail was left alone.
    LeftAlone {
        /// Whose mailbox.
        member: MemberId,
        /// Why, in a fixed phrase.
        reason: String,
    },
}

/// What is stored.
#[derive(Clone)]
pub enum ToStore {
    /// An accepted record with its bytes.
    Record {
        /// Its epoch.
        epoch: Epoch,
        /// The envelope.
        bytes: Vec<u8>,
    },
    /// An accepted roster (`Chain::roster(epoch)`).
    Roster {
        /// Its epoch.
        epoch: Epoch,
    },
    /// An accepted bundle of another node's member.
    Bundle {
        /// Its epoch.
        epoch: Epoch,
        /// Its member.
        member: MemberId,
        /// The envelope.
        bytes: Vec<u8>,
        /// Whether it came when gossip no longer carries it.
        late: bool,
    },
    /// An equivocation proof.
    Fault {
        /// The epoch that its bundles are about.
        epoch: Epoch,
        /// The encoded fault.
        bytes: Vec<u8>,
    },
    /// Nobody could show what this record counts: it is derived with what is held, after a restart too.
    Conceded {
        /// Epoch of the record.
        record: Epoch,
    },
    /// An exchange's state.
    Exchange {
        /// Hosted member.
        member: MemberId,
        /// Its epoch.
        epoch: Epoch,
        /// Its id.
        exchange: ExchangeId,
        /// The encoded state.
        bytes: Vec<u8>,
    },
    /// A hosted member's application.
    Application {
        /// The member.
        member: MemberId,
        /// The encoded state.
        bytes: Vec<u8>,
    },
    /// The owner's external counts of an epoch.
    Report {
        /// The epoch.
        epoch: Epoch,
        /// The member.
        member: MemberId,
        /// The counts.
        report: SelfReport,
    },
}
