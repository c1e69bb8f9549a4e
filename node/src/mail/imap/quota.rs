//! How full a mailbox is (RFC 2087): a full one bounces warming mail and the owner's own alike.

use super::{
    answer::Untagged,
    session::{ImapError, ImapSession},
};
use crate::mail::stream::SHORT_BUDGET;

/// From this share on, in percent, the owner is told.
pub(super) const HIGH: u8 = 90;

/// The fullest resource of the inbox's quota roots in percent; `None` where the server has no quota or won't tell.
pub(super) async fn used_percent(session: &mut ImapSession) -> Result<Option<u8>, ImapError> {
    if !session.able.quota {
        return Ok(None);
    }
    match session.run("GETQUOTAROOT \"INBOX\"", SHORT_BUDGET).await {
        Ok(answer) => {
            let used = answer.untagged.iter().filter_map(|data| match data {
                Untagged::Quota { percent } => *percent,
                _ => None,
            });
            Ok(used.max())
        }
        Err(ImapError::No { .. } | ImapError::Bad { .. }) => {
            session.able.quota = false;
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

/// A share in percent, at most 100; `None` where there is no limit.
pub(super) fn percent(usage: u64, limit: u64) -> Option<u8> {
    let share = u128::from(usage) * 100 / u128::from(std::num::NonZeroU64::new(limit)?.get());
    Some(u8::try_from(share.min(100)).unwrap_or(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_bounded() {
        assert_eq!(percent(89, 100), Some(89));
        assert_eq!(percent(u64::MAX, 1), Some(100));
        assert_eq!(percent(5, 0), None);
    }
}
