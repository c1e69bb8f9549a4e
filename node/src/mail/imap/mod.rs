//! Reading one mailbox over one IMAP connection.
//!
//! ```text
//!          +--------------------------- Watcher (one task) ---------------------------+
//! commands |  step(INBOX)  step(junk)  ->  acts (batched by folder)  ->  IDLE or wait  | events
//! -------> |  headers first, bodies of labelled mail only     re-checked before each  | ------>
//!          +--------------------------------------------------------------------------+
//! ```
//! Nothing is read or changed but mail that carries a `Warmnet-` header. IDLE is a hint, the cursors
//! ([`Cursor`]: UIDVALIDITY and next UID per folder) decide what is new.

mod acts;
mod answer;
mod backoff;
mod command;
mod cursor;
mod folders;
mod headers;
mod idle;
mod known;
mod session;
mod sign_in;
mod step;
mod utf7;
mod watcher;

pub use acts::{ActError, ActReport, MailAct};
pub use cursor::{Cursor, CursorStore, CursorStoreError};
pub(crate) use folders::find as find_folders;
pub use folders::{FolderRole, Folders};
pub use session::ImapError;
pub(crate) use session::ImapSession;
pub use step::{FoundMail, Place};
pub use watcher::{MailCommand, MailEvent, Watcher, WatcherHandle};
