//! What is missing, asked for one thing at a time.

use super::messages::PUBLISH_AHEAD;
use super::{Engine, Output, Timer, ToStore, Want};
use crate::gossip::{Finding, Topic};
use crate::identity::{hash, signed};
use crate::ids::Digest;
use crate::limits;
use crate::time::{Epoch, Span, Timestamp};
use crate::wire::epoch_record::EpochRecord;
use crate::wire::roster::{Roster, RosterRow};
use crate::wire::sync::Response;
use std::collections::BTreeMap;

/// After its publication a record is asked for when gossip has not brought it in a 96th of an epoch (15 minutes of a day).
const RECORD_PATIENCE: Span = Span::minutes(15);

impl Engine {
    /// Asks for the first missing thing and looks again later.
    pub(super) fn on_sync_due(&mut self, now: Timestamp) {
        self.timers.retain(|(_, t)| *t != Timer::Sync);
        let next = self.chain.next_epoch();
        let clock = self.chain.clock();
        let published = clock.start(next).0 - i64::try_from(clock.wall_ms(PUBLISH_AHEAD)).unwrap_or(0);
        let expected = Timestamp(published).plus_wall_ms(clock.wall_ms(RECORD_PATIENCE));
        let mut busy = false;
        if let Some((epoch, digest)) = self.chain.missing_roster() {
            let from = self.roster_page.as_ref().filter(|p| p.epoch == epoch).map_or(0, |p| p.rows.len() as u32);
            self.emit(Output::Ask(Want::Roster(epoch, digest, from)));
            busy = true;
        }
        if next.0 <= 1 || expected <= now {
            let back = if self.astray { limits::DEGRADED_EPOCHS + 1 } else { 0 };
            self.emit(Output::Ask(Want::Records(Epoch(next.0.saturating_sub(back)))));
            busy = true;
        }
        if let Some((epoch, _)) = self.chain.missing_bundles().first() {
            if let Some(have) = self.chain.have(*epoch) {
                self.emit(Output::Ask(Want::Bundles(*epoch, have)));
            }
            busy = true;
        }
        if let Some((record, _)) = self.chain.disputed() {
            let from = self.asked.leaves.as_ref().filter(|page| page.record == record).map_or(0, |page| page.digests.len() as u32);
            self.emit(Output::Ask(Want::Leaves(record, from)));
            busy = true;
        }
        let proofs = self.asked.proofs_to_ask(self.chain.unproved().map(|(_, digest)| digest));
        if !proofs.is_empty() {
            self.emit(Output::Ask(Want::Faults(proofs)));
            busy = true;
        }
        if !std::mem::replace(&mut self.asked.notices, true) {
            self.emit(Output::Ask(Want::Notices));
        }
        let again = if busy { now.plus_wall_ms(self.retry_ms()) } else { expected.max(now.plus_wall_ms(self.retry_ms())) };
        self.schedule(again, Timer::Sync);
    }

    /// Once an epoch: bundles that gossip may have lost, of the epochs whose bundles should be here by now.
    pub(super) fn ask_for_late_bundles(&mut self, epoch: Epoch) {
        for back in 2..=self.chain.close_lag() {
            let Some(old) = epoch.minus(back).filter(|e| *e >= self.chain.first_open()) else { continue };
            let (Some(have), Some(play)) = (self.chain.have(old), self.chain.play(old)) else { continue };
            let held: u32 = have.iter().map(|b| b.count_ones()).sum();
            if (held as usize) < play.roster.len() {
                self.emit(Output::Ask(Want::Bundles(old, have)));
            }
        }
    }

    pub(super) fn on_no_answer(&mut self, now: Timestamp, _want: Want) {
        self.schedule(now.plus_wall_ms(self.retry_ms()), Timer::Sync);
    }

    pub(super) fn on_answer(&mut self, now: Timestamp, want: Want, response: Response) {
        match (want, response) {
            (Want::Records(_), Response::Records(records)) => self.on_records(now, records),
            (Want::Roster(epoch, _, from), Response::Roster { rows, total }) => self.on_roster_page(now, epoch, from, rows, total),
            (Want::Bundles(epoch, _), Response::Bundles(bundles)) => self.on_bundles(now, epoch, bundles),
            (Want::Notices, Response::Notices(notices)) => {
                for bytes in notices {
                    let _nothing_to_do = self.judge_notice(now, &bytes);
                }
            }
            (Want::Faults(_), Response::Faults(faults)) => {
                for bytes in faults {
                    let _asked_again = self.judge_fault(&bytes);
                }
            }
            (Want::Leaves(record, from), Response::Leaves { digests, total }) => self.on_leaves(now, record, from, digests, total),
            (Want::Leaves(record, _), _) => self.in_vain(now, record),
            (want, _) => self.on_no_answer(now, want),
        }
        self.derive(now);
    }

    fn on_records(&mut self, now: Timestamp, records: Vec<Vec<u8>>) {
        let more = records.len() >= limits::RECORD_PAGE;
        let mut any = false;
        for bytes in records {
            let Ok(record) = signed::open::<EpochRecord>(&bytes, &self.chain.network()) else { break };
            let epoch = record.message.epoch;
            if self.chain.last_record().is_some() {
                let fresh = Finding::of(&self.take_record(now, record)) == Finding::Fresh;
                if fresh && self.going_back {
                    // Gossip did not bring it: others may lack it too.
                    self.emit(Output::Publish { topic: Topic::Records, bytes: bytes.clone() });
                }
                any |= fresh;
            } else if self.too_late_to_begin_with(now, epoch) {
                return self.schedule(now.plus_wall_ms(self.retry_ms()), Timer::Sync);
            } else if self.chain.accept_base(record).is_ok() {
                self.hold_record(now, epoch, bytes.clone());
                any = true;
            }
            self.seen.insert(hash::digest(&bytes));
        }
        if any || more {
            self.schedule(now, Timer::Sync);
        }
    }

    /// A node that begins with a record whose window is not whole derives other values than everybody else: the one asked may have
    /// begun late itself, so others are asked before that record is taken.
    fn too_late_to_begin_with(&mut self, now: Timestamp, epoch: Epoch) -> bool {
        let params = &self.chain.genesis().params;
        let whole = self.epoch(now).is_none_or(|today| epoch.plus(params.window_epochs + params.close_lag) <= today);
        if epoch == Epoch(0) || whole || self.asked.thin >= limits::PATIENCE {
            return false;
        }
        self.asked.thin += 1;
        true
    }

    /// After a full page that brought something the next one is asked for at once, also of epochs that no record counts yet.
    fn on_bundles(&mut self, now: Timestamp, epoch: Epoch, bundles: Vec<Vec<u8>>) {
        let full = bundles.len() >= limits::BUNDLE_PAGE;
        let mut fresh = false;
        for bytes in bundles {
            fresh |= self.judge_bundle(now, &bytes, false).is_ok();
        }
        if full
            && fresh
            && epoch >= self.chain.first_open()
            && let Some(have) = self.chain.have(epoch)
        {
            self.emit(Output::Ask(Want::Bundles(epoch, have)));
        }
    }

    fn on_leaves(&mut self, now: Timestamp, record: Epoch, from: u32, digests: Vec<Digest>, total: u32) {
        let Some((_, counted)) = self.chain.disputed().filter(|(epoch, _)| *epoch == record) else { return };
        if digests.is_empty() || total as usize != counted {
            return self.in_vain(now, record);
        }
        let page = self.asked.leaves.take().filter(|page| page.record == record);
        let mut page = page.unwrap_or(LeavesPage { record, digests: vec![] });
        if page.digests.len() == from as usize {
            page.digests.extend(digests);
        }
        if page.digests.len() < counted {
            self.asked.leaves = Some(page);
            self.schedule(now, Timer::Sync);
        } else if self.chain.take_leaves(record, &page.digests).is_ok() {
            self.asked.leaves_in_vain = 0;
            self.schedule(now, Timer::Sync);
        } else {
            self.in_vain(now, record);
        }
    }

    /// An answer was not what the record counts. After enough of them nobody can say what its digest stands for.
    fn in_vain(&mut self, now: Timestamp, record: Epoch) {
        self.asked.leaves = None;
        self.asked.leaves_in_vain += 1;
        if self.asked.leaves_in_vain >= limits::PATIENCE && self.chain.disputed().is_some_and(|(epoch, _)| epoch == record) {
            self.asked.leaves_in_vain = 0;
            self.emit(Output::Store(ToStore::Conceded { record }));
            self.chain.concede(record);
        }
        self.schedule(now.plus_wall_ms(self.retry_ms()), Timer::Sync);
    }

    /// Looks at once when a dispute begins; later ones are a matter of the timer.
    pub(super) fn look_at_disputes(&mut self, now: Timestamp) {
        let disputed = self.chain.disputed().map(|(record, _)| record);
        if disputed.is_some() && disputed != self.asked.disputed {
            self.schedule(now, Timer::Sync);
        }
        self.asked.disputed = disputed;
    }

    fn on_roster_page(&mut self, now: Timestamp, epoch: Epoch, from: u32, rows: Vec<RosterRow>, total: u32) {
        // The record knows how long its roster is; a peer that says otherwise would leave the node with a page that nobody completes.
        let known = self.chain.record(epoch).is_some_and(|held| held.record.roster_len == total);
        if rows.is_empty() || !known {
            return;
        }
        let mut page = self.roster_page.take().filter(|p| p.epoch == epoch).unwrap_or(RosterPage { epoch, rows: vec![] });
        if page.rows.len() == from as usize {
            page.rows.extend(rows);
        }
        let mut again = now;
        if page.rows.len() < total as usize {
            self.roster_page = Some(page);
        } else if self.chain.accept_roster(epoch, Roster::new(page.rows)).is_ok() {
            self.emit(Output::Store(ToStore::Roster { epoch }));
        } else {
            // Another one than the record names: whoever gave it would give it again.
            again = now.plus_wall_ms(self.retry_ms());
        }
        self.schedule(again, Timer::Sync);
    }
}

/// A roster that is coming in page by page.
pub(super) struct RosterPage {
    epoch: Epoch,
    rows: Vec<RosterRow>,
}

/// The digests of a record's counted bundles that came in so far.
struct LeavesPage {
    record: Epoch,
    digests: Vec<Digest>,
}

/// What was asked for so far.
#[derive(Default)]
pub(super) struct Asked {
    notices: bool,
    /// Answers whose first record is too young to begin with.
    thin: u32,
    disputed: Option<Epoch>,
    leaves: Option<LeavesPage>,
    leaves_in_vain: u32,
    /// How often each proof that is not here was asked for.
    proofs: BTreeMap<Digest, u32>,
}

impl Asked {
    /// Those of the missing proofs that were not asked for too often yet; they are counted.
    fn proofs_to_ask(&mut self, missing: impl Iterator<Item = Digest>) -> Vec<Digest> {
        self.proofs = missing.map(|digest| (digest, self.proofs.get(&digest).copied().unwrap_or(0))).collect();
        let wanted = self.proofs.iter_mut().filter(|(_, asked)| **asked < limits::PATIENCE).take(limits::RECORD_PROOFS);
        wanted
            .map(|(digest, asked)| {
                *asked += 1;
                *digest
            })
            .collect()
    }
}
