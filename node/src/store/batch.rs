//! Changes to several families that happen together or not at all.

use rocksdb::WriteBatch;

use super::error::StoreError;
use super::keys::{Epoch, epoch_key};
use super::open::Store;
use super::options::FamilyName;

/// When a write counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Survives the end of the process, not of the machine. What gossip or IMAP can bring again.
    Buffered,
    /// On the disk (fsync). What must not be forgotten.
    Synced,
}

#[derive(Debug, Clone)]
enum Change {
    Put(FamilyName, Vec<u8>, Vec<u8>),
    Delete(FamilyName, Vec<u8>),
    DeleteRange(FamilyName, Vec<u8>, Vec<u8>),
}

/// Changes collected for [`Store::write`], applied in order.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    changes: Vec<Change>,
}

impl Batch {
    /// No changes yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key.
    pub fn put(&mut self, family: FamilyName, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> &mut Self {
        let change = Change::Put(family, key.into(), value.into());
        self.changes.push(change);
        self
    }

    /// Removes a key, if it is there.
    pub fn delete(&mut self, family: FamilyName, key: impl Into<Vec<u8>>) -> &mut Self {
        self.changes.push(Change::Delete(family, key.into()));
        self
    }

    /// Removes every key from `from` (included) to `to` (excluded); nothing if `from >= to`.
    pub fn delete_range(&mut self, family: FamilyName, from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) -> &mut Self {
        let (from, to) = (from.into(), to.into());
        if from < to {
            self.changes.push(Change::DeleteRange(family, from, to));
        }
        self
    }

    /// Removes every key that is `prefix` and then an epoch below `epoch`.
    pub fn prune(&mut self, family: FamilyName, prefix: &[u8], epoch: Epoch) -> &mut Self {
        self.delete_range(family, prefix, [prefix, &epoch_key(epoch)].concat())
    }

    /// Adds the changes of another batch behind its own.
    pub fn append(&mut self, other: Self) -> &mut Self {
        self.changes.extend(other.changes);
        self
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many changes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn into_rocksdb(self, store: &Store) -> Result<WriteBatch, StoreError> {
        let mut batch = WriteBatch::default();
        for change in self.changes {
            match change {
                Change::Put(family, key, value) => batch.put_cf(store.handle(family)?, key, value),
                Change::Delete(family, key) => batch.delete_cf(store.handle(family)?, key),
                Change::DeleteRange(family, from, to) => {
                    batch.delete_range_cf(store.handle(family)?, from, to);
                }
            }
        }
        Ok(batch)
    }
}
