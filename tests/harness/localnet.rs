//! A running `warmnet-sim localnet` and its programs.

use crate::programs::{Ran, ask, program, run, signal};
use crate::wait_for;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// From the start of the program until all nodes run, on a busy machine.
const UP: Duration = Duration::from_secs(120);
/// A clean stop of everything.
const DOWN: Duration = Duration::from_secs(60);

/// A network, and programs of it that a test started again.
pub struct Localnet {
    dir: TempDir,
    child: Child,
    restarted: Vec<Child>,
}

/// What is left of a finished one.
pub struct Finished {
    /// Exit code.
    pub code: Option<i32>,
    /// `summary.json`.
    pub summary: Value,
    /// What it printed.
    pub printed: String,
    dir: TempDir,
}

impl Finished {
    /// Log of a program.
    pub fn log(&self, name: &str) -> String {
        log(&self.dir, name)
    }
}

impl Drop for Finished {
    fn drop(&mut self) {
        keep_what_failed(&mut self.dir);
    }
}

/// Homes and logs of a test that fails stay, to be looked at.
fn keep_what_failed(dir: &mut TempDir) {
    if std::thread::panicking() {
        dir.disable_cleanup(true);
        eprintln!("homes and logs are kept in {}", dir.path().display());
    }
}

fn log(dir: &TempDir, name: &str) -> String {
    std::fs::read_to_string(dir.path().join("net/logs").join(format!("{name}.log"))).unwrap_or_default()
}

impl Localnet {
    /// Starts one with these options.
    ///
    /// # Errors
    /// Programs are missing.
    pub fn start(options: &[&str]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("wn-e2e-").tempdir()?;
        let printed = File::create(dir.path().join("printed.txt"))?;
        let mut command = Command::new(program("warmnet-sim")?);
        command.arg("localnet").args(options).arg("--dir").arg(dir.path().join("net")).arg("--out").arg(dir.path().join("out"));
        let child = command.stdin(Stdio::null()).stdout(printed.try_clone()?).stderr(printed).spawn()?;
        Ok(Self { dir, child, restarted: Vec::new() })
    }

    /// A path of a test's own beside the network.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Home of `coordinator` or a node.
    pub fn home(&self, name: &str) -> PathBuf {
        self.dir.path().join("net").join(name)
    }
    fn printed(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("printed.txt")).unwrap_or_default()
    }

    /// `processes.json`, once all programs were started.
    ///
    /// # Errors
    /// They were not within two minutes.
    pub fn processes(&self) -> Result<Value> {
        let path = self.home("processes.json");
        let read = || serde_json::from_slice(&std::fs::read(&path).ok()?).ok();
        wait_for("all programs run", UP, read).with_context(|| self.printed())
    }

    /// Epoch by the clock; `None` before epoch 0.
    ///
    /// # Errors
    /// The programs were not started.
    pub fn epoch(&self) -> Result<Option<u64>> {
        let times = self.processes()?;
        let zero = times["epoch_zero_ms"].as_u64().context("epoch_zero_ms")?;
        let length = times["epoch_ms"].as_u64().context("epoch_ms")?;
        let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        Ok(now.checked_sub(zero).map(|ms| ms / length))
    }

    /// Waits for an epoch to begin.
    ///
    /// # Errors
    /// It doesn't within `limit`.
    pub fn wait_epoch(&self, epoch: u64, limit: Duration) -> Result<()> {
        self.processes()?;
        wait_for("an epoch begins", limit, || self.epoch().ok().flatten().filter(|e| *e >= epoch)).map(drop)
    }

    /// Status of `coordinator` or a node.
    ///
    /// # Errors
    /// It doesn't answer.
    pub fn status(&self, name: &str) -> Result<Value> {
        ask(&self.home(name).join("control.sock"), &json!({"cmd": "status"}))
    }

    /// Runs a command of a node to its end.
    ///
    /// # Errors
    /// It can't be started, or doesn't end.
    pub fn node(&self, name: &str, args: &[&str]) -> Result<Ran> {
        run(self.command(name)?.args(args), "")
    }

    /// Runs a command of the coordinator to its end.
    ///
    /// # Errors
    /// It can't be started, or doesn't end.
    pub fn coordinator(&self, args: &[&str]) -> Result<Ran> {
        run(self.command("coordinator")?.args(args), "")
    }

    /// The program of `coordinator` or a node, at its home.
    fn command(&self, name: &str) -> Result<Command> {
        let (binary, variable) =
            if name == "coordinator" { ("warmnet-coordinator", "WARMNET_COORDINATOR_HOME") } else { ("warmnet-node", "WARMNET_HOME") };
        let mut command = Command::new(program(binary)?);
        command.env(variable, self.home(name));
        Ok(command)
    }

    /// Log of a program so far.
    pub fn log(&self, name: &str) -> String {
        log(&self.dir, name)
    }

    /// Kills a program without warning (SIGKILL) and waits until it has let go of its home.
    ///
    /// # Errors
    /// There is no such program.
    pub fn kill(&self, name: &str) -> Result<()> {
        let all = self.processes()?;
        let list = all["programs"].as_array().context("programs")?;
        let pid = list.iter().find(|p| p["name"] == name).and_then(|p| p["pid"].as_u64()).with_context(|| format!("no {name}"))?;
        signal("KILL", pid)?;
        // Its parent may not have asked for its exit code yet: then it is there still, without files or locks ("Z" behind its name).
        let over = |stat: &str| stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('Z'));
        wait_for("a killed program is gone", DOWN, || {
            std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(Some(()), |stat| over(&stat).then_some(()))
        })
    }

    /// Starts a killed program again on its home and waits until it answers.
    ///
    /// # Errors
    /// It doesn't come up.
    pub fn restart(&mut self, name: &str) -> Result<()> {
        let log = File::options().append(true).create(true).open(self.dir.path().join("net/logs").join(format!("{name}.log")))?;
        let mut command = self.command(name)?;
        command.arg("run").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.restarted.push(command.spawn()?);
        wait_for("a restarted program answers", UP, || self.status(name).ok()).map(drop)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It doesn't end within `limit` or leaves no summary.
    pub fn finish(mut self, limit: Duration) -> Result<Finished> {
        let ended = wait_for("the run ends", limit, || self.child.try_wait().ok().flatten()).with_context(|| self.printed())?;
        let printed = self.printed();
        let text = std::fs::read(self.dir.path().join("out/summary.json")).with_context(|| format!("no summary: {printed}"))?;
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir()?);
        Ok(Finished { code: ended.code(), summary: serde_json::from_slice(&text)?, printed, dir })
    }
}

impl Drop for Localnet {
    fn drop(&mut self) {
        if self.child.try_wait().ok().flatten().is_none() {
            // Politely, so that it stops its children.
            let _ = signal("TERM", self.child.id().into());
            if wait_for("the network stops", DOWN, || self.child.try_wait().ok().flatten()).is_err() {
                let _ = self.child.kill();
            }
            let _ = self.child.wait();
        }
        for child in &mut self.restarted {
            let _ = child.kill();
            let _ = child.wait();
        }
        keep_what_failed(&mut self.dir);
    }
}
