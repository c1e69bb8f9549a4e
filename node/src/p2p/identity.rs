//! Node ids and libp2p peer ids: the same Ed25519 public key in two spellings.

use libp2p::PeerId;
use libp2p::identity::{Keypair, PublicKey, ed25519};

/// A node's Ed25519 public key.
pub type NodeId = [u8; 32];

/// A peer id of an Ed25519 key is the key itself: identity multihash (code 0, 36 bytes) of the
/// protobuf `{ type: Ed25519, data: 32 bytes }` (libp2p peer-id specification).
const ED25519_PEER_PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// The bytes are not a point on the curve, or the text is not the peer id of an Ed25519 key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an Ed25519 node key")]
pub struct InvalidNodeId;

/// The public key that belongs to a 32-byte Ed25519 seed.
///
/// # Errors
/// Never in practice: every 32 bytes are a valid seed. The library's signature allows it.
pub fn node_id_of_seed(seed: [u8; 32]) -> Result<NodeId, InvalidNodeId> {
    let keypair = keypair_of_seed(seed)?;
    node_of_peer(&keypair.public().to_peer_id()).ok_or(InvalidNodeId)
}

/// The `12D3Koo..` text of a node id, as it stands after `/p2p/` in a multiaddress.
///
/// # Errors
/// [`InvalidNodeId`] if the bytes are no Ed25519 public key.
pub fn peer_text(node: &NodeId) -> Result<String, InvalidNodeId> {
    Ok(peer_of_node(node)?.to_base58())
}

/// The node id of a `12D3Koo..` text.
///
/// # Errors
/// [`InvalidNodeId`] if the text is no peer id or of another key type.
pub fn node_of_peer_text(text: &str) -> Result<NodeId, InvalidNodeId> {
    let peer: PeerId = text.parse().map_err(|_| InvalidNodeId)?;
    node_of_peer(&peer).ok_or(InvalidNodeId)
}

pub(super) fn keypair_of_seed(mut seed: [u8; 32]) -> Result<Keypair, InvalidNodeId> {
    Keypair::ed25519_from_bytes(&mut seed).map_err(|_| InvalidNodeId)
}

pub(super) fn peer_of_node(node: &NodeId) -> Result<PeerId, InvalidNodeId> {
    let key = ed25519::PublicKey::try_from_bytes(node).map_err(|_| InvalidNodeId)?;
    Ok(PublicKey::from(key).to_peer_id())
}

/// `None` for a key of another type.
pub(super) fn node_of_peer(peer: &PeerId) -> Option<NodeId> {
    let bytes = peer.to_bytes();
    let key = bytes.strip_prefix(&ED25519_PEER_PREFIX)?;
    key.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_and_peer_ids_convert_both_ways() {
        for seed in 0..20u8 {
            let node = node_id_of_seed([seed; 32]).expect("seed");
            let peer = peer_of_node(&node).expect("peer");
            assert_eq!(node_of_peer(&peer), Some(node));
            let text = peer_text(&node).expect("text");
            assert!(text.starts_with("12D3Koo"), "{text}");
            assert_eq!(node_of_peer_text(&text), Ok(node));
        }
    }

    #[test]
    fn public_key_of_the_rfc_8032_seed() {
        // RFC 8032, 7.1, TEST 1.
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").expect("hex");
        let node = node_id_of_seed(seed.try_into().expect("32 bytes")).expect("seed");
        assert_eq!(hex::encode(node), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    }

    #[test]
    fn foreign_ids_are_refused() {
        assert_eq!(node_of_peer_text("nonsense"), Err(InvalidNodeId));
        // An RSA peer id (SHA-256 multihash).
        assert_eq!(node_of_peer_text("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"), Err(InvalidNodeId));
        // y = 2 is not on the curve.
        let mut off = [0u8; 32];
        off[0] = 2;
        assert!(peer_text(&off).is_err());
    }
}
