//! Which pool a member's external mail would leave from.

use crate::params::Params;
use crate::score::Score;
use crate::wire::roster::{Pool, Role, RosterRow};
use serde::{Deserialize, Serialize};

/// A score, and the pool on its other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The score, millionths of a point.
    pub at: u32,
    /// The pool that begins there.
    pub pool: Pool,
}

/// The scores that lead to other pools, where a score alone does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// From this score on, not provisional; in rehab when the debt is paid and no trigger fires too.
    pub up: Option<Line>,
    /// Below this score, not provisional.
    pub down: Option<Line>,
}

/// The lines of a row's pool.
#[must_use]
pub fn lines(params: &Params, row: &RosterRow) -> Lines {
    let line = |at, pool| Some(Line { at, pool });
    let rehab = line(params.rehab_below, Pool::Rehab).filter(|_| row.unlocked_once);
    match row.pool {
        _ if row.role == Role::Golden => Lines::default(),
        Pool::Warming => Lines { up: line(params.lock_below, Pool::Standard), down: None },
        Pool::Standard => Lines { up: line(params.premium_from, Pool::Premium), down: rehab },
        Pool::Premium => Lines { up: None, down: line(params.premium_from, Pool::Standard) },
        Pool::Rehab => Lines { up: line(params.lock_below, Pool::Standard).filter(|_| row.unlocked_once), down: None },
        Pool::Quarantined => Lines::default(),
    }
}

/// Pool of a member that is neither in rehab nor quarantined: warming until it first reaches the lock line; 60..70 and a
/// provisional score keep the pool it has.
#[must_use]
pub fn by_score(params: &Params, pool: Pool, unlocked_once: bool, score: Option<&Score>) -> Pool {
    if !unlocked_once {
        return Pool::Warming;
    }
    match score.filter(|s| !s.provisional) {
        Some(s) if s.value >= params.premium_from => Pool::Premium,
        Some(s) if s.value >= params.lock_below => Pool::Standard,
        _ if pool == Pool::Warming => Pool::Standard,
        _ => pool,
    }
}
