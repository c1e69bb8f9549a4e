//! What a node process costs its owner: the time from start to an answer on its socket, and its memory, without members
//! and with 30 epochs of a network of 10,000 in its store.

#[path = "network/mod.rs"]
mod network;

use network::{EPOCHS, MEMBERS, Network, network};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use warmnet_node::store::{Durability, FamilyName, Store, epoch_key, epoch_member_key};
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::limits;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::roster::RosterRow;

const PROGRAM: &str = env!("CARGO_BIN_EXE_warmnet-node");
const DAY_MS: i64 = 86_400_000;
/// The discard port, where nobody listens: this node stays alone.
const NOBODY: &str = "/ip4/127.0.0.1/tcp/9/p2p/12D3KooWGrJ1vPyLpUfmWxtkFkaMFsqWTDiXzQ9tsYRt2dHwRD65";
/// A start that takes longer than this has failed.
const LIMIT: Duration = Duration::from_secs(200);

/// A running node; stopped on drop.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Node {
    /// Starts a node and waits until it tells its status; returns how long that took.
    fn start(home: &Path) -> (Self, Duration) {
        let start = Instant::now();
        let mut run = Command::new(PROGRAM);
        run.arg("run").env("WARMNET_HOME", home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut node = Self(run.spawn().expect("the node starts"));
        let socket = home.join("control.sock");
        while status(&socket).is_none() {
            assert!(node.runs() && start.elapsed() < LIMIT, "the node does not answer");
            std::thread::sleep(Duration::from_millis(2));
        }
        (node, start.elapsed())
    }

    fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// A line of /proc/PID/status in MiB (Linux).
    fn mib(&self, line: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let kib = status.lines().find_map(|l| l.strip_prefix(line)).and_then(|v| v.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kib.unwrap_or(f64::NAN) / 1024.0
    }
}

/// The status of the node behind this socket, once it gives one.
fn status(socket: &Path) -> Option<serde_json::Value> {
    let mut stream = UnixStream::connect(socket).ok()?;
    let mut line = String::new();
    stream.write_all(b"{\"cmd\":\"status\"}\n").ok()?;
    BufReader::new(stream).read_line(&mut line).ok()?;
    let answer: serde_json::Value = serde_json::from_str(&line).ok()?;
    Some(answer["data"].clone())
}

/// Sets up the home of a node of this network.
fn home(dir: &Path, net: &Network) {
    let genesis = dir.join("given.bin");
    std::fs::write(&genesis, net.chain.genesis().encode()).expect("a writable folder");
    let mut init = Command::new(PROGRAM);
    init.env("WARMNET_HOME", dir.join("home")).arg("init").arg("--genesis").arg(genesis);
    init.args(["--bootstrap", NOBODY, "--listen", "/ip4/127.0.0.1/tcp/0", "--allow-loopback", "--unlock", "key-file"]);
    let made = init.output().expect("the node's program runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut add = Command::new(PROGRAM);
    add.env("WARMNET_HOME", dir.join("home")).args(["mailbox", "add", "owner@bench.test", "--no-test", "--password-stdin"]);
    add.args(["--smtp-host", "mail.bench.test", "--smtp-address", "127.0.0.1", "--smtp-port", "9"]);
    add.args(["--imap-host", "mail.bench.test", "--imap-address", "127.0.0.1", "--imap-port", "9", "--consent", "none"]);
    let mut adding = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the node's program runs");
    adding.stdin.take().expect("a pipe").write_all(b"secret\n").expect("the password is read");
    assert!(adding.wait().expect("it ends").success(), "the mailbox was not added");
}

/// Plays all epochs and writes what a node would have stored of them.
fn play(net: &mut Network, store: &Store) {
    let numbers: BTreeMap<MemberId, u32> = (0..).zip(&net.rows).map(|(n, r): (u32, &RosterRow)| (r.member, n)).collect();
    let put = |family, key: &[u8], value: &[u8]| store.family(family).put(key, value, Durability::Buffered).expect("room on the disk");
    loop {
        let (epoch, record) = net.publish();
        put(FamilyName::Records, &epoch_key(epoch.0), &record);
        let roster = net.chain.roster(epoch).expect("just published").clone();
        for (i, rows) in (0u32..).zip(roster.rows().chunks(limits::ROSTER_PAGE)) {
            put(FamilyName::Rosters, &[epoch_key(epoch.0), i.to_be_bytes()].concat(), &codec::encode(&rows.to_vec()));
        }
        if net.chain.window().epochs().count() >= EPOCHS as usize {
            return;
        }
        let Some(closing) = net.chain.next_epoch().minus(net.chain.params().close_lag).filter(|e| *e >= Epoch(0)) else { continue };
        if net.chain.play(closing).is_none() {
            continue;
        }
        for bundle in net.bundles(closing, false, &numbers) {
            put(FamilyName::Bundles, &epoch_member_key(closing.0, &bundle.message.member.0), &bundle.bytes);
            net.chain.accept_bundle(bundle).expect("its epoch is open");
        }
    }
}

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis()).expect("before the year 292 million")
}

fn main() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let today = network(now_ms() - DAY_MS / 2);
    home(dir.path(), &today);
    let mut best = LIMIT;
    let mut idle = 0.0f64;
    for _ in 0..5 {
        let (node, took) = Node::start(&dir.path().join("home"));
        best = best.min(took);
        idle = idle.max(node.mib("VmRSS:"));
    }
    println!("start to first answer, new node        {:>8.0} ms, best of 5", best.as_secs_f64() * 1e3);
    println!("resident, idle                         {idle:>8.0} MiB (goal 80)");
    drop(today);

    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut net = network(now_ms() - i64::from(EPOCHS + 5) * DAY_MS);
    home(dir.path(), &net);
    {
        let store = Store::open(dir.path().join("home/store")).expect("a fresh store");
        play(&mut net, &store);
    }
    let last = net.chain.next_epoch().0 - 1;
    drop(net);
    let (node, took) = Node::start(&dir.path().join("home"));
    let derived = status(&dir.path().join("home/control.sock")).expect("it answered before");
    assert_eq!(derived["record_epoch"], last, "the node derived all that is in its store");
    let shown = derived["network_scores"].as_array().expect("scores").len();
    assert!(shown > 0 && derived["closed"].as_array().is_some_and(|c| c.iter().all(|c| c["matches_record"] == true)));
    println!("start with {MEMBERS} members, {EPOCHS} epochs   {:>8.1} s (the whole ledger is derived again)", took.as_secs_f64());
    println!(
        "resident with that network             {:>8.0} MiB (goal 160), at most {:.0} on the way",
        node.mib("VmRSS:"),
        node.mib("VmHWM:")
    );
}
