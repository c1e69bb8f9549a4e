//! What a host sets for its network, and why a start can fail.

use std::time::Duration;

/// Settings of one network participant. `P2pConfig::new` gives values for the real network; tests
/// and the demo shorten the times.
#[derive(Debug, Clone)]
pub struct P2pConfig {
    /// Hex of the network id; part of every topic and protocol name, so that networks never mix.
    pub network_tag: String,
    /// Multiaddresses to listen on, such as `/ip4/0.0.0.0/tcp/4011`.
    pub listen: Vec<String>,
    /// Multiaddresses to announce besides those listened on (a port forwarded by a router).
    pub announce: Vec<String>,
    /// Multiaddresses with `/p2p/<peer id>` of the peers that introduce this node.
    pub bootstrap: Vec<String>,
    /// Loopback and private addresses are dialled, and loopback is exempt from IP colocation scoring.
    pub allow_loopback: bool,
    /// Established connections, at least 4. A part is kept for connections this node opens itself.
    pub max_connections: u32,
    /// Peers this node tries to be connected to; 16 makes a small network a full mesh.
    pub target_peers: usize,
    /// `User-Agent` told to peers; at most 64 characters, and nothing personal.
    pub agent: String,
    /// Gossip heartbeat. A verdict must come within 12 of them.
    pub heartbeat: Duration,
    /// From a request to its response, without the time to dial.
    pub request_timeout: Duration,
    /// How often the task looks whether peers are missing.
    pub maintenance: Duration,
    /// First pause after a failed dial; doubles with each failure.
    pub redial_min: Duration,
    /// Longest pause between two dials of one peer.
    pub redial_max: Duration,
    /// New connections are refused while the process holds more memory than this, in bytes.
    pub max_process_bytes: usize,
}

/// Longest agent text, ours or a peer's, in characters.
pub(super) const AGENT_CHARS: usize = 64;

/// Three of 4 slots may be inbound: with fewer an attacker could fill all, and with fewer than 4
/// slots in total a node can't keep two peers while two others shake hands.
const MIN_CONNECTIONS: u32 = 4;

impl P2pConfig {
    /// Settings for the real network: nothing to listen on, no bootstrap yet.
    #[must_use]
    pub fn new(network_tag: impl Into<String>) -> Self {
        Self {
            network_tag: network_tag.into(),
            listen: Vec::new(),
            announce: Vec::new(),
            bootstrap: Vec::new(),
            allow_loopback: false,
            max_connections: 64,
            target_peers: 16,
            agent: concat!("warmnet/", env!("CARGO_PKG_VERSION")).to_owned(),
            // Gossipsub's default, measured in its reports.
            heartbeat: Duration::from_secs(1),
            request_timeout: Duration::from_secs(10),
            maintenance: Duration::from_secs(5),
            redial_min: Duration::from_secs(1),
            redial_max: Duration::from_secs(300),
            // Far above the node's usual 80 MiB, so only a flood trips it.
            max_process_bytes: 1 << 30,
        }
    }

    /// [`P2pConfig::new`] for the network with this id: 8 bytes of it tell networks apart.
    #[must_use]
    pub fn of_network(id: &[u8; 32]) -> Self {
        Self::new(hex::encode(&id[..8]))
    }

    /// Name of the request-response protocol.
    #[must_use]
    pub fn request_protocol(&self) -> String {
        format!("/warmnet/{}/request/1", self.network_tag)
    }

    pub(super) fn identify_protocol(&self) -> String {
        format!("/warmnet/{}/1", self.network_tag)
    }

    pub(super) fn check(&self) -> Result<(), P2pError> {
        let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !(1..=64).contains(&self.network_tag.len()) || !hex(&self.network_tag) {
            return Err(P2pError::Config("network_tag must be 1 to 64 hex digits"));
        }
        if self.max_connections < MIN_CONNECTIONS {
            return Err(P2pError::Config("max_connections must be at least 4"));
        }
        if self.agent.chars().count() > AGENT_CHARS {
            return Err(P2pError::Config("agent is longer than 64 characters"));
        }
        let times = [self.heartbeat, self.request_timeout, self.maintenance, self.redial_min];
        if times.iter().any(Duration::is_zero) {
            return Err(P2pError::Config("a time is zero"));
        }
        if self.redial_min > self.redial_max {
            return Err(P2pError::Config("redial_min is above redial_max"));
        }
        Ok(())
    }
}

/// Why a network could not start. Texts name the setting, so that the owner can mend it.
#[derive(Debug, thiserror::Error)]
pub enum P2pError {
    /// A setting is out of range.
    #[error("network setting: {0}")]
    Config(&'static str),
    /// The seed is no Ed25519 seed.
    #[error("the node key is invalid")]
    Key,
    /// A listen or announce address can't be read or used.
    #[error("`{address}` can't be listened on: {why}")]
    Listen {
        /// As the owner wrote it.
        address: String,
        /// What the system said.
        why: String,
    },
    /// A bootstrap address can't be used.
    #[error("bootstrap `{address}`: {why}")]
    Bootstrap {
        /// As the owner wrote it.
        address: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// libp2p refused its own configuration: a fault of this program.
    #[error("the network stack refused its settings: {0}")]
    Stack(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_pass_and_bad_settings_do_not() {
        let good = P2pConfig::new("00ff");
        good.check().expect("defaults");
        assert_eq!(good.request_protocol(), "/warmnet/00ff/request/1");
        let bad: [fn(&mut P2pConfig); 5] = [
            |config| config.network_tag = "xyz/..".to_owned(),
            |config| config.network_tag.clear(),
            |config| config.max_connections = 3,
            |config| config.heartbeat = Duration::ZERO,
            |config| config.redial_min = Duration::from_secs(1000),
        ];
        for spoil in bad {
            let mut config = good.clone();
            spoil(&mut config);
            assert!(matches!(config.check(), Err(P2pError::Config(_))));
        }
    }
}
