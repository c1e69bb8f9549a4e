//! Genesis: what a network is. Its hash is the network's id.

use super::codec::{self, CodecError};
use crate::identity::hash;
use crate::ids::{Beacon, NetworkId, NodeId};
use crate::limits;
use crate::params::Params;
use crate::time::Clock;
use serde::{Deserialize, Serialize};

/// Layout version.
pub const GENESIS_VERSION: u8 = 1;
/// Longest name of a network.
const NAME_BYTES: usize = 64;
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

/// A layout before the parameters knew complaints and what credits are earned by: 32 numbers and a rest.
#[derive(Serialize, Deserialize)]
struct Earlier<Rest> {
    version: u8,
    name: String,
    keys: [[u8; 32]; 3],
    clock: Clock,
    params: ([u32; 32], Rest),
}

/// The name of a network whose genesis has this layout.
fn name_in<Rest: Serialize + for<'a> Deserialize<'a>>(bytes: &[u8]) -> Option<String> {
    let earlier = codec::decode::<Earlier<Rest>>(bytes, GENESIS_BYTES).ok()?;
    (earlier.version == GENESIS_VERSION && earlier.name.len() <= NAME_BYTES).then_some(earlier.name)
}

/// What to say of a genesis of an earlier layout: 50 parameters, then 51, then 52. Its network's id, member ids and signatures stand on bytes
/// that this program can't write any more.
fn founded_before(bytes: &[u8]) -> Option<CodecError> {
    let name = name_in::<[u32; 18]>(bytes).or_else(|| name_in::<[u32; 19]>(bytes)).or_else(|| name_in::<[u32; 20]>(bytes))?;
    Some(CodecError::Invalid(format!(
        "the network \"{name}\" was founded by an earlier program (or the file's end is missing), and this one can't play by its rules: it has \
         to be founded anew. Get the new network's genesis file from its operator and make a new home with it; mailboxes apply there again"
    )))
}

impl Genesis {
    /// Decodes and checks a genesis file.
    ///
    /// # Errors
    /// [`CodecError`], also for a network that an earlier program founded, an unknown version, an impossible clock or a parameter out of its
    /// range.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let genesis: Self = codec::decode(bytes, GENESIS_BYTES).map_err(|error| founded_before(bytes).unwrap_or(error))?;
        if genesis.version != GENESIS_VERSION {
            return Err(CodecError::Invalid("this genesis has a version this program does not know (R-WIRE-4)".into()));
        }
        if !(limits::EPOCH_MS_LEAST..=limits::EPOCH_MS_MOST).contains(&genesis.clock.epoch_ms) {
            return Err(CodecError::Invalid("an epoch lasts a second at least and a day at most (R-WIRE-4)".into()));
        }
        if genesis.clock.epoch_zero_ms.unsigned_abs() > limits::EPOCH_ZERO_MS_MOST {
            return Err(CodecError::Invalid("epoch 0 begins too far from the year 1970 (R-WIRE-4)".into()));
        }
        if genesis.name.len() > NAME_BYTES {
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
