//! Gossip in: each topic through its stations to one finding of the verdict table.

use super::{Engine, GoBack, Output, Timer, ToStore};
use crate::chain::{BundleRefusal, RecordRefusal};
use crate::exchange::deadlines;
use crate::gossip::{Finding, Topic};
use crate::identity::{Verified, hash, signed};
use crate::time::{Span, Timestamp};
use crate::wire::bundle::Bundle;
use crate::wire::codec;
use crate::wire::epoch_record::EpochRecord;
use crate::wire::fault::{FAULT_BYTES, Fault};
use crate::wire::notice::{Notice, NoticeKind};
use crate::wire::roster::Roster;

/// How far ahead of its publication a record may be by this node's clock: a tenth of an epoch.
const CLOCK_TOLERANCE: Span = Span::hours(2);
/// Records appear a quarter epoch before their epoch.
pub(super) const PUBLISH_AHEAD: Span = Span::hours(6);

impl Engine {
    pub(super) fn on_gossip(&mut self, now: Timestamp, token: u64, topic: Topic, bytes: &[u8]) {
        let digest = hash::digest(bytes);
        let finding = if self.seen.contains(&digest) {
            Finding::Duplicate
        } else {
            let finding = match topic {
                Topic::Records => self.judge_record(now, bytes),
                Topic::Bundles => self.judge_bundle(now, bytes, true),
                Topic::Notices => self.judge_notice(bytes),
                Topic::Faults => self.judge_fault(bytes),
            };
            // What may be judged otherwise later must be looked at again.
            if !matches!(finding, Finding::NotReady | Finding::Stranger | Finding::TooEarly) {
                self.seen.insert(digest);
            }
            finding
        };
        self.emit(Output::Verdict { token, verdict: finding.verdict() });
    }

    pub(super) fn judge_record(&mut self, now: Timestamp, bytes: &[u8]) -> Finding {
        let decoded = match signed::decode::<EpochRecord>(bytes) {
            Ok(d) => d,
            Err(e) => return Finding::from(&e),
        };
        let clock = self.chain.clock();
        let early = clock.wall_ms(PUBLISH_AHEAD) + clock.wall_ms(CLOCK_TOLERANCE);
        if clock.start(decoded.message.epoch) > now.plus_wall_ms(early) && decoded.message.epoch.0 > 1 {
            return Finding::TooEarly;
        }
        match decoded.verify(&self.chain.network()) {
            Err(e) => Finding::from(&e),
            Ok(record) => self.take_record(now, record),
        }
    }

    /// Puts a verified record into the chain and follows it up.
    pub(super) fn take_record(&mut self, now: Timestamp, record: Verified<EpochRecord>) -> Finding {
        if self.going_back {
            return Finding::NotReady;
        }
        let (epoch, bytes) = (record.message.epoch, record.bytes.clone());
        let refusal = match self.chain.accept_record(record) {
            Ok(()) => {
                self.emit(Output::Store(ToStore::Record { epoch, bytes }));
                self.schedule(now, Timer::Sync);
                self.astray = false;
                return Finding::Fresh;
            }
            Err(refusal) => refusal,
        };
        match refusal {
            RecordRefusal::Previous => self.astray = true,
            RecordRefusal::Fork => {
                if let Some(fork) = self.chain.fork_with(epoch, bytes) {
                    self.go_back(epoch, GoBack::Forked(fork));
                }
            }
            RecordRefusal::Overrules => self.go_back(epoch, GoBack::Overruled(bytes)),
            _ => {}
        }
        let finding = Finding::from(refusal);
        if finding == Finding::NotReady {
            self.schedule(now, Timer::Sync);
        }
        finding
    }

    pub(super) fn on_own_record(&mut self, now: Timestamp, record: Verified<EpochRecord>, roster: Roster) {
        let (epoch, digest, bytes) = (record.message.epoch, record.digest, record.bytes.clone());
        self.take_record(now, record);
        if self.chain.record(epoch).is_none_or(|held| held.digest != digest) {
            return;
        }
        if self.chain.accept_roster(epoch, roster).is_ok() {
            self.emit(Output::Store(ToStore::Roster { epoch }));
        }
        self.seen.insert(hash::digest(&bytes));
        self.emit(Output::Publish { topic: Topic::Records, bytes });
        self.derive(now);
    }

    /// `gossip`: whether the gossip deadline holds; by sync a bundle counts until its epoch is closed.
    pub(super) fn judge_bundle(&mut self, now: Timestamp, bytes: &[u8], gossip: bool) -> Finding {
        let decoded = match signed::decode::<Bundle>(bytes) {
            Ok(d) => d,
            Err(e) => return Finding::from(&e),
        };
        let clock = self.chain.clock();
        let (epoch, member) = (decoded.message.epoch, decoded.message.member);
        if clock.start(epoch.plus(1)) > clock.after(now, CLOCK_TOLERANCE) {
            return Finding::TooEarly;
        }
        if gossip && now >= deadlines::bundle_deadline(&clock, epoch) {
            return Finding::TooLate;
        }
        let contradicts = match self.chain.check_bundle(&decoded.message, &decoded.digest, &decoded.signer()) {
            Ok(()) => false,
            Err(BundleRefusal::Equivocation) => true,
            Err(refusal) => return Finding::from(refusal),
        };
        let bundle = match self.chain.verify_bundle(decoded) {
            Err(e) => return Finding::from(&e),
            Ok(b) => b,
        };
        if contradicts {
            self.caught(bundle);
            return Finding::from(BundleRefusal::Equivocation);
        }
        self.emit(Output::Store(ToStore::Bundle { epoch, member, bytes: bundle.bytes.clone() }));
        self.chain.hold_bundle(bundle);
        self.derive(now);
        Finding::Fresh
    }

    /// A second, different word of a member on an epoch: remembered, and the proof goes out.
    fn caught(&mut self, bundle: Verified<Bundle>) {
        let Verified { message: Bundle { epoch, member, .. }, bytes, .. } = bundle;
        let Some(held) = self.chain.bundles(epoch).and_then(|b| b.get(&member)) else { return };
        let proof = Fault::equivocation(held.envelope.clone(), bytes);
        self.chain.mark_caught(member, proof.digest());
        self.emit(Output::Publish { topic: Topic::Faults, bytes: codec::encode(&proof) });
    }

    pub(super) fn judge_notice(&mut self, bytes: &[u8]) -> Finding {
        let notice = match signed::open::<Notice>(bytes, &self.chain.network()) {
            Ok(n) => n,
            Err(e) => return Finding::from(&e),
        };
        match self.chain.issuing_key() {
            None => Finding::NotReady,
            // Keys rotate: a signer unknown here may be the next one.
            Some(key) if key != notice.signer => Finding::Stranger,
            Some(_) => {
                self.take_notice(&notice);
                Finding::Fresh
            }
        }
    }

    fn take_notice(&mut self, notice: &Verified<Notice>) {
        let tag = notice.message.tag;
        match notice.message.kind {
            NoticeKind::Listed => self.early_notices.insert(tag),
            NoticeKind::Released => self.early_notices.remove(&tag),
        };
        self.notices.insert(tag, notice.bytes.clone());
    }

    pub(super) fn on_own_notice(&mut self, _now: Timestamp, notice: Verified<Notice>) {
        self.take_notice(&notice);
        self.seen.insert(hash::digest(&notice.bytes));
        self.emit(Output::Publish { topic: Topic::Notices, bytes: notice.bytes });
    }

    fn judge_fault(&mut self, bytes: &[u8]) -> Finding {
        let Fault::Equivocation { first, second } = match codec::decode::<Fault>(bytes, FAULT_BYTES) {
            Ok(f) => f,
            Err(_) => return Finding::Malformed,
        };
        let network = self.chain.network();
        let (a, b) = match (signed::open::<Bundle>(&first, &network), signed::open::<Bundle>(&second, &network)) {
            (Ok(a), Ok(b)) => (a, b),
            _ => return Finding::BadSignature,
        };
        let same = a.message.member == b.message.member && a.message.epoch == b.message.epoch && a.signer == b.signer;
        if !same || a.digest == b.digest {
            return Finding::BreaksRule;
        }
        match self.chain.node_of(a.message.epoch, &a.message.member) {
            None => Finding::NotReady,
            Some(node) if node != a.signer => Finding::Stranger,
            Some(_) => {
                self.chain.mark_caught(a.message.member, hash::digest(bytes));
                Finding::Fresh
            }
        }
    }

    /// Derives what can be derived and tells the host.
    pub(super) fn derive(&mut self, now: Timestamp) {
        for epoch in self.chain.derive() {
            // Notices that a record carries act by the roster now.
            let listed: Vec<_> = self.chain.record(epoch).map(|r| r.record.notices.clone()).unwrap_or_default();
            for notice in listed {
                self.early_notices.remove(&notice.tag);
                self.notices.remove(&notice.tag);
            }
            self.emit(Output::Derived { epoch });
        }
        if let Some(epoch) = self.epoch(now) {
            self.plan(now, epoch);
        }
    }
}
