//! What the driver asks other nodes, and what they ask it.

use super::answers::{Answer, Reading, refused};
use super::clock;
use super::driver::Driver;
use super::feedback::Feedback;
use crate::p2p::{NetworkHandle, ResponseToken};
use crate::store::StoreError;
use std::collections::BTreeSet;
use warmnet_protocol::engine::{Input, Want};
use warmnet_protocol::ids::NodeId;
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::sync::{Request, Response};
use warmnet_protocol::{limits, time::Epoch, time::Timestamp};

/// Tasks that may run at a time; beyond it requests fail at once and are tried again by the engine.
const TASKS: usize = 512;
/// Questions that are answered from the store at a time: a page each, 2 MiB at most. Who asks beyond it asks again, perhaps another node.
pub(super) const READERS: usize = 32;

impl Driver {
    /// Sends a request in a task of its own; `into` makes the engine's input of the response (`None`: no answer).
    pub(super) fn request(&mut self, node: NodeId, request: Request, into: impl FnOnce(Option<Response>) -> Input + Send + 'static) {
        if self.tasks.len() >= TASKS {
            self.engine.handle(clock::now(), into(None));
            return;
        }
        let (feedback, network) = (self.feedback.clone(), self.network.clone());
        self.tasks.spawn(async move {
            let answer = response(&network, node, &request).await;
            // The driver is gone only when the node stops.
            let _stopped = feedback.send(Feedback::Engine(Box::new(into(answer)))).await;
        });
    }

    pub(super) fn ask(&mut self, want: Want) {
        let coordinator = self.engine.chain().genesis().coordinator;
        let Some(node) = self.peers.next_to_ask(coordinator) else {
            return self.engine.handle(clock::now(), Input::NoAnswer { want });
        };
        self.ask_node(node, want);
    }

    fn ask_node(&mut self, node: NodeId, want: Want) {
        let request = want.request();
        self.request(node, request, move |response| match response {
            Some(response) => Input::Answer { want, response },
            None => Input::NoAnswer { want },
        });
    }

    /// Asks a peer where the roster's nodes are that this node is not connected to; the network dials them by itself.
    pub(super) fn ask_contacts(&mut self, epoch: Epoch) {
        let own = self.engine.node_id();
        let Some(roster) = self.engine.chain().roster(epoch).cloned() else { return };
        let nodes: BTreeSet<NodeId> = roster.rows().iter().map(|r| r.node).collect();
        let unknown = nodes.into_iter().filter(|n| *n != own && !self.peers.is_connected(n));
        let nodes: Vec<NodeId> = unknown.take(limits::CONTACTS).collect();
        let Some(peer) = self.peers.next_to_ask(self.engine.chain().genesis().coordinator) else { return };
        if nodes.is_empty() || self.tasks.len() >= TASKS {
            return;
        }
        let network = self.network.clone();
        self.tasks.spawn(async move {
            let request = Request::Contacts { nodes: nodes.clone() };
            let Some(Response::Contacts(found)) = response(&network, peer, &request).await else { return };
            for (node, addresses) in found.into_iter().filter(|(node, _)| nodes.contains(node)) {
                // The network is gone only when the node stops.
                let _stopped = network.add_address(node.0, addresses).await;
            }
        });
    }

    /// Asks every connected peer for the bundles of an epoch that are missing here.
    pub(super) fn ask_all(&mut self, epoch: Epoch) {
        let Some(have) = self.engine.chain().have(epoch) else { return };
        for node in self.peers.connected() {
            self.ask_node(node, Want::Bundles(epoch, have.clone()));
        }
    }

    pub(super) async fn respond(&self, token: ResponseToken, response: &Response) {
        if let Err(error) = self.network.respond(token, codec::encode(response)).await {
            tracing::debug!(%error, "a response did not reach its asker");
        }
    }

    /// Answers from the store in a task of its own, so that a long look on the disk holds up nothing else.
    async fn read(&mut self, token: ResponseToken, reading: Reading) {
        let Ok(room) = self.readers.clone().try_acquire_owned() else {
            return self.respond(token, &refused("this node has too many questions to answer")).await;
        };
        let (store, network) = (self.persist.store().clone(), self.network.clone());
        self.tasks.spawn(async move {
            let read = store.blocking(move |_| Ok::<_, StoreError>(reading.read())).await;
            drop(room);
            let response = read.unwrap_or_else(|error| refused(&error.to_string()));
            if let Err(error) = network.respond(token, codec::encode(&response)).await {
                tracing::debug!(%error, "a response did not reach its asker");
            }
        });
    }

    pub(super) async fn on_request(&mut self, now: Timestamp, token: ResponseToken, from: NodeId, data: &[u8]) {
        let request = match codec::decode::<Request>(data, limits::REQUEST_BYTES) {
            Ok(request) => request,
            Err(error) => {
                return self.respond(token, &Response::Refused { reason: format!("the request could not be read: {error}") }).await;
            }
        };
        match request {
            Request::Introduce(request) => {
                let token = self.peers.keep_request(token);
                self.engine.handle(now, Input::Introduction { token, from, request });
                // Answered by the next `settle`; a stuck one would time out at the asker.
            }
            request @ (Request::Apply(_) | Request::Confirm { .. } | Request::Leave(_)) => {
                let response = match &mut self.authority {
                    Some(authority) => Response::Enrolment(authority.enrol(now, from, request, self.engine.chain())),
                    None => Response::Refused { reason: "this node is not the coordinator".into() },
                };
                self.respond(token, &response).await;
            }
            Request::Contacts { nodes } => {
                let mut found = Vec::new();
                for node in nodes.into_iter().take(limits::CONTACTS) {
                    let mut addresses = self.network.known_addresses(node.0).await.unwrap_or_default();
                    addresses.truncate(limits::CONTACT_ADDRESSES);
                    found.push((node, addresses));
                }
                self.respond(token, &Response::Contacts(found)).await;
            }
            Request::Notices => self.respond(token, &Response::Notices(self.engine.pending_notices())).await,
            read => match self.persist.answer(self.engine.chain(), &read) {
                Answer::Known(response) => self.respond(token, &response).await,
                Answer::Stored(reading) => self.read(token, reading).await,
            },
        }
    }
}

/// Asks a node; `None`, with a line in the log, when it gives no answer that can be read.
async fn response(network: &NetworkHandle, node: NodeId, request: &Request) -> Option<Response> {
    match network.request(node.0, codec::encode(request)).await {
        Ok(bytes) => codec::decode(&bytes, limits::RESPONSE_BYTES)
            .inspect_err(|error| tracing::debug!(node = %node.short(), %error, "an answer could not be read"))
            .ok(),
        Err(error) => {
            tracing::debug!(node = %node.short(), %error, "no answer");
            None
        }
    }
}
