//! Addresses, ids, streams and clocks.

use super::NETWORK;
use serde_json::{Value, json};
use warmnet_protocol::entropy::Stream;
use warmnet_protocol::exchange::deadlines;
use warmnet_protocol::identity::commitment::domain_tag;
use warmnet_protocol::identity::{CanonicalAddress, hash, member_id};
use warmnet_protocol::ids::{ExchangeId, MemberId, Salt};
use warmnet_protocol::matching::{RingKind, Slot};
use warmnet_protocol::params::Params;
use warmnet_protocol::time::{Clock, Epoch};

fn addresses() -> Vec<Value> {
    let written =
        ["Jo.Doe+x@GoogleMail.com", "jodoe@gmail.com", "A.b@Example.ORG", "x@mail.example.co.uk", "+tag@one.example", " y@z.example "];
    let shown = |text: &str| {
        let address = CanonicalAddress::parse(text).expect("an address");
        let salt = Salt([4; 32]);
        json!({
            "written": text,
            "canonical": address.as_str(),
            "registrable": address.registrable_domain(),
            "member": member_id(&NETWORK, &salt, &address),
            "tag": domain_tag(&[8; 32], &address, false),
            "shared_tag": domain_tag(&[8; 32], &address, true),
        })
    };
    written.map(shown).to_vec()
}

/// What is no address, one for each reason.
pub(crate) fn refused() -> Vec<String> {
    let no = ["", "jo", "@example.org", "jo@", "jo@localhost", "jo@example..org", "jo@.org", "jo doe@example.org", "jo(x)@example.org"];
    let mut all: Vec<String> = no
        .into_iter()
        .chain(["j\u{f6}@example.org", "jo@ex\u{e4}mple.org", "jo@ex_ample.org", "...@gmail.com"])
        .map(str::to_owned)
        .collect();
    all.push(format!("{}@example.org", "x".repeat(65)));
    all.push(format!("jo@{}.org", "x".repeat(64)));
    all.push(format!("jo@{}org", format!("{}.", "x".repeat(62)).repeat(4)));
    all
}

/// Addresses at the limits, which stand.
pub(crate) fn longest() -> Vec<String> {
    let label = |n: usize| "x".repeat(n);
    vec![format!("{}@{}.org", label(64), label(63)), format!("jo@{}{}.{}.org", format!("{}.", label(60)).repeat(3), label(60), label(3))]
}

fn exchanges() -> Vec<Value> {
    let (sender, receiver) = (MemberId([1; 32]), MemberId([2; 32]));
    let one = |epoch: u32, ring: RingKind, round: u16| {
        let id = ExchangeId::derive(&NETWORK, Epoch(epoch), Slot { ring, round }, &sender, &receiver);
        let owed = deadlines::replies_owed(&Params::standard(), &id);
        json!({ "epoch": epoch, "ring": ring as u8, "round": round, "sender": sender, "receiver": receiver, "id": id, "replies_owed": owed })
    };
    (0..12).map(|n| one(n, [RingKind::Open, RingKind::Rehab, RingKind::Golden][n as usize % 3], 7 * n as u16)).collect()
}

fn streams() -> Vec<Value> {
    let one = |purpose: &str, parts: &[&[u8]]| {
        let mut stream = Stream::new(purpose, parts);
        let numbers: Vec<String> = (0..10).map(|_| stream.next_u64().to_string()).collect();
        let below: Vec<u64> = (1..6).map(|n| stream.below(n * 1_000)).collect();
        json!({ "purpose": purpose, "parts": parts.iter().map(hex::encode).collect::<Vec<_>>(), "numbers": numbers, "below": below })
    };
    vec![one("replies", &[&[9; 16]]), one("send-slots", &[&[1; 32], &[0, 0, 0, 7]]), one("acts", &[&[9; 16], &[]])]
}

fn merkle() -> Vec<Value> {
    let root = |n: u8| hash::merkle((0..n).map(|i| vec![i; usize::from(i)]));
    (0..6).map(|n| json!({ "leaves": n, "root": root(n) })).collect()
}

fn clock() -> Value {
    let clock = Clock { epoch_zero_ms: 1_000, epoch_ms: 12_000 };
    let member = MemberId([1; 32]);
    let at = |e: u32| {
        json!([
            clock.start(Epoch(e)).0,
            deadlines::send_deadline(&clock, Epoch(e)).0,
            deadlines::act_deadline(&clock, Epoch(e)).0,
            deadlines::bundle_at(&clock, Epoch(e), &member).0,
            deadlines::bundle_deadline(&clock, Epoch(e)).0
        ])
    };
    json!({ "clock": clock, "member": member, "start_send_act_bundle_deadline": (0..4).map(at).collect::<Vec<_>>() })
}

pub(crate) fn vectors() -> Value {
    json!({
        "network": NETWORK, "salt": Salt([4; 32]), "tag_key": hex::encode([8; 32]),
        "addresses": addresses(), "refused_addresses": refused(), "longest_addresses": longest(), "exchanges": exchanges(), "streams": streams(), "merkle": merkle(), "clock": clock(),
    })
}
