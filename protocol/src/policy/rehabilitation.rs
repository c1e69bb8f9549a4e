//! Rehabilitation: a debt of clean mails, fixed on entry, never expiring with the window.
//!
//! ```text
//!  other pool ──trigger, score < 60 (once unlocked), or released from quarantine──> Rehab: debt = what the bounces owe
//!     ▲                                                                              │ each clean reconciled mail of a newly
//!     │                                                                              │ closed epoch pays one; a new trigger adds
//!     └────── debt 0, no trigger, and (once unlocked) score at the lock line again ──┘
//! ```
//! `debt_since` is the record epoch that last set or raised the debt: all bounces up to `debt_since - close_lag` are in it, so
//! they never trigger again, and once the debt is paid they leave the score too. Complaints are not paid by a debt: they stay
//! until the window passes them.

use crate::ids::MemberId;
use crate::ledger::Window;
use crate::params::{MILLION, Params};
use crate::score::{Bounces, Score};
use crate::time::Epoch;
use crate::wire::roster::{Pool, Roster, RosterRow};

use super::triggers::{Level, level};

/// Clean mails owed for `hard` bounces in `sent` mails: `ceil(hard / rate) - sent`; 5 in 100 at 1 % owe exactly 400.
///
/// # Example
/// ```
/// use warmnet_protocol::{params::Params, policy::rehabilitation::owed};
/// assert_eq!(owed(&Params::standard(), 5, 100), 400);
/// ```
#[must_use]
pub fn owed(params: &Params, hard: u64, sent: u64) -> u32 {
    let wanted = (u128::from(hard) * u128::from(MILLION)).div_ceil(u128::from(params.debt_rate.max(1)));
    u32::try_from(wanted.saturating_sub(u128::from(sent))).unwrap_or(u32::MAX)
}

/// Reconciled and external bounces owe each their own.
fn debt(params: &Params, x: &Bounces) -> u32 {
    owed(params, x.hard, x.attempts).saturating_add(owed(params, x.external_hard, x.external_sent))
}

/// Last closed epoch whose bounces the row's debt holds or held.
#[must_use]
pub fn accounted_until(params: &Params, row: &RosterRow) -> Option<Epoch> {
    row.debt_since.minus(params.close_lag).filter(|_| row.debt_since > Epoch(0))
}

/// Last closed epoch whose bounces are paid and no longer count.
#[must_use]
pub fn paid_until(params: &Params, row: &RosterRow) -> Option<Epoch> {
    accounted_until(params, row).filter(|_| row.debt == 0)
}

/// Clean mails of one sender in one closed epoch: delivered, and no golden mailbox complained.
#[must_use]
pub fn clean(window: &Window, roster: &Roster, index: u32, epoch: Epoch) -> u32 {
    let mine = window.sends(index).filter(|(e, _)| *e == epoch);
    mine.filter(|(_, x)| x.outcome.delivered() && !(x.complaint && window.observed_by_golden(roster, x))).count() as u32
}

/// What the rules of rehabilitation look at.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) window: &'a Window,
    /// The roster before the record, which says who is golden.
    pub(super) roster: &'a Roster,
    pub(super) index: Option<u32>,
    pub(super) score: Option<&'a Score>,
    /// The record's epoch.
    pub(super) epoch: Epoch,
    /// The epoch it newly closes, if that was played.
    pub(super) closed: Option<Epoch>,
}

impl<'a> Case<'a> {
    /// The case of a member by the record of `epoch`. `roster`: the one before the record.
    pub(super) fn of(
        params: &Params,
        window: &'a Window,
        roster: &'a Roster,
        member: &MemberId,
        score: Option<&'a Score>,
        epoch: Epoch,
    ) -> Self {
        let closed = epoch.minus(params.close_lag).filter(|c| window.latest().is_some_and(|l| l.epoch == *c));
        Self { window, roster, index: window.index(member), score, epoch, closed }
    }
    pub(super) fn unaccounted(&self, params: &Params, row: &RosterRow) -> Bounces {
        self.index.map(|i| Bounces::of(self.window, self.roster, i, accounted_until(params, row))).unwrap_or_default()
    }
}

fn firm(score: Option<&Score>) -> Option<u32> {
    score.filter(|s| !s.provisional).map(|s| s.value)
}

/// What a record pays of the debt of a member whose row before it is `previous`: the clean mails of the epoch that it closes, while
/// the member was in rehab already.
pub(super) fn paid(previous: &RosterRow, case: &Case<'_>) -> u32 {
    let clean = case.index.zip(case.closed).filter(|_| previous.pool == Pool::Rehab);
    clean.map_or(0, |(index, closed)| self::clean(case.window, case.roster, index, closed)).min(previous.debt)
}

/// The pool of a member in rehab, when what it owes is paid and charged.
pub(super) fn exit(params: &Params, row: &RosterRow, score: Option<&Score>, triggered: bool) -> Pool {
    let recovered = !row.unlocked_once || firm(score).is_some_and(|v| v >= params.lock_below);
    if row.debt > 0 || triggered || !recovered {
        return Pool::Rehab;
    }
    super::pools::by_score(params, Pool::Warming, row.unlocked_once, score)
}

fn charge(params: &Params, row: &mut RosterRow, x: &Bounces, epoch: Epoch) {
    let more = debt(params, x);
    if more > 0 {
        row.debt = row.debt.saturating_add(more);
        row.debt_since = epoch;
    }
}

/// Entry, payment and exit of one epoch; sets pool `Rehab` or leaves the pool to the score. `released`: it was quarantined in
/// the row before.
pub(super) fn apply(params: &Params, row: &mut RosterRow, case: &Case<'_>, released: bool) {
    let x = case.unaccounted(params, row);
    let triggered = level(params, &x) == Level::Rehab;
    if row.pool == Pool::Rehab {
        row.debt -= paid(row, case);
        if triggered {
            charge(params, row, &x, case.epoch);
        }
        row.pool = exit(params, row, case.score, triggered);
        return;
    }
    let fell = row.unlocked_once && firm(case.score).is_some_and(|v| v < params.rehab_below);
    if triggered || fell || released {
        row.pool = Pool::Rehab;
        charge(params, row, &x, case.epoch);
    }
}
