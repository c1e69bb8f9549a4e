//! Node keys: Ed25519, `verify_strict` only, because batch and single verification may disagree between nodes.

use crate::ids::{NodeId, Signature};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};

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
    /// The key that `node` names; `None` when it is no point of the curve.
    #[must_use]
    pub fn of(node: &NodeId) -> Option<Self> {
        VerifyingKey::from_bytes(&node.0).ok().map(Self)
    }
    /// The id it was made of.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        NodeId(self.0.to_bytes())
    }
    /// Whether `signature` is a strict Ed25519 signature of `message` by this key.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        self.0.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
    }
}

/// Whether `signature` is a strict Ed25519 signature of `message` by `node`.
#[must_use]
pub fn verify(node: &NodeId, message: &[u8], signature: &Signature) -> bool {
    PublicKey::of(node).is_some_and(|key| key.verify(message, signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_keys_sign_nothing() {
        // The neutral point as key and as nonce: without strict checks this signs every message.
        let mut neutral = [0u8; 32];
        neutral[0] = 1;
        let mut signature = [0u8; 64];
        signature[0] = 1;
        assert!(!verify(&NodeId(neutral), b"anything", &Signature(signature)));
        let key = NodeKey::from_seed(&[3; 32]);
        assert!(verify(&key.node_id(), b"this", &key.sign(b"this")) && !verify(&key.node_id(), b"that", &key.sign(b"this")));
    }
}
