//! What the mail benchmarks share: the real servers, mails, a client that says what it is told, medians.

#[path = "../../tests/real_mail/rig.rs"]
#[allow(dead_code, reason = "the rig of the tests; each benchmark needs a part of it")]
pub(crate) mod rig;

use std::{sync::Arc, time::Duration};

use rig::{Cursors, Rig, login};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    sync::mpsc::Receiver,
};
use warmnet_node::mail::{CursorStore as _, MailAct, MailCommand, MailEvent, MailTimeouts, Watcher, WatcherHandle};

/// What is said where the servers can't be started.
pub(crate) const NO_SERVERS: &str = "real mail servers can't be started here";

/// Bytes of a mail.
pub(crate) const SIZE: usize = 4096;
/// Mails sent to the server before its answers are read.
const AT_ONCE: usize = 100;

/// An IMAP client without TLS that says what it is told.
pub(crate) struct Plain {
    stream: BufReader<TcpStream>,
}

impl Plain {
    pub(crate) async fn open(rig: &Rig, user: &str) -> Self {
        let tcp = TcpStream::connect(("127.0.0.1", rig.server("imap").port)).await.expect("connects");
        tcp.set_nodelay(true).expect("set");
        let mut plain = Self { stream: BufReader::new(tcp) };
        plain.run(&[format!("a LOGIN {user} test\r\n")]).await;
        plain
    }

    /// Sends all, then reads to the tagged answer of each.
    pub(crate) async fn run(&mut self, commands: &[String]) {
        self.stream.get_mut().write_all(commands.concat().as_bytes()).await.expect("written");
        let (mut left, mut line) = (commands.len(), String::new());
        while left > 0 {
            line.clear();
            assert!(self.stream.read_line(&mut line).await.expect("a line") > 0, "closed");
            if line.starts_with("a ") {
                assert!(line.starts_with("a OK"), "{line}");
                left -= 1;
            }
        }
    }

    /// Puts `mails` labelled mails of 4 KiB into the inbox.
    pub(crate) async fn fill(&mut self, mails: u32) {
        let mail = |n| labelled(&format!("From: b@b.test\r\nSubject: s\r\nMessage-ID: {}\r\n", id(n)));
        self.append((0..mails).map(mail)).await;
    }

    /// Puts `mails` ordinary mails of 4 KiB into the inbox.
    pub(crate) async fn fill_ordinary(&mut self, mails: u32) {
        let mail = |n| ordinary(&format!("From: c@b.test\r\nSubject: s\r\nMessage-ID: <other.{n}@b.test>\r\n"));
        self.append((0..mails).map(mail)).await;
    }

    async fn append(&mut self, mails: impl Iterator<Item = String>) {
        let commands: Vec<String> = mails.map(|mail| format!("a APPEND INBOX {{{}+}}\r\n{mail}\r\n", mail.len())).collect();
        for some in commands.chunks(AT_ONCE) {
            self.run(some).await;
        }
    }
}

/// The Message-ID of the mail of that number.
pub(crate) fn id(n: u32) -> String {
    format!("<{n}@a.test>")
}

/// A labelled mail of [`SIZE`] bytes with these header fields.
pub(crate) fn labelled(fields: &str) -> String {
    ordinary(&format!("{fields}Warmnet-Exchange: v1; bench\r\n"))
}

/// A mail of [`SIZE`] bytes with these header fields.
pub(crate) fn ordinary(fields: &str) -> String {
    let head = format!("{fields}\r\n");
    let line = "Something that two people might write to each other on a day.\r\n";
    format!("{head}{}", line.repeat((SIZE - head.len()) / line.len()))
}

/// The mail engine at a mailbox, over TLS.
pub(crate) fn watch(rig: &Rig, user: &str, cursors: &Arc<Cursors>) -> (WatcherHandle, Receiver<MailEvent>) {
    Watcher {
        server: rig.server("imaps"),
        login: login(user, "test"),
        tls: rig.tls(),
        timeouts: MailTimeouts::default(),
        poll: Duration::from_secs(60),
        look_everywhere: false,
        reports: false,
        cursors: cursors.clone(),
    }
    .start()
}

/// Goes once through an empty mailbox, so that everything that comes later is new; returns where it stands then.
pub(crate) async fn first_look(rig: &Rig, user: &str) -> Arc<Cursors> {
    let cursors = Arc::new(Cursors::default());
    let (watcher, mut events) = watch(rig, user, &cursors);
    let sync = MailCommand { ticket: 0, act: MailAct::Sync, message_id: String::new(), found_at: None };
    watcher.commands.send(sync).await.expect("taken");
    while !matches!(events.recv().await.expect("the watcher runs"), MailEvent::ActDone { .. }) {}
    watcher.stop().await;
    cursors
}

/// The same places in a memory of its own.
pub(crate) fn copied(cursors: &Cursors) -> Arc<Cursors> {
    let copy = Cursors::default();
    for folder in ["INBOX", "[Gmail]/Spam"] {
        copy.save(folder, cursors.load(folder).expect("looked at before")).expect("in memory");
    }
    Arc::new(copy)
}

/// Waits until so many labelled mails were handed over.
pub(crate) async fn found(events: &mut Receiver<MailEvent>, mails: u32) {
    let mut left = mails;
    while left > 0 {
        if let MailEvent::Found(_) = events.recv().await.expect("the watcher runs") {
            left -= 1;
        }
    }
}

/// The one in the middle.
pub(crate) fn median(times: impl IntoIterator<Item = f64>) -> f64 {
    let mut times: Vec<f64> = times.into_iter().collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
