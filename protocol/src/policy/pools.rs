//! Which pool a member's external mail would leave from, and how much of it.

use crate::params::{MILLION, Params};
use crate::score::Score;
use crate::wire::roster::{Pool, RosterRow};

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

/// Whether a member's external mail is locked: by its score (none counts as low), or by its pool.
#[must_use]
pub fn locked(row: Option<&RosterRow>, score: Option<&Score>) -> bool {
    score.is_none_or(|s| s.locked) || row.is_none_or(|r| matches!(r.pool, Pool::Rehab | Pool::Quarantined))
}

/// External mails a day: ceiling x (score - 70) / 30 x service (full from `service_full`); 0 while locked, in rehab or
/// quarantined. `ceiling`: the lowest of the provider's and the owner's limit; `external_ceiling` caps it.
#[must_use]
pub fn daily_allowance(params: &Params, row: &RosterRow, score: &Score, ceiling: u32) -> u32 {
    if locked(Some(row), Some(score)) {
        return 0;
    }
    let ceiling = u64::from(ceiling.min(params.external_ceiling));
    let above = u64::from(score.value.saturating_sub(params.lock_below));
    let span = (100 * MILLION).saturating_sub(u64::from(params.lock_below)).max(1);
    let service = u64::from(row.service.min(1000)).min(u64::from(params.service_full));
    (u128::from(ceiling) * u128::from(above) * u128::from(service) / u128::from(span) / u128::from(params.service_full.max(1))) as u32
}
