//! IMAP4rev1 (RFC 3501) with IDLE, MOVE, UIDPLUS, SPECIAL-USE, NAMESPACE, ID and Gmail's X-GM items.
//!
//! `wire` reads whole commands, `session` and `selected` carry them out, `fetch` and `search` answer the two large ones.

mod fetch;
mod gmail;
mod listing;
mod quote;
mod search;
mod selected;
mod session;
mod view;
mod wire;

pub use session::serve;

use super::config::{Flavor, ImapLooks};
use super::faults::Faults;
use super::oauth::Authority;
use super::store::{Mail, Mailbox, Role};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a provider's IMAP server serves.
pub struct ImapService {
    /// All mailboxes by lower-case address.
    pub mailboxes: Arc<BTreeMap<String, Arc<Mailbox>>>,
    /// Is told of every change.
    pub events: Arc<dyn ActObserver>,
    /// Tokens, where there is an authorization server.
    pub oauth: Option<Arc<Authority>>,
    /// Name of the provider.
    pub name: String,
    /// Index of the provider: only its own users can sign in.
    pub provider: usize,
    /// What it looks like.
    pub flavor: Flavor,
    /// What it can do, as said before sign-in; afterwards the mailbox's own settings count.
    pub imap: ImapLooks,
    /// What goes wrong on purpose.
    pub faults: Arc<Faults>,
}

/// Learns of every change a client makes.
pub trait ActObserver: Send + Sync {
    /// `mail` was in a folder with role `from`, and came to `to` if it was copied or moved.
    fn act(&self, mailbox: &Mailbox, act: Act, mail: &Mail, from: Role, to: Option<Role>);
}

/// A change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// `\Seen` was set, by STORE or by a FETCH without PEEK.
    Seen,
    /// Another change of flags.
    Flag,
    /// MOVE.
    Move,
    /// COPY.
    Copy,
    /// EXPUNGE.
    Expunge,
    /// APPEND.
    Append,
}
