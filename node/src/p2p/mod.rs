//! The peer-to-peer network: bytes in, bytes out.
//!
//! One task owns the libp2p swarm. A [`NetworkHandle`] sends it commands, a bounded channel of
//! [`NetworkEvent`]s carries what arrives. Nothing here knows what a message means: every gossip
//! message waits for a [`NetworkHandle::verdict`] before it travels on, every request for a
//! [`NetworkHandle::respond`].
//!
//! A slow consumer costs messages, never memory: when the event queue or the byte budget is full,
//! gossip is ignored (no penalty for its sender), a request is refused, and [`CounterSnapshot`]
//! says how often. What gossip lost has to come back by sync, since the same bytes are taken for a
//! duplicate for ten minutes.
//!
//! No log line carries an address. libp2p's own log lines do, so hosts filter `libp2p*` at `warn`.

mod addresses;
mod backoff;
mod behaviour;
mod codec;
mod config;
mod event;
mod gossip;
mod handle;
mod identity;
mod requests;
mod service;
mod start;
mod topics;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

pub use addresses::{ADDRESSES_PER_PEER, BOOK_PEERS};
pub(crate) use addresses::{Reach, reach};
pub use codec::{MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES};
pub use config::{P2pConfig, P2pError};
pub use event::{CounterSnapshot, Direction, MessageToken, NetworkEvent, PeerInfo, ResponseToken};
pub use gossip::MAX_GOSSIP_BYTES;
pub use handle::{Acceptance, ClosedError, NetworkHandle, PublishError, RequestError, RespondError};
pub use identity::{InvalidNodeId, NodeId, node_id_of_seed, node_of_peer_text, peer_text};
pub use start::Network;
pub use topics::Topic;
