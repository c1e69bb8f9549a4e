//! Real Postfix and Dovecot on loopback: `tests/rig/rig.sh` from a test.

use crate::programs::run;
use anyhow::{Context, Result, ensure};
use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Password of every user.
pub const PASSWORD: &str = "test";

/// A mail on the server.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Its flag \\Seen.
    pub seen: bool,
    /// Header and body.
    pub text: String,
}

/// The servers; stopped on drop.
pub struct Rig {
    dir: TempDir,
    ports: HashMap<String, String>,
}

/// Of this checkout, also where an earlier one built this test.
fn script() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.join("rig/rig.sh")
}

impl Rig {
    /// Starts the servers with options of the script. `None`, with a loud line, where they aren't installed; under `CI=true`
    /// that is an error.
    ///
    /// # Errors
    /// They are missing under CI, or don't start.
    pub fn start(options: &[(&str, &str)]) -> Result<Option<Self>> {
        let needs = Command::new(script()).arg("needs").output().context("bash")?;
        if !needs.status.success() {
            let missing = String::from_utf8_lossy(&needs.stdout).trim().to_owned();
            ensure!(std::env::var("CI").as_deref() != Ok("true"), "no real mail servers: {missing}");
            eprintln!("SKIPPED: a test with real mail servers did not run; {missing}");
            return Ok(None);
        }
        let dir = tempfile::Builder::new().prefix("wn-rig-").tempdir()?;
        let up = Command::new(script())
            .arg("up")
            .arg(dir.path())
            .env("RIG_BASE", free_block()?.to_string())
            .envs(options.iter().copied())
            .stdin(Stdio::null())
            .status()?;
        ensure!(up.success(), "the mail servers did not start");
        let text = std::fs::read_to_string(dir.path().join("ports"))?;
        let ports = text.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        Ok(Some(Self { dir, ports }))
    }

    /// The options of `mailbox add` and `golden add` for a user of these servers.
    #[must_use]
    pub fn mailbox_args(&self, address: &str) -> Vec<String> {
        let port = |name: &str| self.ports.get(name).cloned().unwrap_or_default();
        let mut args = vec![address.to_owned(), "--password-stdin".to_owned(), "--no-domain-check".to_owned()];
        for (flag, value) in [
            ("--smtp-host", "mx.a.test".to_owned()),
            ("--smtp-port", port("smtps")),
            ("--smtp-address", "127.0.0.1".to_owned()),
            ("--imap-host", "mx.a.test".to_owned()),
            ("--imap-port", port("imaps")),
            ("--imap-address", "127.0.0.1".to_owned()),
            ("--ca-file", port("ca")),
            ("--authserv-id", "mx.a.test".to_owned()),
            ("--weekdays", "mon,tue,wed,thu,fri,sat,sun".to_owned()),
            ("--consent", "read,reply,rescue,file".to_owned()),
        ] {
            args.extend([flag.to_owned(), value]);
        }
        args
    }

    /// The mails of a user's folder by its name on the server, whatever the store; none where there is no such folder.
    ///
    /// # Errors
    /// Dovecot's own tool fails.
    pub fn mails(&self, user: &str, folder: &str) -> Result<Vec<Mail>> {
        let listed = self.doveadm(&["mailbox", "list", "-u", user, folder], "")?;
        if listed.trim().is_empty() {
            return Ok(Vec::new());
        }
        let printed = self.doveadm(&["fetch", "-u", user, "flags text", "mailbox", folder], "")?;
        let mail = |record: &str| {
            let (flags, text) = record.trim_start_matches('\n').strip_prefix("flags:")?.split_once("\ntext:\n")?;
            Some(Mail { seen: flags.contains("\\Seen"), text: text.to_owned() })
        };
        printed.split('\x0c').filter(|r| !r.trim().is_empty()).map(|r| mail(r).with_context(|| format!("doveadm printed {r}"))).collect()
    }

    /// Puts a mail into a folder (made if it isn't there) as if it had come on that day of an IMAP date.
    ///
    /// # Errors
    /// The server refuses.
    pub fn append(&self, user: &str, folder: &str, date: &str, text: &str) -> Result<()> {
        let program = "import imaplib, ssl, sys\n\
            ca, port, user, folder, date = sys.argv[1:]\n\
            tls = ssl.create_default_context(cafile=ca); tls.check_hostname = False\n\
            s = imaplib.IMAP4_SSL('127.0.0.1', int(port), ssl_context=tls); s.login(user, 'test'); s.create(folder)\n\
            answer = s.append(folder, None, date, sys.stdin.buffer.read()); assert answer[0] == 'OK', answer\n";
        let arguments = [&self.ports["ca"], &self.ports["imaps"], user, folder, &format!("\"{date}\"")];
        let ran = run(Command::new("python3").arg("-c").arg(program).args(arguments), text)?;
        ensure!(ran.code == Some(0), "a mail was not appended: {ran:?}");
        Ok(())
    }

    fn doveadm(&self, args: &[&str], input: &str) -> Result<String> {
        let ran = run(Command::new("doveadm").arg("-c").arg(self.dir.path().join("dovecot.conf")).args(args), input)?;
        ensure!(ran.code == Some(0), "doveadm {args:?}: {ran:?}");
        Ok(ran.out)
    }

    /// Delivers a mail that Warmnet knows nothing of.
    ///
    /// # Errors
    /// Python or the server refuses.
    pub fn deliver_foreign(&self, from: &str, to: &str, subject: &str) -> Result<()> {
        let program = "import smtplib, ssl, sys\n\
            ca, port, sender, to, subject = sys.argv[1:]\n\
            tls = ssl.create_default_context(cafile=ca); tls.check_hostname = False\n\
            s = smtplib.SMTP_SSL('127.0.0.1', int(port), context=tls); s.login(sender, 'test')\n\
            s.sendmail(sender, [to], f'From: {sender}\\r\\nTo: {to}\\r\\nSubject: {subject}\\r\\nMessage-ID: <{subject}@a.test>\\r\\n\\r\\nHello\\r\\n')\n";
        let ports = [&self.ports["ca"], &self.ports["smtps"]];
        let ran = Command::new("python3").arg("-c").arg(program).args(ports).args([from, to, subject]).output().context("python3")?;
        ensure!(ran.status.success(), "a foreign mail was not taken: {}", String::from_utf8_lossy(&ran.stderr));
        Ok(())
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = Command::new(script()).arg("down").arg(self.dir.path()).status();
    }
}

/// Eight neighbouring ports that are free now.
fn free_block() -> Result<u16> {
    let start = 31_000 + u16::try_from(std::process::id() % 100).unwrap_or(0) * 10;
    let free = |base: &u16| (1..8).all(|n| TcpListener::bind((Ipv4Addr::LOCALHOST, base + n)).is_ok());
    (0..100).map(|n| start + 10 * n).find(free).context("no eight free ports in a row")
}
