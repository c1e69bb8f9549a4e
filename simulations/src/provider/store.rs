//! The mailboxes of all providers, in memory: folders, UIDs, flags, and a notification per mailbox for IDLE.
//!
//! One lock per mailbox, held for moments and never across an await.

use super::config::{Flavor, ImapLooks, MailboxEntry, MailboxKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Mails a mailbox holds at most; the oldest of a folder goes first.
pub const MAX_MAILS: usize = 20_000;

/// What a folder is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// New mail.
    Inbox,
    /// Spam.
    Junk,
    /// The user's own mail.
    Sent,
    /// Thrown away.
    Trash,
    /// Not sent yet.
    Drafts,
    /// Gmail's All Mail.
    All,
    /// Made by the user.
    Other,
}

/// Where a mail came from, for the accounting only: the filter never sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Submitted by a node with a `Warmnet-` header.
    Warm,
    /// Everything else: nobody but its owner may touch it.
    Foreign,
}

/// One stored mail.
#[derive(Clone, Debug)]
pub struct Mail {
    /// UID in its folder.
    pub uid: u32,
    /// X-GM-MSGID: the same in every folder.
    pub gm_id: u64,
    /// CRLF lines, as delivered.
    pub raw: Arc<Vec<u8>>,
    /// System flags and keywords, as written, such as `\Seen`.
    pub flags: BTreeSet<String>,
    /// Milliseconds since 1970.
    pub internal_ms: i64,
    /// For the accounting.
    pub origin: Origin,
    /// Registrable domain of the envelope sender, for the filter's learning.
    pub sender_domain: String,
}

/// One folder.
#[derive(Clone, Debug)]
pub struct Folder {
    /// What it is for.
    pub role: Role,
    /// Stays for the life of the folder.
    pub uid_validity: u32,
    /// UID of the next mail.
    pub uid_next: u32,
    /// Ascending by UID: sequence number n is index n-1.
    pub mails: Vec<Mail>,
    /// Bumped at every change.
    pub version: u64,
}

/// One mailbox.
#[derive(Debug)]
pub struct Mailbox {
    /// Position among all mailboxes.
    pub index: usize,
    /// Lower case.
    pub address: String,
    /// For SMTP and IMAP.
    pub password: String,
    /// Whose it is.
    pub kind: MailboxKind,
    /// Where it lives.
    pub provider: usize,
    /// What its IMAP looks like.
    pub flavor: Flavor,
    /// What its IMAP can do.
    pub imap: ImapLooks,
    folders: Mutex<BTreeMap<String, Folder>>,
    /// Told at every delivery or change.
    pub changed: Notify,
}

impl Mailbox {
    /// A mailbox with its flavour's folders: plain: INBOX Junk Sent Trash Drafts, behind the namespace's prefix; gmail: INBOX,
    /// `[Gmail]/Spam`, `[Gmail]/Sent Mail`, `[Gmail]/Trash`, `[Gmail]/All Mail`.
    #[must_use]
    pub fn new(index: usize, entry: MailboxEntry, provider: usize, flavor: Flavor, imap: ImapLooks) -> Self {
        let names: &[(&str, Role)] = match flavor {
            Flavor::Plain => {
                &[("INBOX", Role::Inbox), ("Junk", Role::Junk), ("Sent", Role::Sent), ("Trash", Role::Trash), ("Drafts", Role::Drafts)]
            }
            Flavor::Gmail => &[
                ("INBOX", Role::Inbox),
                ("[Gmail]/Spam", Role::Junk),
                ("[Gmail]/Sent Mail", Role::Sent),
                ("[Gmail]/Trash", Role::Trash),
                ("[Gmail]/All Mail", Role::All),
            ],
        };
        let folder = |role| Folder { role, uid_validity: 1_000 + index as u32, uid_next: 1, mails: vec![], version: 0 };
        let prefix = |role| if role == Role::Inbox { "" } else { imap.namespace.prefix() };
        let folders = names.iter().map(|(n, role)| (format!("{}{n}", prefix(*role)), folder(*role))).collect();
        let MailboxEntry { address, password, kind, .. } = entry;
        Self { index, address, password, kind, provider, flavor, imap, folders: Mutex::new(folders), changed: Notify::new() }
    }

    /// Locks the folders; a panic elsewhere leaves them whole, so a poisoned lock is as good.
    pub fn folders(&self) -> MutexGuard<'_, BTreeMap<String, Folder>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Name of the folder with a role.
    #[must_use]
    pub fn folder_name(&self, role: Role) -> Option<String> {
        self.folders().iter().find(|(_, f)| f.role == role).map(|(n, _)| n.clone())
    }

    /// Adds a mail (its `uid` is set here) and tells IDLE; returns its UID, `None` when there is no such folder.
    pub fn append(&self, folder: &str, mail: Mail) -> Option<u32> {
        let uid = {
            let mut folders = self.folders();
            let f = folders.get_mut(folder)?;
            f.append(mail)
        };
        self.changed.notify_waiters();
        Some(uid)
    }
}

impl Folder {
    /// Adds a mail at the end.
    pub fn append(&mut self, mut mail: Mail) -> u32 {
        mail.uid = self.uid_next;
        self.uid_next += 1;
        self.version += 1;
        if self.mails.len() >= MAX_MAILS {
            self.mails.remove(0);
        }
        let uid = mail.uid;
        self.mails.push(mail);
        uid
    }
    /// Takes a mail out.
    pub fn remove(&mut self, at: usize) -> Mail {
        self.version += 1;
        self.mails.remove(at)
    }
    /// Index of a UID.
    #[must_use]
    pub fn index_of(&self, uid: u32) -> Option<usize> {
        self.mails.binary_search_by_key(&uid, |m| m.uid).ok()
    }
}
