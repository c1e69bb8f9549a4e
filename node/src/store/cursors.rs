//! How far each mailbox folder has been read: a small blob by mailbox and folder.

use std::ops::ControlFlow;

use super::batch::{Batch, Durability};
use super::error::StoreError;
use super::family::Family;
use super::keys::after_prefix;
use super::open::Store;
use super::options::FamilyName;

/// A cursor is a UIDVALIDITY, a UID and a few flags; 4 KiB leaves room for a short list of UIDs.
pub const MAX_CURSOR_BYTES: usize = 4096;

/// Longest mailbox or folder name, in bytes (an address has at most 254).
const MAX_NAME_BYTES: usize = 1024;

/// Cursors of all mailboxes. Not synced: a lost step is read again, which must be harmless.
#[derive(Debug, Clone)]
pub struct Cursors {
    store: Store,
    family: Family,
}

impl Cursors {
    /// The cursors in a store.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), family: store.family(FamilyName::Cursors) }
    }

    /// The cursor of a folder.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be read or a name is too long.
    pub fn get(&self, mailbox: &str, folder: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.family.get(&key(mailbox, folder)?)
    }

    /// Sets the cursor of a folder, at most [`MAX_CURSOR_BYTES`].
    ///
    /// # Errors
    /// [`StoreError`] if it can't be written or is too large.
    pub fn put(&self, mailbox: &str, folder: &str, cursor: &[u8]) -> Result<(), StoreError> {
        limited("cursor", cursor.len(), MAX_CURSOR_BYTES)?;
        let key = key(mailbox, folder)?;
        self.family.put(&key, cursor, Durability::Buffered)
    }

    /// Folders of a mailbox that have a cursor, by name.
    ///
    /// # Errors
    /// [`StoreError`] if they can't be read.
    pub fn folders(&self, mailbox: &str) -> Result<Vec<String>, StoreError> {
        let prefix = key(mailbox, "")?;
        let mut folders = Vec::new();
        let unreadable = self.family.each_of(&prefix, |key, _| match std::str::from_utf8(&key[prefix.len()..]) {
            Ok(folder) => {
                folders.push(folder.to_owned());
                ControlFlow::Continue(())
            }
            Err(_) => ControlFlow::Break(self.store.corrupt("a folder name is not UTF-8")),
        })?;
        unreadable.map_or(Ok(folders), Err)
    }

    /// Forgets every folder of a mailbox.
    ///
    /// # Errors
    /// [`StoreError`] if the disk refuses.
    pub fn forget(&self, mailbox: &str) -> Result<(), StoreError> {
        let prefix = key(mailbox, "")?;
        let mut batch = Batch::new();
        // The key begins with a length below 0xffff, so an end always exists.
        if let Some(end) = after_prefix(&prefix) {
            batch.delete_range(FamilyName::Cursors, prefix, end);
        }
        self.store.write(batch, Durability::Buffered)
    }
}

/// Length of the mailbox (2 bytes), mailbox, folder: no two pairs share a key.
fn key(mailbox: &str, folder: &str) -> Result<Vec<u8>, StoreError> {
    limited("mailbox name", mailbox.len(), MAX_NAME_BYTES)?;
    limited("folder name", folder.len(), MAX_NAME_BYTES)?;
    let length = u16::try_from(mailbox.len()).unwrap_or(u16::MAX);
    Ok([&length.to_be_bytes()[..], mailbox.as_bytes(), folder.as_bytes()].concat())
}

fn limited(what: &'static str, bytes: usize, limit: usize) -> Result<(), StoreError> {
    if bytes > limit {
        return Err(StoreError::TooLarge { what, bytes, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_kept_apart_and_forgotten_together() {
        let dir = tempfile::tempdir().expect("dir");
        let store = Store::open(dir.path()).expect("open");
        let cursors = Cursors::new(&store);
        assert_eq!(cursors.get("a", "bc").expect("get"), None);
        cursors.put("a", "bc", b"1").expect("put");
        cursors.put("ab", "c", b"2").expect("put");
        cursors.put("a", "Junk", b"3").expect("put");
        assert_eq!(cursors.get("a", "bc").expect("get"), Some(b"1".to_vec()));
        assert_eq!(cursors.get("ab", "c").expect("get"), Some(b"2".to_vec()));
        assert_eq!(cursors.folders("a").expect("folders"), ["Junk", "bc"]);
        cursors.forget("a").expect("forget");
        assert!(cursors.folders("a").expect("folders").is_empty());
        assert_eq!(cursors.get("ab", "c").expect("get"), Some(b"2".to_vec()));
        let error = cursors.put("a", "b", &[0; MAX_CURSOR_BYTES + 1]);
        assert!(matches!(error, Err(StoreError::TooLarge { .. })));
    }
}
