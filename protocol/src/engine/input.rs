//! Everything a host tells the engine.

use super::hosted::HostedMember;
use super::output::Want;
use crate::exchange::recognise::Candidate;
use crate::exchange::{Act, SendResult};
use crate::gossip::Topic;
use crate::identity::Verified;
use crate::ids::{ExchangeId, MemberId, NodeId};
use crate::wire::bundle::{AuthResult, Placement, SelfReport};
use crate::wire::enrolment::{EnrolAnswer, Token};
use crate::wire::epoch_record::EpochRecord;
use crate::wire::introduction::{Introduce, Introduced};
use crate::wire::notice::Notice;
use crate::wire::roster::Roster;
use crate::wire::sync::Response;

/// A labelled mail found in a hosted mailbox.
#[derive(Clone, PartialEq, Eq)]
pub struct FoundMail {
    /// Whose mailbox.
    pub member: MemberId,
    /// Where it lay when first seen.
    pub placement: Placement,
    /// The only address of From, as written.
    pub from: Option<String>,
    /// The only address of To, as written.
    pub to: Option<String>,
    /// Value of the label header.
    pub label: String,
    /// Message-ID without angle brackets.
    pub message_id: String,
    /// The decoded text.
    pub text: String,
    /// Whether it is exactly one text/plain part without attachment.
    pub single_plain_part: bool,
    /// SPF, DKIM, DMARC as the provider's own Authentication-Results say.
    pub auth: [AuthResult; 3],
    /// Message-IDs that a person answers with this mail, should it be none of the network's; without angle brackets.
    pub answers: Vec<String>,
}

impl FoundMail {
    /// What recognition asks of it.
    #[must_use]
    pub fn candidate(&self) -> Candidate<'_> {
        Candidate {
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            message_id: &self.message_id,
            text: &self.text,
            single_plain_part: self.single_plain_part,
        }
    }
}

/// An input.
pub enum Input {
    /// Time passed.
    Wake,
    /// Host this mailbox (again, after its settings changed).
    Host(Box<HostedMember>),
    /// A gossip message; answered by `Output::Verdict` with the same token.
    Gossip {
        /// The host's handle.
        token: u64,
        /// Its topic.
        topic: Topic,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// The coordinator's own new record.
    OwnRecord {
        /// Signed.
        record: Box<Verified<EpochRecord>>,
        /// Its roster.
        roster: Roster,
    },
    /// The coordinator's own new notice.
    OwnNotice(Verified<Notice>),
    /// The answer to `Output::OwnBundle`: this envelope is on the disk.
    OwnBundleStored(Vec<u8>),
    /// The answer to an `Output::Want`.
    Answer {
        /// What was wanted.
        want: Want,
        /// What came.
        response: Response,
    },
    /// Nobody answered.
    NoAnswer {
        /// What was wanted.
        want: Want,
    },
    /// A peer connected: it may have what is missing.
    PeerConnected,
    /// A peer introduces a sender; answered by `Output::IntroductionAnswer` with the same token.
    Introduction {
        /// The host's handle.
        token: u64,
        /// The authenticated peer.
        from: NodeId,
        /// What it shows.
        request: Introduce,
    },
    /// The answer to `Output::Introduce`; `None`: unreachable.
    IntroductionAnswer {
        /// For which exchange.
        exchange: ExchangeId,
        /// The partner's answer.
        answer: Option<Introduced>,
    },
    /// The answer to `Output::Send`.
    MailSent {
        /// Which exchange.
        exchange: ExchangeId,
        /// Which turn.
        turn: u8,
        /// How it went.
        result: SendResult,
    },
    /// A mail that [`OwnMail`](super::OwnMail) proved to be this node's came back as a bounce.
    Bounced {
        /// Which exchange.
        exchange: ExchangeId,
        /// Which turn.
        turn: u8,
        /// The address is condemned, not just this mail.
        hard: bool,
    },
    /// A labelled mail was found.
    MailFound(FoundMail),
    /// A person answered in a hosted mailbox.
    Answered {
        /// Whose mailbox.
        member: MemberId,
        /// The Message-IDs that are answered, without angle brackets.
        answers: Vec<String>,
    },
    /// The answer to `Output::Act`.
    Acted {
        /// Which exchange.
        exchange: ExchangeId,
        /// On the mail of this turn.
        turn: u8,
        /// The act.
        act: Act,
        /// Done, or given up.
        done: bool,
    },
    /// The owner's external mail, added to the running epoch.
    External {
        /// Of this member.
        member: MemberId,
        /// Counts to add.
        report: SelfReport,
    },
    /// The coordinator answered an application; `None`: unreachable.
    EnrolmentAnswer {
        /// The applicant.
        member: MemberId,
        /// The answer.
        answer: Option<EnrolAnswer>,
    },
    /// The token was mailed (or is past the dot).
    EnrolmentMailed {
        /// The applicant.
        member: MemberId,
    },
    /// The golden mailbox's code was found in the applicant's mailbox.
    CodeFound {
        /// The applicant.
        member: MemberId,
        /// The code.
        code: Token,
    },
}
