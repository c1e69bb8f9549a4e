//! The coordinator's work looked at again: what the next record to derive says against what its own contents lead to.

use super::Chain;
use super::derive::Step;
use crate::ids::{Digest, MemberId};
use crate::policy;
use crate::time::Epoch;
use crate::wire::epoch_record::{EpochRecord, bit};
use crate::wire::roster::{Roster, RosterRow};
use std::collections::BTreeMap;

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
    /// Members whose bundle of the closed epoch is held here and not counted there. It may have reached the coordinator too late,
    /// so one is a question; many, or the same member again and again, are censorship.
    pub omitted: Vec<MemberId>,
    /// Whether the whole window was here. Without it a node can't tell: its results and rows may differ for want of history.
    pub complete: bool,
}

impl Audit {
    /// Whether the record is what the rules make of its contents.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.differences.is_empty() && self.ledger && self.results.0 == self.results.1
    }
}

impl Chain {
    /// Audits the record that [`Chain::derive`] would take next. `None` while something that it counts is missing.
    #[must_use]
    pub fn audit(&self) -> Option<Audit> {
        let epoch = self.next_to_derive();
        let record = &self.records.get(&epoch)?.record;
        let step = self.step(record)?;
        let published = self.rosters.get(&epoch)?;
        Some(Audit {
            record: epoch,
            rows: published.len(),
            differences: self.differences(record, &step, published),
            ledger: self.ledger_holds(record),
            results: (step.derived.digests.results(), record.results),
            omitted: self.omitted(record, &step.void),
            complete: self.base.is_none_or(|base| base.plus(self.genesis.params.window_epochs + self.close_lag()) <= epoch),
        })
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

    /// Members of the closed epoch whose bundle is held and whose word holds, but whose bit is not set.
    fn omitted(&self, record: &EpochRecord, void: &BTreeMap<MemberId, Epoch>) -> Vec<MemberId> {
        let Some(root) = &record.ledger else { return vec![] };
        let (Some(play), Some(held)) = (self.play(root.epoch), self.bundles.get(&root.epoch)) else { return vec![] };
        let rows = play.roster.rows().iter().enumerate();
        let left_out = rows.filter(|(i, row)| !bit(&root.present, *i) && held.contains_key(&row.member));
        left_out.map(|(_, row)| row.member).filter(|m| !void.contains_key(m) && !self.caught.contains_key(m)).collect()
    }
}
