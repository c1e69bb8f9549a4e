//! A session's picture of its folder: sequence numbers stay as the client knows them until it is told of a change.

use super::super::store::Mailbox;
use super::quote::string;
use imap_codec::imap_types::sequence::SequenceSet;
use std::collections::BTreeSet;
use std::num::NonZeroU32;

/// The selected folder.
pub(super) struct View {
    /// Its name.
    pub folder: String,
    /// EXAMINE: nothing may change.
    pub read_only: bool,
    version: u64,
    /// UID and flags as the client knows them; the sequence number is index + 1.
    pub known: Vec<(u32, BTreeSet<String>)>,
}

impl View {
    /// Opens a folder; `None`: there is none of that name.
    pub(super) fn open(mailbox: &Mailbox, folder: &str, read_only: bool) -> Option<Self> {
        let folders = mailbox.folders();
        let f = folders.get(folder)?;
        let known = f.mails.iter().map(|m| (m.uid, m.flags.clone())).collect();
        Some(Self { folder: folder.to_owned(), read_only, version: f.version, known })
    }

    /// UIDs that a set names.
    pub(super) fn uids(&self, set: &SequenceSet, by_uid: bool) -> Vec<u32> {
        let largest = if by_uid { self.known.last().map_or(0, |k| k.0) } else { u32::try_from(self.known.len()).unwrap_or(u32::MAX) };
        let Some(largest) = NonZeroU32::new(largest) else { return vec![] };
        let ranges: Vec<(u32, u32)> = set
            .0
            .as_ref()
            .iter()
            .map(|s| {
                use imap_codec::imap_types::sequence::Sequence;
                let (a, b) = match s {
                    Sequence::Single(a) => (a.expand(largest).get(), a.expand(largest).get()),
                    Sequence::Range(a, b) => (a.expand(largest).get(), b.expand(largest).get()),
                };
                (a.min(b), a.max(b))
            })
            .collect();
        let named = |n: u32| ranges.iter().any(|(a, b)| (*a..=*b).contains(&n));
        let rows = self.known.iter().zip(1u32..);
        rows.filter(|((uid, _), n)| named(if by_uid { *uid } else { *n })).map(|((uid, _), _)| *uid).collect()
    }

    /// Sequence number of a UID.
    pub(super) fn number(&self, uid: u32) -> Option<usize> {
        self.known.binary_search_by_key(&uid, |k| k.0).ok().map(|i| i + 1)
    }

    /// Remembers flags that the client was told of.
    pub(super) fn told(&mut self, uid: u32, flags: &BTreeSet<String>) {
        if let Ok(i) = self.known.binary_search_by_key(&uid, |k| k.0) {
            self.known[i].1.clone_from(flags);
        }
    }

    /// Writes what changed since the last call; `expunges`: removals may be told now (RFC 3501 section 7.4.1).
    pub(super) fn sync(&mut self, mailbox: &Mailbox, expunges: bool, out: &mut Vec<u8>) {
        let folders = mailbox.folders();
        let Some(f) = folders.get(&self.folder) else { return };
        if f.version == self.version {
            return;
        }
        let mut complete = true;
        for i in (0..self.known.len()).rev() {
            if f.index_of(self.known[i].0).is_some() {
                continue;
            }
            if !expunges {
                complete = false;
                continue;
            }
            self.known.remove(i);
            out.extend_from_slice(format!("* {} EXPUNGE\r\n", i + 1).as_bytes());
        }
        let last = self.known.last().map_or(0, |k| k.0);
        let fresh: Vec<_> = f.mails.iter().filter(|m| m.uid > last).map(|m| (m.uid, m.flags.clone())).collect();
        if !fresh.is_empty() {
            self.known.extend(fresh);
            out.extend_from_slice(format!("* {} EXISTS\r\n* 0 RECENT\r\n", self.known.len()).as_bytes());
        }
        for (i, (uid, flags)) in self.known.iter_mut().enumerate() {
            let Some(at) = f.index_of(*uid) else { continue };
            if f.mails[at].flags != *flags {
                flags.clone_from(&f.mails[at].flags);
                out.extend_from_slice(format!("* {} FETCH (UID {uid} FLAGS ({}))\r\n", i + 1, flag_list(flags)).as_bytes());
            }
        }
        if complete {
            self.version = f.version;
        }
    }
}

/// Flags as IMAP lists them.
pub(super) fn flag_list(flags: &BTreeSet<String>) -> String {
    flags.iter().cloned().collect::<Vec<_>>().join(" ")
}

/// A folder's name as IMAP writes it.
pub(super) fn folder_name(name: &str) -> String {
    let mut out = Vec::new();
    string(&mut out, name.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}
