//! Gossip to disk: decode, rules, `verify_strict`, chain, RocksDB with its log.

use crate::MEMBERS;
use crate::source::{Source, TODAY, YESTERDAY};
use ed25519_dalek::VerifyingKey;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};
use warmnet_node::store::{Batch, Durability, FamilyName, Store, epoch_member_key};
use warmnet_protocol::engine::{Engine, Input, Output, ToStore};
use warmnet_protocol::gossip::{Acceptance, Topic};
use warmnet_protocol::identity::Signable;
use warmnet_protocol::identity::signed::{Envelope, preimage};
use warmnet_protocol::ids::{NetworkId, NodeId, Signature};
use warmnet_protocol::time::{Epoch, Timestamp};
use warmnet_protocol::wire::bundle::Bundle;
use warmnet_protocol::wire::codec;

/// Bundles of one round: ingest and bare verification take turns.
const ROUND: usize = 5_000;

/// Messages between two writes, as many as the node's driver takes at once where it is what others wait for.
const AT_ONCE: usize = 64;

/// Hands `bundles` to the engine as gossip and stores what it says to store; how many were accepted.
pub(crate) fn ingest(engine: &mut Engine, now: Timestamp, store: &Store, bundles: Vec<Vec<u8>>) -> usize {
    let (mut accepted, mut bundles) = (0, bundles.into_iter());
    while bundles.len() > 0 {
        for bytes in bundles.by_ref().take(AT_ONCE) {
            engine.handle(now, Input::Gossip { token: 0, topic: Topic::Bundles, bytes });
        }
        let mut batch = Batch::new();
        while let Some(output) = engine.poll() {
            match output {
                Output::Store(ToStore::Bundle { epoch, member, bytes, .. }) => {
                    batch.put(FamilyName::Bundles, epoch_member_key(epoch.0, &member.0), bytes);
                }
                Output::Verdict { verdict, .. } => accepted += usize::from(verdict.acceptance == Acceptance::Accept),
                _ => {}
            }
        }
        store.write(batch, Durability::Buffered).expect("room on the disk");
    }
    accepted
}

/// The peer: what a program does that knows nothing but a key's bytes.
fn verify_strict(node: &NodeId, message: &[u8], signature: &Signature) -> bool {
    VerifyingKey::from_bytes(&node.0)
        .is_ok_and(|key| key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok())
}

/// What bare verification is given: nothing is left to decode.
fn signed_bytes(network: &NetworkId, bytes: &[u8]) -> (NodeId, Vec<u8>, Signature) {
    let envelope: Envelope = codec::decode(bytes, Bundle::LIMIT).expect("an envelope");
    (envelope.signer, preimage(Bundle::KIND, envelope.version, network, &envelope.payload), envelope.signature)
}

struct Epochs {
    took: Duration,
    best: f64,
    bare: f64,
    bytes: usize,
}

fn epoch(source: &Source, epoch: Epoch, engine: &mut Engine, store: &Store) -> Epochs {
    let (now, network) = (source.now(), source.genesis().network_id());
    let mut out = Epochs { took: Duration::ZERO, best: 0.0, bare: 0.0, bytes: 0 };
    for bundles in source.rounds(epoch, ROUND) {
        let bare: Vec<_> = bundles.iter().map(|b| signed_bytes(&network, b)).collect();
        out.bytes += bundles.iter().map(Vec::len).sum::<usize>();
        let start = Instant::now();
        assert_eq!(ingest(engine, now, store, bundles), ROUND, "every bundle is new and true");
        out.took += start.elapsed();
        out.best = out.best.max(ROUND as f64 / start.elapsed().as_secs_f64());
        let start = Instant::now();
        assert!(bare.iter().all(|(node, message, signature)| black_box(verify_strict(node, message, signature))));
        out.bare = out.bare.max(ROUND as f64 / start.elapsed().as_secs_f64());
    }
    out
}

/// A node with both days' bundles, and what the second day's cost.
pub(crate) struct Ingested {
    pub(crate) engine: Engine,
    /// Bundles a second, without reconciling.
    pub(crate) ingest: f64,
    /// Bare verifications a second.
    pub(crate) bare: f64,
}

pub(crate) fn measure(source: &Source, dir: &Path) -> Ingested {
    let mut engine = source.engine();
    let store = Store::open(dir.join("node")).expect("a fresh store");
    let first = epoch(source, YESTERDAY, &mut engine, &store);
    let second = epoch(source, TODAY, &mut engine, &store);
    println!(
        "bare verify_strict               {:>9.0} a second (best of 20 rounds; it reads each public key and hashes the message)",
        second.bare
    );
    println!(
        "ingest, signers never seen       {:>9.0} a second, {:.0} % of bare (decode, rules, verify, store with its log)",
        first.best,
        100.0 * first.best / first.bare
    );
    println!(
        "ingest beside {MEMBERS} stored      {:>9.0} a second, {:.0} % of bare ({} bytes each, keys of known signers are kept)",
        second.best,
        100.0 * second.best / second.bare,
        second.bytes / MEMBERS as usize
    );
    println!("a day of {MEMBERS} members: ingest  {:>8.2} s, {:.0} MiB at most so far", second.took.as_secs_f64(), crate::peak_mib());
    Ingested { engine, ingest: second.best, bare: second.bare }
}
