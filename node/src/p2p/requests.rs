//! Requests on their way: waiting for a dial, or for a response.

use std::collections::HashMap;
use std::io;
use std::time::Instant;

use libp2p::PeerId;
use libp2p::request_response::{OutboundFailure, OutboundRequestId};

use super::handle::{Answer, RequestError};

/// Requests open at one time. Each may bring a response of 4 MiB, though a host asks far less.
pub(super) const OPEN_REQUESTS: usize = 64;

pub(super) type RequestAnswer = Answer<Result<Vec<u8>, RequestError>>;

/// A request whose peer is being dialled.
pub(super) struct Waiting {
    peer: PeerId,
    pub(super) data: Vec<u8>,
    pub(super) answer: RequestAnswer,
    deadline: Instant,
}

/// Bounded: [`OPEN_REQUESTS`] over both kinds.
#[derive(Default)]
pub(super) struct Requests {
    waiting: Vec<Waiting>,
    sent: HashMap<OutboundRequestId, RequestAnswer>,
}

impl Requests {
    pub(super) fn full(&self) -> bool {
        self.waiting.len() + self.sent.len() >= OPEN_REQUESTS
    }

    pub(super) fn wait_for_dial(&mut self, peer: PeerId, data: Vec<u8>, answer: RequestAnswer, deadline: Instant) {
        self.waiting.push(Waiting { peer, data, answer, deadline });
    }

    pub(super) fn sent(&mut self, id: OutboundRequestId, answer: RequestAnswer) {
        self.sent.insert(id, answer);
    }

    /// The requests that can be sent now that `peer` is connected.
    pub(super) fn take_waiting(&mut self, peer: &PeerId) -> Vec<Waiting> {
        self.waiting.extract_if(.., |waiting| waiting.peer == *peer).collect()
    }

    pub(super) fn dial_failed(&mut self, peer: &PeerId) {
        for waiting in self.take_waiting(peer) {
            finish(waiting.answer, Err(RequestError::Unreachable));
        }
    }

    /// Ends the requests whose dial took too long.
    pub(super) fn expire(&mut self, now: Instant) {
        for waiting in self.waiting.extract_if(.., |waiting| waiting.deadline <= now) {
            finish(waiting.answer, Err(RequestError::Unreachable));
        }
    }

    pub(super) fn response(&mut self, id: OutboundRequestId, data: Vec<u8>) {
        if let Some(answer) = self.sent.remove(&id) {
            finish(answer, Ok(data));
        }
    }

    pub(super) fn failed(&mut self, id: OutboundRequestId, failure: &OutboundFailure) {
        if let Some(answer) = self.sent.remove(&id) {
            finish(answer, Err(request_error(failure)));
        }
    }
}

/// The asker may have gone away; then nobody wants the answer.
pub(super) fn finish(answer: RequestAnswer, result: Result<Vec<u8>, RequestError>) {
    answer.send(result).unwrap_or_default();
}

fn request_error(failure: &OutboundFailure) -> RequestError {
    match failure {
        OutboundFailure::DialFailure => RequestError::Unreachable,
        OutboundFailure::Timeout => RequestError::TimedOut,
        OutboundFailure::ConnectionClosed => RequestError::Refused,
        OutboundFailure::UnsupportedProtocols => RequestError::Unsupported,
        OutboundFailure::Io(error) if error.kind() == io::ErrorKind::InvalidData => RequestError::BadResponse,
        OutboundFailure::Io(_) => RequestError::Refused,
    }
}
