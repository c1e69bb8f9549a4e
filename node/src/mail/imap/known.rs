//! What this watcher found and moved, so that acts meet the very mail that was found and our own moves are
//! not taken for arrivals. Bounded, in memory: after a restart the caller's [`Place`] and a search stand in.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::{FolderRole, step::Place};

/// Mails remembered; the oldest is forgotten first. About 40 days of the highest quota.
const MAX_KNOWN: usize = 4096;

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where it is; `None` after a move whose new UID the server did not tell.
    place: Option<Place>,
    /// Where we moved it, until it was seen there.
    moved_to: Option<FolderRole>,
}

/// The memory.
#[derive(Debug, Default)]
pub(super) struct Known {
    entries: HashMap<String, Entry>,
    order: VecDeque<String>,
    /// X-GM-MSGIDs of mails that were seen in the inbox or in spam, oldest first.
    arrived: VecDeque<u64>,
}

impl Known {
    /// Whether a message of Gmail is to be handed over from this folder: always where mail arrives, elsewhere only if
    /// it was not handed over from there.
    pub(super) fn is_first_at_gmail(&mut self, id: u64, folder: FolderRole) -> bool {
        let known = self.arrived.contains(&id);
        if matches!(folder, FolderRole::Inbox | FolderRole::Junk) {
            if !known {
                if self.arrived.len() >= MAX_KNOWN {
                    self.arrived.pop_front();
                }
                self.arrived.push_back(id);
            }
            return true;
        }
        !known
    }

    /// A labelled mail was seen here. Returns whether our own move brought it.
    pub(super) fn seen(&mut self, message_id: &str, place: Place) -> bool {
        let Some(entry) = self.entries.get_mut(message_id) else {
            self.insert(message_id, Entry { place: Some(place), moved_to: None });
            return false;
        };
        let ours = entry.moved_to == Some(place.folder) && entry.place.is_none_or(|expected| expected == place);
        if ours {
            *entry = Entry { place: Some(place), moved_to: None };
        }
        // Anything else is a second mail with the same Message-ID, or one moved by its owner: acts keep to
        // the first one found.
        ours
    }

    /// We moved a mail; `place` is its new one where the server told it.
    pub(super) fn moved(&mut self, message_id: &str, to: FolderRole, place: Option<Place>) {
        let entry = Entry { place, moved_to: Some(to) };
        match self.entries.get_mut(message_id) {
            Some(old) => *old = entry,
            None => self.insert(message_id, entry),
        }
    }

    /// Where a mail is, as far as known. `found_at` is where the caller saw it and counts until we moved it.
    pub(super) fn place(&self, message_id: &str, found_at: Option<Place>) -> Option<Place> {
        match self.entries.get(message_id) {
            Some(Entry { moved_to: None, place }) => found_at.or(*place),
            Some(entry) => entry.place,
            None => found_at,
        }
    }

    /// All places of folders other than these UIDVALIDITYs are void; called when a folder is renumbered.
    pub(super) fn forget_folder(&mut self, folder: FolderRole, uid_validity: u32) {
        let stale: BTreeSet<String> = self
            .entries
            .iter()
            .filter(|(_, e)| e.place.is_some_and(|p| p.folder == folder && p.uid_validity != uid_validity))
            .map(|(id, _)| id.clone())
            .collect();
        self.entries.retain(|id, _| !stale.contains(id));
        self.order.retain(|id| !stale.contains(id));
    }

    fn insert(&mut self, message_id: &str, entry: Entry) {
        if self.order.len() >= MAX_KNOWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        self.order.push_back(message_id.to_owned());
        self.entries.insert(message_id.to_owned(), entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(folder: FolderRole, uid: u32) -> Place {
        Place { folder, uid_validity: 1, uid }
    }

    #[test]
    fn our_own_move_is_recognised_once() {
        let mut known = Known::default();
        assert!(!known.seen("<a>", at(FolderRole::Junk, 4)));
        known.moved("<a>", FolderRole::Inbox, None);
        assert_eq!(known.place("<a>", Some(at(FolderRole::Junk, 4))), None);
        assert!(known.seen("<a>", at(FolderRole::Inbox, 9)));
        assert!(!known.seen("<a>", at(FolderRole::Inbox, 10)), "a second copy is no move of ours");
        assert_eq!(known.place("<a>", None), Some(at(FolderRole::Inbox, 9)));
    }

    #[test]
    fn a_told_uid_tells_our_mail_from_a_replay() {
        let mut known = Known::default();
        known.moved("<a>", FolderRole::Inbox, Some(at(FolderRole::Inbox, 9)));
        assert!(!known.seen("<a>", at(FolderRole::Inbox, 8)));
        assert!(known.seen("<a>", at(FolderRole::Inbox, 9)));
    }

    #[test]
    fn a_replay_does_not_take_the_place_of_the_first() {
        let mut known = Known::default();
        known.seen("<a>", at(FolderRole::Inbox, 4));
        known.seen("<a>", at(FolderRole::Inbox, 5));
        assert_eq!(known.place("<a>", None), Some(at(FolderRole::Inbox, 4)));
    }

    #[test]
    fn a_message_of_gmail_counts_where_it_arrived() {
        let mut known = Known::default();
        assert!(known.is_first_at_gmail(7, FolderRole::Sent), "only in all mail");
        assert!(known.is_first_at_gmail(7, FolderRole::Inbox));
        assert!(!known.is_first_at_gmail(7, FolderRole::Sent), "all mail shows it again");
        assert!(known.is_first_at_gmail(7, FolderRole::Junk), "moved to spam: an arrival");
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut known = Known::default();
        for id in 0..MAX_KNOWN as u64 + 10 {
            known.is_first_at_gmail(id, FolderRole::Inbox);
        }
        assert_eq!(known.arrived.len(), MAX_KNOWN);
        for i in 0..MAX_KNOWN + 10 {
            known.seen(&format!("<{i}>"), at(FolderRole::Inbox, 1));
        }
        assert_eq!((known.entries.len(), known.order.len()), (MAX_KNOWN, MAX_KNOWN));
        assert_eq!(known.place("<0>", None), None);
    }

    #[test]
    fn a_renumbered_folder_voids_its_places() {
        let mut known = Known::default();
        known.seen("<a>", at(FolderRole::Inbox, 4));
        known.seen("<b>", at(FolderRole::Junk, 4));
        known.forget_folder(FolderRole::Inbox, 2);
        assert_eq!(known.place("<a>", None), None);
        assert!(known.place("<b>", None).is_some());
    }
}
