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
pub(crate) const AT_ONCE: usize = 64;

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

/// The peer, with its key decompressed long before: what a program does that has all keys at hand.
fn ready(key: &VerifyingKey, message: &[u8], signature: &Signature) -> bool {
    key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
}

/// The other peer: what a program does that knows nothing but a key's bytes.
fn from_bytes(node: &NodeId, message: &[u8], signature: &Signature) -> bool {
    VerifyingKey::from_bytes(&node.0).is_ok_and(|key| ready(&key, message, signature))
}

/// What bare verification is given: nothing is left to decode.
struct Signed {
    node: NodeId,
    key: VerifyingKey,
    message: Vec<u8>,
    signature: Signature,
}

impl Signed {
    fn read(network: &NetworkId, bytes: &[u8]) -> Self {
        let envelope: Envelope = codec::decode(bytes, Bundle::LIMIT).expect("an envelope");
        let message = preimage(Bundle::KIND, envelope.version, network, &envelope.payload);
        let key = VerifyingKey::from_bytes(&envelope.signer.0).expect("a key");
        Self { node: envelope.signer, key, message, signature: envelope.signature }
    }
}

/// Verifications a second.
fn rate(all: &[Signed], one: impl Fn(&Signed) -> bool) -> f64 {
    let start = Instant::now();
    assert!(all.iter().all(|signed| black_box(one(signed))));
    all.len() as f64 / start.elapsed().as_secs_f64()
}

struct Epochs {
    took: Duration,
    best: f64,
    ready: f64,
    from_bytes: f64,
    bytes: usize,
}

fn epoch(source: &Source, epoch: Epoch, engine: &mut Engine, store: &Store) -> Epochs {
    let (now, network) = (source.now(), source.genesis().network_id());
    let mut out = Epochs { took: Duration::ZERO, best: 0.0, ready: 0.0, from_bytes: 0.0, bytes: 0 };
    for bundles in source.rounds(epoch, ROUND) {
        let bare: Vec<Signed> = bundles.iter().map(|b| Signed::read(&network, b)).collect();
        out.bytes += bundles.iter().map(Vec::len).sum::<usize>();
        let start = Instant::now();
        assert_eq!(ingest(engine, now, store, bundles), ROUND, "every bundle is new and true");
        out.took += start.elapsed();
        out.best = out.best.max(ROUND as f64 / start.elapsed().as_secs_f64());
        out.ready = out.ready.max(rate(&bare, |s| ready(&s.key, &s.message, &s.signature)));
        out.from_bytes = out.from_bytes.max(rate(&bare, |s| from_bytes(&s.node, &s.message, &s.signature)));
    }
    out
}

/// A node with both days' bundles, and what the second day's cost.
pub(crate) struct Ingested {
    pub(crate) engine: Engine,
    /// Bundles a second, without reconciling.
    pub(crate) ingest: f64,
    /// Bare verifications a second, with keys ready.
    pub(crate) ready: f64,
    /// The same from the keys' bytes.
    pub(crate) from_bytes: f64,
}

pub(crate) fn measure(source: &Source, dir: &Path) -> Ingested {
    let mut engine = source.engine();
    let store = Store::open(dir.join("node")).expect("a fresh store");
    let first = epoch(source, YESTERDAY, &mut engine, &store);
    let second = epoch(source, TODAY, &mut engine, &store);
    println!(
        "bare verify_strict               {:>9.0} a second with keys ready, {:.0} from the keys' bytes (best of 20 rounds)",
        second.ready, second.from_bytes
    );
    println!(
        "ingest, signers never seen       {:>9.0} a second, {:.0} and {:.0} % of bare (decode, rules, verify, store with its log)",
        first.best,
        100.0 * first.best / first.ready,
        100.0 * first.best / first.from_bytes
    );
    println!(
        "ingest beside {MEMBERS} stored      {:>9.0} a second, {:.0} and {:.0} % of bare ({} bytes each, keys of known signers are kept)",
        second.best,
        100.0 * second.best / second.ready,
        100.0 * second.best / second.from_bytes,
        second.bytes / MEMBERS as usize
    );
    println!("a day of {MEMBERS} members: ingest  {:>8.2} s, {:.0} MiB at most so far", second.took.as_secs_f64(), crate::peak_mib());
    Ingested { engine, ingest: second.best, ready: second.ready, from_bytes: second.from_bytes }
}
