//! Gossip in: each topic through its stations to one finding of the verdict table.

use super::{Engine, GoBack, Output, Timer, ToStore};
use crate::chain::{BundleRefusal, HeldFault, RecordRefusal};
use crate::exchange::deadlines;
use crate::gossip::{Finding, Refusal, Topic};
use crate::identity::{SignedError, Verified, hash, signed};
use crate::limits::REFUSED_RECORDS;
use crate::time::{Epoch, Span, Timestamp};
use crate::wire::bundle::Bundle;
use crate::wire::codec;
use crate::wire::epoch_record::EpochRecord;
use crate::wire::fault::Fault;
use crate::wire::roster::Roster;

/// How far ahead of its publication a record may be by this node's clock: a tenth of an epoch.
const CLOCK_TOLERANCE: Span = Span::hours(2);
/// Records appear a quarter epoch before their epoch.
pub(super) const PUBLISH_AHEAD: Span = Span::hours(6);

impl Engine {
    pub(super) fn on_gossip(&mut self, now: Timestamp, token: u64, topic: Topic, bytes: &[u8]) {
        let digest = hash::digest(bytes);
        let judged = if self.seen.contains(&digest) {
            Err(Refusal::Seen)
        } else {
            match topic {
                Topic::Records => self.judge_record(now, bytes),
                Topic::Bundles => self.judge_bundle(now, bytes, true),
                Topic::Notices => self.judge_notice(now, bytes),
                Topic::Faults => self.judge_fault(bytes),
            }
        };
        let finding = Finding::of(&judged);
        // What may be judged otherwise later must be looked at again.
        if !matches!(finding, Finding::NotReady | Finding::Stranger | Finding::TooEarly) {
            self.seen.insert(digest);
        }
        self.emit(Output::Verdict { token, verdict: finding.verdict(), refusal: judged.err() });
    }

    pub(super) fn judge_record(&mut self, now: Timestamp, bytes: &[u8]) -> Result<(), Refusal> {
        let decoded = signed::decode::<EpochRecord>(bytes).inspect_err(|e| self.notice_newer_layout(e, bytes))?;
        let clock = self.chain.clock();
        let early = clock.wall_ms(PUBLISH_AHEAD) + clock.wall_ms(CLOCK_TOLERANCE);
        if clock.start(decoded.message.epoch) > now.plus_wall_ms(early) && decoded.message.epoch.0 > 1 {
            return Err(Refusal::Early);
        }
        let record = decoded.verify(&self.chain.network())?;
        self.take_record(now, record)
    }

    /// Remembers that the coordinator writes records in a layout that this program doesn't know: its owner has to be told.
    fn notice_newer_layout(&mut self, error: &SignedError, bytes: &[u8]) {
        if let SignedError::UnknownVersion(layout) = error
            && self.chain.issuing_key().is_some()
            && signed::signer_of_unknown::<EpochRecord>(bytes, &self.chain.network()) == self.chain.issuing_key()
        {
            self.newer_layout = Some(*layout);
        }
    }

    /// Puts a verified record into the chain and follows it up.
    pub(super) fn take_record(&mut self, now: Timestamp, record: Verified<EpochRecord>) -> Result<(), Refusal> {
        if self.going_back {
            return Err(Refusal::GoingBack);
        }
        let (epoch, bytes) = (record.message.epoch, record.bytes.clone());
        let Err(refusal) = self.chain.accept_record(record) else {
            self.hold_record(now, epoch, bytes);
            return Ok(());
        };
        match refusal {
            RecordRefusal::Previous => self.astray = true,
            RecordRefusal::Fork => {
                if let Some(fork) = self.chain.fork_with(epoch, bytes) {
                    self.go_back(epoch, GoBack::Forked(fork));
                }
            }
            RecordRefusal::Overrules => self.go_back(epoch, GoBack::Overruled(bytes)),
            // Its signer is certified and breaks the rules: evidence for the owner.
            RecordRefusal::Params | RecordRefusal::Upcoming | RecordRefusal::Closes | RecordRefusal::TooMany => {
                self.refused_records.push_back((epoch, refusal, bytes));
                while self.refused_records.len() > REFUSED_RECORDS {
                    self.refused_records.pop_front();
                }
            }
            _ => {}
        }
        if Finding::from(refusal) == Finding::NotReady {
            self.schedule(now, Timer::Sync);
        }
        Err(refusal.into())
    }

    /// A record was accepted.
    pub(super) fn hold_record(&mut self, now: Timestamp, epoch: Epoch, bytes: Vec<u8>) {
        self.emit(Output::Store(ToStore::Record { epoch, bytes }));
        self.schedule(now, Timer::Sync);
        self.astray = false;
    }

    pub(super) fn on_own_record(&mut self, now: Timestamp, record: Verified<EpochRecord>, roster: Roster) {
        let (epoch, digest, bytes) = (record.message.epoch, record.digest, record.bytes.clone());
        let _stands_below = self.take_record(now, record);
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
    pub(super) fn judge_bundle(&mut self, now: Timestamp, bytes: &[u8], gossip: bool) -> Result<(), Refusal> {
        let decoded = signed::decode::<Bundle>(bytes)?;
        let clock = self.chain.clock();
        let (epoch, member) = (decoded.message.epoch, decoded.message.member);
        if clock.start(epoch.plus(1)) > clock.after(now, CLOCK_TOLERANCE) {
            return Err(Refusal::Early);
        }
        let late = now >= deadlines::bundle_deadline(&clock, epoch);
        if gossip && late {
            return Err(Refusal::Late);
        }
        let contradicts = match self.chain.check_bundle(&decoded.message, &decoded.digest, &decoded.signer()) {
            Ok(()) => false,
            // One proof is enough: a third word costs nobody a signature check.
            Err(BundleRefusal::Equivocation) if !self.chain.knows_caught(&member, epoch) => true,
            Err(refusal) => return Err(refusal.into()),
        };
        let bundle = self.chain.verify_bundle(decoded)?;
        self.prove_equivocation(&bundle);
        if contradicts {
            return Err(BundleRefusal::Equivocation.into());
        }
        self.emit(Output::Store(ToStore::Bundle { epoch, member, bytes: bundle.bytes.clone(), late }));
        self.chain.hold_bundle(bundle, late);
        self.derive(now);
        Ok(())
    }

    /// When a member's verified bundle is another one than the one held: the proof is kept and goes out.
    fn prove_equivocation(&mut self, bundle: &Verified<Bundle>) {
        let Bundle { epoch, member, .. } = bundle.message;
        let held = self.chain.bundles(epoch).and_then(|b| b.get(&member)).filter(|held| held.digest != bundle.digest);
        let Some(held) = held.filter(|_| !self.chain.knows_caught(&member, epoch)) else { return };
        let bytes = codec::encode(&Fault::equivocation(held.envelope.clone(), bundle.bytes.clone()));
        self.hold_fault(HeldFault { member, epoch, bytes: bytes.clone() });
        self.emit(Output::Publish { topic: Topic::Faults, bytes });
    }

    fn hold_fault(&mut self, fault: HeldFault) {
        self.emit(Output::Store(ToStore::Fault { epoch: fault.epoch, bytes: fault.bytes.clone() }));
        self.chain.take_fault(fault);
    }

    pub(super) fn judge_fault(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let fault = self.chain.judge_fault(bytes)?;
        self.hold_fault(fault);
        Ok(())
    }

    /// Derives what can be derived and tells the host.
    pub(super) fn derive(&mut self, now: Timestamp) {
        for epoch in self.chain.derive() {
            self.emit(Output::Derived { epoch });
        }
        self.look_at_disputes(now);
        if let Some(epoch) = self.epoch(now) {
            self.plan(now, epoch);
        }
    }
}
