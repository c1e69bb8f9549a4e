//! What moving costs at a real Dovecot: the mail engine against a client that moves one mail a command, on both stores,
//! in turns on one server.
//!
//! The engine's time is from asking for the acts to the last answer: leaving IDLE, checking each mail again, the moves.
//! It speaks TLS, the other client doesn't. Goals, with Dovecot as it comes, which syncs the disk: 15 times on mdbox, 50
//! times on maildir. The same without syncs shows what is left where the disk costs nothing; the engine still checks each
//! mail again before it moves it, for the sake of the mail of others.

#[path = "mail/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod mail;

use std::time::{Duration, Instant};

use mail::{Plain, first_look, found, id, median, rig::Rig, watch};
use tokio::sync::mpsc::Receiver;
use warmnet_node::mail::{ActReport, MailAct, MailCommand, MailEvent, WatcherHandle};

/// Mails that the engine moves in a round.
const MAILS: u32 = 1000;
/// Mails that the other client moves in a round, at most: it stops when it took too long, as there are servers at which a
/// command takes half a second.
const SINGLE: u32 = 300;
const PATIENCE: Duration = Duration::from_secs(3);
const ROUNDS: u32 = 3;

/// One command for each of the oldest mails; seconds a mail. UIDs of a fresh folder count from 1.
async fn single(plain: &mut Plain) -> f64 {
    plain.run(&["a SELECT INBOX\r\n".to_owned()]).await;
    let (begun, mut moved) = (Instant::now(), 0);
    while moved < SINGLE && begun.elapsed() < PATIENCE {
        moved += 1;
        plain.run(&[format!("a UID MOVE {moved} Single\r\n")]).await;
    }
    begun.elapsed().as_secs_f64() / f64::from(moved)
}

/// The newest mails by the engine; seconds a mail.
async fn batched(watcher: &WatcherHandle, events: &mut Receiver<MailEvent>) -> f64 {
    let begun = Instant::now();
    for n in SINGLE..SINGLE + MAILS {
        let command = MailCommand { ticket: u64::from(n), act: MailAct::File, message_id: id(n), found_at: None };
        watcher.commands.send(command).await.expect("taken");
    }
    let mut done = 0;
    while done < MAILS {
        if let MailEvent::ActDone { result, .. } = events.recv().await.expect("the watcher runs") {
            assert_eq!(result, Ok(ActReport::Done));
            done += 1;
        }
    }
    begun.elapsed().as_secs_f64() / f64::from(MAILS)
}

/// Seconds a mail on a fresh mailbox: all by the engine, one a command. Who begins changes with every round.
async fn round(rig: &Rig, round: u32) -> (f64, f64) {
    let user = format!("bench{round}@a.test");
    let mut plain = Plain::open(rig, &user).await;
    plain.run(&["a CREATE Single\r\n".to_owned(), "a CREATE Warmnet\r\n".to_owned()]).await;
    let cursors = first_look(rig, &user).await;
    plain.fill(SINGLE + MAILS).await;
    let (watcher, mut events) = watch(rig, &user, &cursors);
    found(&mut events, SINGLE + MAILS).await;
    let times = if round.is_multiple_of(2) {
        let other = single(&mut plain).await;
        (batched(&watcher, &mut events).await, other)
    } else {
        let ours = batched(&watcher, &mut events).await;
        (ours, single(&mut plain).await)
    };
    watcher.stop().await;
    times
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for (store, goal) in [("mdbox", 15.0), ("maildir", 50.0)] {
        for (fsync, how) in [("optimized", "the server syncs"), ("never", "no syncs")] {
            let Some(rig) = Rig::start(&[("RIG_STORE", store), ("RIG_FSYNC", fsync)]) else { return };
            let times: Vec<(f64, f64)> = (0..ROUNDS).map(|n| runtime.block_on(round(&rig, n))).collect();
            let (batched, single) = (median(times.iter().map(|t| t.0)), median(times.iter().map(|t| t.1)));
            let goal = if fsync == "never" { String::new() } else { format!(" (goal {goal})") };
            println!("moving mails, {store}, {how}, medians of {ROUNDS} rounds");
            println!("  {MAILS} at once by the engine, a mail       {:>10.1} us", batched * 1e6);
            println!("  one command each, a mail              {:>10.1} us", single * 1e6);
            println!("  ratio                                 {:>10.1}{goal}", single / batched);
        }
    }
}
