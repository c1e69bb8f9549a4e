//! Faults told to everybody: proofs that stand by themselves.

use crate::limits;
use serde::{Deserialize, Serialize};

/// A provable fault. Unsigned: its content proves it, whoever tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// Two different signed bundles of one member for one epoch, each a whole envelope.
    Equivocation {
        /// The one with the smaller payload digest.
        first: Vec<u8>,
        /// The other.
        second: Vec<u8>,
    },
}

/// Largest encoded fault.
pub const FAULT_BYTES: usize = 2 * (limits::BUNDLE_BYTES + 256);
