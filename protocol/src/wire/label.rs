//! Label: the header that marks a warming mail and signs what it may say.
//!
//! `Warmnet-Exchange: v1; n=<network, 16 hex>; e=<epoch>; r=<ring>.<round>; x=<exchange id, 32 hex>; t=<turn>; s=<base64>`
//!
//! The signature covers network, exchange, turn, Message-ID, both members and the hash of the normalised text, so a
//! label can't be moved to another mail.

use crate::identity::{NodeKey, hash, keys};
use crate::ids::{Digest, ExchangeId, MemberId, NetworkId, NodeId, Signature};
use crate::matching::{RingKind, Slot};
use crate::time::Epoch;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Name of the header.
pub const LABEL_HEADER: &str = "Warmnet-Exchange";

/// A parsed label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// First eight bytes of the network id.
    pub network: [u8; 8],
    /// Epoch that dealt the pair.
    pub epoch: Epoch,
    /// Ring and round.
    pub slot: Slot,
    /// The exchange.
    pub exchange: ExchangeId,
    /// 0 for the first mail, then one a reply.
    pub turn: u8,
    /// By the node of the mail's author.
    pub signature: Signature,
}

/// Why a header value is no label.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LabelError {
    /// Not `v1`.
    #[error("not a version 1 label (R-WIRE-10)")]
    Version,
    /// A field is missing, doubled, out of order or out of range.
    #[error("the field {0} is missing or malformed (R-WIRE-10)")]
    Field(&'static str),
    /// Something behind the last field.
    #[error("text behind the label (R-WIRE-10)")]
    Trailing,
}

/// Everything that a label's signature covers.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The network.
    pub network: &'a NetworkId,
    /// The exchange.
    pub exchange: &'a ExchangeId,
    /// The turn.
    pub turn: u8,
    /// Message-ID without angle brackets.
    pub message_id: &'a str,
    /// Author of this mail.
    pub author: &'a MemberId,
    /// Its addressee.
    pub addressee: &'a MemberId,
    /// Digest of the normalised text.
    pub text: &'a Digest,
}

impl Signed<'_> {
    /// The bytes that the signature covers.
    #[must_use]
    pub fn preimage(&self) -> Vec<u8> {
        let mut out = b"warmnet/label/v1".to_vec();
        out.extend_from_slice(&self.network.0);
        out.extend_from_slice(&self.exchange.0);
        out.push(self.turn);
        out.extend_from_slice(&(self.message_id.len() as u64).to_be_bytes());
        out.extend_from_slice(self.message_id.as_bytes());
        out.extend_from_slice(&self.author.0);
        out.extend_from_slice(&self.addressee.0);
        out.extend_from_slice(&self.text.0);
        out
    }
    /// Signs with the author's node key.
    #[must_use]
    pub fn sign(&self, key: &NodeKey) -> Signature {
        key.sign(&self.preimage())
    }
    /// Checks the author's node's signature.
    #[must_use]
    pub fn verify(&self, node: &NodeId, signature: &Signature) -> bool {
        keys::verify(node, &self.preimage(), signature)
    }
}

/// Digest of a normalised text.
#[must_use]
pub fn text_digest(normalised: &str) -> Digest {
    hash::digest(normalised.as_bytes())
}

impl Label {
    /// First eight bytes of the network's id, as labels carry them.
    #[must_use]
    pub fn network_prefix(network: &NetworkId) -> [u8; 8] {
        let mut out = [0u8; 8];
        out.copy_from_slice(&network.0[..8]);
        out
    }
    /// The header's value, unfolded.
    #[must_use]
    pub fn header_value(&self) -> String {
        format!(
            "v1; n={}; e={}; r={}.{}; x={}; t={}; s={}",
            hex::encode(self.network),
            self.epoch,
            self.slot.ring as u8,
            self.slot.round,
            self.exchange,
            self.turn,
            BASE64.encode(self.signature.0)
        )
    }
    /// Parses a header value. White space (folding) is allowed between and inside fields' separators; the fields
    /// must stand in order, each once.
    ///
    /// # Errors
    /// [`LabelError`].
    pub fn parse(value: &str) -> Result<Self, LabelError> {
        let mut fields = value.split(';').map(str::trim);
        if fields.next() != Some("v1") {
            return Err(LabelError::Version);
        }
        let mut field = |name: &'static str| {
            fields.next().and_then(|f| f.strip_prefix(name)).and_then(|f| f.strip_prefix('=')).ok_or(LabelError::Field(name))
        };
        let mut network = [0u8; 8];
        hex::decode_to_slice(field("n")?, &mut network).map_err(|_| LabelError::Field("n"))?;
        let epoch = decimal(field("e")?).map(Epoch).ok_or(LabelError::Field("e"))?;
        let (ring, round) = field("r")?.split_once('.').ok_or(LabelError::Field("r"))?;
        let ring = decimal(ring).and_then(|r| u8::try_from(r).ok()).and_then(RingKind::from_u8).ok_or(LabelError::Field("r"))?;
        let round = decimal(round).and_then(|r| u16::try_from(r).ok()).ok_or(LabelError::Field("r"))?;
        let exchange = ExchangeId::from_hex(field("x")?).map_err(|_| LabelError::Field("x"))?;
        let turn =
            decimal(field("t")?).and_then(|t| u8::try_from(t).ok()).filter(|t| *t < crate::limits::TURNS).ok_or(LabelError::Field("t"))?;
        // Folding may have put white space into the longest field.
        let signature: String = field("s")?.split_whitespace().collect();
        let signature = BASE64.decode(signature).map_err(|_| LabelError::Field("s"))?;
        let signature = Signature(signature.try_into().map_err(|_| LabelError::Field("s"))?);
        if fields.next().is_some() {
            return Err(LabelError::Trailing);
        }
        Ok(Self { network, epoch, slot: Slot { ring, round }, exchange, turn, signature })
    }
}

/// A plain decimal number: digits only, no sign, no leading zero, within `u32`.
fn decimal(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> Label {
        Label {
            network: [7; 8],
            epoch: Epoch(12),
            slot: Slot { ring: RingKind::Golden, round: 41 },
            exchange: ExchangeId([9; 16]),
            turn: 3,
            signature: Signature([5; 64]),
        }
    }

    #[test]
    fn a_label_survives_header_and_folding() {
        let v = label().header_value();
        assert_eq!(Label::parse(&v), Ok(label()));
        assert_eq!(Label::parse(&v.replace("; s=", ";\r\n\ts=")), Ok(label()));
    }

    #[test]
    fn near_labels_are_refused() {
        let v = label().header_value();
        for bad in [
            v.replace("v1", "v2"),
            v.replace("t=3", "t=5"),
            v.replace("t=3", "t=03"),
            v.replace("r=2.", "r=3."),
            format!("{v}; z=1"),
            v.replace("; t=3", ""),
            v.replace("e=12", "e=+12"),
        ] {
            assert!(Label::parse(&bad).is_err(), "{bad}");
        }
    }
}
