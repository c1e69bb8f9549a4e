//! The epochs and entries behind a row's numbers.

use super::Sources;
use crate::ledger::{Exchange, Outcome, Window};
use crate::policy::pause::{self, Bad, Look};
use crate::policy::ramp::{self, Still};
use crate::policy::rehabilitation::{Case, accounted_until, paid};
use crate::policy::triggers::Level;
use crate::score::evidence::{Entry, Evidence, Told, told};
use crate::time::Epoch;
use crate::wire::roster::{Pool, Role, RosterRow, acts};
use serde::{Deserialize, Serialize};

/// A debt and its countdown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debt {
    /// Clean mails still to go.
    pub left: u32,
    /// The record that last raised it.
    pub since: Epoch,
    /// Clean mails that this record counted: what it paid.
    pub paid: u32,
    /// Epochs to go at that pace, rounded up; `None` while nothing is paid.
    pub epochs: Option<u32>,
    /// The hard bounces it holds or held, as far as they are still in the window.
    pub bounces: Evidence,
    /// The self reports of these epochs that tell of hard bounces, oldest first.
    pub reports: Vec<Told>,
}

/// A day on the ramp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ramp {
    /// Records that added a day, as far as their rows are held, oldest first; each looks at the epoch that it closes.
    pub counted: Vec<Epoch>,
    /// The epoch this record closes, if the member stood in its roster, and what it completed there.
    pub closed: Option<(Epoch, u32)>,
    /// Why this record added none.
    pub still: Option<Still>,
}

/// Pause and fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The epoch this record closes beside those before it; `None` where nothing is looked at: not played, in rehab, in quarantine,
    /// a degraded record.
    pub look: Option<Look>,
    /// Why it was a bad one.
    pub bad: Vec<Bad>,
    /// The record that last cut the quota, if its row is held and something of the cut is left.
    pub cut_by: Option<Epoch>,
    /// Records since then that closed a clean epoch, oldest first.
    pub clean: Vec<Epoch>,
}

/// Records and rows side by side with the rows before them, oldest first; the row in hand is the last.
fn steps<'a>(from: &Sources<'a>, row: &'a RosterRow) -> impl Iterator<Item = (Epoch, &'a RosterRow, &'a RosterRow)> {
    let rows = from.history.iter().map(|(epoch, row)| (*epoch, row)).chain([(from.record, row)]);
    rows.clone().zip(rows.skip(1)).map(|((_, before), (epoch, row))| (epoch, before, row))
}

pub(super) fn ramp(from: &Sources<'_>, row: &RosterRow) -> Ramp {
    let index = from.window.index(&row.member);
    let closed = ramp::closed(from.params, from.window, index, row, from.record);
    let still = if from.degraded { Some(Still::Degraded) } else { ramp::still(row, from.record, closed.map(|(_, t)| t)) };
    Ramp {
        counted: steps(from, row).filter(|(_, before, row)| row.ramp_day > before.ramp_day).map(|(epoch, ..)| epoch).collect(),
        closed: closed.map(|(epoch, t)| (epoch, u32::from(t.completed))),
        still,
    }
}

pub(super) fn pause(from: &Sources<'_>, row: &RosterRow, case: &Case<'_>, worst: Level) -> Pause {
    let applies = !from.degraded && row.role == Role::Member && !matches!(row.pool, Pool::Rehab | Pool::Quarantined);
    let looked = case.index.zip(case.closed).filter(|_| applies).map(|(index, closed)| pause::look(from.window, index, closed));
    let cut = |before: &RosterRow, row: &RosterRow| row.cut < before.cut || row.clean_epochs < before.clean_epochs;
    let cut_by = steps(from, row).filter(|(_, before, row)| cut(before, row)).last().map(|(epoch, ..)| epoch).filter(|_| row.cut < 1_000);
    let better = |before: &RosterRow, row: &RosterRow| row.clean_epochs > before.clean_epochs || row.cut > before.cut;
    let since = steps(from, row).filter(|(epoch, before, row)| cut_by.is_some_and(|c| *epoch > c) && better(before, row));
    Pause {
        look: looked,
        bad: looked.map(|l| l.bad(from.params, worst)).unwrap_or_default(),
        cut_by,
        clean: since.map(|(epoch, ..)| epoch).collect(),
    }
}

pub(super) fn debt(from: &Sources<'_>, row: &RosterRow, case: &Case<'_>) -> Option<Debt> {
    if row.debt == 0 {
        return None;
    }
    let accounted = accounted_until(from.params, row);
    let held = |epoch: Epoch| accounted.is_some_and(|a| epoch <= a);
    let before = from.before.row(&row.member).filter(|_| !from.degraded && row.pool == Pool::Rehab);
    let paid = before.map_or(0, |before| paid(before, case));
    let told = case.index.map(|i| told(from.window, i, accounted)).unwrap_or_default();
    Some(Debt {
        left: row.debt,
        since: row.debt_since,
        paid,
        epochs: (paid > 0).then(|| row.debt.div_ceil(paid)),
        bounces: bounces(from.window, case.index, held),
        reports: told.into_iter().filter(|t| held(t.epoch) && t.report.hard > 0).collect(),
    })
}

/// Hard bounces of a sender in the epochs wanted.
pub(super) fn bounces(window: &Window, index: Option<u32>, wanted: impl Fn(Epoch) -> bool) -> Evidence {
    let sent = index.into_iter().flat_map(|i| window.sends(i));
    let hard = sent.filter(|(epoch, x)| x.outcome == Outcome::HardBounce && wanted(*epoch));
    Evidence::of(hard.map(|(epoch, x)| Entry::sent(window, epoch, &x)))
}

/// Of the mails to a member, those that it owed an answer and gave none; `allowed`: the acts its owner allows.
pub(super) fn unanswered(window: &Window, got: &[(Epoch, Exchange)], allowed: u8) -> Evidence {
    let silent = got.iter().filter(|(_, x)| allowed & acts::REPLY != 0 && x.owed && !x.replied);
    Evidence::of(silent.map(|(epoch, x)| Entry::got(window, *epoch, x)))
}

/// Of the mails to a member, those that its mailbox refused.
pub(super) fn refused(window: &Window, got: &[(Epoch, Exchange)]) -> Evidence {
    let bounced = got.iter().filter(|(_, x)| matches!(x.outcome, Outcome::Void | Outcome::HardBounce | Outcome::SoftBounce));
    Evidence::of(bounced.map(|(epoch, x)| Entry::got(window, *epoch, x)))
}
