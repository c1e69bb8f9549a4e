//! The mail engine: one mailbox's submission (SMTP) and reading (IMAP).
//!
//! Bytes and plain types go in and come out; the rules of the network live elsewhere.
//!
//! | room | what |
//! |---|---|
//! | [`settings`] | servers, login, time-outs, as written in the config |
//! | [`tls`], [`connect`] | verified TLS to a host, typed errors |
//! | [`smtp`] | one mail at a time, at most once: [`smtp::Submitter`] |
//! | [`imap`] | one connection a mailbox: [`imap::Watcher`] finds labelled mail and acts on it |
//! | [`compose`], [`mod@recognise`] | the one shape of mail we write, and what we read out of any mail |
//! | [`reports`] | bounces, complaints and DMARC aggregates, counted once |
//! | [`auth_results`] | what the receiving provider said about SPF, DKIM and DMARC |
//! | [`authentic`] | the same by our own look, where no provider is believed |
//! | [`test_sign_in`] | the live check behind `mailbox test` |

pub mod answer;
pub mod auth_results;
pub mod authentic;
pub mod compose;
pub mod connect;
pub mod fields;
mod guard;
pub mod imap;
pub mod recognise;
pub mod reports;
pub mod settings;
pub mod smtp;
mod stream;
pub mod test_sign_in;
pub mod tls;

pub use auth_results::{AuthResults, Verdict};
pub use authentic::{Authentic, Judge};
pub use compose::{ComposeError, Draft};
pub use connect::ConnectError;
pub use imap::{
    ActError, ActReport, Cursor, CursorStore, CursorStoreError, FolderRole, Folders, FoundMail, FoundReport, ImapError, MailAct,
    MailCommand, MailEvent, OwnFolder, Place, PurgeReport, Upkeep, Watcher, WatcherHandle, purge,
};
pub use recognise::{Recognised, recognise};
pub use settings::{Credential, Login, MailTimeouts, Security, ServerSettings};
pub use smtp::{MarkError, Marks, OutgoingMail, SmtpOutcome, SubmitLimits, Submitter};
pub use stream::{Pipe, Transport};
pub use test_sign_in::{SignInCheck, SignInError, check_mailbox};
pub use tls::{TlsClient, TlsClients};
