//! Small state files that survive a kill: written beside, flushed, renamed over.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Replaces `path` by `bytes` so that a crash leaves the old or the new content, never a mixture. The file is
/// readable by its owner only: it may hold applicants' addresses.
///
/// # Errors
/// Any input or output error, disk full for one; the old content is then untouched.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = create_private(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    if let Some(folder) = path.parent() {
        // The rename itself is durable only once its folder is.
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Reads a file; `None` when it does not exist yet.
///
/// # Errors
/// Any other input error, and a file above `limit` bytes.
pub fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
        Ok(meta) if meta.len() > limit => Err(io::Error::new(io::ErrorKind::InvalidData, "the file is larger than it can be")),
        Ok(_) => fs::read(path).map(Some),
    }
}

/// Creates (or empties) a file only its owner can read.
///
/// # Errors
/// As for opening a file.
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.bin");
        assert_eq!(read(&path, 10).unwrap(), None);
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(read(&path, 10).unwrap().as_deref(), Some(b"two".as_slice()));
        assert!(read(&path, 2).is_err());
        assert!(!path.with_extension("new").exists());
    }
}
