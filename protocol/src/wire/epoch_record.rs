//! Epoch record: the coordinator's signed word for one epoch, published a quarter epoch before it begins.

use super::codec::{self, CodecError};
use super::notice::Notice;
use crate::identity::{Signable, SignedError};
use crate::ids::{Beacon, Digest, NodeId};
use crate::limits;
use crate::params::Params;
use crate::time::Epoch;
use serde::{Deserialize, Serialize};

/// Which bundles of a closed epoch count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRoot {
    /// The epoch that is closed: the record's epoch minus `Params::close_lag`.
    pub epoch: Epoch,
    /// One bit per position of that epoch's roster, least significant bit first: its bundle counts.
    pub present: Vec<u8>,
    /// Merkle root over the payload digests of the present bundles in roster order.
    pub digest: Digest,
}

/// The record of one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch it opens.
    pub epoch: Epoch,
    /// Payload digest of the record before; the network id for epoch 0.
    pub previous: Digest,
    /// `r_e`, with `H(r_e) = r_(e-1)`.
    pub beacon: Beacon,
    /// Merkle root of the roster of this epoch.
    pub roster: Digest,
    /// Rows of that roster.
    pub roster_len: u32,
    /// What it closes; none in the first epochs.
    pub ledger: Option<LedgerRoot>,
    /// Quarantine notices that act from this epoch on.
    pub notices: Vec<Notice>,
    /// Members whose word is void from this epoch on, each with the digest of its equivocation proof.
    pub proofs: Vec<(crate::ids::MemberId, Digest)>,
    /// Departures, as signed envelopes: their members stand in no roster from this epoch on.
    pub departures: Vec<Vec<u8>>,
    /// Digest over trust and scores derived from the window that this record closes.
    pub results: Digest,
    /// The parameters in force.
    pub params: Params,
    /// Parameters that will be; every record names them until they are in force.
    pub upcoming: Option<Upcoming>,
    /// Published late: the epoch was played with the last roster and the seed of the last beacon.
    pub degraded: bool,
    /// The root-signed certificate of the issuing key that signs this record.
    pub authority: Vec<u8>,
}

impl Signable for EpochRecord {
    const KIND: &'static str = "epoch-record";
    const LIMIT: usize = limits::RECORD_BYTES;

    fn read(payload: &[u8]) -> Result<Self, CodecError> {
        codec::decode(payload, Self::LIMIT)
    }
}

/// A change of parameters that was announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upcoming {
    /// The first epoch with them, at least `limits::PARAMS_NOTICE` after the record that announced them.
    pub from: Epoch,
    /// All parameters as they will be.
    pub params: Params,
}

/// Certificate of an online issuing key, signed by the offline root.
///
/// Layout 1 has no serial, which is 0 then; layout 2 adds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuingKey {
    /// The key.
    pub key: NodeId,
    /// First epoch it may sign.
    pub from: Epoch,
    /// Last epoch it may sign.
    pub until: Epoch,
    /// How many certificates the root gave before. A later one ends the earlier ones, and decides between records that contradict each other.
    pub serial: u32,
}

impl Signable for IssuingKey {
    const KIND: &'static str = "issuing-key";
    const LIMIT: usize = 128;
    const VERSION: u8 = 2;

    fn version(&self) -> u8 {
        if self.serial == 0 { 1 } else { 2 }
    }
    fn payload(&self) -> Vec<u8> {
        match self.version() {
            1 => codec::encode(&(self.key, self.from, self.until)),
            _ => codec::encode(self),
        }
    }
    fn read_previous(payload: &[u8]) -> Result<Self, SignedError> {
        let (key, from, until) = codec::decode(payload, Self::LIMIT)?;
        Ok(Self { key, from, until, serial: 0 })
    }
    fn read(payload: &[u8]) -> Result<Self, CodecError> {
        codec::decode(payload, Self::LIMIT)
    }
}

/// Reads bit `position` of a bitmap.
#[must_use]
pub fn bit(bitmap: &[u8], position: usize) -> bool {
    bitmap.get(position / 8).is_some_and(|b| b >> (position % 8) & 1 == 1)
}

/// How many of the first `len` bits are set.
#[must_use]
pub fn count(bitmap: &[u8], len: usize) -> usize {
    let whole: usize = bitmap.iter().take(len / 8).map(|b| b.count_ones() as usize).sum();
    whole + (len / 8 * 8..len).filter(|position| bit(bitmap, *position)).count()
}

/// A bitmap of `len` bits with the given positions set.
#[must_use]
pub fn bitmap(len: usize, set: impl IntoIterator<Item = usize>) -> Vec<u8> {
    let mut out = vec![0u8; len.div_ceil(8)];
    for i in set {
        if let Some(b) = out.get_mut(i / 8) {
            *b |= 1 << (i % 8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{NodeKey, signed};
    use crate::ids::NetworkId;

    #[test]
    fn a_certificate_is_written_in_the_lowest_layout_and_read_in_both() {
        let (root, network) = (NodeKey::from_seed(&[1; 32]), NetworkId([2; 32]));
        let certificate = |serial| IssuingKey { key: NodeId([3; 32]), from: Epoch(0), until: Epoch(9), serial };
        for (serial, layout) in [(0, 1), (1, 2), (u32::MAX, 2)] {
            let envelope = signed::sign(&root, &network, certificate(serial)).bytes;
            assert_eq!(codec::decode::<signed::Envelope>(&envelope, 256).map(|e| e.version), Ok(layout));
            assert_eq!(signed::open::<IssuingKey>(&envelope, &network).map(|v| v.message), Ok(certificate(serial)));
        }
        let forged = |version, payload: Vec<u8>| {
            let signature = root.sign(&signed::preimage(IssuingKey::KIND, version, &network, &payload));
            let envelope = signed::Envelope { version, signer: root.node_id(), payload, signature };
            signed::open::<IssuingKey>(&codec::encode(&envelope), &network).map(|v| v.message)
        };
        assert_eq!(forged(2, codec::encode(&certificate(0))), Err(SignedError::Codec(CodecError::NotCanonical)));
        for unknown in [0, 3, u8::MAX] {
            assert_eq!(forged(unknown, codec::encode(&certificate(1))), Err(SignedError::UnknownVersion(unknown)));
        }
        // The same words in the other layout are another signature.
        let payload = codec::encode(&certificate(1));
        let signature = root.sign(&signed::preimage(IssuingKey::KIND, 1, &network, &payload));
        let envelope = codec::encode(&signed::Envelope { version: 2, signer: root.node_id(), payload, signature });
        assert_eq!(signed::open::<IssuingKey>(&envelope, &network), Err(SignedError::BadSignature("issuing-key")));
    }
}
