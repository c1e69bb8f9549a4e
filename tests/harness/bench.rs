//! One emulated provider with one mailbox and a set-up coordinator: enough to use a node's commands.

use crate::programs::{Ran, program, run};
use crate::wait_for;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The emulator makes keys and certificates first.
const UP: Duration = Duration::from_secs(60);
/// The mailbox.
pub const ADDRESS: &str = "post@m01.test";
/// Its password.
pub const PASSWORD: &str = "right-horse-battery";

/// The bench.
pub struct Bench {
    dir: TempDir,
    provider: Child,
    ports: Value,
    bootstrap: String,
}

/// How a mailbox is added; a test changes one thing.
pub struct Mailbox {
    /// Typed password.
    pub password: &'static str,
    /// SMTP port instead of the right one.
    pub smtp_port: Option<u16>,
    /// Whether the emulator's CA is given.
    pub trusted: bool,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self { password: PASSWORD, smtp_port: None, trusted: true }
    }
}

impl Bench {
    /// Starts the emulator and sets up a coordinator (which is not run).
    ///
    /// # Errors
    /// Programs are missing or fail.
    pub fn start() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("wn-e2e-").tempdir()?;
        let home = dir.path().join("provider");
        std::fs::create_dir_all(&home)?;
        let config = json!({
            "dir": home, "seed": 1, "engagement": true, "epoch_zero_ms": 0, "epoch_ms": 86_400_000_u64,
            "providers": [{"name": "alpha", "flavor": "plain"}],
            "domains": [{"domain": "m01.test", "provider": "alpha", "created_days_ago": 3}],
            "mailboxes": [{"address": ADDRESS, "password": PASSWORD, "kind": "member"}],
        });
        let file = home.join("provider.json");
        std::fs::write(&file, config.to_string())?;
        let log = std::fs::File::create(dir.path().join("provider.log"))?;
        let mut command = Command::new(program("warmnet-sim")?);
        command.args(["provider", "--config"]).arg(&file).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut bench = Self { provider: command.spawn()?, dir, ports: Value::Null, bootstrap: String::new() };
        let path = home.join("ports.json");
        bench.ports = wait_for("the emulator is ready", UP, || serde_json::from_slice(&std::fs::read(&path).ok()?).ok())?;
        let mut init = Command::new(program("warmnet-coordinator")?);
        init.env("WARMNET_COORDINATOR_HOME", bench.dir.path().join("coordinator"));
        init.args(["init", "--name", "bench", "--epoch-seconds", "3600", "--allow-loopback", "--listen", "/ip4/127.0.0.1/tcp/4999"]);
        let made = run(&mut init, "")?;
        ensure!(made.code == Some(0), "coordinator init: {made:?}");
        let words = made.out.split(|c: char| c.is_whitespace() || "\"'`,".contains(c));
        bench.bootstrap = words.into_iter().find(|w| w.contains("/p2p/")).context("a bootstrap address")?.to_owned();
        Ok(bench)
    }

    /// A folder of the bench.
    pub fn home(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A command of the node `name`.
    ///
    /// # Errors
    /// The program was not built.
    pub fn command(&self, name: &str, args: &[&str]) -> Result<Command> {
        let mut command = Command::new(program("warmnet-node")?);
        command.env("WARMNET_HOME", self.home(name)).args(args);
        Ok(command)
    }

    /// Runs a command of the node `name`.
    ///
    /// # Errors
    /// It doesn't end.
    pub fn node(&self, name: &str, args: &[&str]) -> Result<Ran> {
        run(&mut self.command(name, args)?, "")
    }

    /// Sets up the home of node `name`.
    ///
    /// # Errors
    /// It fails.
    pub fn init(&self, name: &str) -> Result<()> {
        let genesis = self.home("coordinator").join("genesis.bin");
        let genesis = genesis.to_str().context("a UTF-8 path")?;
        let listen = "/ip4/127.0.0.1/tcp/0";
        let args =
            ["init", "--genesis", genesis, "--bootstrap", &self.bootstrap, "--listen", listen, "--allow-loopback", "--unlock", "key-file"];
        let made = self.node(name, &args)?;
        ensure!(made.code == Some(0), "init: {made:?}");
        Ok(())
    }

    /// Adds the mailbox to node `name`.
    ///
    /// # Errors
    /// The command doesn't end.
    pub fn add(&self, name: &str, how: &Mailbox) -> Result<Ran> {
        let alpha = &self.ports["providers"]["alpha"];
        let host = alpha["host"].as_str().context("host")?;
        let smtp = how.smtp_port.map_or_else(|| alpha["smtps"].to_string(), |p| p.to_string());
        let imap = alpha["imaps"].to_string();
        let mut args = vec!["mailbox", "add", ADDRESS, "--user", ADDRESS, "--password-stdin", "--consent", "read,reply,rescue,file"];
        args.extend(["--smtp-host", host, "--smtp-port", &smtp, "--smtp-security", "tls", "--smtp-address", "127.0.0.1"]);
        args.extend(["--imap-host", host, "--imap-port", &imap, "--imap-security", "tls", "--imap-address", "127.0.0.1"]);
        if how.trusted {
            args.extend(["--ca-file", self.ports["ca_file"].as_str().context("ca_file")?]);
        }
        run(&mut self.command(name, &args)?, &format!("{}\n", how.password))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.provider.kill();
        let _ = self.provider.wait();
    }
}
