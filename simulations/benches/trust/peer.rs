//! The peer: scipy in a process of its own, which holds the same arrays and solves when it is asked to.

use super::graphs::array;
use serde::Deserialize;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/ppr.py");

pub(crate) struct Peer {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    pub(crate) hello: Hello,
    /// Where it leaves its masses.
    masses: PathBuf,
}

#[derive(Deserialize)]
pub(crate) struct Hello {
    pub(crate) version: String,
    pub(crate) build_seconds: f64,
    /// Entries of its matrix.
    pub(crate) entries: usize,
}

#[derive(Deserialize)]
pub(crate) struct Solved {
    pub(crate) seconds: f64,
    pub(crate) steps: u32,
    /// Masses of all nodes.
    #[serde(skip)]
    pub(crate) masses: Vec<f64>,
}

impl Peer {
    /// What is missing, where there is no scipy. `WARMNET_PEERS_PYTHON` names the Python to use (scripts/peers.sh).
    pub(crate) fn start(folder: &Path, nodes: usize, damping: f64) -> Result<Self, String> {
        let python = std::env::var("WARMNET_PEERS_PYTHON").unwrap_or_else(|_| "python3".into());
        let arguments = [nodes.to_string(), damping.to_string()];
        let mut command = Command::new(&python);
        command.arg(SCRIPT).arg(folder).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        command
            .spawn()
            .ok()
            .and_then(|mut process| {
                let (to, mut from) = (process.stdin.take()?, BufReader::new(process.stdout.take()?));
                let hello = line(&mut from)?;
                Some(Self { process, to, from, hello, masses: folder.join("masses") })
            })
            .ok_or_else(|| format!("no comparison, as {python} has no scipy (scripts/peers.sh installs it)"))
    }

    /// Solves in `kind` (f64 or f32) until a step changes less than `tolerance`, at most `steps` steps.
    pub(crate) fn solve(&mut self, kind: &str, tolerance: f64, steps: u32) -> Solved {
        writeln!(self.to, "{kind} {tolerance} {steps}").expect("the peer runs");
        let solved: Solved = line(&mut self.from).expect("the peer answers");
        Solved { masses: array(self.masses.clone(), f64::from_le_bytes).expect("the peer wrote them"), ..solved }
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
