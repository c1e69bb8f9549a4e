//! A real Dovecot that checks tokens (JWT, HS256) with a key of its own, and an endpoint that gives them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use warmnet_node::mail::{Security, ServerSettings};
use warmnet_node::oauth::{Client, Grant, Provider};

const KEY: &[u8] = b"key of this test";
const USER: &str = "me@a.test";

/// A running Dovecot; stopped on drop.
pub(crate) struct Dovecot {
    dir: TempDir,
    child: Child,
    port: u16,
}

impl Dovecot {
    /// Starts it with one OAuth mechanism. Where it can't run: a failure under CI, else `None` and a loud line.
    pub(crate) fn start(mechanism: &str) -> Option<Self> {
        let root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
        if !root || !Path::new("/usr/sbin/dovecot").exists() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no real Dovecot: it must be installed, and this must be root");
            eprintln!("SKIPPED: a test with a real Dovecot did not run; it must be installed, and this must be root");
            return None;
        }
        let dir = TempDir::new().expect("a folder");
        let d = dir.path();
        // Dovecot's processes run as nobody and must get this far.
        std::fs::set_permissions(d, std::fs::Permissions::from_mode(0o755)).expect("set");
        for folder in ["mail", "home", "run", "state", "keys/default/HS256"] {
            std::fs::create_dir_all(d.join(folder)).expect("made");
        }
        for folder in ["mail", "home"] {
            std::fs::set_permissions(d.join(folder), std::fs::Permissions::from_mode(0o777)).expect("set");
        }
        certificates(d);
        std::fs::write(d.join("keys/default/HS256/default"), STANDARD.encode(KEY)).expect("written");
        let path = d.display();
        let tokens =
            format!("introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={path}/keys/\nusername_attribute = sub\n");
        std::fs::write(d.join("oauth2.conf"), tokens).expect("written");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("a port").port();
        std::fs::write(d.join("dovecot.conf"), config(d, port, mechanism)).expect("written");
        let child = Command::new("/usr/sbin/dovecot").arg("-F").arg("-c").arg(d.join("dovecot.conf")).stdout(Stdio::null()).spawn();
        let dovecot = Self { child: child.expect("it starts"), port, dir };
        let end = Instant::now() + super::LIMIT;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < end, "Dovecot does not listen: {}", dovecot.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(dovecot)
    }

    /// What it wrote.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("dovecot.log")).unwrap_or_default()
    }

    pub(crate) fn server(&self) -> ServerSettings {
        let address = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let ca_file = Some(self.dir.path().join("ca.pem"));
        ServerSettings { host: "mx.a.test".into(), port: self.port, security: Security::Tls, address, ca_file }
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let _asked = Command::new("kill").arg(self.child.id().to_string()).status();
        let _status = self.child.wait();
    }
}

fn config(d: &Path, port: u16, mechanism: &str) -> String {
    let d = d.display();
    format!(
        "base_dir = {d}/run\nstate_dir = {d}/state\nlog_path = {d}/dovecot.log\nprotocols = imap\nlisten = 127.0.0.1\n\
         ssl = required\nssl_cert = <{d}/cert.pem\nssl_key = <{d}/key.pem\nauth_failure_delay = 0\nauth_mechanisms = {mechanism}\n\
         mail_location = maildir:{d}/mail/%u\nmail_uid = nobody\nmail_gid = nogroup\nfirst_valid_uid = 1\ndefault_login_user = nobody\n\
         default_internal_user = nobody\ndefault_internal_group = nogroup\n\
         passdb {{\n driver = oauth2\n mechanisms = {mechanism}\n args = {d}/oauth2.conf\n}}\n\
         userdb {{\n driver = static\n args = uid=nobody gid=nogroup home={d}/home/%u allow_all_users=yes\n}}\n\
         service imap-login {{\n chroot =\n inet_listener imap {{\n port = 0\n }}\n inet_listener imaps {{\n port = {port}\n ssl = yes\n }}\n}}\n\
         service anvil {{\n chroot =\n}}\n\
         namespace inbox {{\n inbox = yes\n mailbox Junk {{\n special_use = \\Junk\n auto = create\n }}\n}}\n"
    )
}

fn certificates(d: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    let mut params = CertificateParams::new(vec![]).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["mx.a.test".to_owned()]).expect("parameters").signed_by(&key, &ca).expect("signed");
    let write = |name: &str, text: String| std::fs::write(d.join(name), text).expect("written");
    write("ca.pem", ca.pem());
    write("cert.pem", leaf.pem());
    write("key.pem", key.serialize_pem());
}

/// RFC 2104.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let pad = |x: u8| -> Vec<u8> { (0..64).map(|i| key.get(i).copied().unwrap_or(0) ^ x).collect() };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

fn token(key: &[u8]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let head = part(serde_json::json!({"alg": "HS256", "typ": "JWT"}));
    let claims = part(serde_json::json!({"sub": USER, "iat": now - 5, "nbf": now - 5, "exp": now + 600}));
    let signed = format!("{head}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(hmac(key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// A grant whose token endpoint gives such tokens, signed with the right key or not, and the mailbox's user.
pub(crate) fn grant(right: bool) -> (Grant, &'static str) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("accepted");
            let mut form = Vec::new();
            let mut chunk = [0u8; 4_096];
            while !form.windows(13).any(|w| w == b"refresh_token") {
                match stream.read(&mut chunk) {
                    Ok(n) if n > 0 => form.extend_from_slice(&chunk[..n]),
                    _ => break,
                }
            }
            let access = token(if right { KEY } else { b"another key" });
            let body = serde_json::json!({"access_token": access, "token_type": "Bearer", "expires_in": 600}).to_string();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
            // A client that left asks no more.
            let _gone = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    let provider = Provider {
        authorization: format!("http://{address}/"),
        token: format!("http://{address}/"),
        device: None,
        scopes: vec![],
        parameters: std::collections::BTreeMap::new(),
        ca_file: None::<PathBuf>,
    };
    let client = Client { id: "owner".into(), secret: None };
    (Grant { provider, client, refresh_token: SecretString::from("r") }, USER)
}
