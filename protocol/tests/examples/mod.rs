//! One example of every wire message and derivation, for the golden vectors.
//!
//! | file | what is in it |
//! |---|---|
//! | `authority.rs` | what the coordinator signs: genesis, records, rosters, notices, passports |
//! | `members.rs` | what members sign and say: bundles, faults, labels, introductions, enrolment |
//! | `sync.rs` | requests and answers |
//! | `identity.rs` | addresses, ids, streams, clocks |
//! | `exchange.rs` | when a node asks, sends and acts; whose words a mail holds |
//! | `shape.rs` | fields in the order in which they are encoded; the variants of enums, all of them |

pub(crate) mod authority;
pub(crate) mod exchange;
pub(crate) mod identity;
pub(crate) mod members;
pub(crate) mod shape;
pub(crate) mod sync;

use serde::Serialize;
use serde_json::{Value, json};
use warmnet_protocol::identity::{NodeKey, Signable, signed};
use warmnet_protocol::ids::NetworkId;
use warmnet_protocol::wire::codec;

pub(crate) const NETWORK: NetworkId = NetworkId([0x11; 32]);

/// The key that signs all examples.
pub(crate) fn key() -> NodeKey {
    NodeKey::from_seed(&[7; 32])
}

/// An unsigned message: its fields and bytes.
pub(crate) fn plain<T: Serialize>(message: &str, value: &T) -> Value {
    json!({ "message": message, "fields": value, "order": shape::order(value), "hex": hex::encode(codec::encode(value)) })
}

/// A signed message: also what its signature covers, and its envelope.
pub(crate) fn signed<T: Signable + Clone>(value: &T) -> Value {
    let (version, payload) = (value.version(), value.payload());
    json!({
        "message": T::KIND,
        "version": version,
        "fields": value,
        "order": shape::order(value),
        "hex": hex::encode(&payload),
        "limit": T::LIMIT,
        "signed_input": hex::encode(signed::preimage(T::KIND, version, &NETWORK, &payload)),
        "envelope": hex::encode(signed::sign(&key(), &NETWORK, value.clone()).bytes),
    })
}
