//! What a reply means: a pure table from (stage, reply code, enhanced code) to an outcome.
//!
//! Reply codes: RFC 5321 section 4.2. Enhanced codes: RFC 3463, and what the large providers use them for.

use std::fmt;

use crate::mail::connect::ConnectError;

/// Wait before a greylisting server is tried again. Most open after 5 minutes, nearly all after 15.
const GREYLIST_MINUTES: u32 = 15;
/// Wait before a full mailbox is tried again: its owner must act first.
const FULL_MINUTES: u32 = 240;
/// Pause after "too many connections": the provider's windows are a few minutes long.
const CONNECTIONS_MINUTES: u32 = 15;
/// Pause when sign-in is out of order at the server.
const SIGN_IN_MINUTES: u32 = 15;
/// Pause after a daily limit, a policy refusal or a refusal of our sender: a day, since limits roll over 24 h.
const DAY_MINUTES: u32 = 1440;

/// How far a submission had come.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// Resolving, TCP and TLS.
    Connect,
    /// Greeting, EHLO, STARTTLS.
    Greeting,
    /// AUTH.
    SignIn,
    /// MAIL FROM.
    MailFrom,
    /// RCPT TO.
    Recipient,
    /// DATA, up to 354.
    Data,
    /// The message and its final dot: past the dot mark.
    FinalDot,
}

/// A server's reply: `550` or `550 5.1.1`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReplyCode {
    /// Three digits, RFC 5321.
    pub basic: u16,
    /// Class, subject and detail, RFC 3463, when the server gave one that fits `basic`.
    pub enhanced: Option<(u8, u16, u16)>,
}

impl ReplyCode {
    /// The code of a reply with this text (without the three digits).
    pub fn parse(basic: u16, text: &str) -> Self {
        Self { basic, enhanced: enhanced(basic, text) }
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
    /// The provider's daily or rate limit (5.4.5, 5.7.28).
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
}

/// The outcome of a negative reply at a stage.
pub fn classify(stage: Stage, code: ReplyCode) -> SmtpOutcome {
    let past_dot = stage == Stage::FinalDot;
    if past_dot && code.basic == 421 {
        // "Closing" may be said of the connection as well as of the mail (RFC 5321 section 3.8).
        return SmtpOutcome::UnknownAfterDot;
    }
    let pause =
        |reason, minutes| SmtpOutcome::PauseMailbox { code, reason, minutes, resend: !past_dot && reason != PauseReason::OurMistake };
    let soft = |minutes: Option<u32>| SmtpOutcome::RefusedSoft { code, retry_minutes: minutes.filter(|_| !past_dot) };
    let hard = SmtpOutcome::RefusedHard { code };

    let sign_in = matches!((code.basic, code.enhanced), (530 | 534 | 535 | 538, _) | (550, Some((5, 7, 30))));
    if sign_in && !past_dot {
        return SmtpOutcome::SignInRefused { code };
    }
    if stage == Stage::SignIn {
        return match code.basic {
            421 | 432 => pause(PauseReason::TooManyConnections, CONNECTIONS_MINUTES),
            400..=499 => pause(PauseReason::SignInUnavailable, SIGN_IN_MINUTES),
            500..=504 => pause(PauseReason::OurMistake, DAY_MINUTES),
            _ => SmtpOutcome::SignInRefused { code },
        };
    }
    match (code.basic, code.enhanced) {
        (421 | 432, _) | (_, Some((4, 3, 2))) => pause(PauseReason::TooManyConnections, CONNECTIONS_MINUTES),
        (454, Some((4, 7, 0))) => pause(PauseReason::SignInUnavailable, SIGN_IN_MINUTES),
        (_, Some((5, 4, 5) | (5, 7, 28) | (4, 7, 28))) => pause(PauseReason::SendingLimit, DAY_MINUTES),
        // A full mailbox is soft, whatever its class.
        (_, Some((4 | 5, 2, 2))) => soft(Some(FULL_MINUTES)),
        (552, None) | (_, Some((5, 3, 4) | (5, 2, 3))) => pause(PauseReason::OurMistake, DAY_MINUTES),
        (500..=504, _) if stage != Stage::Recipient => pause(PauseReason::OurMistake, DAY_MINUTES),
        (500..=599, Some((5, 7, _))) => pause(PauseReason::Policy, DAY_MINUTES),
        (500..=599, _) if stage < Stage::Recipient => pause(PauseReason::SenderRefused, DAY_MINUTES),
        (500..=599, Some(_)) => hard,
        // Permanent for this mail; without an enhanced code nothing is said about the address.
        (500..=599, None) => soft(None),
        (400..=499, _) if stage < Stage::Recipient => pause(PauseReason::TooManyConnections, CONNECTIONS_MINUTES),
        // 450 and 451, with or without 4.7.1, are what greylisting says.
        (400..=499, _) => soft(Some(GREYLIST_MINUTES)),
        _ if past_dot => SmtpOutcome::UnknownAfterDot,
        _ => SmtpOutcome::NetworkError { stage, kind: ConnectError::Protocol },
    }
}

#[cfg(test)]
mod tests;
