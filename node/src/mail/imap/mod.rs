//! Reading one mailbox over one IMAP connection.
//!
//! ```text
//!          +--------------------------- Watcher (one task) ---------------------------+
//! commands |  step(INBOX)  step(junk)  ->  acts (batched by folder)  ->  IDLE or wait  | events
//! -------> |  headers first, bodies of labelled mail only     re-checked before each  | ------>
//!          +--------------------------------------------------------------------------+
//! ```
//! Nothing is read or changed but mail that carries a `Warmnet-` header; where the owner said so, mails that look like
//! reports are read too, and left as they are. IDLE is a hint, the cursors
//! ([`Cursor`]: UIDVALIDITY and next UID per folder) decide what is new.

mod acts;
mod answer;
mod backoff;
mod command;
mod cursor;
mod find;
mod folders;
mod gmail;
mod headers;
mod idle;
mod known;
mod messages;
mod purge;
mod quota;
mod remove;
mod retention;
mod run;
#[cfg(test)]
mod scripted;
mod session;
mod shift;
mod sign_in;
mod step;
mod uidset;
mod utf7;
mod watcher;

pub use acts::{ActError, ActReport, MailAct};
pub use cursor::{Cursor, CursorStore, CursorStoreError};
pub(crate) use folders::find as find_folders;
pub use folders::{FolderRole, Folders};
pub use messages::{MailCommand, MailEvent};
pub use purge::{OwnFolder, PurgeReport, purge};
pub use session::ImapError;
pub(crate) use session::ImapSession;
pub use step::{FoundMail, FoundReport, Place};
pub use watcher::{Upkeep, Watcher, WatcherHandle};
