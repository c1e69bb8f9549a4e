//! What reading and moving costs at a real Dovecot: the mail engine against a client that moves one mail a command, on
//! both stores, in turns on one server.
//!
//! The engine's time is from asking for the acts to the last answer: leaving IDLE, checking each mail again, the moves.
//! It speaks TLS, the other client doesn't. Goals: 15 times on mdbox, 50 times on maildir.

#[path = "../tests/real_mail/rig.rs"]
#[allow(dead_code, reason = "the rig of the tests; a benchmark needs a part of it")]
mod rig;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rig::{Cursors, Rig, login};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};
use warmnet_node::mail::{ActReport, MailAct, MailCommand, MailEvent, MailTimeouts, Watcher};

/// Mails moved by the engine in a round.
const MANY: u32 = 1000;
/// Mails moved one by one in a round: at maildir a command may take half a second.
const FEW: u32 = 100;
const ROUNDS: u32 = 3;

/// A client that says what it is told.
struct Plain {
    stream: BufReader<TcpStream>,
}

impl Plain {
    async fn open(rig: &Rig, user: &str) -> Self {
        let tcp = TcpStream::connect(("127.0.0.1", rig.server("imap").port)).await.expect("connects");
        tcp.set_nodelay(true).expect("set");
        let mut plain = Self { stream: BufReader::new(tcp) };
        plain.run(&[format!("a LOGIN {user} test\r\n")]).await;
        plain
    }

    /// Sends all, then reads to the tagged answer of each.
    async fn run(&mut self, commands: &[String]) {
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
}

fn id(round: u32, n: u32) -> String {
    format!("<{round}.{n}@a.test>")
}

/// A labelled mail of 4 KiB as APPEND takes it.
fn append(round: u32, n: u32) -> String {
    let line = "Something that two people might write to each other on a day.\r\n";
    let head = format!("From: b@b.test\r\nSubject: s\r\nMessage-ID: {}\r\nWarmnet-Exchange: v1; bench\r\n\r\n", id(round, n));
    let mail = format!("{head}{}", line.repeat((4096 - head.len()) / line.len()));
    format!("a APPEND INBOX {{{}+}}\r\n{mail}\r\n", mail.len())
}

struct Times {
    fetch: Duration,
    batched: Duration,
    single: Duration,
}

/// One round on a fresh mailbox.
async fn round(rig: &Rig, round: u32) -> Times {
    let user = format!("bench{round}@a.test");
    let mut plain = Plain::open(rig, &user).await;
    plain.run(&["a CREATE Single\r\n".to_owned(), "a CREATE Warmnet\r\n".to_owned()]).await;
    let cursors = Arc::new(Cursors::default());
    let watch = || {
        Watcher {
            server: rig.server("imaps"),
            login: login(&user, "test"),
            tls: rig.tls(),
            timeouts: MailTimeouts::default(),
            poll: Duration::from_secs(60),
            look_everywhere: false,
            reports: false,
            cursors: cursors.clone(),
        }
        .start()
    };
    // Once through the empty mailbox, so that all that comes later is new.
    let (watcher, mut events) = watch();
    let sync = MailCommand { ticket: 0, act: MailAct::Sync, message_id: String::new(), found_at: None };
    watcher.commands.send(sync).await.expect("taken");
    while !matches!(events.recv().await.expect("the watcher runs"), MailEvent::ActDone { .. }) {}
    watcher.stop().await;
    let mails: Vec<String> = (0..MANY + FEW).map(|n| append(round, n)).collect();
    for some in mails.chunks(100) {
        plain.run(some).await;
    }

    let begun = Instant::now();
    let (watcher, mut events) = watch();
    let mut found = 0;
    while found < MANY + FEW {
        if let MailEvent::Found(_) = events.recv().await.expect("the watcher runs") {
            found += 1;
        }
    }
    let fetch = begun.elapsed() / found;

    // UIDs of a fresh folder count from 1; the engine takes the newest, the other client the oldest.
    plain.run(&["a SELECT INBOX\r\n".to_owned()]).await;
    let begun = Instant::now();
    for uid in 1..=FEW {
        plain.run(&[format!("a UID MOVE {uid} Single\r\n")]).await;
    }
    let single = begun.elapsed() / FEW;

    let begun = Instant::now();
    for n in FEW..FEW + MANY {
        let command = MailCommand { ticket: u64::from(n), act: MailAct::File, message_id: id(round, n), found_at: None };
        watcher.commands.send(command).await.expect("taken");
    }
    let mut done = 0;
    while done < MANY {
        if let MailEvent::ActDone { result, .. } = events.recv().await.expect("the watcher runs") {
            assert_eq!(result, Ok(ActReport::Done));
            done += 1;
        }
    }
    let batched = begun.elapsed() / MANY;
    watcher.stop().await;
    Times { fetch, batched, single }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for (store, goal) in [("mdbox", 15.0), ("maildir", 50.0)] {
        let Some(rig) = Rig::start(&[("RIG_STORE", store)]) else { return };
        let times: Vec<Times> = (0..ROUNDS).map(|n| runtime.block_on(round(&rig, n))).collect();
        let of = |pick: fn(&Times) -> Duration| median(times.iter().map(pick).collect());
        let (fetch, batched, single) = (of(|t| t.fetch), of(|t| t.batched), of(|t| t.single));
        println!("{store}, medians of {ROUNDS} rounds");
        println!("  read a mail (sign-in, markers and body)      {fetch:>10.1?}");
        println!("  move a mail, {MANY} at once by the engine      {batched:>10.1?}");
        println!("  move a mail, one command each                {single:>10.1?}");
        println!("  ratio {:.1} (goal {goal})", single.as_secs_f64() / batched.as_secs_f64());
    }
    let mbsync = std::process::Command::new("mbsync").arg("--version").output();
    println!("mbsync is {}: fetching is not compared with it yet", if mbsync.is_ok() { "here" } else { "not installed (Debian: isync)" });
}
