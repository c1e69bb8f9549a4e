//! SIGKILL at any moment: a node's way out in a process of its own, against one server that outlives it and counts.
//!
//! `WARMNET_KILLS` says how often (60; `make soak` says 1000).

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::server::{Fault, Script, Sender, Server, Step, exchange};
use warmnet_node::{
    mail::{MailTimeouts, Security},
    store::{Journal, State, Store, Task},
};
use warmnet_protocol::exchange::SendResult;

/// Tells the child what to do: store folder, port, root file, one a line.
const ORDER: &str = "WARMNET_KILLED_CHILD";
/// Longest wait for something that must happen.
const LIMIT: Duration = Duration::from_secs(120);

/// Not a test of its own: the process that is killed. It sends mail after mail, as a node does that was just started.
#[test]
fn child() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let [store, port, ca]: [&str; 3] = order.lines().collect::<Vec<_>>().try_into().expect("three lines");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    runtime.block_on(async {
        let port = port.parse().expect("port");
        let sender = Sender::open(Path::new(store), port, Path::new(ca), Security::Tls, MailTimeouts::default());
        // Ends by being killed.
        for number in 0.. {
            while sender.deliver(number).await.result != SendResult::Sent {}
            // Every other mail has a connection of its own, so that nodes are killed between two mails too.
            if number % 2 == 0 {
                sender.submitter.disconnect().await;
            }
        }
    });
}

fn task(number: u32) -> Task {
    Task { exchange: exchange(number), turn: 0 }
}

fn start(store: &Path, server: &Server) -> Child {
    let order = format!("{}\n{}\n{}", store.display(), server.port, server.ca.display());
    Command::new(std::env::current_exe().expect("own path"))
        .args(["killed::child", "--exact", "--nocapture"])
        .env(ORDER, order)
        .stdout(Stdio::null())
        .spawn()
        .expect("starts")
}

/// The last mail that was marked, counted from `from`, and its state.
fn last(store: &Path, from: u32) -> Option<(u32, State)> {
    let store = Store::open(store).expect("opens after every kill");
    let journal = Journal::open(&store).expect("journal");
    let mut found = None;
    for number in from.. {
        match journal.state(task(number)).expect("readable") {
            Some(state) => found = Some((number, state)),
            None => break,
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_node_sends_no_mail_twice() {
    let kills: u32 = std::env::var("WARMNET_KILLS").map_or(60, |n| n.parse().expect("WARMNET_KILLS is a number"));
    let dir = tempfile::tempdir().expect("folder");
    let store = dir.path().join("store");
    let server = Server::start(dir.path(), Security::Tls).await;
    let mut before: Option<(u32, State)> = None;
    let mut hit = std::collections::BTreeMap::from(["no mark", "intent", "dot", "done"].map(|s| (s, 0)));
    for round in 0..kills {
        let mut progress = server.progress();
        let begun = *progress.borrow_and_update();
        // A server that takes its time widens every state; some rounds hold it at one step.
        let pause = Duration::from_millis(u64::from(round % 4));
        let hold = [
            None,
            Some(Step::Greeting),
            Some(Step::Command("RCPT")),
            Some(Step::Dot),
            Some(Step::Connect),
            Some(Step::Command("MAIL")),
            Some(Step::Command("DATA")),
        ][round as usize % 7];
        let held_at_once = hold == Some(Step::Greeting);
        let script = |hold: Option<Step>| Script { fault: hold.map(|step| (step, Fault::Hang)), pause, pipelining: round % 2 == 0 };
        server.set(script(hold.filter(|_| held_at_once)));
        let mut child = start(&store, &server);
        let some = begun.taken + 1 + round as usize % 3;
        let reached = async {
            if !held_at_once {
                progress.wait_for(|p| p.taken >= some).await.expect("the server runs");
                server.set(script(hold));
            }
            if hold.is_some() {
                progress.wait_for(|p| p.hung > begun.hung).await.expect("the server runs");
            } else {
                // Anywhere in the next mail: spread over a few milliseconds.
                tokio::time::sleep(Duration::from_micros(u64::from(round) * 397 % 9_000)).await;
            }
        };
        tokio::time::timeout(LIMIT, reached).await.expect("the child gets there");
        child.kill().expect("killed");
        child.wait().expect("gone");
        let now = last(&store, before.as_ref().map_or(0, |(n, _)| *n));
        let state = match &now {
            now if *now == before => "no mark",
            None => "no mark",
            Some((_, State::Intent { .. })) => "intent",
            Some((_, State::Dot { .. })) => "dot",
            Some((_, State::Done { .. })) => "done",
        };
        *hit.entry(state).or_default() += 1;
        before = now;
    }
    let (taken, doubled) = server.counts();
    println!("{kills} kills; state of the last mail at the kill:");
    for (state, times) in &hit {
        println!("  {state:<9} {times}");
    }
    let marked = before.map_or(0, |(n, _)| n + 1);
    println!("{marked} mails marked, {taken} at the server, {doubled} doubled");
    assert_eq!(doubled, 0);
    assert!(hit.values().all(|times| *times > 0), "a state was never hit: {hit:?}");

    // After the last restart every mail has its end, and still none is doubled.
    server.set(Script::default());
    let sender = Sender::open(&store, server.port, &server.ca, Security::Tls, MailTimeouts::default());
    for number in 0..marked {
        assert_eq!(sender.deliver(number).await.result, SendResult::Sent);
    }
    let open = sender.journal.open_marks().expect("readable");
    assert!(open.may_send.is_empty(), "nothing is left half done: {:?}", open.may_send);
    let (taken, doubled) = server.counts();
    println!("after the last restart: {taken} at the server, {doubled} doubled, {} of unknown fate", open.never_again.len());
    assert_eq!(doubled, 0);
    assert!(taken + open.never_again.len() >= marked as usize, "every mail is at the server or marked as perhaps sent");
}
