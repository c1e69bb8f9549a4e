//! What reading a mailbox costs at a real Dovecot: the mail engine against `mbsync` (isync), on both stores, in turns on
//! one server, both over TLS, both from nothing.
//!
//! The engine connects, signs in, lists folders, looks at the junk folder, fetches the markers of every mail, then the
//! bodies of the labelled ones (here: all of them, 4 KiB each), and hands each over in memory. `mbsync` starts as a program, connects, signs in,
//! lists the flags of every mail, fetches every mail whole, and writes each to a file of a new mirror, without syncing the
//! disk. So the engine asks for each mail twice and writes nothing, `mbsync` asks once and writes. Goal: 1.0 times.

#[path = "goals/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod goals;
#[path = "mail/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod mail;

use std::{
    path::Path,
    process::{Command, ExitCode},
    sync::Arc,
    time::{Duration, Instant},
};

use goals::{Goals, ROUNDS};
use mail::{
    Plain, copied, first_look, found, median,
    rig::{Cursors, Rig},
    watch,
};

const MAILS: u32 = 3000;
const USER: &str = "fetch@a.test";

/// The engine from start to the last mail.
async fn engine(rig: &Rig, start: &Cursors) -> Duration {
    let cursors: Arc<Cursors> = copied(start);
    let begun = Instant::now();
    let (watcher, mut events) = watch(rig, USER, &cursors);
    found(&mut events, MAILS).await;
    let took = begun.elapsed();
    watcher.stop().await;
    took
}

/// `mbsync` from start to end, into a new mirror.
fn mbsync(rig: &Rig) -> Duration {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let server = rig.server("imaps");
    let ca = server.ca_file.expect("the rig's root");
    let config = format!(
        "FSync no\n\
         IMAPStore far\nHost 127.0.0.1\nPort {}\nUser {USER}\nPass test\nSSLType IMAPS\nSystemCertificates no\nCertificateFile {}\n\n\
         MaildirStore near\nPath {}/\nInbox {}\n\n\
         Channel c\nFar :far:\nNear :near:\nCreate Near\nSync Pull\nSyncState *\n",
        server.port,
        // The server's own, as its name is not 127.0.0.1.
        ca.with_file_name("cert.pem").display(),
        path("mail"),
        path("inbox"),
    );
    std::fs::write(path("rc"), config).expect("writable");
    std::fs::create_dir(path("mail")).expect("a fresh folder");
    let begun = Instant::now();
    let ran = Command::new("mbsync").args(["-q", "-c", &path("rc"), "c"]).output().expect("mbsync runs");
    let took = begun.elapsed();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let files = |part: &str| std::fs::read_dir(Path::new(&path("inbox")).join(part)).map_or(0, Iterator::count);
    assert_eq!(files("new") + files("cur"), MAILS as usize, "a whole mirror");
    took
}

fn main() -> ExitCode {
    let mut goals = Goals::of("fetch");
    if Command::new("mbsync").arg("--version").output().is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "mbsync is missing (Debian: isync)");
        goals.skipped("fetching was not compared; mbsync is missing (Debian: isync)");
        return goals.end();
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for store in ["mdbox", "maildir"] {
        let Some(rig) = Rig::start(&[("RIG_STORE", store)]) else {
            goals.skipped(mail::NO_SERVERS);
            break;
        };
        let start = runtime.block_on(async {
            let start = first_look(&rig, USER).await;
            Plain::open(&rig, USER).await.fill(MAILS).await;
            start
        });
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        // One more than is timed: it fills the server's caches.
        for round in 0..=ROUNDS {
            // Who begins changes with every round.
            let (mine, other) = if round.is_multiple_of(2) {
                let mine = runtime.block_on(engine(&rig, &start));
                (mine, mbsync(&rig))
            } else {
                let other = mbsync(&rig);
                (runtime.block_on(engine(&rig, &start)), other)
            };
            if round > 0 {
                ours.push(mine.as_secs_f64());
                theirs.push(other.as_secs_f64());
            }
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!("fetching {MAILS} mails of 4 KiB, {store}, medians of {ROUNDS} rounds");
        println!("  the engine                            {:>10.0} mails a second", f64::from(MAILS) / ours);
        println!("  mbsync                                {:>10.0} mails a second", f64::from(MAILS) / theirs);
        println!("  ratio                                 {:>10.2} (goal 1.0: {})", theirs / ours, goals.met(theirs >= ours));
    }
    goals.end()
}
