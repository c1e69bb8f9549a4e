//! Golden vectors of the wire: the bytes in `vectors/wire.json` are what every implementation must produce and read.
#![allow(clippy::disallowed_methods)] // a test may read files; the rules may not

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use warmnet_protocol::identity::{NodeKey, signed};
use warmnet_protocol::ids::{Beacon, Digest, DomainTag, ExchangeId, MemberId, NetworkId, NodeId};
use warmnet_protocol::matching::{RingKind, Slot};
use warmnet_protocol::params::Params;
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::bundle::{AuthResult, Bundle, Entry, Observation, Placement, SelfReport, SenderOutcome, Word};
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::epoch_record::{EpochRecord, LedgerRoot};
use warmnet_protocol::wire::label::{self, Label};
use warmnet_protocol::wire::notice::{Notice, NoticeKind, ReasonClass};
use warmnet_protocol::wire::roster::{Pool, RampPreset, Role, RosterRow};

const NETWORK: NetworkId = NetworkId([0x11; 32]);

fn folder() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from).join("vectors")
}

fn record() -> EpochRecord {
    EpochRecord {
        epoch: Epoch(300),
        previous: Digest([1; 32]),
        beacon: Beacon([2; 32]),
        roster: Digest([3; 32]),
        roster_len: 12,
        ledger: Some(LedgerRoot { epoch: Epoch(295), present: vec![0xff, 0x0b], digest: Digest([4; 32]) }),
        notices: vec![Notice {
            tag: DomainTag([5; 16]),
            kind: NoticeKind::Listed,
            reason: ReasonClass::Blocklist,
            evidence: Digest([6; 32]),
            since: Epoch(299),
            review: Epoch(300),
        }],
        proofs: vec![(MemberId([7; 32]), Digest([8; 32]))],
        results: Digest([9; 32]),
        params: Params::standard().digest(),
        degraded: false,
        authority: vec![10; 8],
    }
}

fn row() -> RosterRow {
    RosterRow {
        member: MemberId([1; 32]),
        node: NodeId([2; 32]),
        tag: DomainTag([3; 16]),
        provider: 4,
        languages: 1,
        role: Role::Member,
        pool: Pool::Rehab,
        unlocked_once: true,
        joined: Epoch(251),
        ramp: RampPreset::Gentle,
        ramp_day: 20,
        quota: 10,
        cut: 600,
        clean_epochs: 2,
        debt: 400,
        debt_since: Epoch(290),
        service: 1_000,
        weekdays: 0x1f,
        acts: 0x0f,
        dead: false,
    }
}

fn bundle() -> Bundle {
    let seen = Observation {
        placement: Placement::Spam,
        spf: AuthResult::Pass,
        dkim: AuthResult::Fail,
        dmarc: AuthResult::Unknown,
        read: true,
        rescued: true,
        replied: false,
        complaint: false,
    };
    let slot = |ring, round| Slot { ring, round };
    Bundle {
        member: MemberId([1; 32]),
        epoch: Epoch(295),
        entries: vec![
            Entry { slot: slot(RingKind::Open, 0), word: Word::Sender(SenderOutcome::Sent), evidence: [1, 2, 3, 4] },
            Entry { slot: slot(RingKind::Open, 0), word: Word::Receiver(Some(seen)), evidence: [5, 6, 7, 8] },
            Entry { slot: slot(RingKind::Open, 300), word: Word::Receiver(None), evidence: [0; 4] },
            Entry { slot: slot(RingKind::Golden, 41), word: Word::Sender(SenderOutcome::RefusedSoft), evidence: [0; 4] },
        ],
        report: SelfReport { sent: 1_000, hard: 3, soft: 2, complaints: 1, replies: 40 },
    }
}

fn a_label() -> Label {
    let key = NodeKey::from_seed(&[7; 32]);
    let exchange = ExchangeId([9; 16]);
    let signed = label::Signed {
        network: &NETWORK,
        exchange: &exchange,
        turn: 1,
        message_id: "0909.1.01010101@a.test",
        author: &MemberId([1; 32]),
        addressee: &MemberId([2; 32]),
        text: &label::text_digest("Some text."),
    };
    Label {
        network: Label::network_prefix(&NETWORK),
        epoch: Epoch(295),
        slot: Slot { ring: RingKind::Open, round: 3 },
        exchange,
        turn: 1,
        signature: signed.sign(&key),
    }
}

fn produced() -> Value {
    let key = NodeKey::from_seed(&[7; 32]);
    json!({
        "network": NETWORK.to_hex(),
        "signing_seed": hex::encode([7u8; 32]),
        "record": { "fields": record(), "hex": hex::encode(codec::encode(&record())), "envelope": hex::encode(signed::sign(&key, &NETWORK, record()).bytes) },
        "roster_row": { "fields": row(), "hex": hex::encode(codec::encode(&row())) },
        "bundle": { "hex": hex::encode(codec::encode(&bundle())), "envelope": hex::encode(signed::sign(&key, &NETWORK, bundle()).bytes) },
        "label": { "header": a_label().header_value() },
        "params": { "digest": Params::standard().digest().to_hex() },
    })
}

#[test]
fn wire_bytes_are_the_golden_ones() {
    let path = folder().join("wire.json");
    let produced = produced();
    let golden: Value = std::fs::read_to_string(&path).ok().and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default();
    assert_eq!(golden, produced, "if the format was changed on purpose, {} must hold:\n{:#}", path.display(), produced);
    let bytes = |v: &Value| hex::decode(v.as_str().expect("hex text")).expect("hex");
    assert_eq!(codec::decode::<EpochRecord>(&bytes(&golden["record"]["hex"]), 65_536), Ok(record()));
    assert_eq!(codec::decode::<RosterRow>(&bytes(&golden["roster_row"]["hex"]), 65_536), Ok(row()));
    let opened = signed::open::<Bundle>(&bytes(&golden["bundle"]["envelope"]), &NETWORK).expect("a valid envelope");
    assert_eq!(opened.message, bundle());
    assert_eq!(Label::parse(golden["label"]["header"].as_str().expect("a header")), Ok(a_label()));
}

#[test]
fn every_damaged_byte_is_noticed() {
    let key = NodeKey::from_seed(&[7; 32]);
    let good = signed::sign(&key, &NETWORK, bundle()).bytes;
    for i in 0..good.len() {
        let mut bad = good.clone();
        bad[i] ^= 1;
        assert!(signed::open::<Bundle>(&bad, &NETWORK).is_err(), "byte {i}");
    }
    assert!(signed::open::<Bundle>(&good, &NetworkId([0x12; 32])).is_err(), "another network");
    assert!(signed::open::<EpochRecord>(&good, &NETWORK).is_err(), "another kind");
}

/// Each vector file belongs to a test that reads it.
#[test]
fn no_vector_stays_unread() {
    let read: BTreeSet<&str> = ["network.bin", "network.json", "wire.json", "rings.json", "text.json"].into();
    let there: BTreeSet<String> = std::fs::read_dir(folder())
        .expect("the vectors folder")
        .map(|e| e.expect("a folder entry").file_name().to_string_lossy().into_owned())
        .collect();
    let there: BTreeSet<&str> = there.iter().map(String::as_str).collect();
    assert_eq!(there, read);
}
