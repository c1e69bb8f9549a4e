//! Who is connected, whom to ask next, and the open handles of gossip messages and requests.

use crate::p2p::{MessageToken, ResponseToken};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use warmnet_protocol::chain::Chain;
use warmnet_protocol::ids::NodeId;

/// Peers' state as the driver needs it.
#[derive(Default)]
pub(super) struct Peers {
    connected: BTreeSet<NodeId>,
    last_asked: Option<NodeId>,
    asked: u64,
    next_token: u64,
    messages: BTreeMap<u64, (MessageToken, NodeId)>,
    requests: BTreeMap<u64, ResponseToken>,
}

/// A connected peer, for people.
#[derive(Serialize)]
pub(super) struct PeerReport {
    node: String,
    connected: bool,
}

impl Peers {
    pub(super) fn connected_to(&mut self, node: NodeId) {
        self.connected.insert(node);
    }
    pub(super) fn disconnected_from(&mut self, node: &NodeId) {
        self.connected.remove(node);
    }
    pub(super) fn connected(&self) -> Vec<NodeId> {
        self.connected.iter().copied().collect()
    }
    pub(super) fn is_connected(&self, node: &NodeId) -> bool {
        self.connected.contains(node)
    }
    pub(super) fn count(&self) -> usize {
        self.connected.len()
    }
    pub(super) fn report(&self) -> Vec<PeerReport> {
        self.connected.iter().map(|n| PeerReport { node: n.to_hex(), connected: true }).collect()
    }

    /// The coordinator every other time, else the connected peer after the one asked last: no peer can starve a node
    /// of what the others have.
    pub(super) fn next_to_ask(&mut self, coordinator: NodeId) -> Option<NodeId> {
        self.asked += 1;
        if self.asked % 2 == 1 && self.connected.contains(&coordinator) {
            return Some(coordinator);
        }
        let after = self.last_asked.and_then(|last| self.connected.range(last..).find(|n| **n != last));
        let next = after.or(self.connected.first()).copied();
        self.last_asked = next;
        next
    }

    fn token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token
    }
    pub(super) fn keep_message(&mut self, message: MessageToken, source: NodeId) -> u64 {
        let token = self.token();
        self.messages.insert(token, (message, source));
        token
    }
    pub(super) fn take_message(&mut self, token: u64) -> Option<(MessageToken, NodeId)> {
        self.messages.remove(&token)
    }
    pub(super) fn keep_request(&mut self, request: ResponseToken) -> u64 {
        let token = self.token();
        self.requests.insert(token, request);
        token
    }
    pub(super) fn take_request(&mut self, token: u64) -> Option<ResponseToken> {
        self.requests.remove(&token)
    }

    /// Application scores for gossip: trust relative to the mean, capped at 100; without trust it is 0.
    pub(super) fn application_scores(&self, chain: &Chain) -> Vec<([u8; 32], f64)> {
        let Some(derived) = chain.derived() else { return vec![] };
        let roster = chain.latest_roster();
        let total: u64 = roster.rows().iter().map(|r| derived.trust.mass(&r.member)).sum();
        let mean = (total as f64 / roster.len().max(1) as f64).max(1.0);
        let mut scores: BTreeMap<NodeId, f64> = BTreeMap::new();
        for row in roster.rows() {
            let quarantined = row.pool == warmnet_protocol::wire::roster::Pool::Quarantined;
            let own = (derived.trust.mass(&row.member) as f64 / mean * 10.0).min(100.0);
            let entry = scores.entry(row.node).or_insert(0.0);
            // A node that hosts others' mailboxes beside a quarantined one stays heard.
            *entry = if quarantined { *entry } else { entry.max(own) };
        }
        scores.into_iter().map(|(n, s)| (n.0, s)).collect()
    }
}
