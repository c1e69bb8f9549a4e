//! What moving costs at a real Dovecot that syncs the disk: the mail engine, a client that moves one mail a command, and
//! the limit, a client that says one bare UID MOVE; each in a mailbox of its own, in turns on one server.
//!
//! The engine's time is from asking for the acts to the last answer: leaving IDLE, checking each mail again, the move.
//! It speaks TLS, the other clients don't. A single MOVE costs a maildir the more the more mails lie in the folder, so two
//! mailboxes are measured: one that holds nothing but the mails to be moved, and one with ordinary mails beside them.

#[path = "goals/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod goals;
#[path = "mail/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod mail;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use goals::{Goals, ROUNDS};
use mail::{
    Plain, first_look, found, id, median,
    rig::{Cursors, Rig},
    watch,
};
use warmnet_node::mail::{ActReport, MailAct, MailCommand, MailEvent};

/// Mails to be moved.
const MAILS: u32 = 1000;
/// The client with one command a mail stops when it took too long: there are servers at which each takes half a second.
const PATIENCE: Duration = Duration::from_secs(3);
/// How the mails are moved.
const WAYS: [Way; 3] = [Way::Single, Way::Bare, Way::Engine];

#[derive(Clone, Copy)]
enum Way {
    /// A command for each.
    Single,
    /// One command for all, nothing else.
    Bare,
    Engine,
}

/// Seconds a mail, in a fresh mailbox with so many ordinary mails.
async fn mailbox(rig: &Rig, user: &str, ordinary: u32, way: Way) -> f64 {
    let mut plain = Plain::open(rig, user).await;
    plain.run(&["a CREATE Warmnet\r\n".to_owned()]).await;
    let cursors = first_look(rig, user).await;
    plain.fill_ordinary(ordinary).await;
    plain.fill(MAILS).await;
    match way {
        Way::Single => single(&mut plain, ordinary).await,
        Way::Bare => bare(&mut plain, ordinary).await,
        Way::Engine => engine(rig, user, &cursors).await,
    }
}

/// UIDs of a fresh folder count from 1, the ordinary mails come first.
async fn single(plain: &mut Plain, ordinary: u32) -> f64 {
    plain.run(&["a SELECT INBOX\r\n".to_owned()]).await;
    let (begun, mut moved) = (Instant::now(), 0);
    while moved < MAILS && begun.elapsed() < PATIENCE {
        moved += 1;
        plain.run(&[format!("a UID MOVE {} Warmnet\r\n", ordinary + moved)]).await;
    }
    begun.elapsed().as_secs_f64() / f64::from(moved)
}

async fn bare(plain: &mut Plain, ordinary: u32) -> f64 {
    plain.run(&["a SELECT INBOX\r\n".to_owned()]).await;
    let begun = Instant::now();
    plain.run(&[format!("a UID MOVE {}:{} Warmnet\r\n", ordinary + 1, ordinary + MAILS)]).await;
    begun.elapsed().as_secs_f64() / f64::from(MAILS)
}

async fn engine(rig: &Rig, user: &str, cursors: &Arc<Cursors>) -> f64 {
    let (watcher, mut events) = watch(rig, user, cursors);
    found(&mut events, MAILS).await;
    let begun = Instant::now();
    for n in 0..MAILS {
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
    let took = begun.elapsed().as_secs_f64();
    watcher.stop().await;
    took / f64::from(MAILS)
}

fn main() -> ExitCode {
    let mut goals = Goals::of("imap");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for (store, goal) in [("mdbox", 15), ("maildir", 50)] {
        let Some(rig) = Rig::start(&[("RIG_STORE", store)]) else {
            goals.skipped(mail::NO_SERVERS);
            break;
        };
        for ordinary in [0, 2000] {
            let mut times = WAYS.map(|_| Vec::new());
            for round in 0..ROUNDS {
                // Who begins changes with every round.
                for turn in 0..WAYS.len() {
                    let way = (round + turn) % WAYS.len();
                    let user = format!("{ordinary}.{round}.{turn}@a.test");
                    times[way].push(runtime.block_on(mailbox(&rig, &user, ordinary, WAYS[way])));
                }
            }
            let [single, bare, engine] = times.map(median);
            println!("moving {MAILS} of {} mails, {store}, microseconds a mail, medians of {ROUNDS} rounds", MAILS + ordinary);
            println!("  by the engine                         {:>10.1}", engine * 1e6);
            println!("  one bare command                      {:>10.1}", bare * 1e6);
            println!("  one command each                      {:>10.1}", single * 1e6);
            println!(
                "  engine against one command each       {:>10.1} times (goal {goal}: {}; one bare command {:.1})",
                single / engine,
                goals.met(single / engine >= f64::from(goal)),
                single / bare
            );
        }
    }
    goals.end()
}
