//! What a node costs that watches 1,000 mailboxes of the emulated providers: its memory, its share of a core while nothing
//! happens, and how soon it has seen a labelled mail in each.
//!
//! The node's program runs as its owner runs it, alone in a network, so all its work is the mailboxes'. It looks into every
//! junk folder every 50 seconds, six times as often as by default, so that an idle minute holds one look at each mailbox.
//! A mail counts as seen when the engine has judged its label (it is nobody's exchange, so it is left alone).
//!
//! Goals: at most 400 MiB, at most 10 % of a core, all seen within 60 s.

#[path = "goals/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod goals;
#[path = "network/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod network;
#[path = "node/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod node;

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    net::{IpAddr, Ipv4Addr},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use goals::Goals;
use node::Node;
use serde_json::{Value, json};
use warmnet_node::{
    config::{Home, MailboxConfig, NodeConfig},
    mail::{Security, ServerSettings},
    secrets::{NewCredential, Secrets},
};

const MAILBOXES: usize = 1000;
/// Members of the network the node belongs to.
const NETWORK: u32 = 10_000;
/// The emulator serves 512 connections a provider.
const PROVIDERS: usize = 4;
const PASSWORD: &str = "right-horse-battery";
const POLL_SECONDS: f64 = 50.0;
const IDLE: Duration = Duration::from_secs(60);
/// For anything to happen at all.
const LIMIT: Duration = Duration::from_secs(120);
/// The lines that are counted.
const LEVEL: &str = "warn,warmnet_node::runtime=debug";
const CONNECTED: &str = "a mailbox is connected";
const SEEN: &str = "a labelled mail was left alone";

/// The emulated providers; stopped on drop.
struct Providers {
    child: Child,
    ports: Value,
}

impl Drop for Providers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address(n: usize) -> String {
    format!("m{n:04}@d{}.test", n % PROVIDERS)
}

/// The emulator's program, which `make bench` builds first. What it costs is not measured, so any profile's will do.
fn emulator() -> PathBuf {
    let profile = Path::new(env!("CARGO_BIN_EXE_warmnet-node")).parent().expect("a folder");
    let found = [profile.join("warmnet-sim"), profile.with_file_name("debug").join("warmnet-sim")].into_iter().find(|p| p.is_file());
    found.expect("warmnet-sim is built (`cargo build --workspace --bins`)")
}

impl Providers {
    fn start(dir: &Path) -> Self {
        let name = |n| format!("p{n}");
        let config = json!({
            "dir": dir, "seed": 1, "epoch_zero_ms": 0, "epoch_ms": 86_400_000_u64, "civilians": 0,
            "providers": (0..PROVIDERS).map(|n| json!({"name": name(n), "flavor": "plain"})).collect::<Vec<_>>(),
            "domains": (0..PROVIDERS)
                .map(|n| json!({"domain": format!("d{n}.test"), "provider": name(n), "created_days_ago": 3}))
                .collect::<Vec<_>>(),
            "mailboxes": (0..MAILBOXES)
                .map(|n| json!({"address": address(n), "password": PASSWORD, "kind": "member"}))
                .collect::<Vec<_>>(),
        });
        std::fs::create_dir_all(dir).expect("a writable folder");
        std::fs::write(dir.join("provider.json"), config.to_string()).expect("a writable folder");
        let mut command = Command::new(emulator());
        command.args(["provider", "--config"]).arg(dir.join("provider.json")).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().expect("the emulator starts");
        let mut providers = Self { child, ports: Value::Null };
        let path = dir.join("ports.json");
        until("the emulator is ready", || {
            providers.ports = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok())?;
            Some(())
        });
        providers
    }

    fn server(&self, n: usize, service: &str) -> ServerSettings {
        let provider = &self.ports["providers"][format!("p{}", n % PROVIDERS)];
        ServerSettings {
            host: provider["host"].as_str().expect("a name").to_owned(),
            port: provider[service].as_u64().and_then(|p| u16::try_from(p).ok()).expect("a port"),
            security: Security::Tls,
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            ca_file: self.ports["ca_file"].as_str().map(PathBuf::from),
        }
    }

    /// Puts a labelled mail into every inbox.
    fn deliver(&self) {
        let socket = UnixStream::connect(self.ports["control"].as_str().expect("a path")).expect("the emulator listens");
        let (mut asks, mut answers) = (socket.try_clone().expect("a socket"), BufReader::new(socket));
        for n in 0..MAILBOXES {
            let (to, exchange, signature) = (address(n), format!("{n:032x}"), format!("{}==", "A".repeat(86)));
            let mail = format!(
                "From: a@outside.test\r\nTo: {to}\r\nSubject: A question\r\nMessage-ID: <{exchange}.0.m@outside.test>\r\n\
                 Warmnet-Exchange: v1; n=0102030405060708; e=0; r=0.1; x={exchange}; t=0; s={signature}\r\n\r\nAt ten?\r\n"
            );
            let request = json!({"cmd": "inject", "to": to, "raw_base64": STANDARD.encode(mail), "folder": "inbox"});
            asks.write_all(format!("{request}\n").as_bytes()).expect("written");
            let mut answer = String::new();
            answers.read_line(&mut answer).expect("an answer");
            assert!(answer.contains("\"ok\":true"), "{answer}");
        }
    }
}

/// Waits until something happens, with a limit.
fn until<T>(what: &str, mut happened: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = happened() {
            return value;
        }
        assert!(begun.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Members that a line of the log names with this text.
fn named(log: &Path, text: &str) -> usize {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let member = |line: &str| line.split_once("member=").map(|(_, rest)| rest.chars().take(8).collect::<String>());
    log.lines().filter(|line| line.contains(text)).filter_map(member).collect::<BTreeSet<_>>().len()
}

/// A home with all the mailboxes.
fn home(dir: &Path, providers: &Providers) -> Home {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let today = network::network(NETWORK, i64::try_from(now).expect("before the year 292 million") - 43_200_000);
    node::init(dir, &today.chain.genesis().encode());
    let home = Home::at(dir.join("home"));
    let mut config = NodeConfig::load(&home.node_toml()).expect("as init wrote it");
    config.mail.poll_seconds = POLL_SECONDS;
    std::fs::write(home.node_toml(), toml::to_string(&config).expect("TOML")).expect("a writable folder");
    let mut secrets = Secrets::open(&home, &config.secrets).expect("as init wrote them");
    for n in 0..MAILBOXES {
        let mailbox = MailboxConfig::new(address(n), providers.server(n, "smtps"), providers.server(n, "imaps"));
        mailbox.save(&home.mailboxes()).expect("a writable folder");
        secrets.set_credential(&address(n), &NewCredential::Password(PASSWORD.into())).expect("kept");
    }
    secrets.save().expect("a writable folder");
    home
}

fn main() -> ExitCode {
    let mut goals = Goals::of("mailboxes");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let providers = Providers::start(&dir.path().join("provider"));
    let home = home(dir.path(), &providers);
    let log = dir.path().join("node.log");
    let begun = Instant::now();
    let (node, answered) = Node::start(home.root(), std::fs::File::create(&log).expect("a file").into(), LEVEL);
    until("all mailboxes are connected", || (named(&log, CONNECTED) == MAILBOXES).then_some(()));
    let connected = begun.elapsed();
    let (cpu, begun) = (node.cpu(), Instant::now());
    std::thread::sleep(IDLE);
    let share = (node.cpu() - cpu) / begun.elapsed().as_secs_f64();
    let (resident, most) = (node.mib("VmRSS:"), node.mib("VmHWM:"));
    let begun = Instant::now();
    providers.deliver();
    let delivered = begun.elapsed();
    until("all mails are seen", || (named(&log, SEEN) == MAILBOXES).then_some(()));
    let seen = begun.elapsed();
    println!("{MAILBOXES} mailboxes watched by one node");
    println!(
        "  start to first answer                 {:>10.1} s, all connected after {:.1} s",
        answered.as_secs_f64(),
        connected.as_secs_f64()
    );
    println!(
        "  resident after an idle minute         {resident:>10.0} MiB (goal 400: {}), at most {most:.0} on the way",
        goals.met(resident <= 400.0)
    );
    println!("  share of a core, idle                 {:>10.1} % (goal 10: {})", 100.0 * share, goals.met(share <= 0.1));
    println!(
        "  a mail to each, all seen after        {:>10.1} s (goal 60: {}), of which {:.1} were their delivery",
        seen.as_secs_f64(),
        goals.met(seen.as_secs_f64() <= 60.0),
        delivered.as_secs_f64()
    );
    goals.end()
}
