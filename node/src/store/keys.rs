//! How keys are built: numbers big-endian, so that byte order is number order.

/// Number of an epoch.
pub type Epoch = u32;
/// A member's id.
pub type MemberId = [u8; 32];
/// An exchange's id.
pub type ExchangeId = [u8; 16];

/// Key of a thing there is one of per epoch: 4 bytes.
#[must_use]
pub fn epoch_key(epoch: Epoch) -> [u8; 4] {
    epoch.to_be_bytes()
}

/// Key of a thing there is one of per epoch and member: epoch, member; 36 bytes.
#[must_use]
pub fn epoch_member_key(epoch: Epoch, member: &MemberId) -> [u8; 36] {
    let mut key = [0; 36];
    key[..4].copy_from_slice(&epoch_key(epoch));
    key[4..].copy_from_slice(member);
    key
}

/// Key of an exchange: member, epoch, exchange; 52 bytes.
#[must_use]
pub fn exchange_key(member: &MemberId, epoch: Epoch, exchange: &ExchangeId) -> [u8; 52] {
    let mut key = [0; 52];
    key[..32].copy_from_slice(member);
    key[32..36].copy_from_slice(&epoch_key(epoch));
    key[36..].copy_from_slice(exchange);
    key
}

/// The first key behind every key that begins with `prefix`; `None` if nothing lies behind.
pub(super) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_order_is_epoch_order() {
        let keys = [0, 1, 255, 256, u32::MAX].map(|epoch| epoch_member_key(epoch, &[9; 32]));
        assert!(keys.is_sorted());
        assert_eq!(exchange_key(&[1; 32], 2, &[3; 16])[32..36], [0, 0, 0, 2]);
    }

    #[test]
    fn end_of_a_prefix() {
        assert_eq!(after_prefix(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(after_prefix(&[1, 255, 255]), Some(vec![2]));
        assert_eq!(after_prefix(&[255, 255]), None);
        assert_eq!(after_prefix(&[]), None);
    }
}
