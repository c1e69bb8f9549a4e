//! Ramp presets (FACTS.md, "Warming practice").

use crate::ledger::{Tally, Window};
use crate::params::Params;
use crate::time::Epoch;
use crate::wire::roster::{Pool, RampPreset, Role, RosterRow};
use serde::{Deserialize, Serialize};

/// Ring mails a day on active day `day` (from 0). Every preset stays under 50 in the first 14 days, golden seats included.
#[must_use]
pub fn mails(preset: RampPreset, day: u16) -> u16 {
    match preset {
        // 2 a day, one more each day, to 20: what most of the market settled on.
        RampPreset::Gentle => day.saturating_add(2).min(20),
        // 20 to 30 in week one.
        RampPreset::Fresh => day.saturating_mul(2).saturating_add(20).min(30),
        // 5, to 25; with the five golden seats of a small network 30, the most while warming.
        RampPreset::Prewarmed => day.saturating_add(5).min(25),
    }
}

/// Why a record adds no day to the ramp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Still {
    /// It is the member's first record.
    Joined,
    /// It is in rehabilitation.
    Rehab,
    /// Its domain is quarantined.
    Quarantined,
    /// It is a golden member.
    Golden,
    /// Its mailbox is dead.
    Dead,
    /// Pause and fix has cut its quota.
    Cut,
    /// It completed no mail in the epoch that the record closes, or nobody played that.
    Idle,
    /// The record is a degraded one.
    Degraded,
}

/// Why the record of `epoch` adds no day; `None`: it adds one. `row`: as the record leaves it but for the day; `closed`: the
/// member's counts in the epoch that it closes, `None` before anything of the member's can be closed: the first days are taken
/// on trust. A day without a completed mail doesn't count, so weekends, pauses by the owner and absences hold the ramp.
#[must_use]
pub fn still(row: &RosterRow, epoch: Epoch, closed: Option<Tally>) -> Option<Still> {
    let reasons = [
        (Still::Golden, row.role == Role::Golden),
        (Still::Quarantined, row.pool == Pool::Quarantined),
        (Still::Rehab, row.pool == Pool::Rehab),
        (Still::Joined, epoch <= row.joined),
        (Still::Dead, row.dead),
        (Still::Cut, row.cut != 1_000),
        (Still::Idle, closed.is_some_and(|t| t.completed == 0)),
    ];
    reasons.into_iter().find_map(|(why, stands)| stands.then_some(why))
}

/// The epoch that the record of `epoch` closes and the member's counts in it, zero when that epoch wasn't played; `None` before
/// anything of the member's can be closed.
#[must_use]
pub fn closed(params: &Params, window: &Window, index: Option<u32>, row: &RosterRow, epoch: Epoch) -> Option<(Epoch, Tally)> {
    let closes = epoch.minus(params.close_lag).filter(|c| *c >= row.joined)?;
    let found = index.and_then(|i| window.tallies(i).last()).filter(|(e, _)| *e == closes);
    Some((closes, found.map(|(_, t)| t).unwrap_or_default()))
}
