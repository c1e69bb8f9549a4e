//! One mail's way out: journal, compose, submit, journal. At most once (PROTOCOL.md section 5).

use super::clock;
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
const REFUSED: &[u8] = b"refused";

/// A mail ready to be composed. Message-IDs without angle brackets.
pub(super) struct Outgoing {
    pub key: Task,
    pub from: String,
    pub to: String,
    subject: String,
    text: String,
    message_id: String,
    references: Vec<String>,
    header: (&'static str, String),
    auto_submitted: &'static str,
}

/// The warming mail of a task.
pub(super) fn warming(task: MailTask, from: &str) -> Outgoing {
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
pub(super) fn enrolment(mail: EnrolmentMail, from: &str, to: &str) -> Outgoing {
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
    fn compose(&self) -> Result<Vec<u8>, String> {
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
            extra: &[(self.header.0, &self.header.1), ("X-Auto-Response-Suppress", "All")],
            auto_submitted: self.auto_submitted,
            text: &self.text,
        };
        draft.compose().map_err(|e| e.to_string())
    }
}

struct JournalMarks<'a> {
    journal: &'a Journal,
    key: Task,
}

/// Milliseconds since 1970 as the journal counts them.
fn at() -> u64 {
    u64::try_from(clock::now().0).unwrap_or(0)
}

impl Marks for JournalMarks<'_> {
    async fn intent(&self) -> Result<(), MarkError> {
        self.journal.intent(self.key, at()).await.map_err(|e| MarkError(e.to_string()))
    }
    async fn dot(&self) -> Result<(), MarkError> {
        self.journal.dot(self.key, at()).await.map_err(|e| MarkError(e.to_string()))
    }
}

/// How one delivery ended, for the engine and for the owner.
pub(super) struct Delivered {
    pub result: SendResult,
    pub sign_in_refused: bool,
}

/// Sends a mail unless the journal says that it may have left already.
///
/// # Errors
/// The journal could not be read: nothing was sent.
pub(super) async fn deliver(journal: &Journal, submitter: &Submitter, mail: Outgoing) -> Result<Delivered, String> {
    let key = mail.key;
    let done = |result| Ok(Delivered { result, sign_in_refused: false });
    match journal.state(key).map_err(|e| e.to_string())? {
        // Past the dot: sent, or unknown; either way never again.
        Some(State::Dot { .. }) => return done(SendResult::Sent),
        Some(State::Done { outcome, .. }) => {
            return done(if outcome == REFUSED { SendResult::RefusedHard } else { SendResult::Sent });
        }
        Some(State::Intent { .. }) | None => {}
    }
    let raw = match mail.compose() {
        Ok(raw) => raw,
        Err(error) => {
            // Nothing that a second try could change.
            tracing::error!(error, "a mail could not be composed");
            return done(SendResult::NotSent { retry_at: NEVER });
        }
    };
    let outgoing = OutgoingMail { from: mail.from, to: mail.to, raw };
    let outcome = submitter.submit(&outgoing, &JournalMarks { journal, key }).await;
    tracing::debug!(exchange = %hex::encode(key.exchange), turn = key.turn, resend = outcome.may_resend(), "mail submitted");
    if outcome.may_resend() {
        return Ok(again(&outcome));
    }
    let (remembered, result) = match outcome {
        SmtpOutcome::Sent | SmtpOutcome::UnknownAfterDot => (SENT, SendResult::Sent),
        SmtpOutcome::RefusedHard { .. } => (REFUSED, SendResult::RefusedHard),
        // The dot mark may or may not be on the disk: it must never be tried again.
        SmtpOutcome::MarkFailed { .. } => return Err("a journal mark could not be written".to_owned()),
        _ => (REFUSED, SendResult::RefusedSoft { retry_at: NEVER }),
    };
    journal.done(key, at(), remembered.to_vec()).await.map_err(|e| e.to_string())?;
    done(result)
}

/// When a mail that was not sent may be tried again.
fn again(outcome: &SmtpOutcome) -> Delivered {
    let later = |minutes: u32| clock::now().plus_wall_ms(u64::from(minutes.max(1)) * 60_000);
    let (result, sign_in_refused) = match outcome {
        SmtpOutcome::RefusedSoft { retry_minutes, .. } => (SendResult::RefusedSoft { retry_at: later(retry_minutes.unwrap_or(1)) }, false),
        SmtpOutcome::PauseMailbox { minutes, .. } => (SendResult::NotSent { retry_at: later(*minutes) }, false),
        // Never in a loop: providers lock accounts. The next try is an hour away, or when the owner restarts.
        SmtpOutcome::SignInRefused { .. } => (SendResult::NotSent { retry_at: later(60) }, true),
        _ => (SendResult::NotSent { retry_at: clock::now().plus_wall_ms(RETRY_MS) }, false),
    };
    Delivered { result, sign_in_refused }
}
