//! Opening a store: lock, damage, schema.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rocksdb::{ColumnFamily, ColumnFamilyDescriptor, DB, IteratorMode};

use super::batch::{Batch, Durability};
use super::error::StoreError;
use super::family::Family;
use super::migrate::{self, Layout};
use super::options::{self, FamilyName};

/// Schema this program writes and the newest it reads. Raise it with any change that an older
/// program would misread, with a step in `migrate.rs`.
pub const SCHEMA: u32 = 3;

const SCHEMA_KEY: &[u8] = b"schema";

/// An open store. Clones share it; the last one to be dropped closes it and frees the lock.
///
/// ```no_run
/// # fn main() -> Result<(), warmnet_node::store::StoreError> {
/// use warmnet_node::store::{Durability, FamilyName, Store, epoch_key};
/// let store = Store::open("/var/lib/warmnet/store")?;
/// let records = store.family(FamilyName::Records);
/// records.put(&epoch_key(7), b"record", Durability::Buffered)?;
/// assert_eq!(records.get(&epoch_key(7))?.as_deref(), Some(&b"record"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    db: DB,
    path: PathBuf,
    high_water: Mutex<()>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in a directory, creating both if there is none.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Corrupt`], [`StoreError::TooNew`], [`StoreError::Io`].
    /// A damaged store is never replaced by an empty one: that would forget which mails were sent.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_as(path.as_ref(), &migrate::layout(&migrate::families()))
    }

    /// Opens it as a program does that knows this layout.
    pub(super) fn open_as(path: &Path, layout: &Layout<'_>) -> Result<Self, StoreError> {
        let Found { exists, data } = look(path)?;
        let options = options::database(!exists);
        let failed = |error| StoreError::from_rocksdb(path, exists, error);
        let mut names: BTreeSet<String> = layout.families.iter().map(|(name, _)| (*name).to_owned()).collect();
        if exists {
            // A newer program may have more families; all must be opened to read the schema.
            let listed = DB::list_cf(&options, path).map_err(failed)?;
            // A crash while the store was made may leave it without some, but then it is empty.
            if data && layout.families.iter().any(|(name, _)| !listed.iter().any(|l| l == name)) {
                check_missing(path, layout, &listed)?;
            }
            names.extend(listed);
        }
        let family = options::families();
        let descriptors = names.into_iter().map(|name| ColumnFamilyDescriptor::new(name, family()));
        let db = DB::open_cf_descriptors(&options, path, descriptors).map_err(failed)?;
        let store = Self::of(db, path);
        let found = store.check_schema(layout.schema)?;
        store.migrate(found, layout)?;
        Ok(store)
    }

    fn of(db: DB, path: &Path) -> Self {
        Self { inner: Arc::new(Inner { db, path: path.to_owned(), high_water: Mutex::new(()) }) }
    }

    /// Opens an existing store to read, as it is at this moment, also while another process writes to it. Writes fail.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_to_read(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let names = DB::list_cf(&options::database(false), path).map_err(|error| StoreError::from_rocksdb(path, true, error))?;
        let store = Self::as_it_is(path, &names)?;
        match store.check_schema(SCHEMA)? {
            SCHEMA => Ok(store),
            found => Err(StoreError::TooOld { path: path.to_owned(), found, known: SCHEMA }),
        }
    }

    fn as_it_is(path: &Path, names: &[String]) -> Result<Self, StoreError> {
        let mut options = options::database(false);
        // Every file is opened now: its owner may drop it at any time.
        options.set_max_open_files(-1);
        let family = options::families();
        let descriptors = names.iter().map(|name| ColumnFamilyDescriptor::new(name, family()));
        let db = DB::open_cf_descriptors_read_only(&options, path, descriptors, false);
        Ok(Self::of(db.map_err(|error| StoreError::from_rocksdb(path, true, error))?, path))
    }

    /// Brings an older store up to this program's schema, step by step.
    fn migrate(&self, found: u32, layout: &Layout<'_>) -> Result<(), StoreError> {
        for (schema, step) in (2..).zip(layout.steps).filter(|(schema, _)| *schema > found) {
            let mut batch = Batch::new();
            step(&mut batch);
            batch.put(FamilyName::Meta, SCHEMA_KEY, schema.to_be_bytes());
            self.write(batch, Durability::Synced)?;
        }
        Ok(())
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// One kind of things.
    #[must_use]
    pub fn family(&self, name: FamilyName) -> Family {
        Family::new(self.clone(), name)
    }

    /// Applies all changes of a batch or none. A [`Durability::Synced`] batch also makes every
    /// earlier write durable, since all share one log.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the disk refuses.
    pub fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        let changes = batch.into_rocksdb(self)?;
        self.db().write_opt(changes, &options::write(durability)).map_err(|error| self.failed(error))
    }

    /// [`Store::write`] on a thread that may block.
    ///
    /// # Errors
    /// As [`Store::write`]; [`StoreError::Closing`] if the runtime is shutting down.
    pub async fn write_async(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        self.blocking(move |store| store.write(batch, durability)).await
    }

    /// Runs reads or writes on a thread that may block.
    ///
    /// # Errors
    /// Those of `work`; [`StoreError::Closing`] if the runtime is shutting down.
    pub async fn blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Self) -> Result<T, E> + Send + 'static,
    {
        let store = self.clone();
        tokio::task::spawn_blocking(move || work(&store)).await.map_err(|_| E::from(StoreError::Closing))?
    }

    pub(super) fn db(&self) -> &DB {
        &self.inner.db
    }

    pub(super) fn high_water_lock(&self) -> &Mutex<()> {
        &self.inner.high_water
    }

    pub(super) fn handle(&self, name: FamilyName) -> Result<&ColumnFamily, StoreError> {
        let handle = self.db().cf_handle(name.on_disk());
        handle.ok_or_else(|| self.corrupt(format!("family {} is missing", name.on_disk())))
    }

    pub(super) fn failed(&self, error: rocksdb::Error) -> StoreError {
        StoreError::from_rocksdb(self.path(), true, error)
    }

    pub(crate) fn corrupt(&self, detail: impl Into<String>) -> StoreError {
        StoreError::corrupt(self.path(), detail)
    }

    /// The schema on disk; a fresh store gets this program's, `known`.
    fn check_schema(&self, known: u32) -> Result<u32, StoreError> {
        let meta = self.family(FamilyName::Meta);
        let Some(bytes) = meta.get(SCHEMA_KEY)? else {
            // Fresh, or a crash came before this write; with anything in it, a schema is lost.
            if !self.is_empty()? {
                return Err(self.corrupt("no schema version"));
            }
            meta.put(SCHEMA_KEY, &known.to_be_bytes(), Durability::Synced)?;
            return Ok(known);
        };
        let bytes: [u8; 4] = bytes.try_into().map_err(|_| self.corrupt("schema version is not four bytes"))?;
        let found = u32::from_be_bytes(bytes);
        if found > known {
            return Err(StoreError::TooNew { path: self.path().to_owned(), found, known });
        }
        if found == 0 {
            return Err(self.corrupt("schema version is zero"));
        }
        Ok(found)
    }

    fn is_empty(&self) -> Result<bool, StoreError> {
        for name in FamilyName::ALL {
            let mut rows = self.db().iterator_cf(self.handle(name)?, IteratorMode::Start);
            if let Some(row) = rows.next() {
                row.map_err(|error| self.failed(error))?;
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether every family that a store lacks is one that came after its schema: any other one was lost.
fn check_missing(path: &Path, layout: &Layout<'_>, listed: &[String]) -> Result<(), StoreError> {
    let has = |name: &str| listed.iter().any(|l| l == name);
    let lost = |name: &str| Err(StoreError::corrupt(path, format!("family {name} is missing")));
    let meta = FamilyName::Meta.on_disk();
    if !has(meta) {
        return lost(meta);
    }
    let schema = Store::as_it_is(path, listed)?.family(FamilyName::Meta).get(SCHEMA_KEY)?;
    let schema = schema.and_then(|bytes| bytes.try_into().ok()).map_or(u32::MAX, u32::from_be_bytes);
    layout.families.iter().find(|(name, since)| !has(name) && *since <= schema).map_or(Ok(()), |(name, _)| lost(name))
}

/// What a directory holds.
struct Found {
    /// The file that every store has.
    exists: bool,
    /// Tables, or logs with something in them.
    data: bool,
}

/// Looks before RocksDB does: where `CURRENT` is lost it would start an empty store in the place of
/// the old one.
fn look(path: &Path) -> Result<Found, StoreError> {
    let failed = |error: std::io::Error| StoreError::Io { path: path.to_owned(), detail: error.to_string() };
    std::fs::create_dir_all(path).map_err(failed)?;
    let mut found = Found { exists: false, data: false };
    // Bounded by the files RocksDB keeps; nothing else belongs here.
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = PathBuf::from(entry.file_name());
        found.exists |= name == Path::new("CURRENT");
        let end = name.extension().unwrap_or_default();
        if end == "sst" {
            found.data = true;
        } else if end == "log" && !found.data {
            // A running owner may drop a log between the two calls; then the lock decides.
            found.data = entry.metadata().is_ok_and(|file| file.len() > 0);
        }
    }
    if found.data && !found.exists {
        return Err(StoreError::corrupt(path, "the file CURRENT is missing"));
    }
    Ok(found)
}
