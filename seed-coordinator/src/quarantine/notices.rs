//! The signed word about a tag, the evidence behind it, and what no record lists yet.

use super::hysteresis::{Change, Hysteresis};
use crate::durable;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use warmnet_protocol::identity::hash;
use warmnet_protocol::ids::{Digest, DomainTag};
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::notice::{Notice, NoticeKind};

/// Largest `quarantine.bin`: some 40,000 domains in trouble.
const FILE_BYTES: usize = 8 * 1024 * 1024;

/// Why a notice was made; kept by the coordinator, only its digest is public.
#[derive(Clone, Serialize, Deserialize)]
pub struct Evidence {
    /// The domain that was asked for, when known.
    pub domain: Option<String>,
    /// Lists and answers.
    pub lists: Vec<(String, Ipv4Addr)>,
    /// Both controls of each list held in that round.
    pub controls: bool,
    /// The operator's words.
    pub reason: Option<String>,
    /// Epoch of the finding.
    pub epoch: u32,
    /// Wall clock, ms.
    pub at_ms: i64,
}

impl Evidence {
    /// Its bytes: compact JSON.
    fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
    /// The digest a notice carries.
    #[must_use]
    pub fn digest(&self) -> Digest {
        hash::digest(&self.bytes())
    }
}

/// The notice of a change; `None` for what concerns lists only.
#[must_use]
pub fn notice_of(change: &Change, evidence: Digest, epoch: Epoch) -> Option<Notice> {
    let (tag, kind, reason) = match change {
        Change::Listed { tag, reason, .. } => (*tag, NoticeKind::Listed, *reason),
        Change::Released { tag, reason } => (*tag, NoticeKind::Released, *reason),
        Change::Suspended { .. } | Change::Resumed { .. } => return None,
    };
    Some(Notice { tag, kind, reason, evidence, since: epoch, review: epoch.plus(1) })
}

/// What is kept in `quarantine.bin`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Docket {
    /// Verdicts and holds.
    pub hysteresis: Hysteresis,
    /// The last notice of each tag until a record made it act.
    pub pending: BTreeMap<DomainTag, Notice>,
}

impl Docket {
    /// Forgets what a record lists; whether that changed anything. A release waits for its record even when no record
    /// ever listed the quarantine: nodes took that from gossip and must hear of the end.
    pub fn settle(&mut self, recorded: &BTreeSet<&Notice>) -> bool {
        let before = self.pending.len();
        self.pending.retain(|_, n| !recorded.contains(n));
        self.pending.len() != before
    }
}

/// Files of the quarantine in a home.
#[derive(Clone, Debug)]
pub struct QuarantineFiles {
    state: PathBuf,
    evidence: PathBuf,
}

impl QuarantineFiles {
    /// `quarantine.bin` and the folder `evidence`.
    #[must_use]
    pub fn in_home(home: &Path) -> Self {
        Self { state: home.join("quarantine.bin"), evidence: home.join("evidence") }
    }
    /// Reads the state; an empty one at first.
    ///
    /// # Errors
    /// Input errors and a damaged file.
    pub fn load(&self) -> io::Result<Docket> {
        let Some(bytes) = durable::read(&self.state, FILE_BYTES as u64)? else { return Ok(Docket::default()) };
        codec::decode(&bytes, FILE_BYTES).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
    }
    /// Saves it durably.
    ///
    /// # Errors
    /// Output errors.
    pub fn save(&self, docket: &Docket) -> io::Result<()> {
        durable::replace(&self.state, &codec::encode(docket))
    }
    /// Keeps the evidence under its digest.
    ///
    /// # Errors
    /// Output errors.
    pub fn keep(&self, evidence: &Evidence) -> io::Result<()> {
        fs::create_dir_all(&self.evidence)?;
        durable::replace(&self.evidence.join(format!("{}.json", evidence.digest())), &evidence.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use warmnet_protocol::wire::notice::ReasonClass;

    #[test]
    fn a_notice_waits_until_a_record_says_the_same() {
        let tag = DomainTag([1; 16]);
        let listed = Change::Listed { tag, reason: ReasonClass::Blocklist, lists: vec![] };
        let mut docket = Docket::default();
        docket.pending.insert(tag, notice_of(&listed, Digest([0; 32]), Epoch(3)).unwrap());
        assert!(!docket.settle(&BTreeSet::new()));
        let dir = tempfile::tempdir().unwrap();
        let files = QuarantineFiles::in_home(dir.path());
        assert_eq!(files.load().unwrap(), Docket::default());
        files.save(&docket).unwrap();
        assert_eq!(files.load().unwrap(), docket);
        let first = docket.pending[&tag].clone();
        let released = Change::Released { tag, reason: ReasonClass::Operator };
        docket.pending.insert(tag, notice_of(&released, Digest([0; 32]), Epoch(4)).unwrap());
        assert!(!docket.settle(&BTreeSet::from([&first])), "the release is another notice");
        let second = docket.pending[&tag].clone();
        assert!(docket.settle(&BTreeSet::from([&second])));
    }

    #[test]
    fn evidence_is_kept_under_its_digest() {
        let dir = tempfile::tempdir().unwrap();
        let evidence = Evidence { domain: None, lists: vec![], controls: true, reason: Some("x".into()), epoch: 1, at_ms: 2 };
        QuarantineFiles::in_home(dir.path()).keep(&evidence).unwrap();
        let kept = fs::read(dir.path().join("evidence").join(format!("{}.json", evidence.digest()))).unwrap();
        assert_eq!(hash::digest(&kept), evidence.digest());
    }
}
