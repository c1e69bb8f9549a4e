//! Identifiers: fixed-size byte strings. In JSON they are hex, on the wire raw bytes.

use crate::identity::hash;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

macro_rules! bytes_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Parses lower- or upper-case hex of exactly this length.
            ///
            /// # Errors
            /// [`ParseIdError`] when the text is no hex or has another length.
            pub fn from_hex(text: &str) -> Result<Self, ParseIdError> {
                let mut out = [0u8; $len];
                hex::decode_to_slice(text, &mut out).map_err(|_| ParseIdError { wanted: $len })?;
                Ok(Self(out))
            }
            /// The whole value in lower-case hex.
            #[must_use]
            pub fn to_hex(&self) -> String {
                hex::encode(self.0)
            }
            /// The first eight hex digits: enough for a person to tell two apart.
            #[must_use]
            pub fn short(&self) -> String {
                hex::encode(&self.0[..4])
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.to_hex())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() {
                    return s.serialize_str(&self.to_hex());
                }
                let mut t = s.serialize_tuple($len)?;
                for b in &self.0 {
                    t.serialize_element(b)?;
                }
                t.end()
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct V;
                impl<'de> Visitor<'de> for V {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        write!(f, "{} bytes", $len)
                    }
                    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<$name, E> {
                        $name::from_hex(v).map_err(E::custom)
                    }
                    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<$name, A::Error> {
                        let mut out = [0u8; $len];
                        for (i, b) in out.iter_mut().enumerate() {
                            *b = seq.next_element()?.ok_or_else(|| A::Error::invalid_length(i, &self))?;
                        }
                        Ok($name(out))
                    }
                }
                if d.is_human_readable() { d.deserialize_str(V) } else { d.deserialize_tuple($len, V) }
            }
        }
    };
}

/// A text that should have been an identifier in hex is not.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected {} hex digits", wanted * 2)]
pub struct ParseIdError {
    wanted: usize,
}

bytes_id!(/// BLAKE3-256 of something.
    Digest, 32);
bytes_id!(/// `H(genesis)`: names one network.
    NetworkId, 32);
bytes_id!(/// Keyed commitment to one enrolled mailbox address (PROTOCOL.md section 2).
    MemberId, 32);
bytes_id!(/// Ed25519 public key of a node; also its libp2p PeerId.
    NodeId, 32);
bytes_id!(/// Ed25519 signature.
    Signature, 64);
bytes_id!(/// Keyed hash of a registrable domain under the coordinator's tag key.
    DomainTag, 16);
bytes_id!(/// Names one dealt pair of one epoch.
    ExchangeId, 16);
bytes_id!(/// The member's secret salt inside its commitment.
    Salt, 32);
bytes_id!(/// One value of the coordinator's hash chain.
    Beacon, 32);

impl ExchangeId {
    /// The id of a dealt pair: a hash of network, epoch, ring, round and both members, so both sides and
    /// every auditor derive the same one.
    #[must_use]
    pub fn derive(
        network: &NetworkId,
        epoch: crate::time::Epoch,
        slot: crate::matching::Slot,
        sender: &MemberId,
        receiver: &MemberId,
    ) -> Self {
        let mut h = hash::keyed("exchange");
        h.update(&network.0)
            .update(&epoch.0.to_be_bytes())
            .update(&[slot.ring as u8])
            .update(&slot.round.to_be_bytes())
            .update(&sender.0)
            .update(&receiver.0);
        let mut out = [0u8; 16];
        h.finalize_xof().fill(&mut out);
        Self(out)
    }
}
