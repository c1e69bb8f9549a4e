use super::super::config::ProviderConfig;
use super::super::faults::Faults;
use super::super::smtp::{Client, RelayError};
use async_imap::Session;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

pub(super) type Imap = Session<TlsStream<TcpStream>>;

/// Longest wait for a condition.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// A running emulator: m01 and m04 live at alpha, m02 at bravo (Gmail), m03 at charlie.
pub(super) struct Rig {
    pub dir: tempfile::TempDir,
    pub ports: Value,
    connector: TlsConnector,
}

impl Rig {
    pub(super) async fn start() -> Self {
        Self::run(|_| {}, Faults::default()).await
    }

    /// One whose servers do wrong.
    pub(super) async fn start_with(faults: Faults) -> Self {
        Self::run(|_| {}, faults).await
    }

    /// One with another configuration.
    pub(super) async fn configured(change: impl FnOnce(&mut Value)) -> Self {
        Self::run(change, Faults::default()).await
    }

    async fn run(change: impl FnOnce(&mut Value), faults: Faults) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut config = json!({
            "dir": dir.path(), "seed": 7, "engagement": true, "epoch_zero_ms": super::super::world::now_ms(), "epoch_ms": 12_000, "civilians": 4,
            "providers": [{"name": "alpha", "flavor": "plain", "temper": "average"}, {"name": "bravo", "flavor": "gmail"}, {"name": "charlie", "flavor": "plain"}],
            "domains": [
                {"domain": "m01.test", "provider": "alpha", "created_days_ago": 3},
                {"domain": "m02.test", "provider": "bravo", "created_days_ago": 3},
                {"domain": "m03.test", "provider": "charlie", "created_days_ago": 3},
                {"domain": "m04.test", "provider": "alpha", "created_days_ago": 3},
            ],
            "mailboxes": (1..5).map(|i| json!({"address": format!("post@m0{i}.test"), "password": "pw", "kind": "member"})).collect::<Vec<_>>(),
        });
        change(&mut config);
        let config: ProviderConfig = serde_json::from_value(config).expect("a config");
        let ready = dir.path().join("ports.json");
        tokio::spawn(async move { super::super::run(config, faults).await.expect("it runs") });
        wait_for("ports.json", || ready.exists()).await;
        let ports: Value = serde_json::from_slice(&std::fs::read(&ready).expect("read")).expect("JSON");
        let mut roots = RootCertStore::empty();
        let pem = std::fs::read(dir.path().join("ca.pem")).expect("read");
        roots.add(CertificateDer::from_pem_slice(&pem).expect("a certificate")).expect("added");
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
        let connector = TlsConnector::from(Arc::new(client.with_root_certificates(roots).with_no_client_auth()));
        Self { dir, ports, connector }
    }

    fn port(&self, provider: &str, service: &str) -> u16 {
        self.ports["providers"][provider][service].as_u64().and_then(|p| u16::try_from(p).ok()).expect("a port")
    }

    pub(super) async fn plain(&self, provider: &str, service: &str) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port(provider, service))).await.expect("connected")
    }

    pub(super) async fn secure(&self, provider: &str, stream: TcpStream) -> TlsStream<TcpStream> {
        let name = ServerName::try_from(format!("mx.{provider}.test")).expect("a name");
        self.connector.connect(name, stream).await.expect("TLS")
    }

    pub(super) async fn tls(&self, provider: &str, service: &str) -> TlsStream<TcpStream> {
        self.secure(provider, self.plain(provider, service).await).await
    }

    pub(super) async fn smtp(&self, provider: &str, user: &str) -> Client<TlsStream<TcpStream>> {
        let mut client = Client::start(self.tls(provider, "smtps").await, "client.test").await.expect("greeted");
        client.sign_in(user, "pw").await.expect("signed in");
        client
    }

    pub(super) async fn imap(&self, provider: &str, user: &str) -> Imap {
        let mut client = async_imap::Client::new(self.tls(provider, "imaps").await);
        client.read_response().await.expect("a greeting");
        client.login(user, "pw").await.map_err(|e| e.0).expect("signed in")
    }

    pub(super) async fn control(&self, request: Value) -> Value {
        ask(&self.dir.path().join("control.sock"), &request).await
    }

    /// Sends a labelled mail; the SMTP answer.
    pub(super) async fn warm(&self, provider: &str, from: &str, to: &str, id: &str, extra: &str) -> Result<String, RelayError> {
        let raw = format!(
            "From: {from}\r\nTo: {to}\r\nSubject: Notes\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <{id}@x>\r\n{extra}\
             Warmnet-Exchange: v1; n=aa; t=0;\r\n s=bb\r\n\r\nHello {id}.\r\n.dots stay\r\n"
        );
        self.smtp(provider, from).await.mail(from, to, raw.as_bytes()).await
    }
}

pub(super) async fn ask(socket: &Path, request: &Value) -> Value {
    let mut stream = BufReader::new(UnixStream::connect(socket).await.expect("connected"));
    stream.write_all(format!("{request}\n").as_bytes()).await.expect("sent");
    let mut line = String::new();
    tokio::time::timeout(LIMIT, stream.read_line(&mut line)).await.expect("in time").expect("read");
    serde_json::from_str(&line).expect("JSON")
}

pub(super) async fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let end = tokio::time::Instant::now() + LIMIT;
    while !done() {
        assert!(tokio::time::Instant::now() < end, "no {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
