//! What may happen to an exchange.

use crate::ids::Signature;
use crate::time::Timestamp;
use crate::wire::bundle::{AuthResult, Placement};
use crate::wire::introduction::Decline;

use super::event::Act;

/// Result of handing a mail to the sender's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendResult {
    /// Accepted, or past the final dot with unknown result: never sent again.
    Sent,
    /// Permanently refused.
    RefusedHard,
    /// Refused for now; may be tried again at `retry_at`.
    RefusedSoft {
        /// Not before.
        retry_at: Timestamp,
    },
    /// Nothing was sent (no connection, sign-in refused, mailbox paused); may be tried again at `retry_at`.
    NotSent {
        /// Not before.
        retry_at: Timestamp,
    },
}

/// A labelled mail that belongs to this exchange was found in the addressee's mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Turn of the mail.
    pub turn: u8,
    /// Its Message-ID without angle brackets.
    pub message_id: String,
    /// Where it lay.
    pub placement: Placement,
    /// The provider's results (SPF, DKIM, DMARC).
    pub auth: [AuthResult; 3],
    /// Signature of its label.
    pub label: Signature,
}

/// An input of the state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The partner answered the introduction with its address (sender side), or introduced itself (receiver side).
    Introduced {
        /// The partner's mailbox address.
        address: String,
    },
    /// The partner declined.
    Declined(Decline),
    /// The introduction did not reach the partner.
    Unreachable,
    /// The host's answer to `Event::Send`.
    SendResult {
        /// Which mail.
        turn: u8,
        /// How it went.
        result: SendResult,
    },
    /// A report, proven to be about this side's mail, says that it was not delivered.
    Bounced {
        /// Which mail.
        turn: u8,
        /// The address is condemned, not just this mail.
        hard: bool,
    },
    /// A mail of this exchange was found.
    Found(Found),
    /// A mail under this exchange's true label was found that holds its author's own words.
    Foreign(Found),
    /// The host carried out an act.
    ActDone {
        /// On the mail of this turn.
        turn: u8,
        /// The act.
        act: Act,
    },
    /// The host could not carry out an act and will not try again.
    ActFailed {
        /// On the mail of this turn.
        turn: u8,
        /// The act.
        act: Act,
    },
    /// A person wrote into the thread of this exchange.
    Answered,
    /// The owner changed what may be done.
    Allowed {
        /// Act bits.
        acts: u8,
    },
    /// Time passed.
    Tick,
}
