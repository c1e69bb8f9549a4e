//! A real Postfix and Dovecot for one test, and what the tests say to them.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use tokio::{sync::mpsc::Receiver, time::timeout};
use warmnet_node::mail::{
    Cursor, CursorStore, CursorStoreError, Draft, FoundMail, Login, MailEvent, MailTimeouts, MarkError, Marks, OutgoingMail, Security,
    ServerSettings, SubmitLimits, Submitter, TlsClient, Watcher, WatcherHandle,
};

/// The longest any single thing may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// The servers; stopped on drop.
pub(crate) struct Rig {
    dir: TempDir,
    ports: HashMap<String, String>,
}

/// Of this checkout, also where an earlier one built this test.
fn script() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.join("../tests/rig/rig.sh")
}

impl Rig {
    /// Starts the servers. Without them on this machine: a failure under CI, else `None` and a loud line.
    pub(crate) fn start(options: &[(&str, &str)]) -> Option<Self> {
        let needs = Command::new(script()).arg("needs").output().expect("bash runs");
        if !needs.status.success() {
            let missing = String::from_utf8_lossy(&needs.stdout).trim().to_owned();
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no real mail servers: {missing}");
            eprintln!("SKIPPED: a test with real mail servers did not run; {missing}");
            return None;
        }
        let dir = TempDir::new().expect("temporary folder");
        let up = Command::new(script())
            .arg("up")
            .arg(dir.path())
            .env("RIG_BASE", free_block().to_string())
            .envs(options.iter().copied())
            .stdout(Stdio::inherit())
            .status()
            .expect("bash runs");
        assert!(up.success(), "the mail servers did not start");
        let text = std::fs::read_to_string(dir.path().join("ports")).expect("ports file");
        let ports = text.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        Some(Self { dir, ports })
    }

    /// `smtp` and `imap` are STARTTLS, `smtps` and `imaps` TLS.
    pub(crate) fn server(&self, name: &str) -> ServerSettings {
        ServerSettings {
            host: "mx.a.test".to_owned(),
            port: self.ports[name].parse().expect("port"),
            security: if name.ends_with('s') { Security::Tls } else { Security::StartTls },
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            ca_file: Some(PathBuf::from(&self.ports["ca"])),
        }
    }

    /// Trusts the rig's root.
    pub(crate) fn tls(&self) -> TlsClient {
        TlsClient::new(Some(Path::new(&self.ports["ca"]))).expect("root file")
    }

    /// A submitter for one user.
    pub(crate) fn submitter(&self, name: &str, user: &str) -> Submitter {
        let limits = SubmitLimits { per_minute: 6000.try_into().expect("not zero"), concurrency: 2.try_into().expect("not zero") };
        Submitter::new(self.server(name), login(user, "test"), self.tls(), MailTimeouts::default(), limits)
    }

    /// A running watcher for one user.
    pub(crate) fn watch(&self, name: &str, user: &str, poll: f64, cursors: &Arc<Cursors>) -> (WatcherHandle, Events) {
        let (handle, receiver) = Watcher {
            server: self.server(name),
            login: login(user, "test"),
            tls: self.tls(),
            timeouts: MailTimeouts::default(),
            poll: Duration::from_secs_f64(poll),
            look_everywhere: false,
            reports: true,
            cursors: cursors.clone(),
        }
        .start();
        (handle, Events(receiver))
    }

    /// The flags in the file names of one user's folder (`""` is the inbox, `.Name` others), Maildir form.
    pub(crate) fn files(&self, user: &str, folder: &str) -> Vec<String> {
        let base = self.dir.path().join("mail").join(user).join(folder);
        ["new", "cur"]
            .iter()
            .filter_map(|part| std::fs::read_dir(base.join(part)).ok())
            .flatten()
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = Command::new(script()).arg("down").arg(self.dir.path()).status();
    }
}

/// Eight neighbouring ports that are free now; no two tests of this process are given the same.
fn free_block() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + u16::try_from(std::process::id() % 1000).expect("small") * 10;
    let free = |base: &u16| (1..8).all(|n| TcpListener::bind((Ipv4Addr::LOCALHOST, base + n)).is_ok());
    std::iter::repeat_with(|| start + 10 * TAKEN.fetch_add(1, Ordering::Relaxed)).take(1000).find(free).expect("free ports")
}

pub(crate) fn login(user: &str, password: &str) -> Login {
    Login { user: user.to_owned(), password: password.to_owned().into() }
}

/// A labelled mail.
pub(crate) fn mail(from: &str, to: &str, message_id: &str, in_reply_to: Option<&str>) -> OutgoingMail {
    let references: Vec<&str> = in_reply_to.into_iter().collect();
    let raw = Draft {
        from,
        to,
        subject: "A question",
        date_ms: 1_795_507_200_000,
        utc_offset_minutes: 60,
        message_id,
        in_reply_to,
        references: &references,
        extra: &[("Warmnet-Exchange", "v1; n=1; e=2; x=3; t=0; s=4")],
        auto_submitted: "auto-generated",
        text: "Caf\u{e9} at ten?\n.\nBye\n",
    };
    OutgoingMail { from: from.into(), to: to.into(), raw: raw.compose().expect("composes") }
}

/// Remembers the marks in order and fails the ones it is told to.
#[derive(Default)]
pub(crate) struct Journal {
    pub(crate) marks: Mutex<Vec<&'static str>>,
    pub(crate) fail: Option<&'static str>,
}

impl Journal {
    fn mark(&self, name: &'static str) -> Result<(), MarkError> {
        self.marks.lock().expect("not poisoned").push(name);
        if self.fail == Some(name) { Err(MarkError("disk full".into())) } else { Ok(()) }
    }
}

impl Marks for Journal {
    async fn intent(&self) -> Result<(), MarkError> {
        self.mark("intent")
    }
    async fn dot(&self) -> Result<(), MarkError> {
        self.mark("dot")
    }
}

/// Cursors in memory.
#[derive(Debug, Default)]
pub(crate) struct Cursors(Mutex<HashMap<String, Cursor>>);

impl CursorStore for Cursors {
    fn load(&self, folder: &str) -> Option<Cursor> {
        self.0.lock().expect("not poisoned").get(folder).copied()
    }
    fn save(&self, folder: &str, cursor: Cursor) -> Result<(), CursorStoreError> {
        self.0.lock().expect("not poisoned").insert(folder.to_owned(), cursor);
        Ok(())
    }
}

/// A watcher's events, waited for with a limit.
pub(crate) struct Events(Receiver<MailEvent>);

impl Events {
    /// The next event for which `pick` says something; the others are passed over.
    pub(crate) async fn until<T>(&mut self, mut pick: impl FnMut(MailEvent) -> Option<T>) -> T {
        let search = async {
            loop {
                let event = self.0.recv().await.expect("the watcher runs");
                if let MailEvent::Disconnected { error } = &event {
                    eprintln!("disconnected: {error}");
                }
                if let Some(value) = pick(event) {
                    return value;
                }
            }
        };
        timeout(LIMIT, search).await.expect("the event comes in time")
    }

    pub(crate) async fn found(&mut self) -> FoundMail {
        self.until(|event| match event {
            MailEvent::Found(mail) => Some(mail),
            _ => None,
        })
        .await
    }
}
