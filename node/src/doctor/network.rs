//! The peer-to-peer side: can this node listen, and does anybody it begins with answer?

use super::Item;
use crate::config::NodeConfig;
use futures::future::join_all;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Wall wait for one peer.
const LIMIT: Duration = Duration::from_secs(5);

/// Checks `network.listen` and `network.bootstrap`; `running`: a node runs here, so its ports are taken rightly.
pub async fn check(config: &NodeConfig, running: bool) -> Vec<Item> {
    let mut items = Vec::new();
    for text in &config.network.listen {
        items.push(listen(text, running).await);
    }
    items.push(bootstrap(&config.network.bootstrap).await);
    items
}

async fn listen(text: &str, running: bool) -> Item {
    let Some(at) = socket(text) else {
        let fix = "write it like /ip4/0.0.0.0/tcp/4011 in network.listen of node.toml";
        return Item::critical("listen", format!("{text} is no address to listen on"), fix);
    };
    if running {
        return Item::ok("listen", format!("the running node listens on {text}"));
    }
    match TcpListener::bind(at).await {
        Ok(_) => Item::ok("listen", format!("{text} is free")),
        Err(e) => {
            Item::critical("listen", format!("{text} can't be listened on: {e}"), "choose another port in network.listen of node.toml")
        }
    }
}

async fn bootstrap(peers: &[String]) -> Item {
    let fix = "ask the network's operator for the coordinator's address, and check that TCP to it is open";
    if peers.is_empty() {
        return Item::critical("bootstrap", "network.bootstrap in node.toml names no peer to begin with", fix);
    }
    let tried = join_all(peers.iter().map(|p| async move {
        match socket(p) {
            Some(at) => matches!(tokio::time::timeout(LIMIT, TcpStream::connect(at)).await, Ok(Ok(_))),
            None => false,
        }
    }))
    .await;
    match tried.iter().filter(|ok| **ok).count() {
        0 => Item::critical("bootstrap", "no peer of network.bootstrap can be reached", fix),
        n => Item::ok("bootstrap", format!("{n} of {} peers to begin with can be reached", peers.len())),
    }
}

/// `/ip4|ip6/../tcp/..` as a socket address.
fn socket(text: &str) -> Option<SocketAddr> {
    let address: Multiaddr = text.parse().ok()?;
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => IpAddr::V4(ip),
        Protocol::Ip6(ip) => IpAddr::V6(ip),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some(SocketAddr::new(ip, port)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;

    #[tokio::test]
    async fn taken_ports_and_silent_peers_are_told() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("listen");
        let at = taken.local_addr().expect("address").port();
        let mut config = NodeConfig::default();
        config.network.listen =
            vec![format!("/ip4/127.0.0.1/tcp/{at}"), "/ip4/127.0.0.1/tcp/0".to_owned(), "/dns4/a.test/tcp/1".to_owned()];
        config.network.bootstrap = vec![format!("/ip4/127.0.0.1/tcp/{at}/p2p/x"), "/ip4/127.0.0.1/tcp/1/p2p/x".to_owned()];
        let look = async |config: &NodeConfig, running| check(config, running).await.into_iter().map(|i| i.severity).collect::<Vec<_>>();
        use Severity::{Critical, Ok};
        assert_eq!(look(&config, false).await, [Critical, Ok, Critical, Critical], "x is no peer id, so no peer is left");
        assert_eq!(look(&config, true).await[0], Ok);
        config.network.bootstrap = vec![format!("/ip4/127.0.0.1/tcp/{at}")];
        assert_eq!(look(&config, false).await[3], Ok);
        config.network.bootstrap = vec![];
        assert_eq!(look(&config, false).await[3], Critical);
    }
}
