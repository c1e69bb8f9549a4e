//! What stands behind a number: ledger entries and self reports, named so that they can be looked up.

use crate::ids::MemberId;
use crate::ledger::{Exchange, Outcome, Window};
use crate::limits::EXPLAINED_ENTRIES;
use crate::matching::Slot;
use crate::time::Epoch;
use crate::wire::bundle::SelfReport;
use serde::{Deserialize, Serialize};

use super::wilson::ONE;

/// Why a rater's word weighs what it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weighed {
    /// Its trust mass; all masses sum to 2^40, or 2^60 in large networks.
    pub mass: u64,
    /// Its credibility, ppm.
    pub credibility: u32,
    /// The weight of its word, Q16.16: mass over the median mass, at most 1, times credibility; golden members' is 1.
    pub word: u32,
    /// Summed weights of the subject's raters of its domain, or of its node where that is more, Q16.16: what it is divided by.
    /// 65,536 where nothing is scaled down.
    pub group: u64,
    /// What a golden seat counts more: 1 or 4.
    pub golden: u8,
}

/// A ledger entry behind a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The epoch it was dealt in.
    pub epoch: Epoch,
    /// Ring and round.
    pub slot: Slot,
    /// The other side: who received and so rates a mail of the member's; who sent a mail to it.
    pub partner: MemberId,
    /// What became of it.
    pub outcome: Outcome,
    /// What it counts in this figure, Q16.16: the rater's weight; 65,536 where whole mails are counted.
    pub weight: u64,
    /// What the weight is made of, where it is a rater's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Weighed>,
}

impl Entry {
    fn whole(window: &Window, epoch: Epoch, x: &Exchange, partner: u32) -> Self {
        let partner = window.members()[partner as usize].member;
        Self { epoch, slot: x.slot, partner, outcome: x.outcome, weight: ONE, parts: None }
    }
    /// A mail of the member's, counted whole.
    pub(crate) fn sent(window: &Window, epoch: Epoch, x: &Exchange) -> Self {
        Self::whole(window, epoch, x, x.receiver)
    }
    /// A mail to the member, counted whole.
    pub(crate) fn got(window: &Window, epoch: Epoch, x: &Exchange) -> Self {
        Self::whole(window, epoch, x, x.sender)
    }
}

/// Entries that count the same way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// All of them.
    pub mails: u32,
    /// Their summed weight, Q16.16.
    pub weight: u64,
    /// The heaviest, the latest of equal ones first, at most [`EXPLAINED_ENTRIES`].
    pub shown: Vec<Entry>,
}

impl Evidence {
    pub(crate) fn of(all: impl Iterator<Item = Entry>) -> Self {
        let mut all: Vec<Entry> = all.collect();
        let (mails, weight) = (all.len() as u32, all.iter().map(|e| e.weight).sum());
        all.sort_by_key(|e| (std::cmp::Reverse((e.weight, e.epoch)), e.slot));
        all.truncate(EXPLAINED_ENTRIES);
        Self { mails, weight, shown: all }
    }
}

/// A hard bounce made of refusals for now, in a row at one mailbox without a delivery between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InRow {
    /// The one that counts as hard, of the member's own mail.
    pub last: Entry,
    /// Those before it, oldest first; their partner is who sent them.
    pub before: Vec<Entry>,
}

/// The latest of a sender's hard bounces after an epoch that are refusals for now in a row, at most [`EXPLAINED_ENTRIES`].
pub(crate) fn in_row(window: &Window, index: u32, after: Option<Epoch>) -> Vec<InRow> {
    let fresh = window.sends(index).filter(|(epoch, _)| after.is_none_or(|a| *epoch > a));
    let hard = fresh.filter(|(_, x)| x.outcome == Outcome::HardBounce);
    let rows = hard.filter_map(|(epoch, x)| {
        let before: Vec<Entry> = window.in_row_before(epoch, &x).iter().map(|(e, x)| Entry::got(window, *e, x)).collect();
        (!before.is_empty()).then(|| InRow { last: Entry::sent(window, epoch, &x), before })
    });
    let mut all: Vec<InRow> = rows.collect();
    all.reverse();
    all.truncate(EXPLAINED_ENTRIES);
    all
}

/// A self report of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The epoch.
    pub epoch: Epoch,
    /// What was told of it.
    pub report: SelfReport,
    /// Its bounces count in the figure; complaints always do.
    pub counts: bool,
}

/// A member's reports that say something, oldest first. Bounces count after `after`.
pub(crate) fn told(window: &Window, index: u32, after: Option<Epoch>) -> Vec<Told> {
    let all = window.reports(index).filter(|(_, report)| *report != SelfReport::default());
    all.map(|(epoch, report)| Told { epoch, report, counts: after.is_none_or(|a| epoch > a) }).collect()
}
