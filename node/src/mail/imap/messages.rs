//! What goes between a watcher and its caller.

use super::{
    Folders, FoundMail, FoundReport, Place,
    acts::{ActError, ActReport, MailAct},
    session::ImapError,
};

/// Something to do in the mailbox. Answered by [`MailEvent::ActDone`] with the same ticket, exactly once unless
/// the watcher stops before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MailCommand {
    /// Chosen by the caller.
    pub ticket: u64,
    /// What to do.
    pub act: MailAct,
    /// Of the mail, with angle brackets; empty for [`MailAct::Sync`].
    pub message_id: String,
    /// Where the caller last saw the mail ([`FoundMail::place`]); lets the act meet that very mail after a restart.
    pub found_at: Option<Place>,
}

/// News from the mailbox.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MailEvent {
    /// A labelled mail, at least once each.
    Found(FoundMail),
    /// A mail that may be a report, at least once each; only where [`Watcher::reports`](super::Watcher::reports) says so.
    Report(FoundReport),
    /// A person answered these mails of ours (Message-IDs without angle brackets), at least once each.
    Answered(Vec<String>),
    /// The answer to a command.
    ActDone {
        /// Of the command.
        ticket: u64,
        /// How it ended.
        result: Result<ActReport, ActError>,
    },
    /// Signed in; the roles of the folders.
    Connected {
        /// What was found.
        folders: Folders,
    },
    /// The connection failed or ended; it is tried again by itself.
    Disconnected {
        /// Why.
        error: ImapError,
    },
    /// User or password refused: the owner is needed. Tried again on a [`MailAct::Sync`] command or after hours.
    SignInRefused,
    /// A cursor could not be stored; mails may be handed over again.
    StoreFailed,
    /// The mailbox became nearly full (at 100 % it refuses mail, the owner's too), or emptier again.
    Quota {
        /// How full.
        percent: u8,
        /// Nearly full.
        high: bool,
    },
    /// Filed mails older than the owner keeps them were removed.
    Expired {
        /// How many.
        mails: usize,
    },
}
