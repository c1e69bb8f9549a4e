//! A member signs one bundle per epoch, and epochs only rise: two different ones would be a proof
//! of a fault (PROTOCOL.md, section 6), even if a crash or a restored backup were the cause.

use std::sync::PoisonError;

use super::batch::{Batch, Durability};
use super::error::StoreError;
use super::family::Family;
use super::keys::{Epoch, MemberId, epoch_member_key};
use super::open::Store;
use super::options::FamilyName;

/// Meta key of a member's highest epoch; the member follows.
const MARK_PREFIX: &[u8] = b"own-bundle-high/";

/// What storing a bundle did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is on the disk now, and may be published.
    Stored,
    /// The same bytes were there already; they may be published again.
    Unchanged,
}

/// Why a bundle was not stored, and must not be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HighWaterError {
    /// The member has signed another bundle for this epoch.
    #[error("another bundle for epoch {epoch} is stored already")]
    Conflict {
        /// The epoch.
        epoch: Epoch,
    },
    /// The member has signed a bundle for a later epoch.
    #[error("epoch {epoch} is behind the last bundle's, {mark}")]
    Behind {
        /// The epoch asked for.
        epoch: Epoch,
        /// The epoch of the last bundle.
        mark: Epoch,
    },
    /// The store failed: treat as not stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The bundles this node's members have signed.
#[derive(Debug, Clone)]
pub struct HighWater {
    store: Store,
    bundles: Family,
    meta: Family,
}

impl HighWater {
    /// The marks in a store.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), bundles: store.family(FamilyName::OwnBundles), meta: store.family(FamilyName::Meta) }
    }

    /// Stores a signed bundle, synced. Call before publishing; publish only after `Ok`. Blocks for
    /// an fsync.
    ///
    /// # Errors
    /// See [`HighWaterError`]; nothing has changed then, or with [`HighWaterError::Store`] nothing
    /// is certain and the bundle must not be published.
    pub fn store(&self, member: &MemberId, epoch: Epoch, bundle: &[u8]) -> Result<Mark, HighWaterError> {
        // Nothing is left half done when a holder panics, so a poisoned lock is as good.
        let _one_at_a_time = self.store.high_water_lock().lock().unwrap_or_else(PoisonError::into_inner);
        let key = epoch_member_key(epoch, member);
        if let Some(stored) = self.bundles.get(&key)? {
            return if stored == bundle { Ok(Mark::Unchanged) } else { Err(HighWaterError::Conflict { epoch }) };
        }
        if let Some(mark) = self.mark(member)?
            && epoch <= mark
        {
            return Err(HighWaterError::Behind { epoch, mark });
        }
        let mut batch = Batch::new();
        batch.put(FamilyName::OwnBundles, key, bundle);
        // Where others' bundles lie too: from there it is given to who asks.
        batch.put(FamilyName::Bundles, key, bundle);
        batch.put(FamilyName::Meta, mark_key(member), epoch.to_be_bytes());
        self.store.write(batch, Durability::Synced)?;
        Ok(Mark::Stored)
    }

    /// [`HighWater::store`] on a thread that may block.
    ///
    /// # Errors
    /// As [`HighWater::store`].
    pub async fn store_async(&self, member: MemberId, epoch: Epoch, bundle: Vec<u8>) -> Result<Mark, HighWaterError> {
        let marks = self.clone();
        self.store.blocking(move |_| marks.store(&member, epoch, &bundle)).await
    }

    /// The epoch of a member's last bundle. Pruning does not lower it.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be read.
    pub fn mark(&self, member: &MemberId) -> Result<Option<Epoch>, StoreError> {
        let Some(bytes) = self.meta.get(&mark_key(member))? else {
            return Ok(None);
        };
        let bytes = bytes.try_into().map_err(|_| self.store.corrupt("a bundle mark is not four bytes"))?;
        Ok(Some(Epoch::from_be_bytes(bytes)))
    }

    /// A stored bundle.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be read.
    pub fn bundle(&self, member: &MemberId, epoch: Epoch) -> Result<Option<Vec<u8>>, StoreError> {
        self.bundles.get(&epoch_member_key(epoch, member))
    }
}

fn mark_key(member: &MemberId) -> Vec<u8> {
    [MARK_PREFIX, member].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: MemberId = [1; 32];
    const B: MemberId = [2; 32];

    #[test]
    fn one_bundle_per_member_and_epoch_across_restarts_and_pruning() {
        let dir = tempfile::tempdir().expect("dir");
        for restart in 0..2 {
            let store = Store::open(dir.path()).expect("open");
            let marks = HighWater::new(&store);
            let first = if restart == 0 { Mark::Stored } else { Mark::Unchanged };
            assert_eq!(marks.store(&A, 5, b"five"), Ok(first));
            assert_eq!(marks.store(&A, 5, b"five"), Ok(Mark::Unchanged));
            let conflict = Err(HighWaterError::Conflict { epoch: 5 });
            assert_eq!(marks.store(&A, 5, b"other"), conflict);
            let behind = Err(HighWaterError::Behind { epoch: 4, mark: 5 });
            assert_eq!(marks.store(&A, 4, b"four"), behind);
            assert_eq!(marks.store(&B, 4, b"four"), Ok(first), "members differ");
        }
        let store = Store::open(dir.path()).expect("open");
        let marks = HighWater::new(&store);
        let mut batch = Batch::new();
        batch.prune(FamilyName::OwnBundles, &[], 6);
        store.write(batch, Durability::Synced).expect("prune");
        assert_eq!(marks.bundle(&A, 5).expect("read"), None);
        assert_eq!(marks.mark(&A).expect("read"), Some(5));
        let behind = Err(HighWaterError::Behind { epoch: 5, mark: 5 });
        assert_eq!(marks.store(&A, 5, b"other"), behind);
        assert_eq!(marks.store(&A, 7, b"seven"), Ok(Mark::Stored));
        assert_eq!(marks.bundle(&A, 7).expect("read"), Some(b"seven".to_vec()));
    }

    #[tokio::test]
    async fn of_two_at_one_time_one_wins() {
        let dir = tempfile::tempdir().expect("dir");
        let store = Store::open(dir.path()).expect("open");
        let (one, two) = (HighWater::new(&store), HighWater::new(&store));
        let (x, y) = tokio::join!(one.store_async(A, 1, b"x".to_vec()), two.store_async(A, 1, b"y".to_vec()));
        let conflict = Err(HighWaterError::Conflict { epoch: 1 });
        assert!((x == Ok(Mark::Stored) && y == conflict) || (y == Ok(Mark::Stored) && x == conflict));
    }
}
