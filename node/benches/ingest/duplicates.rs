//! A stream in which four of five messages are duplicates, as gossip brings them.

use crate::bundles::{AT_ONCE, ingest};
use crate::goals::{Goals, ROUNDS};
use crate::source::{Source, TODAY};
use std::path::Path;
use std::time::Instant;
use warmnet_node::store::{Batch, Durability, FamilyName, Store, epoch_member_key};
use warmnet_protocol::chain::Chain;
use warmnet_protocol::identity::signed;
use warmnet_protocol::wire::bundle::Bundle;

/// Different bundles of one round.
const ROUND: usize = 2_000;
/// How often each arrives.
const COPIES: usize = 5;
/// Bundles on their way at the same time: copies come this far apart.
const NEAR: usize = 100;

fn stream(bundles: &[Vec<u8>]) -> Vec<Vec<u8>> {
    bundles.chunks(NEAR).flat_map(|near| std::iter::repeat_n(near, COPIES).flatten().cloned()).collect()
}

/// The plain way: a signature is checked before anything is asked of the message. It writes as many at once as ours.
fn verify_first(chain: &mut Chain, store: &Store, bundles: Vec<Vec<u8>>) -> usize {
    let network = chain.network();
    let (mut accepted, mut bundles) = (0, bundles.into_iter());
    while bundles.len() > 0 {
        let mut batch = Batch::new();
        for bytes in bundles.by_ref().take(AT_ONCE) {
            let bundle = signed::open::<Bundle>(&bytes, &network).expect("signed by its member");
            let at = epoch_member_key(bundle.message.epoch.0, &bundle.message.member.0);
            if chain.accept_bundle(bundle).is_ok() {
                batch.put(FamilyName::Bundles, at, bytes);
                accepted += 1;
            }
        }
        store.write(batch, Durability::Buffered).expect("room on the disk");
    }
    accepted
}

pub(crate) fn measure(source: &Source, dir: &Path, goals: &mut Goals) {
    let mut engine = source.engine();
    let mut chain = source.chain();
    let stores = ["ours", "plain"].map(|name| Store::open(dir.join(name)).expect("a fresh store"));
    let (mut ours, mut plain) = (0.0f64, 0.0f64);
    for bundles in source.rounds(TODAY, ROUND).take(ROUNDS) {
        let stream = stream(&bundles);
        let (arrivals, copy) = (stream.len() as f64, stream.clone());
        let start = Instant::now();
        assert_eq!(ingest(&mut engine, source.now(), &stores[0], stream), ROUND);
        ours = ours.max(arrivals / start.elapsed().as_secs_f64());
        let start = Instant::now();
        assert_eq!(verify_first(&mut chain, &stores[1], copy), ROUND);
        plain = plain.max(arrivals / start.elapsed().as_secs_f64());
    }
    println!("80 % duplicates, verify first    {plain:>9.0} a second");
    let (times, met) = (ours / plain, goals.met(ours / plain >= 4.0));
    println!("80 % duplicates, by stations     {ours:>9.0} a second, {times:.1} times verify-first (goal 4: {met})");
}
