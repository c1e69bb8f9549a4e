//! The peer: scipy in a process of its own, which holds the same arrays and solves when it is asked to.

use serde::Deserialize;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/ppr.py");

pub(crate) struct Peer {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    pub(crate) hello: Hello,
}

#[derive(Deserialize)]
pub(crate) struct Hello {
    pub(crate) version: String,
    pub(crate) build_seconds: f64,
}

#[derive(Deserialize)]
pub(crate) struct Solved {
    pub(crate) seconds: f64,
    pub(crate) steps: u32,
    /// Masses of some nodes: every `SAMPLE`-th.
    pub(crate) sample: Vec<f64>,
}

/// Every how manieth node is compared.
pub(crate) const SAMPLE: usize = 97;

impl Peer {
    /// `None`, loudly, where there is no scipy. `WARMNET_PEERS_PYTHON` names the Python to use (scripts/peers.sh).
    pub(crate) fn start(folder: &Path, nodes: usize, damping: f64) -> Option<Self> {
        let python = std::env::var("WARMNET_PEERS_PYTHON").unwrap_or_else(|_| "python3".into());
        let arguments = [nodes.to_string(), damping.to_string(), SAMPLE.to_string()];
        let mut command = Command::new(&python);
        command.arg(SCRIPT).arg(folder).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let started = command.spawn().ok().and_then(|mut process| {
            let (to, mut from) = (process.stdin.take()?, BufReader::new(process.stdout.take()?));
            let hello = line(&mut from)?;
            Some(Self { process, to, from, hello })
        });
        if started.is_none() {
            println!("SKIPPED: no comparison, as {python} has no scipy (scripts/peers.sh installs it)");
        }
        started
    }

    /// Solves in `kind` (f64 or f32) until a step changes less than `tolerance`, at most `steps` steps.
    pub(crate) fn solve(&mut self, kind: &str, tolerance: f64, steps: u32) -> Solved {
        writeln!(self.to, "{kind} {tolerance} {steps}").expect("the peer runs");
        line(&mut self.from).expect("the peer answers")
    }
}

fn line<T: for<'a> Deserialize<'a>>(from: &mut impl BufRead) -> Option<T> {
    let mut text = String::new();
    from.read_line(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
