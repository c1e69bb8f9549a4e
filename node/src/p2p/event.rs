//! What the network tells its host, and the budget that bounds what the host has not yet answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use libp2p::PeerId;
use libp2p::gossipsub::MessageId;
use libp2p::request_response::ResponseChannel;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::identity::NodeId;
use super::topics::Topic;

/// Events waiting for the host. Most are a few hundred bytes; the byte budget bounds the large ones.
pub(super) const EVENT_QUEUE: usize = 1024;

/// Payload bytes handed to the host and not yet answered: 16 MiB, a fifth of a node's memory.
pub(super) const BYTES_HELD: usize = 16 * 1024 * 1024;

/// Something that happened on the network.
#[derive(Debug)]
pub enum NetworkEvent {
    /// A gossip message, first seen. Answer with a verdict within 12 heartbeats, or it stays here.
    Gossip {
        /// To be handed back with the verdict.
        token: MessageToken,
        /// The topic it came on.
        topic: Topic,
        /// The peer that passed it on, not its author.
        source: NodeId,
        /// The message, at most [`super::MAX_GOSSIP_BYTES`].
        data: Vec<u8>,
    },
    /// A request that waits for a response. Dropping the token refuses it.
    Request {
        /// To be handed back with the response.
        token: ResponseToken,
        /// Who asks, authenticated by the connection.
        from: NodeId,
        /// The request, at most [`super::MAX_REQUEST_BYTES`].
        data: Vec<u8>,
    },
    /// A peer is connected and has shown that it is of this network.
    PeerConnected {
        /// The peer.
        node: NodeId,
    },
    /// The last connection to a peer is gone.
    PeerDisconnected {
        /// The peer.
        node: NodeId,
    },
    /// This node listens on an address, given as a multiaddress without `/p2p`.
    Listening {
        /// The address.
        address: String,
    },
}

/// Names a gossip message until its verdict. Holds its share of the byte budget.
#[derive(Debug)]
pub struct MessageToken {
    pub(super) id: MessageId,
    pub(super) source: PeerId,
    _held: OwnedSemaphorePermit,
}

/// The right to answer one request. Holds its share of the byte budget.
#[derive(Debug)]
pub struct ResponseToken {
    pub(super) channel: ResponseChannel<Vec<u8>>,
    _held: OwnedSemaphorePermit,
}

/// A connected peer of this network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerInfo {
    /// Its key.
    pub node: NodeId,
    /// The address at the other end; never logged.
    pub address: String,
    /// Who opened the connection.
    pub direction: Direction,
    /// What it calls itself, once known, at most 64 characters.
    pub agent: String,
}

/// Who opened a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The peer.
    Inbound,
    /// This node.
    Outbound,
}

/// What was lost or refused since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CounterSnapshot {
    /// Gossip messages ignored because the host was slow.
    pub gossip_dropped: u64,
    /// Requests refused because the host was slow.
    pub requests_refused: u64,
    /// Other events dropped because the host was slow; `peers()` stays true.
    pub events_dropped: u64,
    /// Times a peer could not take our messages in time.
    pub slow_peers: u64,
    /// Verdicts that came after the message had left the cache.
    pub late_verdicts: u64,
    /// Connections refused by a limit.
    pub connections_refused: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) gossip_dropped: AtomicU64,
    pub(super) requests_refused: AtomicU64,
    pub(super) events_dropped: AtomicU64,
    pub(super) slow_peers: AtomicU64,
    pub(super) late_verdicts: AtomicU64,
    pub(super) connections_refused: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    pub(super) fn snapshot(&self) -> CounterSnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CounterSnapshot {
            gossip_dropped: read(&self.gossip_dropped),
            requests_refused: read(&self.requests_refused),
            events_dropped: read(&self.events_dropped),
            slow_peers: read(&self.slow_peers),
            late_verdicts: read(&self.late_verdicts),
            connections_refused: read(&self.connections_refused),
        }
    }
}

/// The sending end of the event channel: never waits, never grows.
#[derive(Debug)]
pub(super) struct EventSender {
    sender: mpsc::Sender<NetworkEvent>,
    held: Arc<Semaphore>,
    counters: Arc<Counters>,
}

impl EventSender {
    pub(super) fn new(queue: usize, bytes: usize, counters: Arc<Counters>) -> (Self, mpsc::Receiver<NetworkEvent>) {
        let (sender, receiver) = mpsc::channel(queue);
        let held = Arc::new(Semaphore::new(bytes));
        let sender = Self { sender, held, counters };
        (sender, receiver)
    }

    /// `false` if the host is too slow: the caller tells gossipsub to ignore the message.
    pub(super) fn gossip(&self, topic: Topic, id: MessageId, source: (PeerId, NodeId), data: Vec<u8>) -> bool {
        let sent = self.hold(data.len()).is_some_and(|held| {
            let token = MessageToken { id, source: source.0, _held: held };
            let event = NetworkEvent::Gossip { token, topic, source: source.1, data };
            self.sender.try_send(event).is_ok()
        });
        if !sent {
            count(&self.counters.gossip_dropped);
        }
        sent
    }

    /// Drops the request, and with it its channel, if the host is too slow.
    pub(super) fn request(&self, channel: ResponseChannel<Vec<u8>>, from: NodeId, data: Vec<u8>) {
        let sent = self.hold(data.len()).is_some_and(|held| {
            let token = ResponseToken { channel, _held: held };
            let event = NetworkEvent::Request { token, from, data };
            self.sender.try_send(event).is_ok()
        });
        if !sent {
            count(&self.counters.requests_refused);
        }
    }

    pub(super) fn tell(&self, event: NetworkEvent) {
        if self.sender.try_send(event).is_err() {
            count(&self.counters.events_dropped);
        }
    }

    fn hold(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes).ok()?;
        Arc::clone(&self.held).try_acquire_many_owned(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(events: &EventSender, bytes: usize) -> bool {
        let source = (PeerId::random(), [0; 32]);
        events.gossip(Topic::Bundles, MessageId::new(b"x"), source, vec![0; bytes])
    }

    #[test]
    fn queue_and_bytes_are_both_bounded() {
        let counters = Arc::new(Counters::default());
        let (events, mut receiver) = EventSender::new(2, 100, Arc::clone(&counters));
        assert!(!offer(&events, 101), "more than the budget");
        assert!(offer(&events, 60));
        assert!(!offer(&events, 60), "budget is taken");
        assert!(offer(&events, 40));
        assert!(!offer(&events, 0), "queue is full");
        events.tell(NetworkEvent::PeerConnected { node: [0; 32] });
        assert_eq!(counters.snapshot().gossip_dropped, 3);
        assert_eq!(counters.snapshot().events_dropped, 1);

        // Bytes come back with the token, not with the reading of the event.
        let Ok(NetworkEvent::Gossip { token, .. }) = receiver.try_recv() else {
            panic!("no event");
        };
        assert!(!offer(&events, 60));
        drop(token);
        assert!(offer(&events, 60));
    }
}
