//! A roster row taken apart: each number with what it is made of, and what would raise it, by the functions that compute it.

use super::allowance::{self, Allowance};
use super::complaints::Complaints;
use super::credits::Credits;
use super::pause::{self, Look};
use super::quota::{self, Quota};
use super::rehabilitation::{accounted_until, clean};
use super::service::{self, Service};
use super::triggers::{Level, Reading, level, readings};
use crate::ids::MemberId;
use crate::ledger::{Outcome, Window};
use crate::limits::EXPLAINED_ENTRIES;
use crate::matching::Dealt;
use crate::params::Params;
use crate::score::explain::Entry;
use crate::score::{Bounces, Score};
use crate::time::Epoch;
use crate::wire::roster::RosterRow;
use serde::{Deserialize, Serialize};

/// A debt and its countdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debt {
    /// Clean mails still to go.
    pub left: u32,
    /// The record that last raised it.
    pub since: Epoch,
    /// Clean mails of the newly closed epoch: what it paid.
    pub paid: u32,
    /// Epochs to go at that pace, rounded up; `None` while nothing is paid.
    pub epochs: Option<u32>,
}

/// What could be otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The next day of the ramp.
    NextRampDay,
    /// Nothing cut.
    NoCut,
    /// Full service.
    FullService,
    /// Ten points more.
    TenPoints,
    /// One more inbound exchange processed: its credits.
    OneMoreInbound,
}

/// A change, and quota and allowance with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raise {
    /// What would be otherwise.
    pub step: Step,
    /// Ring mails an epoch then.
    pub quota: u16,
    /// External mails a day then.
    pub allowance: u32,
}

/// A row taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The row: pool, ramp, cut, clean epochs, flags.
    pub row: RosterRow,
    /// Its quota.
    pub quota: Quota,
    /// What the record's epoch deals of it; `None` where that is not asked, or the member is in no play.
    pub dealt: Option<Dealt>,
    /// Its service.
    pub service: Service,
    /// Service from which quota and allowance are full, per mille.
    pub service_full: u32,
    /// Rates that triggers look at; bounces that a debt holds or held are left out.
    pub readings: Vec<Reading>,
    /// The worst level of them.
    pub level: Level,
    /// The latest hard bounces behind them, at most [`EXPLAINED_ENTRIES`].
    pub bounces: Vec<Entry>,
    /// Complaints behind the row's flag, those that don't count in the score too.
    pub complaints: Complaints,
    /// The newly closed epoch beside those before it, and whether it was a bad one.
    pub look: Option<(Look, bool)>,
    /// The debt, if any.
    pub debt: Option<Debt>,
    /// Credits.
    pub credits: Credits,
    /// Today's allowance, with what locks it.
    pub allowance: Allowance,
    /// What would raise quota or allowance.
    pub raises: Vec<Raise>,
}

/// Explains a row by the window that it follows from. `score`: by the same record; `dealt`: by the record's epoch; `ceilings`: of the host, in mails a day.
#[must_use]
pub fn explain(
    params: &Params,
    window: &Window,
    row: &RosterRow,
    score: Option<&Score>,
    dealt: Option<Dealt>,
    ceilings: &[u32],
) -> Explanation {
    let index = window.index(&row.member);
    let after = accounted_until(params, row);
    let sums = index.map(|i| Bounces::of(window, i, after)).unwrap_or_default();
    let worst = level(params, &sums);
    let closed = window.latest().map(|l| l.epoch);
    let look = index.zip(closed).map(|(i, c)| pause::look(window, i, c));
    let credits = Credits::of(params, window, index);
    Explanation {
        row: row.clone(),
        quota: quota::of(params, row),
        dealt,
        service: service::of(params, window, index, row.acts),
        service_full: params.service_full,
        readings: readings(params, &sums).to_vec(),
        level: worst,
        bounces: index.map(|i| bounces(window, i, after)).unwrap_or_default(),
        complaints: Complaints::of(params, window, index, row.tag),
        look: look.map(|l| (l, l.bad(params, worst))),
        debt: (row.debt > 0).then(|| {
            let paid = index.zip(closed).map_or(0, |(i, c)| clean(window, i, c));
            Debt { left: row.debt, since: row.debt_since, paid, epochs: (paid > 0).then(|| row.debt.div_ceil(paid)) }
        }),
        allowance: allowance::daily(params, Some(row), score, &credits, ceilings.iter().copied()),
        raises: raises(params, row, score, &credits, ceilings),
        credits,
    }
}

/// The latest hard bounces after an epoch.
fn bounces(window: &Window, index: u32, after: Option<Epoch>) -> Vec<Entry> {
    let hard = window.sends(index).filter(|(epoch, x)| x.outcome == Outcome::HardBounce && after.is_none_or(|a| *epoch > a));
    let member = |at: u32| -> MemberId { window.members()[at as usize].member };
    let entry = |(epoch, x): (Epoch, crate::ledger::Exchange)| Entry {
        epoch,
        slot: x.slot,
        partner: member(x.receiver),
        outcome: x.outcome,
        weight: 1 << 16,
    };
    let mut all: Vec<Entry> = hard.map(entry).collect();
    all.reverse();
    all.truncate(EXPLAINED_ENTRIES);
    all
}

/// The changes that raise something.
fn raises(params: &Params, row: &RosterRow, score: Option<&Score>, credits: &Credits, ceilings: &[u32]) -> Vec<Raise> {
    let raise = |step, row: &RosterRow, score: Option<&Score>, credits: &Credits| {
        let allowance = allowance::daily(params, Some(row), score, credits, ceilings.iter().copied()).mails;
        Raise { step, quota: quota::of(params, row).mails, allowance }
    };
    let now = raise(Step::NoCut, row, score, credits);
    let better = score.map(|s| {
        let mut then = Score { value: s.value.saturating_add(10_000_000).min(100_000_000), ..*s };
        then.locked = !crate::score::barriers(params, &then).is_empty();
        then
    });
    let richer = Credits { left: credits.left.saturating_add(credits.each), ..credits.clone() };
    let all = [
        raise(Step::NextRampDay, &RosterRow { ramp_day: row.ramp_day.saturating_add(1), ..row.clone() }, score, credits),
        raise(Step::NoCut, &RosterRow { cut: 1_000, ..row.clone() }, score, credits),
        raise(Step::FullService, &RosterRow { service: 1_000, ..row.clone() }, score, credits),
        raise(Step::TenPoints, row, better.as_ref(), credits),
        raise(Step::OneMoreInbound, row, score, &richer),
    ];
    all.into_iter().filter(|r| r.quota > now.quota || r.allowance > now.allowance).collect()
}
