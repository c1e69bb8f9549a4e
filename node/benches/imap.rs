//! What moving costs at a real Dovecot: the mail engine against a client that moves one mail a command, on both stores,
//! in turns on one server.
//!
//! The engine's time is from asking for the acts to the last answer: leaving IDLE, checking each mail again, the moves.
//! It speaks TLS, the other client doesn't. Goals: 15 times on mdbox, 50 times on maildir.

#[path = "mail/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod mail;

use std::time::Instant;

use mail::{Plain, first_look, found, id, median, rig::Rig, watch};
use warmnet_node::mail::{ActReport, MailAct, MailCommand, MailEvent};

/// Mails moved by the engine in a round.
const MANY: u32 = 1000;
/// Mails moved one by one in a round: at maildir a command may take half a second.
const FEW: u32 = 100;
const ROUNDS: u32 = 3;

/// Seconds a mail: all by the engine, one a command.
async fn round(rig: &Rig, round: u32) -> (f64, f64) {
    let user = format!("bench{round}@a.test");
    let mut plain = Plain::open(rig, &user).await;
    plain.run(&["a CREATE Single\r\n".to_owned(), "a CREATE Warmnet\r\n".to_owned()]).await;
    let cursors = first_look(rig, &user).await;
    plain.fill(FEW + MANY).await;
    let (watcher, mut events) = watch(rig, &user, &cursors);
    found(&mut events, FEW + MANY).await;

    // UIDs of a fresh folder count from 1; the engine takes the newest, the other client the oldest.
    plain.run(&["a SELECT INBOX\r\n".to_owned()]).await;
    let begun = Instant::now();
    for uid in 1..=FEW {
        plain.run(&[format!("a UID MOVE {uid} Single\r\n")]).await;
    }
    let single = begun.elapsed() / FEW;

    let begun = Instant::now();
    for n in FEW..FEW + MANY {
        let command = MailCommand { ticket: u64::from(n), act: MailAct::File, message_id: id(n), found_at: None };
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
    (batched.as_secs_f64(), single.as_secs_f64())
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for (store, goal) in [("mdbox", 15.0), ("maildir", 50.0)] {
        let Some(rig) = Rig::start(&[("RIG_STORE", store)]) else { return };
        let times: Vec<(f64, f64)> = (0..ROUNDS).map(|n| runtime.block_on(round(&rig, n))).collect();
        let (batched, single) = (median(times.iter().map(|t| t.0)), median(times.iter().map(|t| t.1)));
        println!("moving mails, {store}, medians of {ROUNDS} rounds");
        println!("  {MANY} at once by the engine, a mail       {:>10.1} us", batched * 1e6);
        println!("  one command each, a mail              {:>10.1} us", single * 1e6);
        println!("  ratio                                 {:>10.1} (goal {goal})", single / batched);
    }
}
