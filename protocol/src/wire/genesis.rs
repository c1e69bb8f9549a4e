//! Genesis: what a network is. Its hash is the network's id.

use super::codec::{self, CodecError};
use crate::identity::hash;
use crate::ids::{Beacon, NetworkId, NodeId};
use crate::params::Params;
use crate::time::Clock;
use serde::{Deserialize, Serialize};

/// Layout version.
pub const GENESIS_VERSION: u8 = 1;
/// Largest genesis file.
pub const GENESIS_BYTES: usize = 4_096;

/// The founding document of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// [`GENESIS_VERSION`].
    pub version: u8,
    /// A name for people, at most 64 bytes.
    pub name: String,
    /// Public half of the coordinator's offline root key.
    pub root: NodeId,
    /// Key of the coordinator's node: where enrolment goes and whose golden members are dealt.
    pub coordinator: NodeId,
    /// `H(r_0)`: the first link of the beacon chain.
    pub first_beacon: Beacon,
    /// Epoch clock.
    pub clock: Clock,
    /// Rule parameters.
    pub params: Params,
}

impl Genesis {
    /// Decodes and checks a genesis file.
    ///
    /// # Errors
    /// [`CodecError`], also for an unknown version, an impossible clock or a parameter out of its range.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let genesis: Self = codec::decode(bytes, GENESIS_BYTES)?;
        if genesis.version != GENESIS_VERSION {
            return Err(CodecError::Invalid("this genesis has a version this program does not know (R-WIRE-4)".into()));
        }
        if genesis.clock.epoch_ms < 1_000 {
            return Err(CodecError::Invalid("an epoch lasts at least a second (R-WIRE-4)".into()));
        }
        if genesis.name.len() > 64 {
            return Err(CodecError::Invalid("the network's name is longer than 64 bytes (R-WIRE-4)".into()));
        }
        genesis.params.check().map_err(|e| CodecError::Invalid(e.to_string()))?;
        Ok(genesis)
    }
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }
    /// `H(genesis)`.
    #[must_use]
    pub fn network_id(&self) -> NetworkId {
        NetworkId(hash::digest(&self.encode()).0)
    }
}
