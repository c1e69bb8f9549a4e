//! Requests and answers, and bytes that nobody may accept.

use super::authority::{genesis, record, row};
use super::members::{answers, apply, bundle, departure, fault};
use super::{NETWORK, key, plain};
use serde_json::{Value, json};
use warmnet_protocol::identity::signed::{self, Envelope};
use warmnet_protocol::ids::{Digest, MemberId, NodeId, Salt};
use warmnet_protocol::matching::{RingKind, Slot};
use warmnet_protocol::params::Params;
use warmnet_protocol::params::ranges::RANGES;
use warmnet_protocol::time::{Clock, Epoch};
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::genesis::Genesis;
use warmnet_protocol::wire::introduction::{Decline, Introduce, Introduced};
use warmnet_protocol::wire::sync::{Request, Response};

pub(crate) fn requests() -> Vec<Request> {
    let slot = Slot { ring: RingKind::Rehab, round: 0 };
    let (from, to, address, salt) = (MemberId([1; 32]), MemberId([2; 32]), "ann@one.example".into(), Salt([4; 32]));
    vec![
        Request::Introduce(Introduce { epoch: Epoch(1), slot, from, to, address, salt }),
        Request::Apply(Box::new(apply())),
        Request::Confirm { member: MemberId([1; 32]), code: [7; 16] },
        Request::Records { from: Epoch(250) },
        Request::Roster { epoch: Epoch(300), digest: Digest([3; 32]), from: 4_096 },
        Request::Bundles { epoch: Epoch(295), have: vec![0xff, 0x0b] },
        Request::Notices,
        Request::Contacts { nodes: vec![NodeId([2; 32])] },
        Request::Leave(signed::sign(&key(), &NETWORK, departure()).bytes),
        Request::Leaves { record: Epoch(300), from: 65_536 },
        Request::Faults { digests: vec![Digest([5; 32])] },
    ]
}

pub(crate) fn responses() -> Vec<Response> {
    let record = signed::sign(&key(), &NETWORK, record()).bytes;
    let [challenge, ..] = answers();
    vec![
        Response::Introduced(Introduced::Declined(Decline::NotReady)),
        Response::Enrolment(challenge),
        Response::Records(vec![record]),
        Response::Roster { rows: vec![row()], total: 1 },
        Response::Bundles(vec![vec![1, 2], vec![]]),
        Response::Notices(vec![]),
        Response::Contacts(vec![(NodeId([2; 32]), vec!["/ip4/192.0.2.1/tcp/4001".into()])]),
        Response::Refused { reason: "not here".into() },
        Response::Leaves { digests: vec![Digest([6; 32])], total: 1 },
        Response::Faults(vec![codec::encode(&fault())]),
    ]
}

pub(crate) fn messages() -> Vec<Value> {
    let requests = requests().into_iter().map(|r| plain("request", &r));
    requests.chain(responses().into_iter().map(|r| plain("response", &r))).collect()
}

/// Bytes that are no message of their kind, and why.
pub(crate) fn refused() -> Vec<Value> {
    let bytes = codec::encode(&bundle());
    let changed = |what: &str, message: &str, bytes: Vec<u8>| json!({ "message": message, "hex": hex::encode(bytes), "why": what });
    let with = |at: usize, value: u8| {
        let mut b = bytes.clone();
        b[at] = value;
        b
    };
    // A bundle: member 32 bytes, epoch 3, count 1, then entries. A row: 32, 32, 16, two bytes, then the role.
    let entry = 36;
    let mut long_number = codec::encode(&row());
    long_number.splice(82..83, [251, 0, 0]);
    let envelope = |version: u8| {
        let signed = signed::sign(&key(), &NETWORK, bundle()).bytes;
        let opened: Envelope = codec::decode(&signed, 65_536).expect("an envelope");
        codec::encode(&Envelope { version, ..opened })
    };
    vec![
        changed("a byte is missing", "bundle", bytes[..bytes.len() - 1].to_vec()),
        changed("a byte behind the message", "bundle", [bytes.as_slice(), &[0]].concat()),
        changed("an unknown ring", "bundle", with(entry, 3)),
        changed("an unknown side", "bundle", with(entry + 2, 2)),
        changed("an unknown sender's outcome", "bundle", with(entry + 3, 4)),
        changed("entries out of order", "bundle", with(entry + 1, 1)),
        changed("an integer spelt longer than needed", "roster-row", long_number),
        changed("an unknown role", "roster-row", {
            let mut b = codec::encode(&row());
            b[82] = 2;
            b
        }),
        changed("an unknown request", "request", vec![11]),
        changed("an unknown envelope version", "bundle-envelope", envelope(2)),
    ]
    .into_iter()
    .chain(geneses())
    .collect()
}

/// Genesis documents out of their limits.
fn geneses() -> Vec<Value> {
    let good = genesis();
    let clock = |clock| Genesis { clock, ..genesis() };
    let params = |change: fn(&mut Params)| {
        let mut params = Params::standard();
        change(&mut params);
        Genesis { params, ..genesis() }
    };
    let all = [
        ("another version", Genesis { version: 2, ..good.clone() }),
        ("a name of 65 bytes", Genesis { name: "x".repeat(65), ..good.clone() }),
        ("more than 4,096 bytes", Genesis { name: "x".repeat(4_096), ..good.clone() }),
        ("an epoch under a second", clock(Clock { epoch_ms: 999, ..good.clock })),
        ("an epoch over a day", clock(Clock { epoch_ms: 86_400_001, ..good.clock })),
        ("a begin after the year 9999", clock(Clock { epoch_zero_ms: 253_402_300_800_000, ..good.clock })),
        ("a begin as far before 1970", clock(Clock { epoch_zero_ms: -253_402_300_800_000, ..good.clock })),
        ("a parameter out of its range", params(|p| p.walk_steps = 129)),
        ("parameters out of order", params(|p| p.rehab_below = p.lock_below + 1)),
    ];
    all.map(|(why, genesis)| json!({ "message": "genesis", "hex": hex::encode(genesis.encode()), "why": why })).into()
}

/// Which single values the parameters may have: both ends of every range and one beyond each, all others as standard.
pub(crate) fn ranges() -> Vec<Value> {
    let Value::Object(standard) = json!(Params::standard()) else { return vec![] };
    let mut out = Vec::new();
    for range in RANGES {
        let beyond = [range.lowest.checked_sub(1), Some(range.lowest), Some(range.highest), range.highest.checked_add(1)];
        for value in beyond.into_iter().flatten() {
            let mut fields = standard.clone();
            fields.insert(range.name.to_owned(), json!(value));
            let params: Params = serde_json::from_value(Value::Object(fields)).expect("parameters");
            out.push(json!({ "field": range.name, "value": value, "holds": params.check().is_ok() }));
        }
    }
    out
}
