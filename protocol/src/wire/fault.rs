//! Faults told to everybody: proofs that stand by themselves.

use super::codec;
use crate::identity::hash;
use crate::ids::Digest;
use crate::limits;
use serde::{Deserialize, Serialize};

/// A provable fault. Unsigned: its content proves it, whoever tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// Two different signed bundles of one member for one epoch, each a whole envelope.
    Equivocation {
        /// The envelope with the smaller digest.
        first: Vec<u8>,
        /// The other.
        second: Vec<u8>,
    },
}

impl Fault {
    /// The proof that two envelopes make, whichever came first.
    #[must_use]
    pub fn equivocation(a: Vec<u8>, b: Vec<u8>) -> Self {
        let (first, second) = if hash::digest(&a) < hash::digest(&b) { (a, b) } else { (b, a) };
        Self::Equivocation { first, second }
    }
    /// Digest of the encoded fault: what a record lists.
    #[must_use]
    pub fn digest(&self) -> Digest {
        hash::digest(&codec::encode(self))
    }
}

/// Largest encoded fault.
pub const FAULT_BYTES: usize = 2 * (limits::BUNDLE_BYTES + 256);
