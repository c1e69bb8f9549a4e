//! Submission, at most once.
//!
//! ```text
//! rate limit, slot -> connection (fresh or idle) -> intent mark -> MAIL -> RCPT -> DATA -> 354
//!                  -> dot mark -> message -> answer
//! ```
//! Where the server offers PIPELINING (RFC 2920), MAIL, RCPT and DATA leave in one write, and each answer still has its stage's
//! time-out. A refusal decides even if DATA was answered 354: then the connection is dropped without another byte.
//! The message and its end leave in one write.
//!
//! A failed mark sends nothing. Behind the dot mark a mail is never sent again: a clear refusal is a refusal,
//! everything else is [`SmtpOutcome::UnknownAfterDot`].

mod outcome;
mod pace;
mod session;
mod sign_in;
mod starttls;
mod stuffing;
mod submitter;
mod window;

pub use outcome::{Hint, Mark, NotStarted, PauseReason, ReplyCode, SmtpOutcome, Stage, classify};
pub use session::{MarkError, Marks, OutgoingMail};
pub(crate) use session::{SessionError, SmtpSession};
pub(crate) use starttls::ask_starttls;
pub use submitter::{SubmitLimits, Submitter};
pub use window::{SendCaps, SendWindow};
