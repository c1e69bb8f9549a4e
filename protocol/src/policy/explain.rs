//! A roster row taken apart: each number with what it is made of, the entries behind it, and what would raise it, by the functions
//! that compute it.
//!
//! | file | what is in it |
//! |---|---|
//! | `behind.rs` | the epochs and entries behind ramp, cut, debt, service and the dead flag |
//! | `raises.rs` | what would raise quota or allowance, or take a lock away |

mod behind;
mod raises;

pub use behind::{Debt, Pause, Ramp};
pub use raises::{Raise, Step};

use super::allowance::{self, Allowance, Ceiling};
use super::complaints::{self, Complaints};
use super::credits::Credits;
use super::pools::{self, Lines};
use super::quota::{self, Quota};
use super::rehabilitation::{Case, accounted_until};
use super::service::Service;
use super::triggers::{Level, Reading, level, readings};
use crate::ledger::Window;
use crate::matching::Dealt;
use crate::params::Params;
use crate::score::Score;
use crate::score::evidence::{Entry, Evidence, InRow, Told, in_row, told};
use crate::time::Epoch;
use crate::wire::roster::{Roster, RosterRow};
use serde::{Deserialize, Serialize};

/// What a row follows from, and what only its host knows.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The parameters that its record is derived by.
    pub params: &'a Params,
    /// The window that the record closes.
    pub window: &'a Window,
    /// The record's epoch.
    pub record: Epoch,
    /// The record is a degraded one: it leaves every row as it was.
    pub degraded: bool,
    /// The roster before the record.
    pub before: &'a Roster,
    /// The member's rows of the records before, as far as they are held, oldest first.
    pub history: &'a [(Epoch, RosterRow)],
    /// Its score by the record.
    pub score: Option<&'a Score>,
    /// What the record's epoch deals to it, if that is asked.
    pub dealt: Option<Dealt>,
    /// What its host lets through a day.
    pub ceilings: &'a [Ceiling],
    /// External mails of epochs that are not closed, by the host's own reports, oldest first.
    pub open: &'a [(Epoch, u32)],
}

/// A row taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The row: pool, ramp, cut, clean epochs, flags.
    pub row: RosterRow,
    /// The score by the same record.
    pub score: Option<Score>,
    /// The scores at which its pool is another.
    pub lines: Lines,
    /// Its day on the ramp.
    pub ramp: Ramp,
    /// Its quota.
    pub quota: Quota,
    /// What the record's epoch deals of it; `None` where that is not asked, or the member is in no play.
    pub dealt: Option<Dealt>,
    /// What cut its quota, and what brings it back.
    pub pause: Pause,
    /// Its service.
    pub service: Service,
    /// Service from which quota and allowance are full, per mille.
    pub service_full: u32,
    /// Mails that it owed an answer and gave none; their partner is who sent them.
    pub unanswered: Evidence,
    /// Rates that triggers look at; bounces that a debt holds or held are left out.
    pub readings: Vec<Reading>,
    /// The worst level of them.
    pub level: Level,
    /// The hard bounces behind them.
    pub bounces: Evidence,
    /// Those of them that are refusals for now in a row.
    pub in_row: Vec<InRow>,
    /// The mails that golden mailboxes complained of.
    pub golden_complaints: Evidence,
    /// Self reports behind the external rates, oldest first.
    pub reports: Vec<Told>,
    /// Complaints behind the row's flag, those that don't count in the score too.
    pub complaints: Complaints,
    /// The mails complained of that count for it.
    pub complained: Evidence,
    /// Those that don't, since not both sides say that they were delivered.
    pub unconfirmed: Evidence,
    /// The debt, if any.
    pub debt: Option<Debt>,
    /// The bounces at its own mailbox, which make it a dead one; their partner is who sent them.
    pub refused: Evidence,
    /// Credits, epoch by epoch; those of epochs not closed yet, as the host reports them, too.
    pub credits: Credits,
    /// Today's allowance, with what locks it.
    pub allowance: Allowance,
    /// What would raise quota or allowance, or takes a lock away.
    pub raises: Vec<Raise>,
}

/// Explains a row.
#[must_use]
pub fn explain(from: &Sources<'_>, row: &RosterRow) -> Explanation {
    let Sources { params, window, before, score, .. } = *from;
    let index = window.index(&row.member);
    let case = Case::of(params, window, before, &row.member, score, from.record);
    let after = accounted_until(params, row);
    let sums = case.unaccounted(params, row);
    let worst = level(params, &sums);
    let credits = Credits::of(params, window, index, from.open.iter().copied());
    let ramp = behind::ramp(from, row);
    let [complained, unconfirmed] = complaints::entries(window, index, row.tag);
    let golden = |x: &crate::ledger::Exchange| x.complaint && x.outcome.delivered() && window.observed_by_golden(before, x);
    let got: Vec<_> = index.into_iter().flat_map(|i| window.receives(i)).collect();
    let sent = || index.into_iter().flat_map(|i| window.sends(i));
    Explanation {
        row: row.clone(),
        score: score.copied(),
        lines: pools::lines(params, row),
        quota: quota::of(params, row),
        dealt: from.dealt,
        pause: behind::pause(from, row, &case, worst),
        service: Service::of(window, index, row.acts),
        service_full: params.service_full,
        unanswered: behind::unanswered(window, &got, row.acts),
        readings: readings(params, &sums).to_vec(),
        level: worst,
        bounces: behind::bounces(window, index, |epoch| after.is_none_or(|a| epoch > a)),
        in_row: index.map(|i| in_row(window, i, after)).unwrap_or_default(),
        golden_complaints: Evidence::of(sent().filter(|(_, x)| golden(x)).map(|(epoch, x)| Entry::sent(window, epoch, &x))),
        reports: index.map(|i| told(window, i, after)).unwrap_or_default(),
        complaints: Complaints::of(params, window, index, row.tag),
        complained,
        unconfirmed,
        debt: behind::debt(from, row, &case),
        refused: behind::refused(window, &got),
        allowance: allowance::daily(params, Some(row), score, &credits, from.ceilings.iter().copied()),
        raises: raises::all(from, row, &sums, &credits, ramp.still),
        ramp,
        credits,
    }
}
