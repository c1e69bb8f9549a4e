//! From a record and everything it counts to trust, scores and the next rows.

use super::{Chain, HeldBundle};
use crate::identity::{hash, signed};
use crate::ids::{Digest, MemberId};
use crate::ledger::{Played, Window};
use crate::params::Params;
use crate::policy;
use crate::score::{self, Score};
use crate::time::Epoch;
use crate::trust::Trust;
use crate::wire::bundle::Bundle;
use crate::wire::departure::departed;
use crate::wire::epoch_record::{EpochRecord, LedgerRoot, bit, count};
use crate::wire::notice::NoticeKind;
use crate::wire::roster::{Roster, RosterRow};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many derived records' digests are remembered: twice the window.
const HISTORY: usize = 64;
/// Members left out by one record that are remembered: more are as bad.
const OMISSIONS: usize = 1_024;

/// What a record's window says.
#[derive(Clone)]
pub struct Derived {
    /// Epoch of the record.
    pub epoch: Epoch,
    /// The epoch it closed.
    pub closes: Option<Epoch>,
    /// The roster before the record, whose members are judged.
    pub roster: Arc<Roster>,
    /// Trust of every member of that roster.
    pub trust: Arc<Trust>,
    /// Scores of the same members.
    pub scores: Arc<BTreeMap<MemberId, Score>>,
    /// The rows that follow by the rules, without the newly admitted.
    pub rows: Arc<Vec<RosterRow>>,
    /// Its digests.
    pub digests: DerivedDigests,
}

/// Digests of one derived record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DerivedDigests {
    /// Epoch of the record.
    pub record: Epoch,
    /// Epoch it closed.
    pub closes: Option<Epoch>,
    /// Over the reconciled window.
    pub ledger: Digest,
    /// Over trust.
    pub trust: Digest,
    /// Over scores.
    pub scores: Digest,
    /// Whether results and rows are the record's own.
    pub matches_record: bool,
}

impl DerivedDigests {
    /// The one digest that a record carries.
    #[must_use]
    pub fn results(&self) -> Digest {
        let mut h = hash::keyed("results");
        h.update(&self.ledger.0).update(&self.trust.0).update(&self.scores.0);
        Digest(*h.finalize().as_bytes())
    }
}

/// Everything a derivation changes; put into the chain only when it is the record's.
pub(super) struct Step {
    pub window: Window,
    pub quarantined: BTreeSet<crate::ids::DomainTag>,
    pub void: BTreeMap<MemberId, Epoch>,
    pub gone: BTreeSet<MemberId>,
    pub derived: Derived,
}

impl Chain {
    /// Merkle root over the payload digests of the bundles that `root_bits` counts, in roster order; `None` when one
    /// is missing.
    pub(super) fn ledger_digest(&self, epoch: Epoch, roster: &Roster, present: &[u8]) -> Option<Digest> {
        let held = self.bundles.get(&epoch);
        let mut leaves = Vec::new();
        for (i, row) in roster.rows().iter().enumerate() {
            if bit(present, i) {
                leaves.push(held?.get(&row.member)?.digest.0);
            }
        }
        Some(hash::merkle(leaves))
    }

    /// Computes what `record` (signed or still a draft) leads to. `None` while something it counts is missing.
    pub(super) fn step(&self, record: &EpochRecord) -> Option<Step> {
        let params = &record.params;
        let mut void = self.void.clone();
        for (member, _) in &record.proofs {
            void.insert(*member, record.epoch.plus(params.equivocation_epochs));
        }
        void.retain(|_, until| *until > record.epoch);
        let mut quarantined = self.quarantined.clone();
        for notice in &record.notices {
            match notice.kind {
                NoticeKind::Listed => quarantined.insert(notice.tag),
                NoticeKind::Released => quarantined.remove(&notice.tag),
            };
        }
        let mut window = self.window.clone();
        if let Some(LedgerRoot { epoch, present, .. }) = &record.ledger {
            self.close(params, &mut window, *epoch, present, &void)?;
        }
        let before = match record.epoch.minus(1) {
            // The roster before a base is unknown; the base's own stands in, and its result can't match.
            Some(e) if self.base != Some(record.epoch) => self.rosters.get(&e)?.clone(),
            Some(_) => self.rosters.get(&record.epoch)?.clone(),
            None => Arc::new(Roster::default()),
        };
        let trust = Trust::compute(params, &window, &before);
        let scores = score::scores(params, &window, &trust, &before);
        let next = |row: &RosterRow| {
            if record.degraded {
                return row.clone();
            }
            policy::next_row(params, row, &window, &before, scores.get(&row.member), record.epoch, quarantined.contains(&row.tag))
        };
        let gone = departed(&self.network, &before, &record.departures);
        let rows: Vec<RosterRow> = before.rows().iter().filter(|row| !gone.contains(&row.member)).map(next).collect();
        let digests = DerivedDigests {
            record: record.epoch,
            closes: record.ledger.as_ref().map(|l| l.epoch),
            ledger: window.ledger_digest(),
            trust: trust.digest(),
            scores: score::digest(&scores),
            matches_record: false,
        };
        let derived = Derived {
            epoch: record.epoch,
            closes: digests.closes,
            roster: before,
            trust: Arc::new(trust),
            scores: Arc::new(scores),
            rows: Arc::new(rows),
            digests,
        };
        Some(Step { window, quarantined, void, gone, derived })
    }

    /// Closes an epoch into `window`. `None` while a counted bundle is missing; an epoch nobody could play closes empty.
    fn close(&self, params: &Params, window: &mut Window, epoch: Epoch, present: &[u8], void: &BTreeMap<MemberId, Epoch>) -> Option<()> {
        let Some(play) = self.play(epoch) else {
            return Some(());
        };
        let held = self.bundles.get(&epoch);
        let counted = play.roster.rows().iter().enumerate().filter(|(i, _)| bit(present, *i));
        let counted: Option<Vec<&HeldBundle>> = counted.map(|(_, row)| held?.get(&row.member)).collect();
        // One after the other: decoded, all of an epoch would take as much room again.
        let bundles = counted?.into_iter().filter_map(|held| signed::message::<Bundle>(&held.envelope).ok());
        let void = void.keys().copied().collect();
        let (deal, network) = (self.deal(&play), self.network());
        let played = Played { epoch, roster: &play.roster, deal: &deal, network: &network, params: self.params_at(epoch) };
        window.close(params, played, bundles, &void);
        Some(())
    }

    /// Whether the bundles that a record counts have the digest it names.
    pub(super) fn ledger_holds(&self, record: &EpochRecord) -> bool {
        let holds =
            |l: &LedgerRoot| self.play(l.epoch).is_none_or(|p| self.ledger_digest(l.epoch, &p.roster, &l.present) == Some(l.digest));
        record.ledger.as_ref().is_none_or(holds)
    }

    /// Whether at least as many bundles are held as the record counts.
    fn may_be_complete(&self, record: &EpochRecord) -> bool {
        let Some(root) = &record.ledger else { return true };
        let Some((_, roster)) = self.played(root.epoch) else { return true };
        count(&root.present, roster.len()) <= self.bundles.get(&root.epoch).map_or(0, BTreeMap::len)
    }

    /// Derives every record that can be derived, oldest first; returns the epochs newly derived.
    pub fn derive(&mut self) -> Vec<Epoch> {
        let mut done = Vec::new();
        loop {
            let next = self.next_to_derive();
            let Some(held) = self.records.get(&next) else { break };
            // Rules of a newer program: whatever this one derived would be wrong.
            if !held.record.params.known() {
                break;
            }
            // Cheap: asked again at every bundle that comes in.
            if !self.may_be_complete(&held.record) {
                break;
            }
            let record = held.record.clone();
            let Some(roster) = self.rosters.get(&next).cloned() else { break };
            if self.disputed == Some(next) || !self.missing_bundles().is_empty() {
                break;
            }
            let ledger_ok = self.ledger_holds(&record);
            if !ledger_ok && !self.conceded.contains(&next) {
                self.disputed = Some(next);
                break;
            }
            let Some(step) = self.step(&record) else { break };
            let (mut omitted, _) = self.left_out(&record, &step.void);
            omitted.truncate(OMISSIONS);
            let rows_ok = self.differences(&record, &step, &roster).is_empty();
            let Step { window, quarantined, void, gone: _, mut derived } = step;
            derived.digests.matches_record = ledger_ok && rows_ok && derived.digests.results() == record.results;
            self.window = window;
            self.quarantined = quarantined;
            self.void = void;
            for (member, _) in &record.proofs {
                self.caught.remove(member);
            }
            push_bounded(&mut self.history, derived.digests, HISTORY);
            if !omitted.is_empty() {
                push_bounded(&mut self.omissions, (next, omitted), HISTORY);
            }
            if let Some(closed) = self.window.latest().filter(|c| Some(c.epoch) == derived.closes) {
                push_bounded(&mut self.summaries, closed.summary(), HISTORY);
            }
            self.derived = Some(derived);
            self.prune();
            done.push(next);
        }
        done
    }
}

fn push_bounded<T>(queue: &mut std::collections::VecDeque<T>, value: T, limit: usize) {
    queue.push_back(value);
    while queue.len() > limit {
        queue.pop_front();
    }
}
