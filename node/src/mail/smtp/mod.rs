//! Submission, at most once.
//!
//! ```text
//! rate limit, slot -> connection (fresh or idle) -> intent mark -> MAIL -> RCPT -> DATA -> 354
//!                  -> dot mark -> message -> answer
//! ```
//! A failed mark sends nothing. Behind the dot mark a mail is never sent again: a clear refusal is a refusal,
//! everything else is [`SmtpOutcome::UnknownAfterDot`].

mod outcome;
mod pace;
mod session;
mod sign_in;
mod starttls;
mod submitter;
mod window;

pub use outcome::{Hint, Mark, NotStarted, PauseReason, ReplyCode, SmtpOutcome, Stage, classify};
pub use session::{MarkError, Marks, OutgoingMail};
pub(crate) use session::{SessionError, SmtpSession};
pub(crate) use starttls::ask_starttls;
pub use submitter::{SubmitLimits, Submitter};
pub use window::{SendCaps, SendWindow};
