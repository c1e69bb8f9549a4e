//! What is missing, asked for one thing at a time.

use super::messages::PUBLISH_AHEAD;
use super::{Engine, Output, Timer, ToStore, Want};
use crate::gossip::{Finding, Topic};
use crate::identity::{hash, signed};
use crate::limits;
use crate::time::{Epoch, Span, Timestamp};
use crate::wire::epoch_record::EpochRecord;
use crate::wire::roster::{Roster, RosterRow};
use crate::wire::sync::Response;

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
        if !self.asked_notices {
            self.asked_notices = true;
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
            (Want::Bundles(..), Response::Bundles(bundles)) => {
                let more = bundles.len() >= limits::BUNDLE_PAGE;
                for bytes in bundles {
                    self.judge_bundle(now, &bytes, false);
                }
                if more {
                    self.schedule(now, Timer::Sync);
                }
            }
            (Want::Notices, Response::Notices(notices)) => {
                for bytes in notices {
                    self.judge_notice(&bytes);
                }
            }
            (want, _) => self.on_no_answer(now, want),
        }
        self.derive(now);
    }

    fn on_records(&mut self, now: Timestamp, records: Vec<Vec<u8>>) {
        let more = records.len() >= limits::RECORD_PAGE;
        let mut any = false;
        for bytes in records {
            let Ok(record) = signed::open::<EpochRecord>(&bytes, &self.chain.network()) else { break };
            if self.chain.last_record().is_some() {
                let fresh = self.take_record(now, record) == Finding::Fresh;
                if fresh && self.going_back {
                    // Gossip did not bring it: others may lack it too.
                    self.emit(Output::Publish { topic: Topic::Records, bytes: bytes.clone() });
                }
                any |= fresh;
            } else {
                let epoch = record.message.epoch;
                if self.chain.accept_base(record).is_err() {
                    continue;
                }
                self.emit(Output::Store(ToStore::Record { epoch, bytes: bytes.clone() }));
                any = true;
            }
            self.seen.insert(hash::digest(&bytes));
        }
        if any || more {
            self.schedule(now, Timer::Sync);
        }
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
