use super::*;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::scalar::Scalar;
use proptest::prelude::*;
use sha2::{Digest as _, Sha512};
use std::collections::BTreeSet;

/// What the library says.
fn strict(node: &[u8; POINT], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(node).is_ok_and(|k| k.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok())
}

/// The same without the strict rules.
fn loose(node: &[u8; POINT], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(node).is_ok_and(|k| k.verify(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok())
}

/// A signature by `secret` whose key and nonce are shifted by points of small order: s = r + k * secret. With r = 0 the nonce is
/// of small order itself. The plain equation without a cofactor holds where the shifts cancel out.
fn shifted(secret: Scalar, r: Scalar, message: &[u8], shift_key: usize, shift_nonce: usize) -> ([u8; POINT], [u8; 64]) {
    let key = (ED25519_BASEPOINT_POINT * secret + EIGHT_TORSION[shift_key]).compress().to_bytes();
    let nonce = (ED25519_BASEPOINT_POINT * r + EIGHT_TORSION[shift_nonce]).compress().to_bytes();
    let k = Scalar::from_bytes_mod_order_wide(&Sha512::new().chain_update(nonce).chain_update(key).chain_update(message).finalize().into());
    let mut signature = [0; 64];
    signature[..POINT].copy_from_slice(&nonce);
    signature[POINT..].copy_from_slice((r + k * secret).as_bytes());
    (key, signature)
}

#[test]
fn the_list_of_small_orders_is_whole() {
    let ours: BTreeSet<[u8; POINT]> = SMALL_ORDER.into_iter().collect();
    let theirs: BTreeSet<[u8; POINT]> = EIGHT_TORSION.iter().map(|point| point.compress().to_bytes()).collect();
    assert_eq!(ours, theirs);
    assert!(ours.iter().all(|node| PublicKey::of(&NodeId(*node)).is_none()), "none of them is a key");
}

#[test]
fn weak_keys_sign_nothing() {
    // The neutral point as key and as nonce: without strict checks this signs every message.
    let mut neutral = [0u8; POINT];
    neutral[0] = 1;
    let mut signature = [0u8; 64];
    signature[0] = 1;
    assert!(loose(&neutral, b"anything", &signature));
    assert!(!verify(&NodeId(neutral), b"anything", &Signature(signature)));
    let key = NodeKey::from_seed(&[3; 32]);
    assert!(verify(&key.node_id(), b"this", &key.sign(b"this")) && !verify(&key.node_id(), b"that", &key.sign(b"this")));
}

#[test]
fn a_nonce_of_small_order_is_refused_though_the_equation_holds() {
    let secret = Scalar::from(77_u64);
    let (key, signature) = shifted(secret, Scalar::ZERO, b"anything", 0, 0);
    assert!(loose(&key, b"anything", &signature) && !strict(&key, b"anything", &signature));
    assert!(!verify(&NodeId(key), b"anything", &Signature(signature)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Over true signatures, damaged ones, and those that only an attacker makes.
    #[test]
    fn what_is_accepted_is_what_verify_strict_accepts(
        secret in any::<[u8; 32]>(),
        nonce in prop_oneof![Just([0; 32]), any::<[u8; 32]>()],
        weak in prop::bool::weighted(0.1),
        message in prop::collection::vec(any::<u8>(), 0..80),
        shifts in (0..8_usize, 0..8_usize),
        damage in prop::option::weighted(0.3, (0..96_usize, 1..=255_u8)),
    ) {
        let secret = if weak { Scalar::ZERO } else { Scalar::from_bytes_mod_order(secret) };
        let (mut key, mut signature) = shifted(secret, Scalar::from_bytes_mod_order(nonce), &message, shifts.0, shifts.1);
        match damage {
            Some((at, flip)) if at < POINT => key[at] ^= flip,
            Some((at, flip)) => signature[at - POINT] ^= flip,
            None => {}
        }
        prop_assert_eq!(verify(&NodeId(key), &message, &Signature(signature)), strict(&key, &message, &signature));
    }

    #[test]
    fn true_signatures_hold(seed in any::<[u8; 32]>(), message in prop::collection::vec(any::<u8>(), 0..80)) {
        let key = NodeKey::from_seed(&seed);
        prop_assert!(verify(&key.node_id(), &message, &key.sign(&message)));
    }
}
