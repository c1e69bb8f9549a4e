//! What keeps a member's external mail locked.

use crate::params::Params;
use crate::score::{Hurdle, Score, barriers};
use crate::wire::roster::{Pool, RosterRow};
use serde::{Deserialize, Serialize};

/// A reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lock {
    /// The score itself locks.
    Score(Hurdle),
    /// No record has given it a score.
    NoScore,
    /// It is in no roster.
    NoRow,
    /// It is in rehabilitation.
    Rehab,
    /// Its domain is quarantined.
    Quarantined,
}

/// Everything that locks a member; nothing when external mail is open.
#[must_use]
pub fn locks(params: &Params, row: Option<&RosterRow>, score: Option<&Score>) -> Vec<Lock> {
    let by_score = score.map_or_else(|| vec![Lock::NoScore], |s| barriers(params, s).into_iter().map(Lock::Score).collect());
    let by_pool = match row.map(|r| r.pool) {
        None => Some(Lock::NoRow),
        Some(Pool::Rehab) => Some(Lock::Rehab),
        Some(Pool::Quarantined) => Some(Lock::Quarantined),
        Some(Pool::Warming | Pool::Standard | Pool::Premium) => None,
    };
    by_score.into_iter().chain(by_pool).collect()
}
