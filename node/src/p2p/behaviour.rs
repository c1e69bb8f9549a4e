//! Which libp2p protocols a node speaks.

use std::time::Duration;

use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::gossipsub::{self, IdentityTransform, WhitelistSubscriptionFilter};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{StreamProtocol, Swarm, SwarmBuilder, identify, memory_connection_limits};
use libp2p::{noise, ping, tcp, yamux};

use super::codec::BytesCodec;
use super::config::{P2pConfig, P2pError};
use super::gossip;
use super::topics::TopicTable;

/// Longer than any pause between two rounds of sync, so that a peer outside the mesh stays.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);
/// Handshakes at one time, each way; beyond it a flood of connections costs memory.
const MAX_PENDING: u32 = 32;
/// Two peers that dial each other at one instant hold two connections for a while; with one, each
/// could refuse the other's.
const MAX_PER_PEER: u32 = 2;
/// Requests one peer may have open with us. 16 x 64 KiB x 64 peers is the memory bound.
const MAX_STREAMS_PER_PEER: usize = 16;
/// Gossip, identify, ping and requests need fewer streams than this.
const MAX_YAMUX_STREAMS: usize = 64;

// Limits come first: a behaviour that has accepted a connection must not see it denied later.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    limits: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub(super) gossipsub: gossipsub::Behaviour<IdentityTransform, WhitelistSubscriptionFilter>,
    pub(super) requests: request_response::Behaviour<BytesCodec>,
}

/// Inbound connections: a quarter of all is kept for those this node opens, since whoever fills all
/// inbound slots must not choose all our peers.
pub(super) fn limits(max_connections: u32) -> ConnectionLimits {
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(MAX_PENDING))
        .with_max_pending_outgoing(Some(MAX_PENDING))
        .with_max_established_incoming(Some(max_connections - max_connections / 4))
        .with_max_established(Some(max_connections))
        .with_max_established_per_peer(Some(MAX_PER_PEER))
}

pub(super) fn swarm(config: &P2pConfig, keypair: Keypair, topics: &TopicTable) -> Result<Swarm<Behaviour>, P2pError> {
    let behaviour = Behaviour {
        limits: connection_limits::Behaviour::new(limits(config.max_connections)),
        memory: memory_connection_limits::Behaviour::with_max_bytes(config.max_process_bytes),
        identify: identify::Behaviour::new(
            identify::Config::new(config.identify_protocol(), keypair.public())
                .with_agent_version(config.agent.clone())
                .with_push_listen_addr_updates(true)
                // The address book filters addresses; a second, unfiltered one must not exist.
                .with_cache_size(0),
        ),
        ping: ping::Behaviour::default(),
        gossipsub: gossip::gossipsub(config, topics)?,
        requests: request_response::Behaviour::with_codec(
            BytesCodec,
            [(request_protocol(config)?, ProtocolSupport::Full)],
            request_response::Config::default()
                .with_request_timeout(config.request_timeout)
                .with_max_concurrent_streams(MAX_STREAMS_PER_PEER),
        ),
    };
    let stack = |error: &dyn std::fmt::Display| P2pError::Stack(error.to_string());
    let swarm = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, || {
            let mut yamux = yamux::Config::default();
            yamux.set_max_num_streams(MAX_YAMUX_STREAMS);
            yamux
        })
        .map_err(|error| stack(&error))?
        .with_behaviour(|_| behaviour)
        .map_err(|error| stack(&error))?
        .with_swarm_config(|swarm| swarm.with_idle_connection_timeout(IDLE_TIMEOUT))
        .build();
    Ok(swarm)
}

fn request_protocol(config: &P2pConfig) -> Result<StreamProtocol, P2pError> {
    StreamProtocol::try_from_owned(config.request_protocol()).map_err(|error| P2pError::Stack(error.to_string()))
}
