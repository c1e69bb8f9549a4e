//! Which mails of a folder are still to be looked at: a pure rule over UIDVALIDITY and UIDNEXT
//! (RFC 3501 section 2.3.1.1).
//!
//! ```text
//! no cursor, or UIDVALIDITY changed, or UIDNEXT went back -> the newest mails again
//! UIDNEXT = cursor                                        -> nothing
//! otherwise, or UIDNEXT unknown                           -> all from the cursor on
//! ```

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

/// Mails looked at when a folder is new to us or was renumbered: enough for the weeks a network mail may
/// be waited for, little enough to be read in a moment.
const RESYNC_MAILS: u32 = 200;

/// How far a folder was looked at. All UIDs below `uid_next` are done.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Cursor {
    /// The numbering this cursor belongs to.
    pub uid_validity: u32,
    /// The lowest UID not yet looked at.
    pub uid_next: u32,
}

/// A cursor could not be made durable.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the folder's cursor could not be stored: {0}")]
pub struct CursorStoreError(pub String);

/// Where one mailbox's cursors live. `folder` is the raw folder name. Called from an async task: must not
/// block for long. A lost cursor is harmless: mails are found again.
pub trait CursorStore: Send + Sync + Debug {
    /// The stored cursor; `None` when there is none.
    fn load(&self, folder: &str) -> Option<Cursor>;
    /// Stores it.
    ///
    /// # Errors
    /// When the store fails; the watcher then stops its round and tries again later.
    fn save(&self, folder: &str, cursor: Cursor) -> Result<(), CursorStoreError>;
}

/// What SELECT or STATUS said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Selected {
    pub(crate) uid_validity: u32,
    pub(crate) uid_next: Option<u32>,
    pub(crate) exists: u32,
}

/// What to look at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Plan {
    /// Nothing is new.
    Nothing,
    /// All UIDs from this one on.
    From(u32),
    /// These sequence numbers (first, last): the newest mails, whatever their UID.
    Newest(u32, u32),
}

/// The rule.
pub(super) fn plan(stored: Option<Cursor>, selected: Selected) -> Plan {
    match stored {
        Some(cursor) if cursor.uid_validity == selected.uid_validity => match selected.uid_next {
            Some(next) if next == cursor.uid_next => Plan::Nothing,
            // UIDNEXT never goes back under one UIDVALIDITY; a server that does it was restored.
            Some(next) if next < cursor.uid_next => newest(selected),
            _ => Plan::From(cursor.uid_next),
        },
        _ => newest(selected),
    }
}

fn newest(selected: Selected) -> Plan {
    if selected.exists == 0 {
        return Plan::Nothing;
    }
    let first = selected.exists.saturating_sub(RESYNC_MAILS - 1).max(1);
    Plan::Newest(first, selected.exists)
}

/// The cursor after everything planned was looked at, `last` being the highest UID among it.
pub(super) fn after(stored: Option<Cursor>, selected: Selected, last: Option<u32>) -> Cursor {
    let known = stored.filter(|c| c.uid_validity == selected.uid_validity && selected.uid_next.is_none()).map_or(1, |c| c.uid_next);
    let seen = last.map_or(1, |uid| uid.saturating_add(1));
    Cursor { uid_validity: selected.uid_validity, uid_next: known.max(seen).max(selected.uid_next.unwrap_or(1)) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn at(uid_validity: u32, uid_next: u32, exists: u32) -> Selected {
        Selected { uid_validity, uid_next: Some(uid_next), exists }
    }

    const STORED: Option<Cursor> = Some(Cursor { uid_validity: 5, uid_next: 10 });

    #[test]
    fn the_rows_of_the_rule() {
        assert_eq!(plan(STORED, at(5, 10, 3)), Plan::Nothing);
        assert_eq!(plan(STORED, at(5, 12, 3)), Plan::From(10));
        assert_eq!(plan(STORED, at(6, 12, 3)), Plan::Newest(1, 3));
        assert_eq!(plan(STORED, at(5, 4, 3)), Plan::Newest(1, 3));
        assert_eq!(plan(None, at(5, 900, 450)), Plan::Newest(251, 450));
        assert_eq!(plan(None, at(5, 1, 0)), Plan::Nothing);
        let unknown = Selected { uid_validity: 5, uid_next: None, exists: 3 };
        assert_eq!(plan(STORED, unknown), Plan::From(10));
    }

    #[test]
    fn the_cursor_covers_what_was_seen_and_what_was_announced() {
        assert_eq!(after(None, at(5, 12, 3), Some(10)).uid_next, 12);
        assert_eq!(after(None, at(5, 12, 3), Some(15)).uid_next, 16);
        assert_eq!(after(None, Selected { uid_validity: 5, uid_next: None, exists: 0 }, None).uid_next, 1);
        assert_eq!(after(None, at(5, 2, 3), Some(u32::MAX)).uid_next, u32::MAX);
    }

    /// What happens in a folder between two looks.
    #[derive(Clone, Debug)]
    enum Change {
        Arrive(u8),
        Expunge(u8),
        Renumber,
        Look { uid_next_known: bool },
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            4 => (1..5_u8).prop_map(Change::Arrive),
            2 => any::<u8>().prop_map(Change::Expunge),
            1 => Just(Change::Renumber),
            4 => any::<bool>().prop_map(|uid_next_known| Change::Look { uid_next_known }),
        ]
    }

    proptest! {
        /// However mail comes, goes and is renumbered: after a look, every mail in a folder of fewer than
        /// RESYNC_MAILS mails was looked at, and without a renumbering none twice.
        #[test]
        fn no_mail_is_missed(changes in proptest::collection::vec(change(), 0..60)) {
            // (uid, mail): mails keep their identity when they are renumbered.
            let mut folder: Vec<(u32, u32)> = Vec::new();
            let (mut validity, mut next, mut mails) = (1_u32, 1_u32, 0_u32);
            let mut cursor = None;
            let mut seen = BTreeSet::new();
            for change in changes {
                match change {
                    Change::Arrive(n) => for _ in 0..n {
                        mails += 1;
                        folder.push((next, mails));
                        next += 1;
                    },
                    Change::Expunge(i) => if !folder.is_empty() {
                        let at = usize::from(i) % folder.len();
                        folder.remove(at);
                    },
                    Change::Renumber => {
                        validity += 1;
                        next = 1;
                        seen.clear();
                        for mail in &mut folder {
                            mail.0 = next;
                            next += 1;
                        }
                    }
                    Change::Look { uid_next_known } => {
                        let exists = u32::try_from(folder.len()).expect("small");
                        let selected = Selected { uid_validity: validity, uid_next: uid_next_known.then_some(next), exists };
                        let looked: Vec<(u32, u32)> = match plan(cursor, selected) {
                            Plan::Nothing => Vec::new(),
                            Plan::From(first) => folder.iter().copied().filter(|m| m.0 >= first).collect(),
                            Plan::Newest(first, last) => folder[first as usize - 1..last as usize].to_vec(),
                        };
                        for (_, mail) in &looked {
                            prop_assert!(seen.insert(*mail), "mail {} looked at twice", mail);
                        }
                        cursor = Some(after(cursor, selected, looked.last().map(|m| m.0)));
                        for (_, mail) in &folder {
                            prop_assert!(seen.contains(mail), "mail {} missed", mail);
                        }
                    }
                }
            }
        }
    }
}
