//! One kind of things in the store: keys and values of bytes, in key order.

use std::ops::ControlFlow;

use rocksdb::{Direction, IteratorMode, ReadOptions};

use super::batch::{Batch, Durability};
use super::error::StoreError;
use super::keys;
use super::open::Store;
use super::options::{self, FamilyName};

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// A column family. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Family {
    store: Store,
    name: FamilyName,
}

impl Family {
    pub(super) fn new(store: Store, name: FamilyName) -> Self {
        Self { store, name }
    }

    /// Which family this is.
    #[must_use]
    pub fn name(&self) -> FamilyName {
        self.name
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] or [`StoreError::Io`] if it can't be read.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let handle = self.store.handle(self.name)?;
        self.store.db().get_cf(handle, key).map_err(|error| self.store.failed(error))
    }

    /// Sets a key.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the disk refuses.
    pub fn put(&self, key: &[u8], value: &[u8], durability: Durability) -> Result<(), StoreError> {
        let handle = self.store.handle(self.name)?;
        self.store.db().put_cf_opt(handle, key, value, &options::write(durability)).map_err(|error| self.store.failed(error))
    }

    /// Removes a key, if it is there.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the disk refuses.
    pub fn delete(&self, key: &[u8], durability: Durability) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        batch.delete(self.name, key);
        self.store.write(batch, durability)
    }

    /// Rows from `from` (included) to `to` (excluded; `None`: the end), ascending, at most `limit`: a caller that wants all of them uses
    /// [`Family::each`].
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] or [`StoreError::Io`] if they can't be read.
    pub fn range(&self, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.scan(from, to, IteratorMode::From(from, Direction::Forward), limit)
    }

    /// As [`Family::range`], descending: with `limit` 1 the last row of the range.
    ///
    /// # Errors
    /// As [`Family::range`].
    pub fn range_back(&self, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, StoreError> {
        // The bounds cut the range; the end of it is where the iterator starts.
        self.scan(from, to, IteratorMode::End, limit)
    }

    /// Rows whose key begins with `prefix`, ascending, at most `limit`.
    ///
    /// # Errors
    /// As [`Family::range`].
    pub fn prefix(&self, prefix: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        self.range(prefix, keys::after_prefix(prefix).as_deref(), limit)
    }

    /// Shows every row (key, value) from `from` (included) to `to` (excluded; `None`: the end), ascending, until `visit` breaks; gives what
    /// it broke with. However many rows there are, none is left out and none is held in memory.
    ///
    /// # Errors
    /// As [`Family::range`].
    pub fn each<B>(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<B>,
    ) -> Result<Option<B>, StoreError> {
        if to.is_some_and(|to| to <= from) {
            return Ok(None);
        }
        let mut rows = self.store.db().raw_iterator_cf_opt(self.store.handle(self.name)?, between(from, to));
        rows.seek(from);
        // Ends with the rows.
        while let Some((key, value)) = rows.item() {
            if let ControlFlow::Break(found) = visit(key, value) {
                return Ok(Some(found));
            }
            rows.next();
        }
        rows.status().map_err(|error| self.store.failed(error))?;
        Ok(None)
    }

    /// [`Family::each`] of the keys that begin with `prefix`.
    ///
    /// # Errors
    /// As [`Family::range`].
    pub fn each_of<B>(&self, prefix: &[u8], visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<B>) -> Result<Option<B>, StoreError> {
        self.each(prefix, keys::after_prefix(prefix).as_deref(), visit)
    }

    fn scan(&self, from: &[u8], to: Option<&[u8]>, mode: IteratorMode<'_>, limit: usize) -> Result<Vec<Row>, StoreError> {
        if to.is_some_and(|to| to <= from) {
            return Ok(Vec::new());
        }
        let rows = self.store.db().iterator_cf_opt(self.store.handle(self.name)?, between(from, to), mode);
        rows.take(limit)
            .map(|row| match row {
                Ok((key, value)) => Ok((key.into_vec(), value.into_vec())),
                Err(error) => Err(self.store.failed(error)),
            })
            .collect()
    }
}

fn between(from: &[u8], to: Option<&[u8]>) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_iterate_lower_bound(from);
    if let Some(to) = to {
        options.set_iterate_upper_bound(to);
    }
    options
}
