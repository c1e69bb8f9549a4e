//! The task that owns the swarm: commands in, events out, peers kept.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt;
use libp2p::core::ConnectedPoint;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{DialError, ListenError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, gossipsub, identify, request_response};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::addresses::{self, AddressBook, BOOK_PEERS, Reach};
use super::backoff::Spread;
use super::behaviour::{Behaviour, BehaviourEvent};
use super::config::{AGENT_CHARS, P2pConfig};
use super::event::{Counters, EventSender, NetworkEvent, count};
use super::event::{Direction, PeerInfo};
use super::handle::{Acceptance, Command, DIAL_TIMEOUT};
use super::handle::{PublishError, RequestError};
use super::identity::{self, NodeId};
use super::requests::{RequestAnswer, Requests, finish};
use super::topics::{Topic, TopicTable};

/// Dials begun in one round of maintenance: a node with a full book must not knock on all at once.
const DIALS_PER_ROUND: usize = 8;

/// Scores remembered for peers that are not connected.
const SCORES: usize = BOOK_PEERS;

pub(super) struct Service {
    config: P2pConfig,
    topics: TopicTable,
    swarm: Swarm<Behaviour>,
    book: AddressBook,
    spread: Spread,
    events: EventSender,
    counters: Arc<Counters>,
    requests: Requests,
    scores: HashMap<PeerId, f64>,
    peers: HashMap<PeerId, Peer>,
}

/// A peer with at least one connection. Only an identified one is told of: a peer that is full, or of
/// another network, closes the connection before or right after it said who it is.
struct Peer {
    info: PeerInfo,
    identified: bool,
}

impl Service {
    pub(super) fn new(
        config: P2pConfig,
        node: NodeId,
        topics: TopicTable,
        swarm: Swarm<Behaviour>,
        book: AddressBook,
        events: EventSender,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            spread: Spread::new(&node),
            config,
            topics,
            swarm,
            book,
            events,
            counters,
            requests: Requests::default(),
            scores: HashMap::new(),
            peers: HashMap::new(),
        }
    }

    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut maintenance = tokio::time::interval(self.config.maintenance);
        maintenance.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_swarm(event),
                command = inbox.recv() => match command {
                    Some(Command::Shutdown(answer)) => {
                        drop(self);
                        answer.send(()).unwrap_or_default();
                        return;
                    }
                    Some(command) => self.on_command(command),
                    None => return,
                },
                _ = maintenance.tick() => self.maintain(),
            }
        }
    }

    /// Dials what is missing: bootstrap peers always, other known peers up to the target.
    fn maintain(&mut self) {
        let now = Instant::now();
        self.requests.expire(now);
        let missing = self.config.target_peers.saturating_sub(self.peers.len());
        let peers = &self.peers;
        let due = self.book.due(now, DIALS_PER_ROUND, &mut self.spread, |peer| peers.contains_key(peer));
        let mut others = 0;
        for (peer, bootstrap) in due {
            if !bootstrap {
                others += 1;
                if others > missing {
                    break;
                }
            }
            self.dial(peer);
        }
    }

    /// `false` if no dial is under way afterwards.
    fn dial(&mut self, peer: PeerId) -> bool {
        let addresses = self.book.addresses(&peer);
        if addresses.is_empty() {
            return false;
        }
        let options = DialOpts::peer_id(peer).condition(PeerCondition::DisconnectedAndNotDialing).addresses(addresses).build();
        match self.swarm.dial(options) {
            Ok(()) | Err(DialError::DialPeerConditionFalse(_)) => true,
            Err(_) => {
                self.dial_failed(&peer);
                false
            }
        }
    }

    fn dial_failed(&mut self, peer: &PeerId) {
        let (min, max) = (self.config.redial_min, self.config.redial_max);
        let now = Instant::now();
        self.book.failed(peer, now, &mut self.spread, min, max);
        self.requests.dial_failed(peer);
    }

    fn on_command(&mut self, command: Command) {
        // An asker that has gone away wants no answer, hence the unused results.
        match command {
            Command::Publish(topic, data, answer) => {
                answer.send(self.publish(topic, data)).unwrap_or_default();
            }
            Command::Request(node, data, answer) => self.request(&node, data, answer),
            Command::Respond(token, data) => {
                let requests = &mut self.swarm.behaviour_mut().requests;
                requests.send_response(token.channel, data).unwrap_or_default();
            }
            Command::Verdict(token, acceptance) => {
                let known =
                    self.swarm.behaviour_mut().gossipsub.report_message_validation_result(&token.id, &token.source, acceptance.into());
                if !known {
                    count(&self.counters.late_verdicts);
                }
            }
            Command::Score(node, score) => self.set_score(&node, score),
            Command::AddAddresses(node, texts, answer) => {
                let added = self.add_addresses(&node, &texts);
                answer.send(added).unwrap_or_default();
            }
            Command::KnownAddresses(node, answer) => {
                answer.send(self.known(&node)).unwrap_or_default();
            }
            Command::Peers(answer) => {
                let identified = self.peers.values().filter(|peer| peer.identified);
                let mut peers: Vec<PeerInfo> = identified.map(|peer| peer.info.clone()).collect();
                peers.sort_by_key(|peer| peer.node);
                answer.send(peers).unwrap_or_default();
            }
            // Handled by the loop, which must end.
            Command::Shutdown(answer) => answer.send(()).unwrap_or_default(),
        }
    }

    fn publish(&mut self, topic: Topic, data: Vec<u8>) -> Result<(), PublishError> {
        use gossipsub::PublishError as Error;
        let hash = self.topics.hash(topic);
        let bytes = data.len();
        match self.swarm.behaviour_mut().gossipsub.publish(hash, data) {
            Ok(_) => Ok(()),
            Err(Error::Duplicate) => Err(PublishError::Duplicate),
            Err(Error::NoPeersSubscribedToTopic) => Err(PublishError::NoPeers),
            Err(Error::MessageTooLarge) => Err(PublishError::TooLarge { bytes, limit: super::MAX_GOSSIP_BYTES }),
            // Signing and transforming are not used; full queues are what is left.
            Err(_) => Err(PublishError::QueuesFull),
        }
    }

    fn request(&mut self, node: &NodeId, data: Vec<u8>, answer: RequestAnswer) {
        if self.requests.full() {
            return finish(answer, Err(RequestError::Busy));
        }
        let Ok(peer) = identity::peer_of_node(node) else {
            return finish(answer, Err(RequestError::Unreachable));
        };
        if self.swarm.is_connected(&peer) {
            self.send(&peer, data, answer);
        } else if self.dial(peer) {
            let deadline = Instant::now() + DIAL_TIMEOUT;
            self.requests.wait_for_dial(peer, data, answer, deadline);
        } else {
            finish(answer, Err(RequestError::Unreachable));
        }
    }

    fn send(&mut self, peer: &PeerId, data: Vec<u8>, answer: RequestAnswer) {
        let requests = &mut self.swarm.behaviour_mut().requests;
        let id = requests.send_request(peer, data);
        self.requests.sent(id, answer);
    }

    fn set_score(&mut self, node: &NodeId, score: f64) {
        let Ok(peer) = identity::peer_of_node(node) else {
            return;
        };
        if score == 0.0 || !score.is_finite() {
            self.scores.remove(&peer);
        } else if self.scores.len() < SCORES || self.scores.contains_key(&peer) {
            self.scores.insert(peer, score);
        }
        let score = self.scores.get(&peer).copied().unwrap_or(0.0);
        let gossipsub = &mut self.swarm.behaviour_mut().gossipsub;
        gossipsub.set_application_score(&peer, score);
    }

    fn add_addresses(&mut self, node: &NodeId, texts: &[String]) -> usize {
        let Ok(peer) = identity::peer_of_node(node) else {
            return 0;
        };
        let addresses: Vec<Multiaddr> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        self.book.add(peer, &addresses, Instant::now())
    }

    fn known(&self, node: &NodeId) -> Vec<String> {
        let Ok(peer) = identity::peer_of_node(node) else {
            return Vec::new();
        };
        if peer != *self.swarm.local_peer_id() {
            let known = self.book.addresses(&peer);
            return known.iter().map(Multiaddr::to_string).collect();
        }
        // What a stranger could dial, by the same rules that the book has for strangers.
        let own = self.swarm.external_addresses();
        own.chain(self.swarm.listeners())
            .filter_map(addresses::dialable)
            .filter(|found| match found.reach {
                Reach::Global => true,
                Reach::Private | Reach::Loopback => self.config.allow_loopback,
                Reach::Never => false,
            })
            .map(|found| found.address.to_string())
            .take(addresses::ADDRESSES_PER_PEER)
            .collect()
    }

    fn on_swarm(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Gossipsub(event)) => self.on_gossip(event),
            SwarmEvent::Behaviour(BehaviourEvent::Requests(event)) => self.on_request(event),
            SwarmEvent::Behaviour(BehaviourEvent::Identify(event)) => self.on_identify(event),
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => self.on_connected(peer_id, &endpoint),
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                if let Some(peer) = self.peers.remove(&peer_id) {
                    if peer.identified {
                        let node = peer.info.node;
                        self.events.tell(NetworkEvent::PeerDisconnected { node });
                    } else {
                        self.dial_failed(&peer_id);
                    }
                }
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                if matches!(error, DialError::Denied { .. }) {
                    count(&self.counters.connections_refused);
                }
                // A second dial may fail because the first one has succeeded.
                if !self.swarm.is_connected(&peer) {
                    self.dial_failed(&peer);
                }
            }
            SwarmEvent::IncomingConnectionError { error: ListenError::Denied { .. }, .. } => count(&self.counters.connections_refused),
            SwarmEvent::NewListenAddr { address, .. } => {
                let address = address.to_string();
                self.events.tell(NetworkEvent::Listening { address });
            }
            SwarmEvent::ListenerClosed { reason: Err(error), .. } => tracing::warn!(kind = ?error.kind(), "a listener closed"),
            _ => {}
        }
    }

    fn on_connected(&mut self, peer: PeerId, endpoint: &ConnectedPoint) {
        let Some(node) = identity::node_of_peer(&peer) else {
            // Another key type can't be a node.
            self.swarm.disconnect_peer_id(peer).unwrap_or_default();
            return;
        };
        if let Entry::Vacant(slot) = self.peers.entry(peer) {
            let direction = if endpoint.is_dialer() { Direction::Outbound } else { Direction::Inbound };
            let info = PeerInfo { node, address: endpoint.get_remote_address().to_string(), direction, agent: String::new() };
            slot.insert(Peer { info, identified: false });
            if let Some(score) = self.scores.get(&peer) {
                let gossipsub = &mut self.swarm.behaviour_mut().gossipsub;
                gossipsub.set_application_score(&peer, *score);
            }
        }
        for waiting in self.requests.take_waiting(&peer) {
            self.send(&peer, waiting.data, waiting.answer);
        }
    }

    fn on_gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source: peer, message_id: id, message } => {
                let known = self.topics.topic(&message.topic);
                let taken = known.zip(identity::node_of_peer(&peer)).is_some_and(|(topic, node)| {
                    let source = (peer, node);
                    self.events.gossip(topic, id.clone(), source, message.data)
                });
                if !taken {
                    self.swarm.behaviour_mut().gossipsub.report_message_validation_result(&id, &peer, Acceptance::Ignore.into());
                }
            }
            gossipsub::Event::SlowPeer { .. } => count(&self.counters.slow_peers),
            // Someone who talks another protocol only takes a slot from members.
            gossipsub::Event::GossipsubNotSupported { peer_id } => {
                self.swarm.disconnect_peer_id(peer_id).unwrap_or_default();
            }
            _ => {}
        }
    }

    fn on_request(&mut self, event: request_response::Event<Vec<u8>, Vec<u8>>) {
        use request_response::{Event, Message};
        match event {
            Event::Message { peer, message, .. } => match message {
                Message::Request { request, channel, .. } => {
                    if let Some(from) = identity::node_of_peer(&peer) {
                        self.events.request(channel, from, request);
                    }
                }
                Message::Response { request_id, response } => self.requests.response(request_id, response),
            },
            Event::OutboundFailure { request_id, error, .. } => self.requests.failed(request_id, &error),
            Event::InboundFailure { .. } | Event::ResponseSent { .. } => {}
        }
    }

    fn on_identify(&mut self, event: identify::Event) {
        let identify::Event::Received { peer_id, info, .. } = event else {
            return;
        };
        if info.protocol_version != self.config.identify_protocol() {
            // Another network, or another version of this one.
            self.swarm.disconnect_peer_id(peer_id).unwrap_or_default();
            return;
        }
        let Some(peer) = self.peers.get_mut(&peer_id) else {
            return;
        };
        let agent = info.agent_version.chars();
        peer.info.agent = agent.filter(char::is_ascii_graphic).take(AGENT_CHARS).collect();
        if !peer.identified {
            peer.identified = true;
            let node = peer.info.node;
            self.events.tell(NetworkEvent::PeerConnected { node });
        }
        self.book.connected(&peer_id, Instant::now());
        self.book.add(peer_id, &info.listen_addrs, Instant::now());
    }
}
