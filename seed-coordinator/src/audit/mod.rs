//! `audit.jsonl`: what the authority did, one JSON object a line, each naming the hash of the line before. It holds
//! member ids and tags, never an address or domain; the operator's reasons are checked for that.
//!
//! ```text
//! {"seq":7,"at_ms":..,"act":"quarantine-add","subject":"<tag>","by":"operator","reason":"..","prev":"<hash 6>","hash":".."}
//! ```
//! `hash` = BLAKE3 under `warmnet/v1/audit` over the line without `hash`. Cutting or changing a line breaks every later
//! one; cutting the end is seen by whoever kept a later hash.

use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use warmnet_protocol::identity::hash;
use warmnet_protocol::ids::Digest;
use warmnet_protocol::time::Timestamp;

/// Longest line: ids, an act and a reason of [`REASON_BYTES`].
const LINE_BYTES: usize = 4_096;
/// Longest reason of the operator.
pub const REASON_BYTES: usize = 500;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// From 0.
    pub seq: u64,
    /// Wall clock, ms.
    pub at_ms: i64,
    /// What was done.
    pub act: String,
    /// To whom or what: an id, a tag, an epoch.
    pub subject: String,
    /// `rule` or `operator`.
    pub by: String,
    /// Why, when an operator did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Hash of the entry before; zeros for the first.
    pub prev: Digest,
    /// Hash of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Digest>,
}

impl Entry {
    fn digest(&self) -> Digest {
        let bare = Self { hash: None, ..self.clone() };
        let mut h = hash::keyed("audit");
        h.update(&serde_json::to_vec(&bare).unwrap_or_default());
        Digest(*h.finalize().as_bytes())
    }
}

/// Why the log can't be used.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Disk.
    #[error("the audit log can't be read or written: {0}")]
    Io(#[from] io::Error),
    /// A line that breaks the chain.
    #[error("line {line} of the audit log {what}")]
    Broken {
        /// From 1.
        line: u64,
        /// In which way.
        what: &'static str,
    },
    /// The reason holds an address.
    #[error("a reason may not hold a mailbox address (it stays in the log for good)")]
    Address,
    /// The reason is empty or too long.
    #[error("a reason has 1 to 500 bytes and no line break")]
    Reason,
}

/// What a log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AuditSummary {
    /// Entries.
    pub entries: u64,
    /// Hash of the last one.
    pub head: Digest,
    /// Bytes behind the last whole line: an entry that was being written when the program died.
    pub torn_bytes: u64,
}

/// An open log.
#[derive(Debug)]
pub struct Audit {
    file: File,
    path: PathBuf,
    next: u64,
    head: Digest,
}

/// Checks an operator's reason.
///
/// # Errors
/// [`AuditError::Reason`] or [`AuditError::Address`].
pub fn check_reason(reason: &str) -> Result<(), AuditError> {
    if reason.trim().is_empty() || reason.len() > REASON_BYTES || reason.contains(['\n', '\r']) {
        return Err(AuditError::Reason);
    }
    if reason.contains('@') { Err(AuditError::Address) } else { Ok(()) }
}

/// Follows the whole chain of a log.
///
/// # Errors
/// [`AuditError::Io`], or [`AuditError::Broken`] at the first line that doesn't fit.
pub fn verify(path: &Path) -> Result<AuditSummary, AuditError> {
    let mut summary = AuditSummary { entries: 0, head: Digest([0; 32]), torn_bytes: 0 };
    let mut reader = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        // One byte more than allowed, so that a longer line is seen as such.
        let read = io::Read::take(&mut reader, LINE_BYTES as u64 + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(summary);
        }
        let at = summary.entries + 1;
        let broken = |what| AuditError::Broken { line: at, what };
        if line.last() != Some(&b'\n') {
            if line.len() > LINE_BYTES {
                return Err(broken("is too long"));
            }
            summary.torn_bytes = line.len() as u64;
            return Ok(summary);
        }
        let entry: Entry = serde_json::from_slice(&line).map_err(|_| broken("is no entry"))?;
        if entry.seq != summary.entries {
            return Err(broken("has another number than its place"));
        }
        if entry.prev != summary.head {
            return Err(broken("doesn't follow from the line before"));
        }
        if entry.hash != Some(entry.digest()) {
            return Err(broken("was changed"));
        }
        summary.head = entry.digest();
        summary.entries += 1;
    }
}

impl Audit {
    /// Opens the log of a home and checks all of it; an entry torn by a crash is cut off.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn open(home: &Path) -> Result<Self, AuditError> {
        let path = home.join("audit.jsonl");
        if !path.exists() {
            crate::durable::create_private(&path)?.sync_all()?;
        }
        let summary = verify(&path)?;
        let file = File::options().append(true).open(&path)?;
        if summary.torn_bytes > 0 {
            let length = fs::metadata(&path)?.len();
            file.set_len(length.saturating_sub(summary.torn_bytes))?;
        }
        Ok(Self { file, path, next: summary.entries, head: summary.head })
    }

    /// Appends an entry and flushes it to disk.
    ///
    /// # Errors
    /// [`AuditError`]; after a failed write the log must be opened again.
    pub fn note(&mut self, now: Timestamp, act: &str, subject: &str, reason: Option<&str>) -> Result<(), AuditError> {
        if let Some(reason) = reason {
            check_reason(reason)?;
        }
        let by = if reason.is_some() { "operator" } else { "rule" };
        let mut entry = Entry {
            seq: self.next,
            at_ms: now.0,
            act: act.to_owned(),
            subject: subject.to_owned(),
            by: by.to_owned(),
            reason: reason.map(str::to_owned),
            prev: self.head,
            hash: None,
        };
        let digest = entry.digest();
        entry.hash = Some(digest);
        let mut line = serde_json::to_vec(&entry).map_err(io::Error::from)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.next += 1;
        self.head = digest;
        Ok(())
    }
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let mut audit = Audit::open(dir.path()).unwrap();
        for i in 0..5 {
            audit.note(Timestamp(i), "admit", "member", None).unwrap();
        }
        audit.note(Timestamp(9), "quarantine-add", "tag", Some("complaint by phone")).unwrap();
        let path = audit.path().to_owned();
        (dir, path)
    }

    #[test]
    fn the_chain_continues_over_restarts() {
        let (dir, path) = filled();
        let before = verify(&path).unwrap();
        assert_eq!(before.entries, 6);
        Audit::open(dir.path()).unwrap().note(Timestamp(10), "record", "7", None).unwrap();
        let after = verify(&path).unwrap();
        assert_eq!(after.entries, 7);
        assert_ne!(after.head, before.head);
    }

    #[test]
    fn a_changed_removed_or_swapped_line_is_found() {
        let (_dir, path) = filled();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let write = |lines: &[&str]| fs::write(&path, format!("{}\n", lines.join("\n"))).unwrap();
        write(&[lines[0], lines[2], lines[3]]);
        assert!(matches!(verify(&path), Err(AuditError::Broken { line: 2, .. })));
        let changed = lines[5].replace("by phone", "by mail");
        write(&[lines[0], lines[1], lines[2], lines[3], lines[4], &changed]);
        assert!(matches!(verify(&path), Err(AuditError::Broken { line: 6, what: "was changed" })));
        write(&[lines[1], lines[0]]);
        assert!(matches!(verify(&path), Err(AuditError::Broken { line: 1, .. })));
    }

    #[test]
    fn an_entry_torn_by_a_crash_is_cut_off() {
        let (dir, path) = filled();
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"{\"seq\":6,\"at_").unwrap();
        assert_eq!(verify(&path).unwrap().torn_bytes, 13);
        Audit::open(dir.path()).unwrap().note(Timestamp(11), "admit", "m", None).unwrap();
        assert_eq!(verify(&path).unwrap().entries, 7);
    }

    #[test]
    fn reasons_are_short_and_hold_no_address() {
        assert!(check_reason("listed by hand, ticket 12").is_ok());
        assert!(matches!(check_reason("mail from jo@example.org"), Err(AuditError::Address)));
        for bad in ["", "  ", "a\nb", &"x".repeat(501)] {
            assert!(matches!(check_reason(bad), Err(AuditError::Reason)));
        }
    }
}
