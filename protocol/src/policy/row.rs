//! The first row and the next one.

use super::complaints::Complaints;
use super::rehabilitation::{self, Case};
use super::service::Service;
use super::{dead, pause, pools, quota, ramp, triggers};
use crate::ids::{DomainTag, MemberId, NodeId};
use crate::ledger::Window;
use crate::params::Params;
use crate::score::Score;
use crate::time::Epoch;
use crate::wire::roster::{Pool, RampPreset, Role, Roster, RosterRow};

/// A newly admitted member's row. Golden members ride no ring: quota 0, premium.
#[must_use]
#[allow(clippy::too_many_arguments)] // It is the list of what admission certifies; each is used once.
pub fn first_row(
    params: &Params,
    member: MemberId,
    node: NodeId,
    tag: DomainTag,
    provider: u8,
    languages: u8,
    weekdays: u8,
    acts: u8,
    ramp: RampPreset,
    role: Role,
    joined: Epoch,
) -> RosterRow {
    let mut row = RosterRow {
        member,
        node,
        tag,
        provider,
        languages,
        role,
        pool: if role == Role::Golden { Pool::Premium } else { Pool::Warming },
        unlocked_once: false,
        joined,
        ramp,
        ramp_day: 0,
        quota: 0,
        cut: 1_000,
        clean_epochs: 0,
        debt: 0,
        debt_since: Epoch(0),
        service: 1_000,
        weekdays,
        acts,
        dead: false,
        complained: false,
    };
    row.quota = quota::of(params, &row).mails;
    row
}

/// The first row of `epoch` with what admission certified in `row`: a coordinator may choose nothing else of a new member.
#[must_use]
pub fn as_first_row(params: &Params, row: &RosterRow, epoch: Epoch) -> RosterRow {
    let RosterRow { member, node, tag, provider, languages, weekdays, acts, ramp, role, .. } = *row;
    first_row(params, member, node, tag, provider, languages, weekdays, acts, ramp, role, epoch)
}

/// The row of `epoch` from the row before and the window that the record of `epoch` closes. `quarantined`: the member's tag is
/// listed from this epoch on; `roster`: the one `previous` stands in, which says who is golden.
#[must_use]
pub fn next_row(
    params: &Params,
    previous: &RosterRow,
    window: &Window,
    roster: &Roster,
    score: Option<&Score>,
    epoch: Epoch,
    quarantined: bool,
) -> RosterRow {
    let mut row = previous.clone();
    let released = previous.pool == Pool::Quarantined && !quarantined;
    if row.role == Role::Golden {
        row.pool = if quarantined { Pool::Quarantined } else { Pool::Premium };
        row.quota = 0;
        return row;
    }
    let case = Case::of(params, window, roster, &row.member, score, epoch);
    let (index, closed) = (case.index, case.closed);
    row.service = Service::of(window, index, row.acts).per_mille;
    if let (Some(index), Some(closed)) = (index, closed) {
        row.dead = dead::next(params, window, roster, index, row.dead, closed);
    }
    row.complained = Complaints::of(params, window, index, row.tag).stand();
    row.unlocked_once |= score.is_some_and(|s| !s.provisional && s.value >= params.lock_below);
    if quarantined {
        row.pool = Pool::Quarantined;
        row.quota = 0;
        return row;
    }
    rehabilitation::apply(params, &mut row, &case, released);
    if row.pool != Pool::Rehab {
        row.pool = pools::by_score(params, row.pool, row.unlocked_once, score);
        if let (Some(index), Some(closed)) = (index, closed) {
            let level = triggers::level(params, &case.unaccounted(params, &row));
            pause::apply(params, &mut row, !pause::look(window, index, closed).bad(params, level).is_empty());
        }
    }
    if ramp::still(&row, epoch, ramp::closed(params, window, index, &row, epoch).map(|(_, t)| t)).is_none() {
        row.ramp_day = row.ramp_day.saturating_add(1);
    }
    row.quota = quota::of(params, &row).mails;
    row
}
