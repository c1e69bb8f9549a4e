//! Where the answer goes: beside the file it replaces until it is whole, or straight into what is no file.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{BufWriter, Error, ErrorKind, Result, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Symbolic links that are followed; Linux follows as many.
const LINKS: usize = 40;

/// A place for the answer.
pub struct Out {
    /// What is written; what a link points to, for a link.
    path: PathBuf,
    /// A device or a pipe, which can't be replaced.
    straight: bool,
    /// The file being written, while there is one.
    unfinished: Mutex<Option<PathBuf>>,
}

impl Out {
    /// Looks at the place and leaves nothing there. `inputs` are files that must not be replaced.
    ///
    /// # Errors
    /// When nothing can be written there, or it is one of `inputs`.
    pub fn new(path: &Path, inputs: &[&Path]) -> Result<Self> {
        let there = std::fs::metadata(path).ok();
        let refuse = |why: &str| Err(Error::new(ErrorKind::InvalidInput, why));
        if there.as_ref().is_some_and(Metadata::is_dir) {
            return refuse("it is a directory");
        }
        let same = |a: &Metadata, b: &Metadata| a.is_file() && (a.dev(), a.ino()) == (b.dev(), b.ino());
        let is_input = |input: &&Path| there.as_ref().zip(std::fs::metadata(input).ok()).is_some_and(|(a, b)| same(a, &b));
        if inputs.iter().any(is_input) {
            return refuse("it is one of the files that are read");
        }
        let straight = there.is_some_and(|m| !m.is_file());
        let out = Self { path: if straight { path.to_owned() } else { followed(path)? }, straight, unfinished: Mutex::default() };
        if !straight {
            // Without a name, so that nothing stays behind whatever happens.
            tempfile::tempfile_in(out.folder())?;
        }
        Ok(out)
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn lock(&self) -> MutexGuard<'_, Option<PathBuf>> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `fill` write the answer; a file comes to its place when it is whole.
    ///
    /// # Errors
    /// When it can't be written; then what was there is still there.
    pub fn write(&self, fill: impl FnOnce(&mut BufWriter<&File>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let whole = |file: &File| {
            let mut to = BufWriter::new(file);
            fill(&mut to)?;
            Ok::<_, anyhow::Error>(to.flush()?)
        };
        if self.straight {
            return whole(&OpenOptions::new().write(true).open(&self.path)?);
        }
        let (file, temporary) = {
            let mut unfinished = self.lock();
            // As files are made otherwise: the umask decides who may read.
            let made = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(self.folder())?;
            *unfinished = Some(made.path().to_owned());
            made.into_parts()
        };
        whole(&file)?;
        let mut unfinished = self.lock();
        temporary.persist(&self.path)?;
        *unfinished = None;
        Ok(())
    }

    /// Removes what is unfinished. Nothing more is written from then on: a writer waits as long as the guard lives.
    pub fn give_up(&self) -> MutexGuard<'_, Option<PathBuf>> {
        let mut unfinished = self.lock();
        if let Some(path) = unfinished.take() {
            // It is gone already when the writer failed.
            let _ = std::fs::remove_file(path);
        }
        unfinished
    }
}

/// What `path` stands for when it is a link; it need not be there yet.
fn followed(path: &Path) -> Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match std::fs::read_link(&path) {
            // From the folder of the link, unless it is absolute.
            Ok(target) => path = path.parent().map_or_else(|| target.clone(), |folder| folder.join(&target)),
            Err(_) => return Ok(path),
        }
    }
    Err(Error::other("too many links"))
}
