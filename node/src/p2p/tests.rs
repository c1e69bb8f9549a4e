//! Real TCP on 127.0.0.1, one task per node.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::*;

/// Longest wait for anything; passed only when something is broken.
const LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

struct TestNode {
    handle: NetworkHandle,
    events: mpsc::Receiver<NetworkEvent>,
    address: String,
}

fn quick(bootstrap: &[&TestNode]) -> P2pConfig {
    P2pConfig {
        listen: vec!["/ip4/127.0.0.1/tcp/0".to_owned()],
        bootstrap: bootstrap.iter().map(|node| node.bootstrap()).collect(),
        allow_loopback: true,
        heartbeat: Duration::from_millis(500),
        request_timeout: Duration::from_secs(3),
        maintenance: Duration::from_millis(100),
        redial_min: Duration::from_millis(100),
        redial_max: Duration::from_millis(500),
        ..P2pConfig::new("7e57")
    }
}

impl TestNode {
    async fn start(seed: u8, config: P2pConfig) -> Self {
        let (handle, mut events) = Network::start(config, [seed; 32]).expect("start");
        let address = loop {
            if let NetworkEvent::Listening { address } = next(&mut events).await {
                break address;
            }
        };
        Self { handle, events, address }
    }

    fn node(&self) -> NodeId {
        self.handle.node()
    }

    fn bootstrap(&self) -> String {
        let peer = peer_text(&self.node()).expect("peer id");
        format!("{}/p2p/{peer}", self.address)
    }

    /// Waits for the next gossip message, skipping other events.
    async fn gossip(&mut self) -> (MessageToken, Topic, Vec<u8>) {
        loop {
            if let NetworkEvent::Gossip { token, topic, data, .. } = next(&mut self.events).await {
                return (token, topic, data);
            }
        }
    }

    /// Accepts what has arrived, and returns it.
    async fn accept_all(&mut self) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            if let NetworkEvent::Gossip { token, data, .. } = event {
                self.verdict(token, Acceptance::Accept).await;
                all.push(data);
            }
        }
        all
    }

    async fn verdict(&self, token: MessageToken, acceptance: Acceptance) {
        let verdict = self.handle.verdict(token, acceptance).await;
        verdict.expect("verdict");
    }

    async fn peer_count(&self) -> usize {
        self.handle.peers().await.expect("peers").len()
    }

    async fn wait_for_peers(&self, count: usize) {
        let start = Instant::now();
        while self.peer_count().await != count {
            assert!(start.elapsed() < LIMIT, "never had {count} peers");
            tokio::time::sleep(POLL).await;
        }
    }
}

async fn next(events: &mut mpsc::Receiver<NetworkEvent>) -> NetworkEvent {
    let event = tokio::time::timeout(LIMIT, events.recv()).await;
    event.expect("an event in time").expect("a running task")
}

/// A - B - C, where C hears of A's messages through B alone. Returns once that path works.
async fn line() -> [TestNode; 3] {
    let sparse = |bootstrap: &[&TestNode]| P2pConfig { target_peers: 0, ..quick(bootstrap) };
    let a = TestNode::start(1, sparse(&[])).await;
    let mut b = TestNode::start(2, sparse(&[&a])).await;
    let mut c = TestNode::start(3, sparse(&[&b])).await;
    let start = Instant::now();
    for round in 0u32.. {
        assert!(start.elapsed() < LIMIT, "no path from A to C");
        let probe = round.to_be_bytes().to_vec();
        a.handle.publish(Topic::Notices, probe).await.ok();
        b.accept_all().await;
        if !c.accept_all().await.is_empty() {
            break;
        }
        tokio::time::sleep(POLL).await;
    }
    assert_eq!(a.peer_count().await, 1);
    assert_eq!(c.peer_count().await, 1);
    [a, b, c]
}

/// The next bundle, past late probes.
async fn bundle(node: &mut TestNode) -> (MessageToken, Vec<u8>) {
    loop {
        let (token, topic, data) = node.gossip().await;
        if topic == Topic::Bundles {
            return (token, data);
        }
        node.verdict(token, Acceptance::Accept).await;
    }
}

#[tokio::test]
async fn a_message_travels_on_only_after_accept() {
    let [a, mut b, mut c] = line().await;
    for data in [b"held".to_vec(), b"sent".to_vec()] {
        a.handle.publish(Topic::Bundles, data).await.expect("publish");
    }
    let mut tokens = BTreeMap::new();
    for _ in 0..2 {
        let (token, data) = bundle(&mut b).await;
        tokens.insert(data, token);
    }
    let sent = tokens.remove(&b"sent"[..]).expect("sent");
    let held = tokens.remove(&b"held"[..]).expect("held");
    b.verdict(sent, Acceptance::Accept).await;
    // Whatever B passed on first would arrive first.
    assert_eq!(bundle(&mut c).await.1, b"sent");
    b.verdict(held, Acceptance::Accept).await;
    assert_eq!(bundle(&mut c).await.1, b"held");
    assert_eq!(b.handle.counters().late_verdicts, 0);
}

#[tokio::test]
async fn rejected_and_ignored_messages_stop() {
    let [a, mut b, mut c] = line().await;
    for data in [b"bad".to_vec(), b"old".to_vec(), b"good".to_vec()] {
        a.handle.publish(Topic::Bundles, data).await.expect("publish");
    }
    for _ in 0..3 {
        let (token, data) = bundle(&mut b).await;
        let acceptance = match &data[..] {
            b"bad" => Acceptance::Reject,
            b"old" => Acceptance::Ignore,
            _ => Acceptance::Accept,
        };
        b.verdict(token, acceptance).await;
    }
    assert_eq!(bundle(&mut c).await.1, b"good");
    // A second good one: nothing of the others slipped in between.
    a.handle.publish(Topic::Bundles, b"last".to_vec()).await.expect("publish");
    let (token, data) = bundle(&mut b).await;
    assert_eq!(data, b"last");
    b.verdict(token, Acceptance::Accept).await;
    assert_eq!(bundle(&mut c).await.1, b"last");
}

#[tokio::test]
async fn five_nodes_hear_every_message_exactly_once() {
    let hub = TestNode::start(10, quick(&[])).await;
    let mut nodes = vec![hub];
    for seed in 11..15 {
        nodes.push(TestNode::start(seed, quick(&[&nodes[0]])).await);
    }
    // What a coordinator's contact list does: a small network becomes a full mesh.
    for node in &nodes {
        for other in &nodes {
            let addresses = other.handle.known_addresses(other.node()).await.expect("own");
            assert_eq!(addresses, vec![other.address.clone()]);
            let added = node.handle.add_address(other.node(), addresses).await;
            assert!(added.expect("add") <= 1);
        }
    }
    for node in &nodes {
        node.wait_for_peers(4).await;
    }
    let mut expected = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let topic = Topic::ALL[index % 4];
        // One of them is as large as a message may be.
        let size = if index == 2 { MAX_GOSSIP_BYTES } else { 300 };
        let data = vec![u8::try_from(index).expect("small"); size];
        let start = Instant::now();
        while node.handle.publish(topic, data.clone()).await == Err(PublishError::NoPeers) {
            assert!(start.elapsed() < LIMIT);
            tokio::time::sleep(POLL).await;
        }
        assert_eq!(node.handle.publish(topic, data.clone()).await, Err(PublishError::Duplicate));
        expected.push(data);
    }
    for (index, node) in nodes.iter_mut().enumerate() {
        let mut heard = Vec::new();
        for _ in 0..4 {
            let (token, topic, data) = node.gossip().await;
            assert_eq!(topic, Topic::ALL[data[0] as usize % 4]);
            node.verdict(token, Acceptance::Accept).await;
            heard.push(data);
        }
        heard.sort();
        let mut others = expected.clone();
        others.remove(index);
        assert!(heard == others, "node {index} heard something else");
    }
    // A last message behind all the copies: no copy came as a second event.
    let data = b"sentinel".to_vec();
    nodes[0].handle.publish(Topic::Faults, data).await.expect("publish");
    for node in &mut nodes[1..] {
        assert_eq!(node.gossip().await.2, b"sentinel");
    }
    let large = vec![0; MAX_GOSSIP_BYTES + 1];
    let published = nodes[0].handle.publish(Topic::Records, large).await;
    assert!(matches!(published, Err(PublishError::TooLarge { .. })));
}

#[tokio::test]
async fn requests_and_their_failures() {
    let mut server = TestNode::start(20, quick(&[])).await;
    let client = TestNode::start(21, quick(&[])).await;
    let asked = client.handle.request(server.node(), vec![1]).await;
    assert_eq!(asked, Err(RequestError::Unreachable), "no address known");

    let contact = vec![server.address.clone()];
    let added = client.handle.add_address(server.node(), contact).await;
    assert_eq!(added, Ok(1));
    let (target, asker) = (server.node(), client.node());
    let server_task = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            let NetworkEvent::Request { token, from, data } = next(&mut server.events).await else {
                continue;
            };
            assert_eq!(from, asker);
            match data.first() {
                Some(1) => {
                    let answer = data.repeat(30);
                    server.handle.respond(token, answer).await.expect("answer");
                }
                Some(2) => drop(token),
                Some(3) => held.push(token),
                _ => {
                    let large = vec![0; MAX_RESPONSE_BYTES + 1];
                    let error = server.handle.respond(token, large).await;
                    assert!(matches!(error, Err(RespondError::TooLarge { .. })));
                    return server;
                }
            }
        }
    });
    let mut data = vec![1; MAX_REQUEST_BYTES];
    let answer = client.handle.request(target, data.clone()).await;
    assert_eq!(answer.map(|bytes| bytes.len()), Ok(30 * MAX_REQUEST_BYTES));
    data.push(1);
    let answer = client.handle.request(target, data).await;
    assert!(matches!(answer, Err(RequestError::TooLarge { .. })));
    let answer = client.handle.request(target, vec![2]).await;
    assert_eq!(answer, Err(RequestError::Refused));
    let answer = client.handle.request(target, vec![3]).await;
    assert_eq!(answer, Err(RequestError::TimedOut));
    let answer = client.handle.request(target, vec![4]).await;
    assert_eq!(answer, Err(RequestError::Refused), "response was too large");

    let server = server_task.await.expect("server");
    server.handle.shutdown().await;
    client.wait_for_peers(0).await;
    let answer = client.handle.request(target, vec![1]).await;
    assert_eq!(answer, Err(RequestError::Unreachable));
    let gone = server.handle.request(asker, vec![1]).await;
    assert_eq!(gone, Err(RequestError::Closed(ClosedError)));
}

#[tokio::test]
async fn bootstrap_peer_restarts_and_is_found_again() {
    let first = TestNode::start(30, quick(&[])).await;
    let mut client = TestNode::start(31, quick(&[&first])).await;
    client.wait_for_peers(1).await;
    let peers = client.handle.peers().await.expect("peers");
    assert_eq!(peers[0].node, first.node());
    assert_eq!(peers[0].direction, Direction::Outbound);
    assert!(peers[0].agent.starts_with("warmnet/"), "{:?}", peers[0].agent);
    first.handle.shutdown().await;
    client.wait_for_peers(0).await;

    let mut config = quick(&[]);
    config.listen = vec![first.address.clone()];
    let second = TestNode::start(30, config).await;
    client.wait_for_peers(1).await;
    let mut told = Vec::new();
    while told.len() < 3 {
        match next(&mut client.events).await {
            NetworkEvent::PeerConnected { node } => told.push((true, node)),
            NetworkEvent::PeerDisconnected { node } => told.push((false, node)),
            _ => {}
        }
    }
    let node = second.node();
    assert_eq!(told, vec![(true, node), (false, node), (true, node)]);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_refused() {
    let mut config = quick(&[]);
    config.max_connections = 4;
    let hub = TestNode::start(40, config).await;
    let mut clients = Vec::new();
    for seed in 41..47 {
        let mut config = quick(&[&hub]);
        config.target_peers = 0;
        clients.push(TestNode::start(seed, config).await);
    }
    let start = Instant::now();
    while hub.handle.counters().connections_refused < 6 {
        assert!(start.elapsed() < LIMIT, "nobody was refused");
        tokio::time::sleep(POLL).await;
        assert!(hub.peer_count().await <= 3);
    }
    hub.wait_for_peers(3).await;
    let mut inside = 0;
    for client in &clients {
        inside += client.peer_count().await;
    }
    assert_eq!(inside, 3);
}

#[tokio::test]
async fn networks_do_not_mix() {
    let here = TestNode::start(50, quick(&[])).await;
    let mut config = quick(&[&here]);
    config.network_tag = "0dd".to_owned();
    let stranger = TestNode::start(51, config).await;
    let friend = TestNode::start(52, quick(&[&here])).await;
    friend.wait_for_peers(1).await;
    let answer = stranger.handle.request(here.node(), vec![1]).await;
    assert!(matches!(answer, Err(RequestError::Unsupported | RequestError::Refused | RequestError::Unreachable)), "{answer:?}");
    let peers = here.handle.peers().await.expect("peers");
    assert_eq!(peers.len(), 1);
    assert_eq!(peers[0].node, friend.node());
}

#[tokio::test]
async fn slow_host_loses_messages_but_not_the_task() {
    let a = TestNode::start(60, quick(&[])).await;
    let b = TestNode::start(61, quick(&[&a])).await;
    a.wait_for_peers(1).await;
    let start = Instant::now();
    // B's host reads nothing.
    for number in 0u64.. {
        if b.handle.counters().gossip_dropped > 0 {
            break;
        }
        assert!(start.elapsed() < LIMIT, "nothing was dropped");
        let data = number.to_be_bytes().to_vec();
        if a.handle.publish(Topic::Bundles, data).await.is_err() {
            tokio::time::sleep(POLL).await;
        }
    }
    assert_eq!(b.peer_count().await, 1);
    let answer = a.handle.request(b.node(), vec![1]).await;
    assert_eq!(answer, Err(RequestError::Refused));
    assert_eq!(b.handle.counters().requests_refused, 1);
    b.handle.shutdown().await;
    b.handle.shutdown().await;
}

#[tokio::test]
async fn graylisted_peer_is_not_heard() {
    let [a, mut b, mut c] = line().await;
    let score = b.handle.set_application_score(a.node(), -3000.0).await;
    score.expect("score");
    a.handle.publish(Topic::Bundles, b"unheard".to_vec()).await.expect("publish");
    // A request behind it on the same connection shows that B has read past the message.
    let asked = a.handle.request(b.node(), vec![1]);
    let seen = async {
        loop {
            match next(&mut b.events).await {
                NetworkEvent::Request { .. } => return,
                NetworkEvent::Gossip { topic, .. } => assert_ne!(topic, Topic::Bundles),
                _ => {}
            }
        }
    };
    tokio::join!(asked, seen).0.expect_err("refused");
    let data = b"from b".to_vec();
    b.handle.publish(Topic::Bundles, data).await.expect("publish");
    assert_eq!(bundle(&mut c).await.1, b"from b");
}

#[tokio::test]
async fn wrong_settings_are_named() {
    let refused = |change: fn(&mut P2pConfig)| {
        let mut config = quick(&[]);
        change(&mut config);
        Network::start(config, [1; 32]).map(|_| ()).expect_err("refused")
    };
    let error = refused(|config| config.listen = vec!["here".to_owned()]);
    assert!(matches!(error, P2pError::Listen { .. }), "{error}");
    let error = refused(|config| config.bootstrap = vec!["/ip4/127.0.0.1/tcp/1".to_owned()]);
    assert!(matches!(error, P2pError::Bootstrap { .. }), "{error}");
    let error = refused(|config| {
        config.allow_loopback = false;
        let peer = peer_text(&node_id_of_seed([2; 32]).expect("seed")).expect("peer id");
        config.bootstrap = vec![format!("/ip4/127.0.0.1/tcp/1/p2p/{peer}")];
    });
    assert!(error.to_string().contains("allow_loopback"), "{error}");
    let error = refused(|config| config.max_connections = 0);
    assert!(matches!(error, P2pError::Config(_)), "{error}");
}
