//! The coordinator's work looked at again: what the next record to derive says against what its own contents lead to.

use super::Chain;
use super::derive::Step;
use crate::ids::{Digest, MemberId};
use crate::policy;
use crate::time::Epoch;
use crate::wire::epoch_record::{EpochRecord, bit};
use crate::wire::roster::{Role, Roster, RosterRow};
use std::collections::{BTreeMap, BTreeSet};

/// A row that is not what the rules give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowDifference {
    /// Whose.
    pub member: MemberId,
    /// By the rules; none where the member should be in no roster.
    pub computed: Option<RosterRow>,
    /// In the published roster; none where it is missing there.
    pub published: Option<RosterRow>,
}

/// What one record was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Epoch of the record.
    pub record: Epoch,
    /// Rows that were compared.
    pub rows: usize,
    /// Rows that differ.
    pub differences: Vec<RowDifference>,
    /// Whether the bundles it counts have the digest it names.
    pub ledger: bool,
    /// Results over trust and scores: computed and published.
    pub results: (Digest, Digest),
    /// Members whose bundle of the closed epoch was here in time and is not counted there. Gossip can lose one; the same member
    /// again and again is censorship.
    pub omitted: Vec<MemberId>,
    /// Members whose bundle is here and not counted, and came so late that the coordinator may rightly not have had it.
    pub late: Vec<MemberId>,
    /// Members whose word it voids by a proof that nobody has shown here.
    pub unproved: Vec<(MemberId, Digest)>,
    /// Members that are proved here to have signed two bundles for the closed epoch, and that it counts all the same.
    pub spared: Vec<MemberId>,
    /// First rows of members, and how many its epoch may bring.
    pub admitted: (usize, usize),
    /// New golden members: what they saw anchors everybody's trust.
    pub golden: Vec<MemberId>,
    /// Whether the whole window was here. Without it a node can't tell: its results and rows may differ for want of history.
    pub complete: bool,
}

impl Audit {
    /// Whether rows and results are what the rules make of the record's contents: what needs the whole window to tell.
    #[must_use]
    pub fn follows(&self) -> bool {
        self.differences.is_empty() && self.results.0 == self.results.1
    }
    /// Whether the contents themselves are what they should be, as far as this node can tell.
    #[must_use]
    pub fn contents_hold(&self) -> bool {
        let (admitted, admissible) = self.admitted;
        let nothing = self.omitted.is_empty() && self.unproved.is_empty() && self.spared.is_empty();
        self.ledger && nothing && admitted <= admissible
    }
    /// Whether nothing is wrong with the record.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.contents_hold() && (self.follows() || !self.complete)
    }
}

/// Why the newest records could not be audited: the first one that lacks something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stalled {
    /// Epoch of the record.
    pub record: Epoch,
    /// Its roster is not here.
    pub roster: bool,
    /// Members whose bundle it counts and nobody has shown here.
    pub bundles: Vec<MemberId>,
    /// Records behind it that wait for it.
    pub behind: usize,
}

impl Chain {
    /// Audits the record that [`Chain::derive`] would take next. `None` while something that it counts is missing.
    #[must_use]
    pub fn audit(&self) -> Option<Audit> {
        let epoch = self.next_to_derive();
        let record = &self.records.get(&epoch)?.record;
        let step = self.step(record)?;
        let published = self.rosters.get(&epoch)?;
        let known = |row: &&RosterRow| step.derived.rows.binary_search_by_key(&row.member, |r| r.member).is_err();
        let new: Vec<&RosterRow> = published.rows().iter().filter(known).collect();
        let (omitted, late) = self.left_out(record, &step.void);
        Some(Audit {
            record: epoch,
            rows: published.len(),
            differences: self.differences(record, &step, published),
            ledger: self.ledger_holds(record),
            results: (step.derived.digests.results(), record.results),
            omitted,
            late,
            unproved: record.proofs.iter().filter(|line| !self.shown(line)).copied().collect(),
            spared: self.spared(record, &step.void),
            admitted: (new.iter().filter(|row| row.role == Role::Member).count(), self.admissible(record)),
            golden: new.iter().filter(|row| row.role == Role::Golden).map(|row| row.member).collect(),
            complete: self.whole_window(epoch),
        })
    }

    /// Why [`Chain::audit`] gives nothing though there is a record.
    #[must_use]
    pub fn stalled(&self) -> Option<Stalled> {
        let record = self.next_to_derive();
        self.records.get(&record)?;
        let bundles = self.missing_bundles().into_iter().map(|(_, member)| member).collect();
        let behind = self.records.range(record.plus(1)..).count();
        Some(Stalled { record, roster: !self.rosters.contains_key(&record), bundles, behind })
    }

    /// Whether everything that a record's window covers was played and closed here: behind a base, the first of its records that is
    /// no degraded one begins it.
    fn whole_window(&self, epoch: Epoch) -> bool {
        let Some(base) = self.base else { return true };
        let first = self.records.range(base..).find(|(_, held)| !held.record.degraded).map(|(e, _)| *e);
        let history = self.genesis.params.window_epochs.max(self.params_at(epoch).equivocation_epochs) + self.close_lag();
        first.is_some_and(|first| first.plus(history) <= epoch)
    }

    /// Whether the proof behind a record's line was shown here.
    fn shown(&self, (member, digest): &(MemberId, Digest)) -> bool {
        self.fault(digest).is_some_and(|fault| fault.member == *member)
    }

    /// How many members a record may admit (R-ADM-5): its epoch's cap, and those of the degraded epochs before it, which admit nobody.
    fn admissible(&self, record: &EpochRecord) -> usize {
        if record.epoch == Epoch(0) {
            return usize::MAX;
        }
        let longest = self.rosters.range(..=record.epoch).map(|(_, roster)| roster.len()).max().unwrap_or(0);
        let share = longest as u64 * u64::from(record.params.admissions_permille) / 1_000;
        let cap = u64::from(record.params.admissions_floor).max(share);
        let waited = self.records.range(..record.epoch).rev().take_while(|(_, held)| held.record.degraded).count();
        usize::try_from(cap.saturating_mul(1 + waited as u64)).unwrap_or(usize::MAX)
    }

    /// Rows of the published roster that neither follow from the rows before nor are first rows of newly admitted members, and rows
    /// that are missing in it.
    pub(super) fn differences(&self, record: &EpochRecord, step: &Step, published: &Roster) -> Vec<RowDifference> {
        let follow = step.derived.rows.iter().map(|row| (row.member, Some(row.clone())));
        let known = |row: &RosterRow| step.derived.rows.binary_search_by_key(&row.member, |r| r.member).is_ok();
        let may_join = |row: &RosterRow| !record.degraded && !step.gone.contains(&row.member);
        let first = |row: &RosterRow| may_join(row).then(|| policy::as_first_row(&record.params, row, record.epoch));
        let new = published.rows().iter().filter(|row| !known(row)).map(|row| (row.member, first(row)));
        let compared = follow.chain(new).map(|(member, computed)| {
            let published = published.row(&member).cloned();
            RowDifference { member, computed, published }
        });
        compared.filter(|d| d.computed != d.published).collect()
    }

    /// Members of the closed epoch whose bundle is held and whose word holds, but whose bit is not set: those whose bundle came in
    /// time, and those whose came late.
    pub(super) fn left_out(&self, record: &EpochRecord, void: &BTreeMap<MemberId, Epoch>) -> (Vec<MemberId>, Vec<MemberId>) {
        let Some(root) = &record.ledger else { return (vec![], vec![]) };
        let (Some(play), Some(held)) = (self.play(root.epoch), self.bundles.get(&root.epoch)) else { return (vec![], vec![]) };
        let uncounted = play.roster.rows().iter().enumerate().filter(|(i, _)| !bit(&root.present, *i)).map(|(_, row)| row.member);
        let held = uncounted.filter_map(|member| held.get(&member).map(|bundle| (member, bundle.late)));
        let (late, omitted): (Vec<_>, Vec<_>) = held.filter(|(member, _)| !self.silenced(member, void)).partition(|(_, late)| *late);
        (omitted.into_iter().map(|(member, _)| member).collect(), late.into_iter().map(|(member, _)| member).collect())
    }

    /// Whether a member's word rightly counts nothing: it is caught here, or void by a line whose proof was shown or is too old to be held.
    fn silenced(&self, member: &MemberId, void: &BTreeMap<MemberId, Epoch>) -> bool {
        let mut lines = self.records.values().flat_map(|held| held.record.proofs.iter()).filter(|(m, _)| m == member).peekable();
        let proved = lines.peek().is_none() || lines.any(|line| self.shown(line));
        self.caught.contains_key(member) || (void.contains_key(member) && proved)
    }

    /// Members that are proved to have said two things about the closed epoch and are counted.
    fn spared(&self, record: &EpochRecord, void: &BTreeMap<MemberId, Epoch>) -> Vec<MemberId> {
        let Some(root) = &record.ledger else { return vec![] };
        let Some(play) = self.play(root.epoch) else { return vec![] };
        let counted = |member: &MemberId| play.roster.position(member).is_some_and(|position| bit(&root.present, position as usize));
        let proved: BTreeSet<MemberId> = self.faults.values().filter(|f| f.epoch == root.epoch).map(|f| f.member).collect();
        proved.into_iter().filter(|member| counted(member) && !void.contains_key(member)).collect()
    }
}
