//! A node's program, as its owner runs it: its home, its process, what that costs.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_warmnet-node");
/// The discard port, where nobody listens: this node stays alone.
const NOBODY: &str = "/ip4/127.0.0.1/tcp/9/p2p/12D3KooWGrJ1vPyLpUfmWxtkFkaMFsqWTDiXzQ9tsYRt2dHwRD65";
/// A start that takes longer than this has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(200);
/// Clock ticks a second in /proc (Linux shows 100 whatever the kernel's own are).
const TICKS: f64 = 100.0;

/// A running node; stopped on drop.
pub(crate) struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Node {
    /// Starts a node and waits until it tells its status; returns how long that took. Its log goes to `log`.
    pub(crate) fn start(home: &Path, log: Stdio, level: &str) -> (Self, Duration) {
        let start = Instant::now();
        let mut run = Command::new(PROGRAM);
        run.arg("run").env("WARMNET_HOME", home).env("RUST_LOG", level).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
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
    pub(crate) fn mib(&self, line: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let kib = status.lines().find_map(|l| l.strip_prefix(line)).and_then(|v| v.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kib.unwrap_or(f64::NAN) / 1024.0
    }

    /// Seconds of a core used so far, by /proc/PID/stat (Linux).
    pub(crate) fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap_or_default();
        // The name may hold blanks; behind it utime and stime are the 12th and 13th.
        let behind = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        behind.split_ascii_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / TICKS
    }
}

/// The status of the node behind this socket, once it gives one.
pub(crate) fn status(socket: &Path) -> Option<serde_json::Value> {
    let mut stream = UnixStream::connect(socket).ok()?;
    let mut line = String::new();
    stream.write_all(b"{\"cmd\":\"status\"}\n").ok()?;
    BufReader::new(stream).read_line(&mut line).ok()?;
    let answer: serde_json::Value = serde_json::from_str(&line).ok()?;
    Some(answer["data"].clone())
}

/// Sets up the home `dir/home` of a node of this network.
pub(crate) fn init(dir: &Path, genesis: &[u8]) {
    let given = dir.join("given.bin");
    std::fs::write(&given, genesis).expect("a writable folder");
    let mut init = Command::new(PROGRAM);
    init.env("WARMNET_HOME", dir.join("home")).arg("init").arg("--genesis").arg(given);
    init.args(["--bootstrap", NOBODY, "--listen", "/ip4/127.0.0.1/tcp/0", "--allow-loopback", "--unlock", "key-file"]);
    let made = init.output().expect("the node's program runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Adds a mailbox of nowhere, by the command.
pub(crate) fn add_mailbox(dir: &Path) {
    let mut add = Command::new(PROGRAM);
    add.env("WARMNET_HOME", dir.join("home")).args(["mailbox", "add", "owner@bench.test", "--no-test", "--password-stdin"]);
    add.args(["--smtp-host", "mail.bench.test", "--smtp-address", "127.0.0.1", "--smtp-port", "9"]);
    add.args(["--imap-host", "mail.bench.test", "--imap-address", "127.0.0.1", "--imap-port", "9", "--consent", "none"]);
    let mut adding = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the node's program runs");
    adding.stdin.take().expect("a pipe").write_all(b"secret\n").expect("the password is read");
    assert!(adding.wait().expect("it ends").success(), "the mailbox was not added");
}
