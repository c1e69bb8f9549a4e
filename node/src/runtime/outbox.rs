//! One mail's way out: journal, limits, compose, submit, journal. At most once.
//!
//! ```text
//! journal says sent or finished -> told again, nothing is sent
//! limit or pause                -> not sent, try again then
//! counted + intent (one sync) -> MAIL, RCPT, DATA -> dot (one sync) -> message -> answer -> done (no sync)
//! ```

use super::clock;
use super::gate::{Held, MailboxGate};
use crate::mail::{Draft, MarkError, Marks, OutgoingMail, SmtpOutcome, Submitter};
use crate::store::{Journal, State, Task};
use warmnet_protocol::engine::MailTask;
use warmnet_protocol::exchange::SendResult;
use warmnet_protocol::time::Timestamp;
use warmnet_protocol::wire::enrolment::{ENROLMENT_HEADER, EnrolmentMail};
use warmnet_protocol::wire::label::LABEL_HEADER;

/// Pause after a failure that says nothing about the mail: ten seconds of wall time; the mail's deadline ends it.
const RETRY_MS: u64 = 10_000;
/// Beyond every deadline.
const NEVER: Timestamp = Timestamp(i64::MAX);

/// What the journal remembers of a finished mail.
const SENT: &[u8] = b"sent";
/// The recipient was refused for good.
const REFUSED: &[u8] = b"refused";
/// The recipient was refused for now, past the dot.
const REFUSED_SOFT: &[u8] = b"refused-soft";
/// Past the dot the server refused us, not the recipient.
const NOT_TAKEN: &[u8] = b"not-taken";
/// Past the dot without an answer.
const UNKNOWN: &[u8] = b"unknown";

/// A mail ready to be composed. Message-IDs without angle brackets.
pub struct Outgoing {
    key: Task,
    from: String,
    to: String,
    subject: String,
    text: String,
    message_id: String,
    references: Vec<String>,
    header: (&'static str, String),
    auto_submitted: &'static str,
}

/// The warming mail of a task.
#[must_use]
pub fn warming(task: MailTask, from: &str) -> Outgoing {
    Outgoing {
        key: Task { exchange: task.exchange.0, turn: task.turn },
        from: from.to_owned(),
        to: task.to,
        subject: task.subject,
        text: task.text,
        message_id: task.message_id,
        references: task.references,
        header: (LABEL_HEADER, task.label),
        auto_submitted: if task.turn == 0 { "auto-generated" } else { "auto-replied" },
    }
}

/// An enrolment mail: a token to a golden mailbox, or the code back.
#[must_use]
pub fn enrolment(mail: EnrolmentMail, from: &str, to: &str) -> Outgoing {
    // Turns of exchanges stop at 4, so these keys are nobody else's.
    let (id, turn, text) = match mail {
        EnrolmentMail::Token(t) => {
            (t, u8::MAX, "This mailbox applies for membership of a Warmnet network. This mail proves that it can send.")
        }
        EnrolmentMail::Code(c) => {
            (c, u8::MAX - 1, "A Warmnet network has this mailbox's application. This mail proves that it can receive.")
        }
    };
    let domain = from.rsplit_once('@').map_or("", |(_, d)| d);
    Outgoing {
        key: Task { exchange: id, turn },
        from: from.to_owned(),
        to: to.to_owned(),
        subject: "Warmnet enrolment".to_owned(),
        text: text.to_owned(),
        message_id: format!("{}.{turn}.enrolment@{domain}", hex::encode(id)),
        references: vec![],
        header: (ENROLMENT_HEADER, mail.header_value()),
        auto_submitted: "auto-generated",
    }
}

impl Outgoing {
    fn compose(&self) -> Result<String, String> {
        let bracketed = |id: &String| format!("<{id}>");
        let references: Vec<String> = self.references.iter().map(bracketed).collect();
        let references: Vec<&str> = references.iter().map(String::as_str).collect();
        let draft = Draft {
            from: &self.from,
            to: &self.to,
            subject: &self.subject,
            date_ms: clock::now().0,
            // UTC: the writer's zone would say where the owner lives.
            utc_offset_minutes: 0,
            message_id: &bracketed(&self.message_id),
            in_reply_to: references.last().copied(),
            references: &references,
            extra: &[(self.header.0, &self.header.1)],
            auto_submitted: self.auto_submitted,
            text: &self.text,
        };
        draft.compose().map_err(|e| e.to_string())
    }
}

/// The journal's marks of one mail, with the count that goes before the first.
struct JournalMarks<'a> {
    journal: &'a Journal,
    gate: &'a MailboxGate,
    key: Task,
}

/// Milliseconds since 1970 as the journal counts them.
fn at() -> u64 {
    u64::try_from(clock::now().0).unwrap_or(0)
}

impl Marks for JournalMarks<'_> {
    async fn intent(&self) -> Result<(), MarkError> {
        let failed = |e: &dyn std::fmt::Display| MarkError(e.to_string());
        let place = self.journal.place().await.map_err(|e| failed(&e))?;
        // The count is written with the intent, whose sync makes both durable.
        let marked = self.gate.take(at(), |counts| place.intent(self.key, at(), counts)).map_err(|e| failed(&e))?;
        marked.await.map_err(|e| failed(&e))
    }
    async fn dot(&self) -> Result<(), MarkError> {
        self.journal.dot(self.key, at()).await.map_err(|e| MarkError(e.to_string()))
    }
}

/// How one delivery ended, for the engine and for the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// For the engine.
    pub result: SendResult,
    /// The provider refuses user name or password.
    pub sign_in_refused: bool,
    /// What the owner must be told and do.
    pub alarm: Option<&'static str>,
}

impl From<SendResult> for Delivered {
    fn from(result: SendResult) -> Self {
        Self { result, sign_in_refused: false, alarm: None }
    }
}

/// Sends a mail unless the journal says that it may have left already, or a limit holds it.
///
/// # Errors
/// Journal or counts could not be read or written: nothing was sent, or it won't be sent again.
pub async fn deliver(journal: &Journal, gate: &MailboxGate, submitter: &Submitter, mail: Outgoing) -> Result<Delivered, String> {
    let key = mail.key;
    if let Some(known) = told_before(journal, key)? {
        return Ok(known.into());
    }
    match gate.check(at()) {
        Ok(()) => {}
        Err(Held::Until(until)) => return Ok(SendResult::NotSent { retry_at: instant(until) }.into()),
        Err(Held::Store(error)) => return Err(error.to_string()),
    }
    let raw = match mail.compose() {
        Ok(raw) => raw,
        Err(error) => {
            // Nothing that a second try could change.
            tracing::error!(error, "a mail could not be composed");
            return Ok(SendResult::NotSent { retry_at: NEVER }.into());
        }
    };
    let outgoing = OutgoingMail { from: mail.from, to: mail.to, raw };
    let outcome = submitter.submit(&outgoing, &JournalMarks { journal, gate, key }).await;
    tracing::debug!(exchange = %hex::encode(key.exchange), turn = key.turn, resend = outcome.may_resend(), "mail submitted");
    let alarm = outcome.alarm();
    if let Some(what) = alarm {
        tracing::warn!(exchange = %hex::encode(key.exchange), reply = outcome.reply().map(tracing::field::display), "{what}");
    }
    if let SmtpOutcome::PauseMailbox { minutes, .. } = outcome {
        let place = journal.place().await.map_err(|e| e.to_string())?;
        let paused = gate.pause(at(), gate.wait_ms(minutes), |pause| place.write(pause)).map_err(|e| e.to_string())?;
        paused.await.map_err(|e| e.to_string())?;
    }
    if outcome.may_resend() {
        return Ok(Delivered { alarm, ..again(&outcome, gate) });
    }
    let (remembered, result) = match outcome {
        SmtpOutcome::Sent => (SENT, SendResult::Sent),
        SmtpOutcome::UnknownAfterDot => (UNKNOWN, SendResult::Sent),
        SmtpOutcome::RefusedHard { .. } => (REFUSED, SendResult::RefusedHard),
        SmtpOutcome::RefusedSoft { .. } => (REFUSED_SOFT, SendResult::RefusedSoft { retry_at: NEVER }),
        // The dot mark may or may not be on the disk: it must never be tried again.
        SmtpOutcome::MarkFailed { .. } => return Err("a journal mark could not be written".to_owned()),
        // Refused for what we are; the recipient is not to blame.
        _ => (NOT_TAKEN, SendResult::NotSent { retry_at: NEVER }),
    };
    journal.done(key, at(), remembered.to_vec()).await.map_err(|e| e.to_string())?;
    Ok(Delivered { alarm, ..result.into() })
}

/// What the journal knows of a mail that must not be sent (again).
fn told_before(journal: &Journal, key: Task) -> Result<Option<SendResult>, String> {
    let state = journal.state(key).map_err(|e| e.to_string())?;
    Ok(match state {
        // Past the dot: sent, or unknown; either way never again.
        Some(State::Dot { .. }) => Some(SendResult::Sent),
        Some(State::Done { outcome, .. }) => Some(match outcome.as_slice() {
            REFUSED => SendResult::RefusedHard,
            REFUSED_SOFT => SendResult::RefusedSoft { retry_at: NEVER },
            NOT_TAKEN => SendResult::NotSent { retry_at: NEVER },
            _ => SendResult::Sent,
        }),
        Some(State::Intent { .. }) | None => None,
    })
}

/// When a mail that was not sent may be tried again.
fn again(outcome: &SmtpOutcome, gate: &MailboxGate) -> Delivered {
    let later = |minutes: u32| clock::now().plus_wall_ms(gate.wait_ms(minutes));
    let (result, sign_in_refused) = match outcome {
        SmtpOutcome::RefusedSoft { retry_minutes, .. } => (SendResult::RefusedSoft { retry_at: later(retry_minutes.unwrap_or(1)) }, false),
        SmtpOutcome::PauseMailbox { minutes, .. } => (SendResult::NotSent { retry_at: later(*minutes) }, false),
        // Never in a loop: providers lock accounts. The next try is an hour away, or when the owner restarts.
        SmtpOutcome::SignInRefused { .. } => (SendResult::NotSent { retry_at: later(60) }, true),
        _ => (SendResult::NotSent { retry_at: clock::now().plus_wall_ms(RETRY_MS) }, false),
    };
    Delivered { result, sign_in_refused, alarm: None }
}

/// Unix milliseconds as the engine counts them.
fn instant(ms: u64) -> Timestamp {
    Timestamp(i64::try_from(ms).unwrap_or(i64::MAX))
}
