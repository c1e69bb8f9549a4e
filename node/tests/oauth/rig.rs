//! The emulator with its authorization server as a process of its own, and a browser of a few lines.

use secrecy::SecretString;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use url::Url;
use warmnet_node::mail::{Security, ServerSettings};
use warmnet_node::oauth::{Client, Grant, Loopback, OAuthError, Provider};

/// The longest any single thing may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// The mailbox, its password, and the client's secret.
pub(crate) const ADDRESS: &str = "post@m01.test";
pub(crate) const PASSWORD: &str = "Canary-pass/word+1 %";
pub(crate) const CLIENT_SECRET: &str = "Canary-client/secret+2 %";

/// A running emulator; killed on drop.
pub(crate) struct Emulator {
    pub(crate) dir: TempDir,
    child: Child,
    ports: Value,
}

impl Emulator {
    pub(crate) fn start(expires_seconds: u64, mechanisms: &[&str]) -> Self {
        let dir = TempDir::new().expect("a folder");
        let config = json!({
            "dir": dir.path(), "seed": 7, "epoch_zero_ms": 0, "epoch_ms": 86_400_000, "civilians": 0,
            "oauth": {"client_id": "owner", "client_secret": CLIENT_SECRET, "expires_seconds": expires_seconds, "mechanisms": mechanisms},
            "providers": [{"name": "alpha", "flavor": "plain"}],
            "domains": [{"domain": "m01.test", "provider": "alpha", "created_days_ago": 3}],
            "mailboxes": [{"address": ADDRESS, "password": PASSWORD, "kind": "member"}],
        });
        let path = dir.path().join("provider.json");
        std::fs::write(&path, config.to_string()).expect("written");
        let child = Command::new(program()).args(["provider", "--config"]).arg(&path).stdout(Stdio::null()).spawn().expect("it starts");
        let mut emulator = Self { ports: Value::Null, child, dir };
        let ready = emulator.dir.path().join("ports.json");
        let end = Instant::now() + LIMIT;
        while !ready.exists() {
            assert!(Instant::now() < end && emulator.child.try_wait().expect("asked").is_none(), "the emulator does not run");
            std::thread::sleep(Duration::from_millis(10));
        }
        emulator.ports = serde_json::from_slice(&std::fs::read(&ready).expect("read")).expect("JSON");
        emulator
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    pub(crate) fn port(&self, service: &str) -> u16 {
        self.ports["providers"]["alpha"][service].as_u64().and_then(|p| u16::try_from(p).ok()).expect("a port")
    }

    /// `smtps` or `imaps`.
    pub(crate) fn server(&self, service: &str) -> ServerSettings {
        let address = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        ServerSettings {
            host: "mx.alpha.test".into(),
            port: self.port(service),
            security: Security::Tls,
            address,
            ca_file: Some(self.ca()),
        }
    }

    /// The file for `--oauth`.
    pub(crate) fn provider_file(&self) -> PathBuf {
        let base = self.ports["oauth"].as_str().expect("an address");
        let text =
            format!("authorization = \"{base}/authorize\"\ntoken = \"{base}/token\"\ndevice = \"{base}/device\"\nscopes = [\"mail\"]\n");
        let path = self.dir.path().join("oauth.toml");
        std::fs::write(&path, text).expect("written");
        path
    }

    pub(crate) fn provider(&self) -> Provider {
        Provider::find(self.provider_file().to_str().expect("a path")).expect("a provider")
    }

    pub(crate) fn control(&self, request: &Value) -> Value {
        let mut stream = UnixStream::connect(self.dir.path().join("control.sock")).expect("connected");
        writeln!(stream, "{request}").expect("sent");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("read");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(answer["ok"], true, "{answer}");
        answer
    }

    /// Takes back access tokens, and with `all` the permission itself.
    pub(crate) fn revoke(&self, all: bool) {
        self.control(&json!({"cmd": "revoke", "mailbox": ADDRESS, "all": all}));
    }

    /// How many times tokens were refreshed.
    pub(crate) fn refreshed(&self) -> u64 {
        self.control(&json!({"cmd": "stats"}))["refreshed"].as_u64().expect("a number")
    }

    /// The owner gives the permission in the browser.
    pub(crate) async fn permission(&self) -> Result<Grant, OAuthError> {
        let loopback = Loopback::start(self.provider(), client()).await?;
        let address = loopback.address(ADDRESS)?;
        let browser = tokio::task::spawn_blocking(move || browse(&address, &[("address", ADDRESS), ("password", PASSWORD)]));
        let grant = loopback.wait(LIMIT).await;
        browser.await.expect("the browser works");
        grant
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// `warmnet-sim`, built beside this test.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let path = test.ancestors().nth(2).unwrap_or(Path::new(".")).join("warmnet-sim");
    assert!(path.is_file(), "{} is not there: run `cargo build --workspace --bins` first", path.display());
    path
}

pub(crate) fn client() -> Client {
    Client { id: "owner".into(), secret: Some(SecretString::from(CLIENT_SECRET)) }
}

/// Posts the page's form and follows the redirect; the last status.
pub(crate) fn browse(address: &Url, form: &[(&str, &str)]) -> u16 {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let (status, location) = request("POST", address, &body);
    match location {
        Some(next) => request("GET", &Url::parse(&next).expect("an address"), "").0,
        None => status,
    }
}

/// One HTTP request: status and Location.
pub(crate) fn request(method: &str, address: &Url, body: &str) -> (u16, Option<String>) {
    let (host, port) = (address.host_str().expect("a host"), address.port().expect("a port"));
    let mut stream = TcpStream::connect((host, port)).expect("connected");
    let target = &address[url::Position::BeforePath..url::Position::AfterQuery];
    let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n");
    write!(stream, "{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("read");
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    let location = answer.lines().find_map(|l| l.to_ascii_lowercase().starts_with("location: ").then(|| l[10..].to_owned()));
    (status, location)
}
