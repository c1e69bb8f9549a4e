//! The recorded network: 42 records, 26 members and their faults, played by the real chain. `vectors/network.bin` holds what a node
//! received, `vectors/network.json` what it must make of it; `docs/spec/check` makes the same of it in another language.
//!
//! `WARMNET_WRITE_VECTORS=1 cargo test -p warmnet-protocol` writes both after a change of the rules.
//!
//! | file | what is in it |
//! |---|---|
//! | `cast.rs` | who plays, and what is wrong with whom |
//! | `fate.rs` | what becomes of a mail |
//! | `play.rs` | the play, record by record |
//! | `write.rs` | the two files of `vectors/` |
//! | `explain_rules.rs` | what is explained sums to what was computed |
//! | `arrival.rs` | every order of arrival |
//! | `chain_rules.rs`, `gossip_rules.rs`, `introduction_rules.rs`, `bundle_rules.rs` | what a node of this network refuses, asks and files |
#![allow(clippy::disallowed_methods)] // a test may read files; the rules may not

mod arrival;
mod bundle_rules;
mod cast;
mod chain_rules;
mod explain_rules;
mod fate;
mod gossip_rules;
mod introduction_rules;
mod play;
mod write;

use cast::{BOUNCER, DEAD, EQUIVOCATOR, GOLDEN, GREEDY, HATED, LATE, LEAVER, LISTED, MEMBERS, SECOND, SLANDERER, SPAMMY, TAKEN};
use play::{CHANGED, Day, LEAVES, RECORDS, genesis, play};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use warmnet_protocol::chain::Chain;
use warmnet_protocol::matching::RingKind;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::bundle::{Entry, SenderOutcome, Word};
use warmnet_protocol::wire::epoch_record::bit;
use warmnet_protocol::wire::roster::{Pool, RosterRow};
use write::{expected, lines, network};

fn vector(name: &str) -> PathBuf {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    root.join("vectors").join(name)
}

/// The played days and both files' content.
pub(crate) fn recording() -> &'static (Vec<Day>, Vec<u8>, String) {
    static PLAYED: OnceLock<(Vec<Day>, Vec<u8>, String)> = OnceLock::new();
    PLAYED.get_or_init(|| {
        let mut records = Vec::new();
        let days = play(|chain, day| records.push(expected(chain, day)));
        let (bytes, json) = (network(&days), lines(&genesis().network_id(), &records));
        (days, bytes, json)
    })
}

#[test]
fn the_recording_is_what_the_chain_plays() {
    let (_, bytes, json) = recording();
    if std::env::var_os("WARMNET_WRITE_VECTORS").is_some() {
        std::fs::write(vector("network.bin"), bytes).expect("a writable folder");
        std::fs::write(vector("network.json"), json).expect("a writable folder");
    }
    let same = |name: &str, wanted: &[u8]| std::fs::read(vector(name)).is_ok_and(|held| held == wanted);
    assert!(same("network.json", json.as_bytes()), "the rules derive other values: see the head of this file");
    assert!(same("network.bin", bytes), "the network plays otherwise: see the head of this file");
    assert!(bytes.len() + json.len() < 1_000_000, "{} + {}", bytes.len(), json.len());
}

#[test]
fn a_node_that_received_it_in_another_order_derives_the_same() {
    let mut chain = Chain::new(genesis());
    for (epoch, day) in (0u32..).zip(&recording().0) {
        chain.accept_record(day.record.clone()).expect("a record of the chain");
        chain.accept_roster(Epoch(epoch), day.roster.clone()).expect("its roster");
        assert_eq!(chain.derive(), [Epoch(epoch)]);
        assert!(chain.derived().is_some_and(|d| d.digests.matches_record), "record {epoch}");
        // This node holds the equivocator's other bundle.
        let other = day.fault.iter().map(|(_, other)| other);
        for bundle in other.chain(day.bundles.iter().rev()) {
            let _ = chain.accept_bundle(bundle.clone());
        }
    }
    assert_eq!(chain.window().epochs().count(), 30);
}

#[test]
fn the_recording_holds_what_it_should() {
    let (days, ..) = recording();
    let players = cast::players(&genesis().network_id());
    let row = |n: usize, epoch: u32| days[epoch as usize].roster.row(&players[n].member);
    let ever = |n: usize, what: fn(&RosterRow) -> bool| (0..RECORDS).any(|e| row(n, e).is_some_and(what));
    assert!(ever(DEAD, |r| r.dead) && row(DEAD, RECORDS - 1).is_some_and(|r| !r.dead), "a mailbox died and came back");
    assert!(ever(LISTED, |r| r.pool == Pool::Quarantined), "a tag was quarantined");
    assert!(ever(LISTED, |r| r.pool == Pool::Rehab && r.debt > 0), "it was released into rehab with a debt");
    assert!(row(LISTED, RECORDS - 1).is_some_and(|r| r.debt == 0 && r.pool != Pool::Rehab), "it paid");
    assert!(row(BOUNCER, RECORDS - 1).is_some_and(|r| r.pool == Pool::Rehab && r.debt > 0), "external bounces owe for long");
    let params = |e: u32| &days[e as usize].record.message.params;
    assert!(params(CHANGED - 1) == params(0) && params(CHANGED).golden_seats == 16 && params(RECORDS - 1) == params(CHANGED));
    assert!(row(LEAVER, LEAVES - 1).is_some() && row(LEAVER, LEAVES).is_none() && row(LEAVER, RECORDS - 1).is_none(), "one left");
    assert!([LATE, SECOND].iter().all(|n| row(*n, RECORDS - 1).is_some()), "nobody is thrown out");
    assert!(row(LATE, 11).is_none() && row(LATE, 12).is_some(), "somebody joined late");
    assert!(ever(SPAMMY, |r| r.cut < 1_000), "placement broke in");
    assert!(ever(HATED, |r| r.complained) && (0..MEMBERS).all(|n| n == HATED || !ever(n, |r| r.complained)), "one is complained of");
    assert!((0..MEMBERS).any(|n| ever(n, |r| r.pool == Pool::Premium)), "somebody reached the premium pool");
    assert!((MEMBERS..MEMBERS + GOLDEN).all(|n| row(n, 0).is_some()));
    let greedy = |d: &Day| {
        let filed = d.bundles.iter().find(|b| b.message.member == players[GREEDY].member).map(|b| &b.message.entries);
        let sent = |e: &&Entry| e.slot.ring != RingKind::Golden && e.word == Word::Sender(SenderOutcome::Sent);
        filed.map_or(0, |entries| entries.iter().filter(sent).count())
    };
    assert!(days.iter().any(|d| greedy(d) > (d.roster.len() - 3) / 3), "somebody sent more than a ring of this size allows");
    let rehab_ring = recording().2.contains(" 1.0:");
    assert!(rehab_ring, "rehab had a ring of its own for a while");
    // While it is void, the equivocator's bundles are in no ledger root.
    let proved = days.iter().position(|d| !d.record.message.proofs.is_empty()).expect("a record that lists the proof");
    let proof = days.iter().find_map(|d| d.fault.as_ref()).expect("an equivocation").0.digest();
    assert_eq!(days[proved].record.message.proofs, [(players[EQUIVOCATOR].member, proof)]);
    let void = genesis().params.equivocation_epochs as usize;
    for day in &days[proved + 1..proved + void] {
        let Some(root) = &day.record.message.ledger else { continue };
        let roster = &days[root.epoch.0 as usize].roster;
        let position = roster.position(&players[EQUIVOCATOR].member).expect("a member");
        assert!(!bit(&root.present, position as usize), "record {}", day.record.message.epoch);
    }
    let (mut weights, mut root) = (Vec::new(), BTreeMap::new());
    play(|chain, _| {
        let d = chain.derived().expect("derived");
        weights.push(d.trust.weight(&players[SLANDERER].member));
        root.insert(d.epoch.0, (d.trust.mass(&players[TAKEN].member) > 0, d.trust.weight(&players[TAKEN].member)));
    });
    assert_eq!(weights.last(), Some(&0), "the slanderer is not believed");
    // From the record after the one that lists the notice: trust is by the roster before a record.
    assert!(root[&30] == (true, 1 << 16) && root[&38] == (true, 1 << 16));
    assert!((31..=37).all(|e| !root[&e].0 && root[&e].1 < 1 << 16), "a golden mailbox in quarantine is no root of trust: {root:?}");
}
