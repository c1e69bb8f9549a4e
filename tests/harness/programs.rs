//! The built programs and their control sockets.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Time for one answer on a control socket.
const ANSWER: Duration = Duration::from_secs(5);
/// Longest answer.
const LINE: u64 = 1024 * 1024;
/// Time for one command; a passphrase or a network time-out may be in it.
const COMMAND: Duration = Duration::from_secs(120);

/// Path of a program of this workspace, beside the test's own folder: `target/<profile>/`.
///
/// # Errors
/// It was not built.
pub fn program(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe().context("the path of this test is unknown")?;
    let deps = test.parent().context("a test lies in a folder")?;
    let dir = if deps.ends_with("deps") { deps.parent().unwrap_or(deps) } else { deps };
    let path = dir.join(name);
    if path.is_file() { Ok(path) } else { bail!("{} is not there: run `cargo build --workspace` first", path.display()) }
}

/// What a finished command said.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Whether the errors are one block with advice.
    pub fn one_error_block(&self) -> bool {
        let starts = |head: &str| self.err.lines().filter(|l| l.trim_start().starts_with(head)).count();
        starts("error:") == 1 && starts("why:") == 1 && starts("do:") == 1
    }
}

/// Runs a command to its end; it is killed after two minutes.
///
/// # Errors
/// It can't be started, or doesn't end.
pub fn run(command: &mut Command, input: &str) -> Result<Ran> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("not started")?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that doesn't read its input closes the pipe.
        let _ = stdin.write_all(input.as_bytes());
    }
    let reader = |pipe: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut text = String::new();
            if let Some(mut pipe) = pipe {
                let _ = pipe.read_to_string(&mut text);
            }
            text
        })
    };
    let out = reader(child.stdout.take().map(|p| Box::new(p) as Box<dyn Read + Send>));
    let err = reader(child.stderr.take().map(|p| Box::new(p) as Box<dyn Read + Send>));
    let ended = super::wait_for("a command's end", COMMAND, || child.try_wait().ok().flatten());
    if ended.is_err() {
        child.kill()?;
        child.wait()?;
    }
    let text = |reader: std::thread::JoinHandle<String>| reader.join().unwrap_or_default();
    let (out, err) = (text(out), text(err));
    let status = ended.with_context(|| format!("{:?} does not end; it said: {err}", command.get_program()))?;
    Ok(Ran { code: status.code(), out, err })
}

/// Sends one request to a control socket: `data` of the answer, or all of it where there is no `data`.
///
/// # Errors
/// Nobody answers, or the answer is no.
pub fn ask(socket: &Path, request: &Value) -> Result<Value> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.write_all(format!("{request}\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(LINE)).read_line(&mut line)?;
    let mut answer: Value = serde_json::from_str(&line)?;
    if answer["ok"] != true {
        bail!("refused: {}", answer["error"]);
    }
    Ok(if answer["data"].is_null() { answer } else { answer["data"].take() })
}

/// Sends a signal to one process.
///
/// # Errors
/// `kill` can't be run.
pub fn signal(name: &str, pid: u64) -> Result<()> {
    Command::new("/bin/sh").arg("-c").arg(format!("kill -{name} {pid}")).status()?;
    Ok(())
}
