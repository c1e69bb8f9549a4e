//! What can go wrong with the store, as the owner should read it.

use std::path::{Path, PathBuf};

/// Why the store could not be opened, read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process, or another part of this one, has it open.
    #[error("the store {} is in use by another process", path.display())]
    Locked {
        /// Its directory.
        path: PathBuf,
    },
    /// Files are missing or damaged, or hold what this program never writes. Nothing was changed.
    #[error("the store {} is damaged: {detail}", path.display())]
    Corrupt {
        /// Its directory.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// A newer program wrote it.
    #[error("the store {} has schema {found}, this program knows up to {known}", path.display())]
    TooNew {
        /// Its directory.
        path: PathBuf,
        /// Schema on disk.
        found: u32,
        /// Newest schema this program reads.
        known: u32,
    },
    /// An older program wrote it, and it was opened only to read.
    #[error("the store {} has schema {found}; run the node once, which brings it to schema {known}", path.display())]
    TooOld {
        /// Its directory.
        path: PathBuf,
        /// Schema on disk.
        found: u32,
        /// This program's.
        known: u32,
    },
    /// The disk or the file system refused: full, read-only, no permission.
    #[error("the store {} can't be used: {detail}", path.display())]
    Io {
        /// Its directory.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// A key or value above its limit; a fault of the caller.
    #[error("{what} of {bytes} bytes is above the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The background work was cancelled because the program is ending.
    #[error("the store is closing")]
    Closing,
}

impl StoreError {
    pub(super) fn corrupt(path: &Path, detail: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), detail: detail.into() }
    }

    /// Sorts what RocksDB reports. `exists`: the store was there before, so a file it names but does
    /// not have is damage.
    pub(super) fn from_rocksdb(path: &Path, exists: bool, error: rocksdb::Error) -> Self {
        use rocksdb::ErrorKind;
        let kind = error.kind();
        let detail = error.into_string();
        let path = path.to_owned();
        // RocksDB has no kind of its own for a held lock: these are its texts, for a lock held by
        // another process and by this one.
        let locked = detail.contains("While lock file") || detail.contains("lock hold by current");
        let missing = detail.contains("No such file or directory");
        match kind {
            ErrorKind::IOError if locked => Self::Locked { path },
            ErrorKind::IOError if exists && missing => Self::Corrupt { path, detail },
            ErrorKind::Corruption | ErrorKind::NotFound | ErrorKind::InvalidArgument => Self::Corrupt { path, detail },
            _ => Self::Io { path, detail },
        }
    }
}
