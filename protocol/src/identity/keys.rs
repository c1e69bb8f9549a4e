//! Node keys: Ed25519, strict verification only, because batch and single verification may disagree between nodes.
//!
//! What is accepted is to the bit what `verify_strict` of ed25519-dalek accepts: no key and no nonce of small order. That
//! function takes the square root of every nonce only to look at its order. Here the library's plain verification comes
//! first; it computes the nonce and compares its encoding, so that one that passes is canonical, and its order is told by a
//! look at the eight canonical encodings there are. A key's order is looked at once.

use crate::ids::{NodeId, Signature};
use ed25519_dalek::{Signer, SigningKey, Verifier as _, VerifyingKey};

/// Bytes of an encoded point.
const POINT: usize = 32;
/// The canonical encodings of the points of order 1, 2, 4 and 8 (RFC 8032 section 5.1.2: y little-endian, the sign of x in
/// the topmost bit).
const SMALL_ORDER: [[u8; POINT]; 8] = {
    const LOW: [u8; POINT] = *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05";
    const HIGH: [u8; POINT] = *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a";
    const ZERO: [u8; POINT] = [0; POINT];
    let mut minus_one = [0xff; POINT];
    (minus_one[0], minus_one[POINT - 1]) = (0xec, 0x7f);
    let mut one = ZERO;
    one[0] = 1;
    [one, minus_one, ZERO, negative(ZERO), LOW, negative(LOW), HIGH, negative(HIGH)]
};

/// The encoding with the other sign of x.
const fn negative(mut point: [u8; POINT]) -> [u8; POINT] {
    point[POINT - 1] |= 0x80;
    point
}

/// A node's signing key. Zeroized when dropped; never printed.
pub struct NodeKey(SigningKey);

impl NodeKey {
    /// The key of a 32-byte secret seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }
    /// The public half.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        NodeId(self.0.verifying_key().to_bytes())
    }
    /// Signs `message` as it is: callers build the domain-separated bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NodeKey({})", self.node_id().short())
    }
}

/// A node's public key with its curve point decompressed: about a tenth of a verification, done once.
#[derive(Clone)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key that `node` names; `None` when it is no point of the curve, or one of small order, which signs nothing.
    #[must_use]
    pub fn of(node: &NodeId) -> Option<Self> {
        VerifyingKey::from_bytes(&node.0).ok().filter(|key| !key.is_weak()).map(Self)
    }
    /// The id it was made of.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        NodeId(self.0.to_bytes())
    }
    /// Whether `signature` is a strict Ed25519 signature of `message` by this key.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify(message, &signature).is_ok() && !SMALL_ORDER.contains(signature.r_bytes())
    }
}

/// Whether `signature` is a strict Ed25519 signature of `message` by `node`.
#[must_use]
pub fn verify(node: &NodeId, message: &[u8], signature: &Signature) -> bool {
    PublicKey::of(node).is_some_and(|key| key.verify(message, signature))
}

#[cfg(test)]
mod tests;
