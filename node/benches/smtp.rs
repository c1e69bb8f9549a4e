//! What submitting costs through a real Postfix with TLS that throws the mail away: journal, limits, composing, submitting, as
//! a node does it, against what journal and server allow.
//!
//! - Every mail waits for two syncs, one before MAIL FROM and one before the text. Mails that wait at the same time share
//!   syncs, so there are exactly two a mail where mails go one by one, and fewer where sessions run side by side.
//! - The bound: each session waits for two syncs and for Postfix, so `sessions / (2 x sync + Postfix)` mails a second.
//!   The sync is a small append to a file on the same disk, the shorter of its medians with Postfix idle and at work.
//!   Postfix's time a mail is that of a bare TLS client with as many sessions on the same server: it
//!   holds what the disk and both cores have to do for Postfix. Goal: 0.8 of the bound.
//! - Without the journal: the submitter alone against `smtp-source` of Postfix with as many sessions and as much text. That
//!   one speaks no TLS; the submitter does. Goal: 0.9 of its rate.

#[path = "goals/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod goals;
#[path = "mail/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod mail;
#[path = "mail/smtp_peers.rs"]
mod peers;

use std::{
    num::NonZeroU32,
    ops::Range,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use goals::{Goals, ROUNDS};
use mail::{
    SIZE, labelled, median,
    rig::{Rig, login},
};
use tokio::task::JoinSet;
use warmnet_node::{
    config::SendLimits,
    mail::{MailTimeouts, MarkError, Marks, OutgoingMail, SmtpOutcome, SubmitLimits, Submitter, smtp::SendCaps},
    runtime::{
        gate::{MailboxGate, SendGate},
        outbox,
    },
    store::{Journal, Store},
};
use warmnet_protocol::{
    engine::MailTask,
    exchange::SendResult,
    ids::{ExchangeId, MemberId},
};

/// Mails of one client in a round.
const MAILS: u32 = 960;
/// Mails sent one by one, to count syncs.
const ALONE: u32 = 50;
/// Mails under way for each session: a node starts a task for each, and the submitter lets as many at the server as may.
const WAITING: u32 = 4;
/// No limit of ours may count here.
const NO_LIMIT: u32 = 60_000_000;

/// A node's way out.
struct Sender {
    journal: Journal,
    gate: MailboxGate,
    submitter: Submitter,
    next: u32,
}

/// Marks that nobody writes down.
struct Unmarked;

impl Marks for Unmarked {
    async fn intent(&self) -> Result<(), MarkError> {
        Ok(())
    }
    async fn dot(&self) -> Result<(), MarkError> {
        Ok(())
    }
}

fn submitter(rig: &Rig, sessions: u32) -> Submitter {
    let n = |n| NonZeroU32::new(n).expect("not zero");
    let limits = SubmitLimits { per_minute: n(NO_LIMIT), concurrency: n(sessions) };
    Submitter::new(rig.server("smtps"), login("a@a.test", "test"), rig.tls(), MailTimeouts::default(), limits)
}

fn task(number: u32) -> MailTask {
    let mut exchange = [7; 16];
    exchange[..4].copy_from_slice(&number.to_be_bytes());
    MailTask {
        exchange: ExchangeId(exchange),
        turn: 0,
        from: MemberId([0; 32]),
        to: "b@b.test".to_owned(),
        subject: "A question".to_owned(),
        text: "Something that two people might write to each other on a day.\n".repeat(SIZE / 62),
        message_id: format!("{number}@a.test"),
        references: vec![],
        label: "v1; bench".to_owned(),
    }
}

impl Sender {
    fn open(rig: &Rig, store: &Store, sessions: u32) -> Self {
        let caps = SendCaps { per_hour: NO_LIMIT, per_day: NO_LIMIT };
        let limits = SendLimits { mailbox: caps, provider: caps, ..SendLimits::default() };
        let gate = SendGate::new(store, limits, 86_400_000).mailbox("a@a.test", "mx.a.test");
        // The numbers go on over the stores of one process, and no number comes twice.
        Self { journal: Journal::open(store).expect("a journal"), gate, submitter: submitter(rig, sessions), next: 0 }
    }

    /// Sends so many mails, `at_once` under way; the seconds it took and the syncs.
    async fn send(&mut self, at_once: u32, mails: u32) -> (f64, u64) {
        let numbers = self.next..self.next + mails;
        self.next = numbers.end;
        let syncs = self.journal.syncs();
        let took = many(at_once, numbers, |number| {
            let (journal, gate, submitter) = (self.journal.clone(), self.gate.clone(), self.submitter.clone());
            async move {
                let mail = outbox::warming(task(number), "a@a.test");
                let told = outbox::deliver(&journal, &gate, &submitter, mail).await.expect("the store works");
                assert_eq!(told.result, SendResult::Sent);
            }
        });
        (took.await, self.journal.syncs() - syncs)
    }
}

/// Runs a task for each number, so many at once; the seconds it took.
async fn many<F: Future<Output = ()> + Send + 'static>(at_once: u32, numbers: Range<u32>, one: impl Fn(u32) -> F) -> f64 {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for number in numbers {
        if tasks.len() >= at_once as usize {
            tasks.join_next().await.expect("there are some").expect("no panic");
        }
        tasks.spawn(one(number));
    }
    tasks.join_all().await;
    begun.elapsed().as_secs_f64()
}

/// The submitter without a journal.
async fn unmarked(submitter: &Submitter, at_once: u32, mails: u32) -> f64 {
    let raw = labelled("From: a@a.test\r\nTo: b@b.test\r\nSubject: s\r\n");
    let mail = OutgoingMail { from: "a@a.test".to_owned(), to: "b@b.test".to_owned(), raw };
    many(at_once, 0..mails, |_| {
        let (submitter, mail) = (submitter.clone(), mail.clone());
        async move { assert_eq!(submitter.submit(&mail, &Unmarked).await, SmtpOutcome::Sent) }
    })
    .await
}

/// Medians of the two ratios.
async fn compare(rig: &Rig, sessions: u32) -> (f64, f64) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(dir.path()).expect("a store");
    let mut sender = Sender::open(rig, &store, sessions);
    let plain = submitter(rig, sessions);
    let at_once = WAITING * sessions;
    let (_, syncs) = sender.send(1, ALONE).await;
    assert_eq!(syncs, u64::from(2 * ALONE), "exactly two syncs a mail");
    // Opens all connections.
    sender.send(at_once, 2 * at_once).await;
    unmarked(&plain, at_once, 2 * at_once).await;
    let rate = |took: Duration| f64::from(MAILS) / took.as_secs_f64();
    let (mut of_bound, mut of_source, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let idle = peers::sync_time(dir.path());
        let folder = dir.path().to_owned();
        let (busy, _) = tokio::join!(tokio::task::spawn_blocking(move || peers::sync_time(&folder)), peers::bare(rig, sessions, MAILS / 4));
        let sync = idle.min(busy.expect("no panic"));
        let bare = rate(peers::bare(rig, sessions, MAILS).await);
        let (took, syncs) = sender.send(at_once, MAILS).await;
        let ours = f64::from(MAILS) / took;
        let source = rate(peers::smtp_source(rig, sessions, MAILS));
        let off = f64::from(MAILS) / unmarked(&plain, at_once, MAILS).await;
        let bound = f64::from(sessions) / (2.0 * sync + f64::from(sessions) / bare);
        of_bound.push(ours / bound);
        of_source.push(off / source);
        rows.push([sync * 1e3, bare, bound, ours, syncs as f64 / f64::from(MAILS), source, off]);
    }
    let (of_bound, of_source) = (median(of_bound), median(of_source));
    let of = |i: usize| median(rows.iter().map(|row| row[i]));
    println!("submitting mails of 4 KiB, {sessions} sessions, medians of {ROUNDS} rounds");
    println!("  a sync of this disk                   {:>10.2} ms", of(0));
    println!("  a bare TLS client                     {:>10.0} mails a second", of(1));
    println!("  bound with two syncs a mail           {:>10.0} mails a second", of(2));
    println!("  the node with its journal             {:>10.0} mails a second, {:.2} syncs a mail (one by one: 2)", of(3), of(4));
    println!("  ratio                                 {of_bound:>10.2} (goal 0.8)");
    println!("  smtp-source without TLS               {:>10.0} mails a second", of(5));
    println!("  the submitter without a journal       {:>10.0} mails a second", of(6));
    println!("  ratio                                 {of_source:>10.2} (goal 0.9)");
    plain.close().await;
    sender.submitter.close().await;
    (of_bound, of_source)
}

fn main() -> ExitCode {
    let mut goals = Goals::of("smtp");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let Some(rig) = Rig::start(&[("RIG_DISCARD", "1")]) else {
        goals.skipped(mail::NO_SERVERS);
        return goals.end();
    };
    let rig = Arc::new(rig);
    for sessions in [10, 32] {
        // As a task: what `block_on` runs has a thread of its own, which each mail would wake.
        let rig = rig.clone();
        let compared = runtime.spawn(async move { compare(&rig, sessions).await });
        let (of_bound, of_source) = runtime.block_on(compared).expect("no panic");
        println!("  goals                                 {}, {}", goals.met(of_bound >= 0.8), goals.met(of_source >= 0.9));
    }
    goals.end()
}
