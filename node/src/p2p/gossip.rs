//! Gossipsub settings and peer scores (PROTOCOL.md section 11 gives the rules they serve).

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use libp2p::gossipsub::{
    Behaviour, ConfigBuilder, Message, MessageAuthenticity, MessageId, PeerScoreParams, PeerScoreThresholds, TopicScoreParams,
    ValidationMode, WhitelistSubscriptionFilter, score_parameter_decay_with_base,
};

use super::config::{P2pConfig, P2pError};
use super::topics::{Topic, TopicTable};

/// Largest gossip message, in bytes. The largest that the protocol knows is a record of 144 KiB
/// (`warmnet_protocol::limits`); a bundle holds 400 entries, some 4 KiB, and is usually 550 bytes.
/// All nodes must share this limit: a peer that receives more closes the stream.
pub const MAX_GOSSIP_BYTES: usize = 256 * 1024;

// Room for the protobuf frame and the topic around the largest message.
const TRANSMIT_BYTES: usize = MAX_GOSSIP_BYTES + 1024;

/// Degree 8 (6 to 12), at least 3 opened by this node: Lighthouse's "average" and GossipSub TR-001.
const MESH: Mesh = Mesh { target: 8, low: 6, high: 12, outbound: 3 };

/// Heartbeats a message stays in the cache, which is how long a verdict may take. 12 as Lighthouse.
const HISTORY_LENGTH: usize = 12;
/// Heartbeats whose messages are announced to peers outside the mesh.
const HISTORY_GOSSIP: usize = 3;
/// A content id is remembered for longer than the slowest path through a network.
const DUPLICATE_CACHE: Duration = Duration::from_secs(600);
/// Messages waiting for one peer's connection; small messages, so this is a few hundred KiB.
const QUEUE_MESSAGES: usize = 1000;

type Gossipsub = Behaviour<libp2p::gossipsub::IdentityTransform, WhitelistSubscriptionFilter>;

struct Mesh {
    target: usize,
    low: usize,
    high: usize,
    outbound: usize,
}

// The library checks these only for topics with a size limit of their own.
const _: () = assert!(MESH.outbound <= MESH.low && MESH.low <= MESH.target && MESH.target <= MESH.high && 2 * MESH.outbound <= MESH.target);

/// First 20 bytes of BLAKE3(topic length as u64 LE || topic || data): the same bytes on two topics
/// are two messages, and the same message published twice is one.
pub(super) fn content_id(topic: &str, data: &[u8]) -> [u8; 20] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(topic.len() as u64).to_le_bytes());
    hasher.update(topic.as_bytes());
    hasher.update(data);
    let mut id = [0u8; 20];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..20]);
    id
}

/// A gossipsub behaviour, subscribed to every topic of the network.
pub(super) fn gossipsub(config: &P2pConfig, topics: &TopicTable) -> Result<Gossipsub, P2pError> {
    let settings = ConfigBuilder::default()
        .mesh_n(MESH.target)
        .mesh_n_low(MESH.low)
        .mesh_n_high(MESH.high)
        .mesh_outbound_min(MESH.outbound)
        .retain_scores(MESH.low)
        .history_length(HISTORY_LENGTH)
        .history_gossip(HISTORY_GOSSIP)
        .heartbeat_interval(config.heartbeat)
        .heartbeat_initial_delay(config.heartbeat)
        // Publishing to all peers is what makes eclipsing a publisher hard (TR-001); costs little
        // since a node publishes a few messages a day.
        .flood_publish(true)
        .max_transmit_size(TRANSMIT_BYTES)
        .duplicate_cache_time(DUPLICATE_CACHE)
        .connection_handler_queue_len(QUEUE_MESSAGES)
        .validate_messages()
        // Payloads are signed by members; an envelope signed by the publisher's node would only
        // tell everybody who published.
        .validation_mode(ValidationMode::Anonymous)
        .message_id_fn(|message: &Message| MessageId::new(&content_id(message.topic.as_str(), &message.data)))
        .build()
        .map_err(|error| P2pError::Stack(error.to_string()))?;
    let filter = WhitelistSubscriptionFilter(topics.hashes().collect::<HashSet<_>>());
    let mut gossipsub = Behaviour::new_with_subscription_filter(MessageAuthenticity::Anonymous, settings, filter)
        .map_err(|error| P2pError::Stack(error.to_owned()))?;
    gossipsub.with_peer_score(score_params(config.allow_loopback, topics), thresholds()).map_err(P2pError::Stack)?;
    for topic in Topic::ALL {
        gossipsub.subscribe(&topic.ident(&config.network_tag)).map_err(|error| P2pError::Stack(error.to_string()))?;
    }
    Ok(gossipsub)
}

/// Lotus' and Forest's thresholds.
fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -500.0,
        publish_threshold: -1000.0,
        graylist_threshold: -2500.0,
        accept_px_threshold: 1000.0,
        opportunistic_graft_threshold: 3.5,
    }
}

const DECAY_INTERVAL: Duration = Duration::from_secs(1);
const DECAY_TO_ZERO: f64 = 0.01;

fn decay(over: Duration) -> f64 {
    score_parameter_decay_with_base(over, DECAY_INTERVAL, DECAY_TO_ZERO)
}

fn score_params(allow_loopback: bool, topics: &TopicTable) -> PeerScoreParams {
    let hour = Duration::from_secs(3600);
    let mut exempt = HashSet::new();
    if allow_loopback {
        exempt.insert(IpAddr::V4(Ipv4Addr::LOCALHOST));
        exempt.insert(IpAddr::V6(Ipv6Addr::LOCALHOST));
    }
    PeerScoreParams {
        topics: topics.hashes().map(|hash| (hash, topic_params(hour))).collect::<HashMap<_, _>>(),
        topic_score_cap: 100.0,
        // The host decides: -3000 is graylisted, 0 unknown, 100 trusted.
        app_specific_weight: 1.0,
        ip_colocation_factor_weight: -100.0,
        ip_colocation_factor_threshold: 5.0,
        ip_colocation_factor_whitelist: exempt,
        behaviour_penalty_weight: -10.0,
        behaviour_penalty_threshold: 6.0,
        behaviour_penalty_decay: decay(hour),
        decay_interval: DECAY_INTERVAL,
        decay_to_zero: DECAY_TO_ZERO,
        retain_score: hour,
        slow_peer_weight: -10.0,
        slow_peer_threshold: 0.0,
        slow_peer_decay: 0.1,
    }
}

fn topic_params(hour: Duration) -> TopicScoreParams {
    TopicScoreParams {
        // One rejected message costs 250, three gossip's trust, four everything.
        topic_weight: 0.25,
        time_in_mesh_weight: 0.01,
        time_in_mesh_quantum: Duration::from_secs(1),
        time_in_mesh_cap: 3600.0,
        first_message_deliveries_weight: 0.5,
        first_message_deliveries_decay: decay(Duration::from_secs(600)),
        first_message_deliveries_cap: 100.0,
        // Most topics are silent for hours: asking for a rate would graylist honest peers.
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -1000.0,
        invalid_message_deliveries_decay: decay(hour),
        ..TopicScoreParams::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_depends_on_topic_and_data() {
        let id = content_id("a", b"bc");
        assert_eq!(id, content_id("a", b"bc"));
        assert_ne!(id, content_id("ab", b"c"));
        assert_ne!(id, content_id("b", b"bc"));
        assert_ne!(id, content_id("a", b"bd"));
    }

    #[test]
    fn settings_are_accepted_by_the_library() {
        let config = P2pConfig::new("aa");
        let topics = TopicTable::new(&config.network_tag);
        let gossipsub = gossipsub(&config, &topics).expect("settings");
        assert_eq!(gossipsub.topics().count(), Topic::ALL.len());
        for params in [score_params(false, &topics), score_params(true, &topics)] {
            params.validate().expect("scores");
        }
        thresholds().validate().expect("thresholds");
    }

    #[test]
    fn silence_costs_nothing_and_four_rejects_graylist() {
        let params = topic_params(Duration::from_secs(3600));
        assert_eq!(params.mesh_message_deliveries_weight, 0.0);
        assert_eq!(params.mesh_failure_penalty_weight, 0.0);
        let penalty = |rejects: f64| params.topic_weight * params.invalid_message_deliveries_weight * rejects.powi(2);
        assert!(penalty(1.0) > thresholds().gossip_threshold);
        assert!(penalty(4.0) < thresholds().graylist_threshold);
    }
}
