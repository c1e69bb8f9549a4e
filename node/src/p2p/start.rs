//! From settings to a running task.

use std::sync::Arc;
use std::time::Instant;

use libp2p::{Multiaddr, PeerId};
use tokio::sync::mpsc;

use super::addresses::{self, AddressBook, BOOK_PEERS, Reach};
use super::behaviour;
use super::config::{P2pConfig, P2pError};
use super::event::{BYTES_HELD, Counters, EVENT_QUEUE, EventSender, NetworkEvent};
use super::handle::{COMMAND_QUEUE, NetworkHandle};
use super::identity;
use super::service::Service;
use super::topics::TopicTable;

/// Starts network participants.
#[derive(Debug)]
pub struct Network;

impl Network {
    /// Starts the task. `seed` is the node's Ed25519 seed. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`P2pError`] names the setting that is wrong, or the address that can't be listened on.
    pub fn start(config: P2pConfig, seed: [u8; 32]) -> Result<(NetworkHandle, mpsc::Receiver<NetworkEvent>), P2pError> {
        config.check()?;
        let keypair = identity::keypair_of_seed(seed).map_err(|_| P2pError::Key)?;
        let own = keypair.public().to_peer_id();
        let node = identity::node_of_peer(&own).ok_or(P2pError::Key)?;
        let topics = TopicTable::new(&config.network_tag);
        let mut swarm = behaviour::swarm(&config, keypair, &topics)?;
        for text in &config.listen {
            let address = parse_listen(text)?;
            swarm.listen_on(address).map_err(|error| P2pError::Listen { address: text.clone(), why: error.to_string() })?;
        }
        for text in &config.announce {
            swarm.add_external_address(parse_listen(text)?);
        }
        let mut book = AddressBook::new(own, config.allow_loopback, BOOK_PEERS);
        for text in &config.bootstrap {
            let (peer, address) = parse_bootstrap(text, config.allow_loopback)?;
            book.add_bootstrap(peer, address, Instant::now());
        }
        let counters = Arc::new(Counters::default());
        let (events, receiver) = EventSender::new(EVENT_QUEUE, BYTES_HELD, Arc::clone(&counters));
        let (commands, inbox) = mpsc::channel(COMMAND_QUEUE);
        let handle = NetworkHandle { commands, counters: Arc::clone(&counters), node, request_timeout: config.request_timeout };
        let service = Service::new(config, node, topics, swarm, book, events, counters);
        tokio::spawn(service.run(inbox));
        Ok((handle, receiver))
    }
}

fn parse_listen(text: &str) -> Result<Multiaddr, P2pError> {
    text.parse().map_err(|error: libp2p::multiaddr::Error| P2pError::Listen { address: text.to_owned(), why: error.to_string() })
}

fn parse_bootstrap(text: &str, allow_loopback: bool) -> Result<(PeerId, Multiaddr), P2pError> {
    let wrong = |why| P2pError::Bootstrap { address: text.to_owned(), why };
    let form = "must look like /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo..";
    let address: Multiaddr = text.parse().map_err(|_| wrong(form))?;
    let found = addresses::dialable(&address).ok_or_else(|| wrong(form))?;
    let peer = found.peer.ok_or_else(|| wrong(form))?;
    match found.reach {
        Reach::Global | Reach::Private => {}
        Reach::Loopback if allow_loopback => {}
        Reach::Loopback => return Err(wrong("loopback needs allow_loopback = true")),
        Reach::Never => return Err(wrong("nobody can be reached at this address")),
    }
    Ok((peer, found.address))
}
