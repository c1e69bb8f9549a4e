//! The processes of a run: started, watched, stopped, none left behind.

use super::control::{self, QUICK};
use super::guard;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A clean stop closes connections and the store; past this a child is killed.
const STOP: Duration = Duration::from_secs(10);
/// A single command of a program (init, mailbox add) on a busy machine.
const TOOL: Duration = Duration::from_secs(90);
/// Last lines of a log shown with an error.
const TAIL_LINES: usize = 5;

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `warmnet-sim`.
    pub sim: PathBuf,
    /// `warmnet-coordinator`.
    pub coordinator: PathBuf,
    /// `warmnet-node`.
    pub node: PathBuf,
}

impl Programs {
    /// Looks in `dir`, or beside this program.
    ///
    /// # Errors
    /// A program is not there.
    pub fn find(dir: Option<&Path>) -> Result<Self> {
        let sim = std::env::current_exe().context("the path of this program is unknown")?;
        let dir = dir.map_or_else(|| sim.parent().map(Path::to_owned).unwrap_or_default(), Path::to_owned);
        let find = |name: &str| {
            let path = dir.join(name);
            if path.is_file() { Ok(path) } else { bail!("{} is not there; build it with `cargo build --workspace`", path.display()) }
        };
        Ok(Self { coordinator: find("warmnet-coordinator")?, node: find("warmnet-node")?, sim })
    }
}

/// Runs one command to its end and returns its standard output.
///
/// # Errors
/// It can't be started, takes too long or ends with a failure, whose last words are in the error.
pub async fn tool(command: &mut Command, input: &str) -> Result<String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let shown = format!("{:?}", command.as_std().get_program());
    let mut child = command.spawn().with_context(|| format!("{shown} can't be started"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that doesn't read its input closes the pipe: no error of ours.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = tokio::time::timeout(TOOL, child.wait_with_output()).await;
    let output = output.with_context(|| format!("{shown} did not end within {TOOL:?}"))??;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        bail!("{shown} ended with {}: {words}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

struct Running {
    name: String,
    child: Child,
    control: PathBuf,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

/// All children.
pub struct Children {
    list: Vec<Running>,
    guard: Child,
    guard_input: Option<ChildStdin>,
}

impl Children {
    /// Starts the guard.
    ///
    /// # Errors
    /// It can't be started.
    pub fn new(programs: &Programs) -> Result<Self> {
        // A group of its own: Ctrl-C at the terminal reaches the parent only, which then stops everything in order.
        let mut command = Command::new(&programs.sim);
        command.arg(guard::COMMAND).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut guard = command.spawn().context("the guard process can't be started")?;
        let guard_input = guard.stdin.take();
        Ok(Self { list: Vec::new(), guard, guard_input })
    }

    async fn tell_guard(&mut self, line: String) {
        if let Some(input) = &mut self.guard_input {
            // A guard that died can't be told; kill_on_drop still holds.
            let _ = input.write_all(line.as_bytes()).await;
        }
    }

    /// Starts a program that runs until it is stopped.
    ///
    /// # Errors
    /// It can't be started, or its log can't be written.
    pub async fn spawn(&mut self, name: &str, mut command: Command, control: PathBuf, log: PathBuf) -> Result<()> {
        let file = File::options().create(true).append(true).open(&log).with_context(|| format!("{} can't be written", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).kill_on_drop(true).process_group(0);
        let child = command.spawn().with_context(|| format!("{name} can't be started"))?;
        if let Some(id) = child.id() {
            self.tell_guard(format!("+{id}\n")).await;
        }
        self.list.push(Running { name: name.to_owned(), child, control, log, ended: None });
        Ok(())
    }

    /// Children that ended since the last call, with how they ended and their last words.
    pub async fn ended(&mut self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut gone = Vec::new();
        for running in self.list.iter_mut().filter(|r| r.ended.is_none()) {
            let id = running.child.id();
            if let Ok(Some(status)) = running.child.try_wait() {
                running.ended = Some(status);
                gone.extend(id);
                found.push((running.name.clone(), format!("{status}{}", tail(&running.log))));
            }
        }
        for id in gone {
            self.tell_guard(format!("-{id}\n")).await;
        }
        found
    }

    /// Who runs where: for people and tests.
    pub fn describe(&self, epoch_zero_ms: u64, epoch_ms: u64) -> Value {
        let one = |r: &Running| json!({"name": r.name, "pid": r.child.id(), "control": r.control, "log": r.log});
        json!({"epoch_zero_ms": epoch_zero_ms, "epoch_ms": epoch_ms, "programs": self.list.iter().map(one).collect::<Vec<_>>()})
    }

    /// Stops all: the last started first, the emulator (the first) last, so that nobody talks to a dead server.
    pub async fn stop(&mut self) {
        while !self.list.is_empty() {
            // The first two are the emulator and the coordinator; nodes stop together.
            let keep = match self.list.len() {
                1 => 0,
                2 => 1,
                _ => 2,
            };
            let mut batch = self.list.split_off(keep);
            let mut asked = JoinSet::new();
            for running in &batch {
                let control = running.control.clone();
                // Asked even if the child has ended: somebody may have started it again.
                asked.spawn(async move { control::ask::<Value>(&control, &json!({"cmd": "stop"}), QUICK).await.is_ok() });
            }
            while asked.join_next().await.is_some() {}
            let end = Instant::now() + STOP;
            for running in &mut batch {
                if running.ended.is_none() && tokio::time::timeout_at(end, running.child.wait()).await.is_err() {
                    // kill() waits for the end too, so that no zombie is left.
                    let _ = running.child.kill().await;
                }
            }
        }
        self.tell_guard("bye\n".to_owned()).await;
        self.guard_input = None;
        if tokio::time::timeout(STOP, self.guard.wait()).await.is_err() {
            let _ = self.guard.kill().await;
        }
    }
}

/// The last lines of a log, indented; empty when there are none.
pub fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default();
    last.iter().map(|l| format!("\n    {l}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tool_that_fails_says_why() {
        let error = tool(Command::new("/bin/sh").args(["-c", "read x; echo \"no $x\" >&2; exit 5"]), "luck\n").await.expect_err("failed");
        assert!(error.to_string().contains("no luck"), "{error}");
        let fine = tool(Command::new("/bin/sh").args(["-c", "echo yes"]), "").await.expect("fine");
        assert_eq!(fine, "yes\n");
    }

    #[test]
    fn missing_programs_are_named() {
        let error = Programs::find(Some(Path::new("/nonexistent"))).expect_err("not there");
        assert!(error.to_string().contains("/nonexistent/warmnet-coordinator"), "{error}");
    }
}
