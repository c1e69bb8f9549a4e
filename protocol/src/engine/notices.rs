//! Quarantine notices that act before a record lists them.
//!
//! A notice acts at once, and until records have spoken: at most as long as a network plays on without one. So an old notice, told
//! again, does nothing, whenever and to whomever it is told.

use super::{Engine, Output};
use crate::gossip::refusal::NoticeRefusal;
use crate::gossip::{Refusal, Topic};
use crate::identity::{Verified, hash, signed};
use crate::ids::{DomainTag, MemberId};
use crate::limits::{DEGRADED_EPOCHS, EARLY_NOTICES};
use crate::time::{Epoch, Timestamp};
use crate::wire::notice::{Notice, NoticeKind};

/// The newest notice of a tag that was heard.
pub(super) struct EarlyNotice {
    since: Epoch,
    kind: NoticeKind,
    bytes: Vec<u8>,
}

impl Engine {
    pub(super) fn judge_notice(&mut self, now: Timestamp, bytes: &[u8]) -> Result<(), Refusal> {
        let decoded = signed::decode::<Notice>(bytes)?;
        let Notice { tag, kind, since, .. } = decoded.message;
        let signer = self.chain.issuing_key().ok_or(NoticeRefusal::NoRecord)?;
        if decoded.signer() != signer {
            return Err(NoticeRefusal::Signer.into());
        }
        let today = self.epoch(now).unwrap_or(Epoch(0));
        if since > today.plus(1) {
            return Err(NoticeRefusal::Early.into());
        }
        if since.plus(DEGRADED_EPOCHS) < today {
            return Err(NoticeRefusal::Old.into());
        }
        if self.newest_word(&tag).is_some_and(|known| known >= (since, kind)) {
            return Err(NoticeRefusal::Superseded.into());
        }
        let notice = decoded.verify(&self.chain.network())?;
        self.early_notices.retain(|_, early| early.since.plus(DEGRADED_EPOCHS) >= today);
        if self.early_notices.len() >= EARLY_NOTICES && !self.early_notices.contains_key(&tag) {
            return Err(NoticeRefusal::Full.into());
        }
        self.take_notice(notice);
        Ok(())
    }

    fn take_notice(&mut self, notice: Verified<Notice>) {
        let Notice { tag, kind, since, .. } = notice.message;
        self.early_notices.insert(tag, EarlyNotice { since, kind, bytes: notice.bytes });
    }

    /// Epoch and kind of the newest notice of a tag, heard or listed; of one epoch the release is the newer one.
    fn newest_word(&self, tag: &DomainTag) -> Option<(Epoch, NoticeKind)> {
        let listed = self.chain.listed_notices().filter(|n| n.tag == *tag).map(|n| (n.since, n.kind));
        listed.chain(self.early_notices.get(tag).map(|early| (early.since, early.kind))).max()
    }

    pub(super) fn on_own_notice(&mut self, notice: Verified<Notice>) {
        let bytes = notice.bytes.clone();
        self.take_notice(notice);
        self.seen.insert(hash::digest(&bytes));
        self.emit(Output::Publish { topic: Topic::Notices, bytes });
    }

    /// Notices that records don't list yet, as envelopes: for a node that asks.
    #[must_use]
    pub fn pending_notices(&self) -> Vec<Vec<u8>> {
        self.early_notices.values().map(|early| early.bytes.clone()).collect()
    }

    /// Whether a member's tag is quarantined, by the newest notice or by what was derived: both stop introductions at once, also in an
    /// epoch whose roster deals it partners still.
    pub(super) fn in_quarantine(&self, epoch: Epoch, member: &MemberId) -> bool {
        let Some(tag) = self.chain.play(epoch).and_then(|p| p.roster.row(member).map(|r| r.tag)) else { return false };
        let early = self.early_notices.get(&tag).filter(|early| early.since.plus(DEGRADED_EPOCHS) >= epoch);
        early.is_some_and(|early| early.kind == NoticeKind::Listed && self.newest_word(&tag) == Some((early.since, early.kind)))
            || self.chain.quarantined().contains(&tag)
    }
}
