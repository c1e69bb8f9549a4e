//! Binds everything and serves until told to stop.

use super::authentication::Checker;
use super::config::ProviderConfig;
use super::faults::{FaultError, Faults};
use super::imap::{self, ImapService};
use super::smtp::{Role, Session};
use super::tls::TlsError;
use super::world::{Net, World, host_name};
use super::{control, dns, oauth, tls};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixListener};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Connections a listener serves at a time.
const CONNECTIONS: usize = 512;
/// Ports tried for DNS, which needs the same one twice.
const PORT_TRIES: usize = 20;
/// A TLS handshake on loopback.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Why the emulator can't run.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The configuration names something unknown.
    #[error("the configuration can't be used: {0}")]
    Config(String),
    /// The faults name something unknown.
    #[error("the faults can't be used: {0}")]
    Faults(#[from] FaultError),
    /// A socket or file.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's words.
        error: std::io::Error,
    },
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> ProviderError {
    let what = what.into();
    move |error| ProviderError::Io { what, error }
}

/// What a listener speaks.
#[derive(Clone, Copy)]
enum Service {
    Submission { tls: bool },
    Mx,
    Imap { tls: bool },
}

struct Shared {
    world: Arc<World>,
    imap: Vec<Arc<ImapService>>,
    acceptor: TlsAcceptor,
    stop: CancellationToken,
}

/// Runs until the control command `stop`, SIGINT or SIGTERM.
///
/// # Errors
/// [`ProviderError`].
pub async fn run(config: ProviderConfig, faults: Faults) -> Result<(), ProviderError> {
    faults.fit(&config)?;
    let faults = Arc::new(faults);
    std::fs::create_dir_all(&config.dir).map_err(io(config.dir.display().to_string()))?;
    let (mut mx, mut smtps) = (Vec::new(), Vec::new());
    for i in 0..config.providers.len() {
        // Every provider has an address of its own, so that SPF can tell them apart.
        let ip = Ipv4Addr::new(127, 0, 0, u8::try_from(i + 2).map_err(|_| ProviderError::Config("too many providers".to_owned()))?);
        mx.push(TcpListener::bind((ip, 0)).await.map_err(io(format!("MX of provider {i}")))?);
        smtps.push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(io("smtps"))?);
    }
    let addresses = |all: &[TcpListener]| all.iter().map(|l| l.local_addr().map_err(io("address"))).collect::<Result<Vec<SocketAddr>, _>>();
    let (udp, tcp, dns_address) = dns_sockets().await?;
    let made = tls::make(config.providers.iter().map(|p| host_name(&p.name)).collect())?;
    let checker = Checker::new(dns_address).map_err(ProviderError::Config)?;
    let net = Net { mx: addresses(&mx)?, smtps: addresses(&smtps)?, checker, connector: made.connector.clone(), faults: faults.clone() };
    let world = Arc::new(World::new(&config, net).map_err(ProviderError::Config)?);
    let mut dns_server = hickory_server::Server::new(dns::Zones(world.clone()));
    dns_server.register_socket(udp);
    dns_server.register_listener(tcp, Duration::from_secs(5), 4_096);

    let stop = CancellationToken::new();
    let service = |i: usize| {
        Arc::new(ImapService {
            mailboxes: world.mailboxes.clone(),
            events: world.clone(),
            oauth: world.oauth.clone(),
            name: world.providers[i].name.clone(),
            provider: i,
            flavor: config.providers[i].flavor,
            imap: config.providers[i].imap,
            faults: faults.clone(),
        })
    };
    let imap = (0..world.providers.len()).map(service).collect();
    let shared = Arc::new(Shared { world: world.clone(), imap, acceptor: made.acceptor.clone(), stop: stop.clone() });
    let mut ports = serde_json::Map::new();
    for (i, (listener, smtps)) in mx.into_iter().zip(smtps).enumerate() {
        spawn(&shared, i, Service::Mx, listener);
        let mut of = serde_json::Map::new();
        of.insert("host".to_owned(), world.providers[i].host.clone().into());
        of.insert("smtps".to_owned(), world.providers[i].smtps.port().into());
        spawn(&shared, i, Service::Submission { tls: true }, smtps);
        let kinds = [
            ("submission", Service::Submission { tls: false }),
            ("imaps", Service::Imap { tls: true }),
            ("imap", Service::Imap { tls: false }),
        ];
        for (name, kind) in kinds {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(io(name))?;
            of.insert(name.to_owned(), listener.local_addr().map_err(io(name))?.port().into());
            spawn(&shared, i, kind, listener);
        }
        ports.insert(world.providers[i].name.clone(), of.into());
    }
    let control_path = config.dir.join("control.sock");
    match std::fs::remove_file(&control_path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(control_path.display().to_string())(e)),
        _ => {}
    }
    let control_listener = UnixListener::bind(&control_path).map_err(io(control_path.display().to_string()))?;
    tokio::spawn(control::serve(control_listener, world.clone(), stop.clone()));
    let ca = config.dir.join("ca.pem");
    std::fs::write(&ca, &made.ca_pem).map_err(io(ca.display().to_string()))?;
    let mut all = serde_json::json!({"ca_file": ca, "dns": dns_address.to_string(), "providers": ports, "control": control_path});
    if let Some(authority) = world.oauth.clone() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(io("authorization server"))?;
        all["oauth"] = format!("http://{}", listener.local_addr().map_err(io("authorization server"))?).into();
        tokio::spawn(oauth::serve(listener, world.clone(), authority, stop.clone()));
    }
    write_atomically(&config.dir.join("ports.json"), all.to_string().as_bytes())?;
    wait_for_end(&stop).await;
    // What is under way ends with the process; nothing is kept anyway.
    let _closed = std::fs::remove_file(&control_path);
    Ok(())
}

/// UDP and TCP on the same port.
async fn dns_sockets() -> Result<(UdpSocket, TcpListener, SocketAddr), ProviderError> {
    let mut last = None;
    // The TCP port of the same number may be in use by somebody else.
    for _ in 0..PORT_TRIES {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(io("DNS"))?;
        let address = udp.local_addr().map_err(io("DNS"))?;
        match TcpListener::bind(address).await {
            Ok(tcp) => return Ok((udp, tcp, address)),
            Err(error) => last = Some(error),
        }
    }
    Err(io("DNS over TCP")(last.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into())))
}

fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), ProviderError> {
    let part = path.with_extension("part");
    std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path)).map_err(io(path.display().to_string()))
}

async fn wait_for_end(stop: &CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        () = stop.cancelled() => {}
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
    stop.cancel();
}

fn spawn(shared: &Arc<Shared>, provider: usize, service: Service, listener: TcpListener) {
    let shared = shared.clone();
    tokio::spawn(async move {
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let (stream, peer) = tokio::select! {
                () = shared.stop.cancelled() => return,
                accepted = listener.accept() => match accepted {
                    Ok(a) => a,
                    Err(error) => {
                        tracing::warn!(%error, "a listener could not accept");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                },
            };
            let Ok(slot) = slots.clone().try_acquire_owned() else { continue };
            let shared = shared.clone();
            tokio::spawn(async move {
                // A broken connection is the client's affair.
                let _ended = connection(&shared, provider, service, stream, peer.ip()).await;
                drop(slot);
            });
        }
    });
}

async fn handshake(acceptor: &TlsAcceptor, stream: TcpStream) -> std::io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

async fn connection(shared: &Shared, provider: usize, service: Service, stream: TcpStream, peer: IpAddr) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let world = shared.world.clone();
    match service {
        Service::Mx => {
            let mut session = Session::new(world, provider, Role::Mx, peer, false, false);
            session.run(&mut BufReader::new(stream), true).await?;
        }
        Service::Submission { tls: true } => {
            let stream = handshake(&shared.acceptor, stream).await?;
            let mut session = Session::new(world, provider, Role::Submission, peer, true, false);
            session.run(&mut BufReader::new(stream), true).await?;
        }
        Service::Submission { tls: false } => {
            let mut session = Session::new(world, provider, Role::Submission, peer, false, true);
            let mut plain = BufReader::new(stream);
            if let super::smtp::Ended::StartTls = session.run(&mut plain, true).await? {
                // Bytes that came before TLS are dropped with the buffer: they could be injected.
                let stream = handshake(&shared.acceptor, plain.into_inner()).await?;
                session.secured().run(&mut BufReader::new(stream), false).await?;
            }
        }
        Service::Imap { tls: true } => {
            let stream = handshake(&shared.acceptor, stream).await?;
            imap::serve(shared.imap[provider].clone(), stream, None).await;
        }
        Service::Imap { tls: false } => imap::serve(shared.imap[provider].clone(), stream, Some(shared.acceptor.clone())).await,
    }
    Ok(())
}
