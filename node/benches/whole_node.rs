//! What a node process costs its owner: the time from start to an answer on its socket, and its memory, without members
//! and with 30 epochs of a network of 10,000 in its store.

#[path = "goals/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod goals;
#[path = "network/mod.rs"]
mod network;
#[path = "node/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod node;

use goals::{Goals, ROUNDS};
use network::{Network, network};
use node::{LIMIT, Node, add_mailbox, init, status};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};
use warmnet_node::store::{Durability, FamilyName, Store, epoch_key, epoch_member_key};
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::limits;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::roster::RosterRow;

/// Members of the network (goal: its node under 160 MiB with 30 epochs).
const MEMBERS: u32 = 10_000;
/// Epochs whose bundles are in the window.
const EPOCHS: u32 = 30;
const DAY_MS: i64 = 86_400_000;
/// Sets up the home of a node of this network with one mailbox.
fn home(dir: &Path, net: &Network) {
    init(dir, &net.chain.genesis().encode());
    add_mailbox(dir);
}

/// Plays all epochs and writes what a node would have stored of them.
fn play(net: &mut Network, store: &Store) {
    let numbers: BTreeMap<MemberId, u32> = (0..).zip(&net.rows).map(|(n, r): (u32, &RosterRow)| (r.member, n)).collect();
    let put = |family, key: &[u8], value: &[u8]| store.family(family).put(key, value, Durability::Buffered).expect("room on the disk");
    loop {
        let (epoch, record) = net.publish();
        put(FamilyName::Records, &epoch_key(epoch.0), &record);
        let roster = net.chain.roster(epoch).expect("just published").clone();
        for (i, rows) in (0u32..).zip(roster.rows().chunks(limits::ROSTER_PAGE)) {
            put(FamilyName::Rosters, &[epoch_key(epoch.0), i.to_be_bytes()].concat(), &codec::encode(&rows.to_vec()));
        }
        if net.chain.window().epochs().count() >= EPOCHS as usize {
            return;
        }
        let Some(closing) = net.chain.next_epoch().minus(net.chain.close_lag()).filter(|e| *e >= Epoch(0)) else { continue };
        if net.chain.play(closing).is_none() {
            continue;
        }
        for bundle in net.bundles(closing, false, &numbers) {
            put(FamilyName::Bundles, &epoch_member_key(closing.0, &bundle.message.member.0), &bundle.bytes);
            net.chain.accept_bundle(bundle).expect("its epoch is open");
        }
    }
}

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis()).expect("before the year 292 million")
}

fn main() -> ExitCode {
    let mut goals = Goals::of("whole_node");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let today = network(MEMBERS, now_ms() - DAY_MS / 2);
    home(dir.path(), &today);
    let mut best = LIMIT;
    let mut idle = 0.0f64;
    for _ in 0..ROUNDS {
        let (node, took) = Node::start(&dir.path().join("home"), Stdio::null(), "info");
        best = best.min(took);
        idle = idle.max(node.mib("VmRSS:"));
    }
    println!("start to first answer, new node        {:>8.0} ms, best of {ROUNDS}", best.as_secs_f64() * 1e3);
    println!("resident, idle                         {idle:>8.0} MiB (goal 80: {})", goals.met(idle <= 80.0));
    drop(today);

    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut net = network(MEMBERS, now_ms() - i64::from(EPOCHS + 5) * DAY_MS);
    home(dir.path(), &net);
    {
        let store = Store::open(dir.path().join("home/store")).expect("a fresh store");
        play(&mut net, &store);
    }
    let last = net.chain.next_epoch().0 - 1;
    drop(net);
    let (node, took) = Node::start(&dir.path().join("home"), Stdio::null(), "info");
    let derived = status(&dir.path().join("home/control.sock")).expect("it answered before");
    assert_eq!(derived["record_epoch"], last, "the node derived all that is in its store");
    let shown = derived["network_scores"].as_array().expect("scores").len();
    assert!(shown > 0 && derived["closed"].as_array().is_some_and(|c| c.iter().all(|c| c["matches_record"] == true)));
    println!("start with {MEMBERS} members, {EPOCHS} epochs   {:>8.1} s (the whole ledger is derived again)", took.as_secs_f64());
    println!(
        "resident with that network             {:>8.0} MiB (goal 160: {}), at most {:.0} on the way",
        node.mib("VmRSS:"),
        goals.met(node.mib("VmRSS:") <= 160.0),
        node.mib("VmHWM:")
    );
    goals.end()
}
