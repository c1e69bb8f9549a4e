//! The host's side: a cloneable handle that sends commands to the network task.

use std::sync::Arc;
use std::time::Duration;

use libp2p::gossipsub::MessageAcceptance;
use tokio::sync::{mpsc, oneshot};

use super::codec::{MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES};
use super::event::{CounterSnapshot, Counters, MessageToken, PeerInfo, ResponseToken};
use super::gossip::MAX_GOSSIP_BYTES;
use super::identity::NodeId;
use super::topics::Topic;

/// Commands waiting for the task; a host that sends faster waits.
pub(super) const COMMAND_QUEUE: usize = 256;

/// Longest wait for a dial before a request counts as unreachable.
pub(super) const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// What becomes of a gossip message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// Passed on.
    Accept,
    /// Dropped, nobody's fault: stale, unknown yet, already held.
    Ignore,
    /// Dropped, and everyone who sent it is penalised: wrong for every node alike.
    Reject,
}

impl From<Acceptance> for MessageAcceptance {
    fn from(acceptance: Acceptance) -> Self {
        match acceptance {
            Acceptance::Accept => Self::Accept,
            Acceptance::Ignore => Self::Ignore,
            Acceptance::Reject => Self::Reject,
        }
    }
}

/// The network task has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the network is shut down")]
pub struct ClosedError;

/// Why a message was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Above [`MAX_GOSSIP_BYTES`].
    #[error("message of {bytes} bytes is above the limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The same bytes went through this node within ten minutes: the network has them.
    #[error("the message is on its way already")]
    Duplicate,
    /// No connected peer listens to the topic. Publish again once there are peers.
    #[error("no peer listens to the topic")]
    NoPeers,
    /// Every peer's queue is full.
    #[error("every peer's queue is full")]
    QueuesFull,
    /// The task has ended.
    #[error(transparent)]
    Closed(#[from] ClosedError),
}

/// Why a request brought no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No address is known, or none answered.
    #[error("the peer can't be reached")]
    Unreachable,
    /// No response in time; the peer may have acted on the request.
    #[error("no response in time")]
    TimedOut,
    /// The request is above [`MAX_REQUEST_BYTES`].
    #[error("request of {bytes} bytes is above the limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The peer's response was malformed or above [`MAX_RESPONSE_BYTES`].
    #[error("the response is malformed or too large")]
    BadResponse,
    /// The peer closed the stream or the connection without a response.
    #[error("the peer refused to answer")]
    Refused,
    /// The peer is in another network or of another version.
    #[error("the peer does not speak this protocol")]
    Unsupported,
    /// Too many requests are open on this side.
    #[error("too many requests are open")]
    Busy,
    /// The task has ended.
    #[error(transparent)]
    Closed(#[from] ClosedError),
}

/// Why a response was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RespondError {
    /// Above [`MAX_RESPONSE_BYTES`]; the request was refused instead.
    #[error("response of {bytes} bytes is above the limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The task has ended.
    #[error(transparent)]
    Closed(#[from] ClosedError),
}

pub(super) type Answer<T> = oneshot::Sender<T>;

pub(super) enum Command {
    Publish(Topic, Vec<u8>, Answer<Result<(), PublishError>>),
    Request(NodeId, Vec<u8>, Answer<Result<Vec<u8>, RequestError>>),
    Respond(ResponseToken, Vec<u8>),
    Verdict(MessageToken, Acceptance),
    Score(NodeId, f64),
    AddAddresses(NodeId, Vec<String>, Answer<usize>),
    KnownAddresses(NodeId, Answer<Vec<String>>),
    Peers(Answer<Vec<PeerInfo>>),
    Shutdown(Answer<()>),
}

/// Commands to the network task. Cheap to clone; the task ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct NetworkHandle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) counters: Arc<Counters>,
    pub(super) node: NodeId,
    pub(super) request_timeout: Duration,
}

impl NetworkHandle {
    /// This node's key.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Sends a message to every peer that listens to the topic. This node gets no event for it.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn publish(&self, topic: Topic, data: Vec<u8>) -> Result<(), PublishError> {
        if data.len() > MAX_GOSSIP_BYTES {
            return Err(PublishError::TooLarge { bytes: data.len(), limit: MAX_GOSSIP_BYTES });
        }
        self.ask(|answer| Command::Publish(topic, data, answer)).await?
    }

    /// Asks a peer, dialling it first if an address is known. Ends within the dial time-out plus
    /// the configured request time-out.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn request(&self, to: NodeId, data: Vec<u8>) -> Result<Vec<u8>, RequestError> {
        if data.len() > MAX_REQUEST_BYTES {
            return Err(RequestError::TooLarge { bytes: data.len(), limit: MAX_REQUEST_BYTES });
        }
        // The task has its own time-outs; this one holds even if it is stuck.
        let limit = DIAL_TIMEOUT + self.request_timeout * 2;
        let answer = self.ask(|answer| Command::Request(to, data, answer));
        tokio::time::timeout(limit, answer).await.map_err(|_| RequestError::TimedOut)??
    }

    /// Answers a request. The asker may be gone by then; nobody is told.
    ///
    /// # Errors
    /// See [`RespondError`].
    pub async fn respond(&self, token: ResponseToken, data: Vec<u8>) -> Result<(), RespondError> {
        if data.len() > MAX_RESPONSE_BYTES {
            return Err(RespondError::TooLarge { bytes: data.len(), limit: MAX_RESPONSE_BYTES });
        }
        Ok(self.tell(Command::Respond(token, data)).await?)
    }

    /// Decides about a gossip message.
    ///
    /// # Errors
    /// [`ClosedError`] if the task has ended.
    pub async fn verdict(&self, token: MessageToken, acceptance: Acceptance) -> Result<(), ClosedError> {
        self.tell(Command::Verdict(token, acceptance)).await
    }

    /// Sets what this node thinks of a peer: below -2500 its messages are dropped unread, 0 is
    /// unknown, up to 100 trusted. Holds for the peer's later connections too.
    ///
    /// # Errors
    /// [`ClosedError`] if the task has ended.
    pub async fn set_application_score(&self, node: NodeId, score: f64) -> Result<(), ClosedError> {
        self.tell(Command::Score(node, score)).await
    }

    /// Adds multiaddresses of a peer to the address book; returns how many were new. Those that
    /// can't be read or may not be dialled are left out.
    ///
    /// # Errors
    /// [`ClosedError`] if the task has ended.
    pub async fn add_address(&self, node: NodeId, addresses: Vec<String>) -> Result<usize, ClosedError> {
        self.ask(|answer| Command::AddAddresses(node, addresses, answer)).await
    }

    /// Multiaddresses known of a peer, newest first, at most [`super::ADDRESSES_PER_PEER`]. For
    /// this node itself: those it listens on and announces, as far as others may dial them.
    ///
    /// # Errors
    /// [`ClosedError`] if the task has ended.
    pub async fn known_addresses(&self, node: NodeId) -> Result<Vec<String>, ClosedError> {
        self.ask(|answer| Command::KnownAddresses(node, answer)).await
    }

    /// The connected peers of this network, by node id.
    ///
    /// # Errors
    /// [`ClosedError`] if the task has ended.
    pub async fn peers(&self) -> Result<Vec<PeerInfo>, ClosedError> {
        self.ask(Command::Peers).await
    }

    /// What was lost or refused so far.
    #[must_use]
    pub fn counters(&self) -> CounterSnapshot {
        self.counters.snapshot()
    }

    /// Closes every connection and listener; returns when the task has ended. Safe to call twice.
    pub async fn shutdown(&self) {
        // An error means the task has ended already.
        self.ask(Command::Shutdown).await.unwrap_or_default();
    }

    async fn tell(&self, command: Command) -> Result<(), ClosedError> {
        self.commands.send(command).await.map_err(|_| ClosedError)
    }

    async fn ask<T>(&self, command: impl FnOnce(Answer<T>) -> Command) -> Result<T, ClosedError> {
        let (answer, response) = oneshot::channel();
        self.tell(command(answer)).await?;
        response.await.map_err(|_| ClosedError)
    }
}
