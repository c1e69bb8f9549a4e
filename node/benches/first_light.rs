//! What a bundle costs: signatures, and ingest as a ratio of bare `verify_strict`.
//!
//! One run, one thread, one machine: the ratios count, the absolute figures don't travel.

#[path = "network/mod.rs"]
mod network;

use network::{key, network};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;
use warmnet_node::store::{Durability, FamilyName, Store, epoch_member_key};
use warmnet_protocol::identity::{keys, signed};
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::bundle::Bundle;
use warmnet_protocol::wire::roster::RosterRow;

fn best_of<F: FnMut() -> u64>(runs: u32, mut work: F) -> f64 {
    let rate = |n: u64, start: Instant| n as f64 / start.elapsed().as_secs_f64();
    (0..runs).fold(0.0, |best: f64, _| {
        let start = Instant::now();
        let n = work();
        best.max(rate(n, start))
    })
}

fn main() {
    let verify = {
        let signer = key(1);
        let messages: Vec<Vec<u8>> = (0..2_000u32).map(|n| n.to_be_bytes().repeat(138)).collect();
        let signatures: Vec<_> = messages.iter().map(|m| signer.sign(m)).collect();
        let id = signer.node_id();
        best_of(5, || messages.iter().zip(&signatures).filter(|(m, s)| black_box(keys::verify(&id, m, s))).count() as u64)
    };
    println!("verify_strict                  {verify:>9.0} a second, one thread");

    let mut net = network(0);
    let numbers: BTreeMap<MemberId, u32> = (0..).zip(&net.rows).map(|(n, r): (u32, &RosterRow)| (r.member, n)).collect();
    for _ in 0..6 {
        net.publish();
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(dir.path().join("store")).expect("a fresh store");
    let family = store.family(FamilyName::Bundles);
    let bundles = net.bundles(Epoch(2), true, &numbers);
    let bytes: usize = bundles.iter().map(|b| b.bytes.len()).sum();
    let start = Instant::now();
    let id = net.chain.network();
    let mut taken = 0u64;
    for wire in &bundles {
        let decoded = signed::decode::<Bundle>(&wire.bytes).expect("canonical");
        if net.chain.check_bundle(&decoded.message, &decoded.digest, &decoded.signer()).is_err() {
            continue;
        }
        let verified = decoded.verify(&id).expect("signed by its member");
        let at = epoch_member_key(verified.message.epoch.0, &verified.message.member.0);
        family.put(&at, &verified.bytes, Durability::Buffered).expect("room on the disk");
        net.chain.accept_bundle(verified).expect("its epoch is open");
        taken += 1;
    }
    let ingest = taken as f64 / start.elapsed().as_secs_f64();
    println!(
        "bundles ingested               {ingest:>9.0} a second ({taken} of {:.0} bytes: decode, rules, verify, store with WAL), {:.0} % of bare verify_strict",
        bytes as f64 / bundles.len().max(1) as f64,
        100.0 * ingest / verify
    );
}
