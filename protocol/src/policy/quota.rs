//! Ring mails of an epoch by a row's other fields, step by step, before weekdays and the class cap.

use super::ramp;
use crate::params::Params;
use crate::wire::roster::{Pool, Role, RosterRow};
use serde::{Deserialize, Serialize};

/// A quota and how it comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Mails of the ramp day.
    pub ramp: u16,
    /// What is left of them by pool: all; in rehab half, at least the floor, which may be more than the ramp gives: a debt of hundreds
    /// can't be paid two mails a day; in quarantine and for golden members none.
    pub pool: u16,
    /// ... after pause and fix. A rehab member is not cut: it has a debt to pay.
    pub cut: u16,
    /// ... and after service.
    pub service: u16,
    /// The quota: that, but one a day is left to everybody who is not at 0 by its pool, since who sends nothing can't
    /// show that it is fixed.
    pub mails: u16,
}

/// The quota of a row.
#[must_use]
pub fn of(params: &Params, row: &RosterRow) -> Quota {
    let ramp = ramp::mails(row.ramp, row.ramp_day);
    let normal = u64::from(ramp);
    let pool = match (row.role, row.pool) {
        (Role::Golden, _) | (_, Pool::Quarantined) => return Quota { ramp, pool: 0, cut: 0, service: 0, mails: 0 },
        (_, Pool::Rehab) => (normal / 2).max(u64::from(params.rehab_quota_floor)),
        _ => normal,
    };
    let full = u64::from(params.service_full.max(1));
    let (cut, service) = if row.pool == Pool::Rehab {
        (pool, pool)
    } else {
        let cut = pool * u64::from(row.cut) / 1_000;
        (cut, cut * u64::from(row.service).min(full) / full)
    };
    let [pool, cut, service] = [pool, cut, service].map(|n| n as u16);
    Quota { ramp, pool, cut, service, mails: service.max(1) }
}
