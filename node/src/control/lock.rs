//! One running program a home.

use crate::config::Home;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::PathBuf;

/// Held as long as the program runs; the system frees it with the process, however that ends.
#[derive(Debug)]
pub struct HomeLock {
    _file: File,
}

/// Why the home can't be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another program holds it.
    #[error("{path} is in use by process {pid}")]
    Held {
        /// The home.
        path: PathBuf,
        /// Who holds it.
        pid: String,
    },
    /// The lock file can't be used.
    #[error("{path}: {why}")]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
}

impl HomeLock {
    /// Takes the lock of a home.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(home: &Home) -> Result<Self, LockError> {
        let path = home.lock();
        let io = |e: std::io::Error| LockError::Io { path: path.clone(), why: e.to_string() };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _unknown = file.read_to_string(&mut pid);
                return Err(LockError::Held { path: home.root().to_path_buf(), pid: pid.trim().to_owned() });
            }
            Err(TryLockError::Error(e)) => return Err(io(e)),
        }
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        write!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_locked_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = Home::at(dir.path());
        let held = HomeLock::take(&home).expect("free");
        assert!(matches!(HomeLock::take(&home), Err(LockError::Held { .. })));
        drop(held);
        HomeLock::take(&home).expect("free again");
    }
}
