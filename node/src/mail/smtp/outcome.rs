//! What a reply means: from (stage, reply code, enhanced code, known words) to an outcome. Pure.
//!
//! `table.rs` holds the rules, `hints.rs` the words by which large providers say what their codes don't.

mod hints;
mod table;

use std::fmt;

use crate::mail::connect::ConnectError;

pub use hints::Hint;
pub use table::classify;

/// How far a submission had come.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// Resolving, TCP and TLS.
    Connect,
    /// The server's greeting.
    Greeting,
    /// EHLO.
    Hello,
    /// STARTTLS, up to the handshake.
    StartTls,
    /// AUTH.
    SignIn,
    /// MAIL FROM.
    MailFrom,
    /// RCPT TO.
    Recipient,
    /// DATA, up to 354.
    Data,
    /// Writing the message: past the dot mark.
    Body,
    /// From the final dot to its answer: past the dot mark.
    FinalDot,
}

impl Stage {
    /// Whether the message may have been taken whatever the network says.
    pub fn past_dot_mark(self) -> bool {
        self >= Self::Body
    }
}

/// A server's reply: `550` or `550 5.1.1`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReplyCode {
    /// Three digits, RFC 5321.
    pub basic: u16,
    /// Class, subject and detail, RFC 3463, when the server gave one that fits `basic`.
    pub enhanced: Option<(u8, u16, u16)>,
    /// What the reply's words say beyond its codes. The words themselves are not kept: they may hold addresses.
    pub hint: Option<Hint>,
}

impl ReplyCode {
    /// The code of a reply with this text (without the three digits).
    pub fn parse(basic: u16, text: &str) -> Self {
        Self { basic, enhanced: enhanced(basic, text), hint: Hint::find(text) }
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.basic)?;
        match self.enhanced {
            Some((class, subject, detail)) => write!(f, " {class}.{subject}.{detail}"),
            None => Ok(()),
        }
    }
}

fn enhanced(basic: u16, text: &str) -> Option<(u8, u16, u16)> {
    let mut parts = text.split_whitespace().next()?.splitn(3, '.');
    let class: u8 = parts.next()?.parse().ok()?;
    let subject: u16 = parts.next()?.parse().ok()?;
    let detail: u16 = parts.next()?.parse().ok()?;
    // RFC 2034 section 4: the class must agree with the reply's first digit.
    (u16::from(class) == basic / 100).then_some((class, subject, detail))
}

/// Why a mailbox should rest. None of these is the recipient's fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PauseReason {
    /// Too many connections or too much load (421, 4.3.2, 432): fewer at once.
    TooManyConnections,
    /// Sign-in is out of order at the server (454).
    SignInUnavailable,
    /// The provider's daily, hourly or rate limit (5.4.5, 4.7.28, 5.7.28 and the providers' own).
    SendingLimit,
    /// Policy against the sender's domain (5.7.x): alarm the owner.
    Policy,
    /// The server does not take this sender address.
    SenderRefused,
    /// Too large, or a command it does not know: a fault on our side.
    OurMistake,
}

/// Which journal mark.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mark {
    /// Before MAIL FROM.
    Intent,
    /// Between 354 and the first byte of the message.
    Dot,
}

/// Why nothing was tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotStarted {
    /// Too many submissions wait already.
    QueueFull,
    /// The node stops, or the mailbox has left.
    Closed,
    /// An address that SMTP can't carry (ASCII only).
    BadAddress,
    /// The mail holds 8-bit bytes and the server takes none.
    NeedsEightBit,
}

/// The end of one submission.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SmtpOutcome {
    /// The server took responsibility (250 to the final dot).
    Sent,
    /// The recipient is refused for good.
    RefusedHard {
        /// The server's reply.
        code: ReplyCode,
    },
    /// The recipient is refused for now.
    RefusedSoft {
        /// The server's reply.
        code: ReplyCode,
        /// When this mail may be tried again, in minutes; `None`: never, the address itself is not condemned.
        retry_minutes: Option<u32>,
    },
    /// The whole mailbox should rest.
    PauseMailbox {
        /// The server's reply.
        code: ReplyCode,
        /// Why.
        reason: PauseReason,
        /// For how long, in minutes.
        minutes: u32,
        /// Whether this mail may be tried again afterwards: not past the dot.
        resend: bool,
    },
    /// User or password refused: ask the owner, never loop (providers lock accounts).
    SignInRefused {
        /// The server's reply.
        code: ReplyCode,
    },
    /// Failed before the dot mark: not sent, may be tried again.
    NetworkError {
        /// Where.
        stage: Stage,
        /// What.
        kind: ConnectError,
    },
    /// Past the dot mark without a clear answer: never sent again, only reconciled.
    UnknownAfterDot,
    /// A journal mark could not be written: nothing was sent.
    MarkFailed {
        /// Which one.
        mark: Mark,
    },
    /// Nothing was tried and no mark was written.
    NotStarted {
        /// Why.
        why: NotStarted,
    },
}

impl SmtpOutcome {
    /// Whether the same mail may be submitted again later. Never past the dot.
    pub fn may_resend(&self) -> bool {
        match self {
            Self::NetworkError { .. } | Self::NotStarted { .. } | Self::SignInRefused { .. } => true,
            Self::RefusedSoft { retry_minutes, .. } => retry_minutes.is_some(),
            Self::PauseMailbox { resend, .. } => *resend,
            Self::MarkFailed { mark } => *mark == Mark::Intent,
            Self::Sent | Self::RefusedHard { .. } | Self::UnknownAfterDot => false,
        }
    }

    /// The server's reply that decided, if one did.
    pub fn reply(&self) -> Option<ReplyCode> {
        match self {
            Self::RefusedHard { code }
            | Self::RefusedSoft { code, .. }
            | Self::PauseMailbox { code, .. }
            | Self::SignInRefused { code } => Some(*code),
            _ => None,
        }
    }

    /// What the owner must be told and do, for an outcome that won't pass by waiting.
    pub fn alarm(&self) -> Option<&'static str> {
        match self {
            Self::SignInRefused { .. } => Some("the provider refuses user name or password; store a new one with `mailbox add`"),
            Self::PauseMailbox { reason, .. } => match reason {
                PauseReason::Policy => {
                    Some("the server refuses this domain's or account's mail by policy; check SPF, DKIM, DMARC and the provider's notices")
                }
                PauseReason::SenderRefused => {
                    Some("the server refuses this sender; check in the provider's web mail whether the account may send as this address")
                }
                PauseReason::OurMistake => Some("the server calls our command or mail invalid; please report this with the reply code"),
                PauseReason::TooManyConnections | PauseReason::SignInUnavailable | PauseReason::SendingLimit => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
