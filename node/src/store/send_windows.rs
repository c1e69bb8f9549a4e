//! What was sent lately, by mailbox and provider: small blobs that must survive a restart.
//!
//! They lie among the host's single values, so that a store of an older program opens as it is.

use super::batch::Batch;
use super::error::StoreError;
use super::family::Family;
use super::open::Store;
use super::options::FamilyName;

/// Largest blob: 61 minutes and 25 hours of counts in JSON.
pub const MAX_WINDOW_BYTES: usize = 4096;

const PREFIX: &[u8] = b"sent/";

/// Blobs by a caller's key.
#[derive(Clone, Debug)]
pub struct SendWindows {
    store: Store,
    family: Family,
}

impl SendWindows {
    /// Those in a store.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), family: store.family(FamilyName::Meta) }
    }

    /// The blob of a key.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be read.
    pub fn get(&self, key: &[u8; 16]) -> Result<Option<Vec<u8>>, StoreError> {
        self.family.get(&[PREFIX, key].concat())
    }

    /// What to report for a blob that can't be read: never to be taken for none.
    #[must_use]
    pub fn unreadable(&self) -> StoreError {
        self.store.corrupt("the counts of sent mail are unreadable")
    }

    /// Adds it to what is about to be written.
    ///
    /// # Errors
    /// [`StoreError`] if it is longer than [`MAX_WINDOW_BYTES`].
    pub fn put(batch: &mut Batch, key: &[u8; 16], bytes: &[u8]) -> Result<(), StoreError> {
        if bytes.len() > MAX_WINDOW_BYTES {
            return Err(StoreError::TooLarge { what: "send window", bytes: bytes.len(), limit: MAX_WINDOW_BYTES });
        }
        batch.put(FamilyName::Meta, [PREFIX, key].concat(), bytes);
        Ok(())
    }
}
