//! Which pool a member's external mail would leave from.

use crate::params::Params;
use crate::score::Score;
use crate::wire::roster::Pool;

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
