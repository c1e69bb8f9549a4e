//! Putting a node together: store, engine, network, mailboxes, control socket, driver.

use super::authority::Authority;
use super::clock;
use super::driver::{Driver, DriverError, Inlets};
use super::feedback::FEEDBACK_QUEUE;
use super::gate::SendGate;
use super::mailboxes::{Mailbox, Mailboxes, pump};
use super::peers::Peers;
use super::persist::Persist;
use super::questions::READERS;
use super::reports::Reports;
use super::settings::{Known, Settings, hosted};
use super::status::Facts;
use super::unheard::Unheard;
use crate::config::{Home, MailboxConfig, NodeConfig};
use crate::control::{ControlError, ControlServer};
use crate::discovery::Dns;
use crate::mail::reports::Owner;
use crate::mail::{ConnectError, Cursor, CursorStore, CursorStoreError, Judge, Login, Submitter, TlsClients, Upkeep, Watcher};
use crate::p2p::{Network, P2pConfig, P2pError};
use crate::secrets::{Secrets, SecretsError};
use crate::store::{Cursors as CursorFamily, Journal, Store, StoreError};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use warmnet_protocol::engine::{Engine, Input, RestoreError};
use warmnet_protocol::identity::{AddressError, CanonicalAddress, NodeKey, hash, member_id};
use warmnet_protocol::ids::{MemberId, NetworkId, Salt};
use warmnet_protocol::wire::genesis::Genesis;
use zeroize::Zeroizing;

/// Mail findings that may wait for the driver.
const MAIL_QUEUE: usize = 256;
/// Events of one mailbox that may wait to be read.
const CONTROL_QUEUE: usize = 32;

/// Why a node could not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The genesis file.
    #[error("{path}: {why}")]
    Genesis {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The home's store holds what was said and sent in another network.
    #[error("this home belongs to the network {}, and its genesis file names the network {}", .was.to_hex(), .is.to_hex())]
    OtherNetwork {
        /// The network of the store.
        was: NetworkId,
        /// The network of the genesis file.
        is: NetworkId,
    },
    /// A mailbox's book of reports.
    #[error("the store can't take a mailbox's book of reports: {0}")]
    Book(String),
    /// What the store holds.
    #[error("the store can't be taken up again: {0}")]
    Restore(#[from] RestoreError),
    /// The secrets file.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A mailbox's address.
    #[error("mailbox {index}: {why}")]
    Address {
        /// Which mailbox, counted from 1 in file order.
        index: usize,
        /// What is wrong.
        why: AddressError,
    },
    /// A mailbox without password and grant.
    #[error("mailbox {index} has neither a password nor an OAuth permission in the secrets file")]
    NoPassword {
        /// Which mailbox, counted from 1 in file order.
        index: usize,
    },
    /// TLS settings of a mailbox.
    #[error(transparent)]
    Tls(#[from] ConnectError),
    /// The peer-to-peer network.
    #[error(transparent)]
    Network(#[from] P2pError),
    /// The control socket.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The driver stopped by itself.
    #[error(transparent)]
    Driver(#[from] DriverError),
}

/// What a genesis says, for people.
#[derive(Clone, Debug)]
pub struct GenesisSummary {
    /// The network's name.
    pub name: String,
    /// Its id in hex.
    pub network_hex: String,
    /// The coordinator's node in hex.
    pub coordinator_node_hex: String,
    /// Seconds in an epoch.
    pub epoch_seconds: f64,
}

/// Reads a genesis file's bytes.
///
/// # Errors
/// Plain words for the owner.
pub fn check_genesis(bytes: &[u8]) -> Result<GenesisSummary, String> {
    let genesis = Genesis::decode(bytes).map_err(|e| format!("this is not a genesis file: {e}"))?;
    Ok(GenesisSummary {
        name: genesis.name.clone(),
        network_hex: genesis.network_id().to_hex(),
        coordinator_node_hex: genesis.coordinator.to_hex(),
        epoch_seconds: genesis.clock.epoch_ms as f64 / 1_000.0,
    })
}

/// Everything a node runs with.
pub struct RunOptions {
    /// Its home; the caller holds the home's lock.
    pub home: Home,
    /// node.toml (the coordinator hands in its own with the same sections).
    pub config: NodeConfig,
    /// Its mailboxes.
    pub mailboxes: Vec<MailboxConfig>,
    /// Its secrets.
    pub secrets: Secrets,
    /// Whether the mailboxes are golden (coordinator only).
    pub golden: bool,
    /// The coordinator's half.
    pub authority: Option<Box<dyn Authority>>,
}

/// Runs a node until Ctrl-C, SIGTERM or `stop` on the control socket.
///
/// # Errors
/// [`RuntimeError`].
pub async fn run_node(home: Home, config: NodeConfig, mailboxes: Vec<MailboxConfig>, secrets: Secrets) -> Result<(), RuntimeError> {
    run(RunOptions { home, config, mailboxes, secrets, golden: false, authority: None }).await
}

/// The salt of a hosted mailbox: derived from the node's secret, so that it needs no storing and survives a restore
/// of the identity.
#[must_use]
pub fn salt(seed: &[u8; 32], network: &NetworkId, address: &CanonicalAddress) -> Salt {
    let mut h = hash::keyed("member-salt");
    h.update(seed).update(&network.0).update(address.as_str().as_bytes());
    Salt(*h.finalize().as_bytes())
}

/// Runs a node or a coordinator.
///
/// # Errors
/// [`RuntimeError`].
pub async fn run(options: RunOptions) -> Result<(), RuntimeError> {
    let RunOptions { home, config, mailboxes, secrets, golden, authority } = options;
    let path = home.genesis(&config);
    let read = std::fs::read(&path).map_err(|e| e.to_string()).and_then(|b| Genesis::decode(&b).map_err(|e| e.to_string()));
    let genesis = read.map_err(|why| RuntimeError::Genesis { path, why })?;
    let network_id = genesis.network_id();
    let seed: Zeroizing<[u8; 32]> = secrets.identity()?;
    let store = Store::open(home.store())?;
    let journal = Journal::open(&store)?;
    let persist = Persist::new(store.clone(), journal);
    if let Some(was) = persist.tie(network_id)? {
        return Err(RuntimeError::OtherNetwork { was, is: network_id });
    }
    let now = clock::now();
    let gate = SendGate::new(&store, config.mail.limits.clone(), genesis.clock.epoch_ms);
    let mut engine = Engine::new(genesis, NodeKey::from_seed(&seed));

    let (feedback_in, feedback) = mpsc::channel(FEEDBACK_QUEUE);
    let (mail_in, mail) = mpsc::channel(MAIL_QUEUE);
    let own_judge = match Dns::new(config.dns.server) {
        Ok(dns) => Judge::Own(Box::new(dns.authenticator())),
        Err(error) => {
            tracing::warn!(error, "the DNS can't be asked: mail of mailboxes without authserv_id counts as not authenticated");
            Judge::Nobody
        }
    };
    let mut boxes = Mailboxes::default();
    let mut reports = Reports::default();
    let mut hosts = Vec::new();
    let mut tls = TlsClients::default();
    let mut pumps = tokio::task::JoinSet::new();
    for (i, mailbox) in mailboxes.iter().enumerate() {
        let index = i + 1;
        let address = CanonicalAddress::parse(&mailbox.address).map_err(|why| RuntimeError::Address { index, why })?;
        let salt = salt(&seed, &network_id, &address);
        let member = member_id(&network_id, &salt, &address);
        let known = Known { member, address: address.clone(), salt, golden };
        engine.handle(now, Input::Host(Box::new(hosted(mailbox, &known))));
        hosts.push(known);
        if mailbox.left.is_some() {
            // What is left to do needs no mail: the coordinator is told, and its last bundles are signed.
            continue;
        }
        let password = secrets.credential(&mailbox.address)?.ok_or(RuntimeError::NoPassword { index })?;
        let login = Login { user: mailbox.user.clone(), password };
        let (smtp_tls, imap_tls) = (tls.get(mailbox.smtp.ca_file.as_deref())?, tls.get(mailbox.imap.ca_file.as_deref())?);
        let submitter =
            Submitter::new(mailbox.smtp.clone(), login.clone(), smtp_tls, config.mail.timeouts.clone(), config.mail.submit_limits());
        let watcher = Watcher {
            server: mailbox.imap.clone(),
            login,
            tls: imap_tls,
            timeouts: config.mail.timeouts.clone(),
            poll: config.mail.poll(),
            look_everywhere: false,
            reports: mailbox.consent.reports.is_some(),
            cursors: Arc::new(Cursors { family: CursorFamily::new(&store), member }),
        };
        if watcher.reports {
            let owner = Owner::new(address.clone(), mailbox.authserv_id.clone());
            if let Some(new) = reports.open(member, owner, persist.stored().book(member).as_deref(), now) {
                persist.put_book(member, &new).map_err(RuntimeError::Book)?;
            }
        }
        let judge = mailbox.authserv_id.clone().map_or_else(|| own_judge.clone(), Judge::Provider);
        let (watcher, events) = watcher.start_with(Upkeep { keep_filed: config.mail.keep_filed() });
        pumps.spawn(pump(member, golden, judge, events, mail_in.clone(), feedback_in.clone()));
        let gate = gate.mailbox(address.as_str(), &mailbox.smtp.host);
        boxes.insert(member, Mailbox { address: address.as_str().to_owned(), submitter, gate, watcher });
    }
    engine.restore(now, &mut persist.stored())?;

    let stop = CancellationToken::new();
    let p2p = P2pConfig {
        listen: config.network.listen.clone(),
        bootstrap: config.network.bootstrap.clone(),
        allow_loopback: config.network.allow_loopback,
        max_connections: config.limits.max_connections,
        ..P2pConfig::of_network(&network_id.0)
    };
    let (network, events) = Network::start(p2p, *seed)?;
    let (control_in, control) = mpsc::channel(CONTROL_QUEUE);
    let server = ControlServer::start(&home.control_socket(), control_in, stop.clone()).await?;
    spawn_signal_watch(stop.clone());
    tracing::info!(node = %engine.node_id().short(), mailboxes = mailboxes.len(), "started");
    let driver = Driver {
        engine,
        network,
        persist,
        mailboxes: boxes,
        settings: Settings::new(home.mailboxes(), hosts),
        peers: Peers::default(),
        feedback: feedback_in,
        authority,
        status: Facts::default(),
        reports,
        unheard: Unheard::default(),
        readers: Arc::new(Semaphore::new(READERS)),
        tasks: tokio::task::JoinSet::new(),
        stop,
    };
    let ended = driver.run(Inlets { network: events, mail, feedback, control }).await;
    pumps.shutdown().await;
    drop(server);
    tracing::info!("stopped");
    Ok(ended?)
}

fn spawn_signal_watch(stop: CancellationToken) {
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut term) = signal(SignalKind::terminate()) else { return };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = term.recv() => {}
        }
        stop.cancel();
    });
}

/// A mailbox's folder cursors in the store.
pub(super) struct Cursors {
    pub(super) family: CursorFamily,
    pub(super) member: MemberId,
}

impl std::fmt::Debug for Cursors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cursors({})", self.member.short())
    }
}

impl CursorStore for Cursors {
    fn load(&self, folder: &str) -> Option<Cursor> {
        // An unreadable cursor is a lost one: the folder is looked at again.
        let bytes = self.family.get(&self.member.to_hex(), folder).ok().flatten()?;
        serde_json::from_slice(&bytes).ok()
    }
    fn save(&self, folder: &str, cursor: Cursor) -> Result<(), CursorStoreError> {
        let failed = |e: String| CursorStoreError(e);
        let bytes = serde_json::to_vec(&cursor).map_err(|e| failed(e.to_string()))?;
        self.family.put(&self.member.to_hex(), folder, &bytes).map_err(|e| failed(e.to_string()))
    }
}
