//! The recorded network as two files: what a node received, and what it must make of it.
//!
//! `network.bin` is a row of frames: kind (1 byte), length (4 bytes, big endian), that many bytes. Kinds: 1 genesis, 2 record
//! envelope, 3 roster row of the record before it, 4 bundle envelope, 5 notice envelope, 6 fault.

use super::play::{Day, genesis};
use serde_json::{Value, json};
use std::fmt::Write as _;
use warmnet_protocol::chain::Chain;
use warmnet_protocol::identity::{Signable, Verified, hash, signed};
use warmnet_protocol::ids::NetworkId;
use warmnet_protocol::ledger::Outcome;
use warmnet_protocol::params::Params;
use warmnet_protocol::policy::credits::Credits;
use warmnet_protocol::trust::Trust;
use warmnet_protocol::wire::bundle::Bundle;
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::departure::Departure;
use warmnet_protocol::wire::epoch_record::{EpochRecord, IssuingKey};
use warmnet_protocol::wire::fault::Fault;

/// Records between two whose trust is told in fine masses too.
const FINE_EVERY: u32 = 6;

/// What a node received, in frames.
pub(crate) fn network(days: &[Day]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut frame = |kind: u8, bytes: &[u8]| {
        out.push(kind);
        out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        out.extend_from_slice(bytes);
    };
    frame(1, &genesis().encode());
    for day in days {
        day.notices.iter().for_each(|n| frame(5, &n.bytes));
        frame(2, &day.record.bytes);
        day.roster.rows().iter().for_each(|row| frame(3, &codec::encode(row)));
        day.bundles.iter().for_each(|b| frame(4, &b.bytes));
        day.fault.iter().for_each(|(fault, _)| frame(6, &codec::encode(fault)));
    }
    out
}

/// Hash over what the signatures of a day cover, in the order of the frames; behind a record its certificate and departures, of a
/// fault both bundles.
fn signed_input(network: &NetworkId, day: &Day) -> String {
    fn input<T: Signable>(network: &NetworkId, bytes: &[u8]) -> Vec<u8> {
        let envelope: signed::Envelope = codec::decode(bytes, T::LIMIT + 128).expect("an envelope");
        signed::preimage(T::KIND, envelope.version, network, &envelope.payload)
    }
    fn inputs<T: Signable>(network: &NetworkId, all: &[Verified<T>]) -> Vec<Vec<u8>> {
        all.iter().map(|v| input::<T>(network, &v.bytes)).collect()
    }
    let mut all = inputs(network, &day.notices);
    all.push(input::<EpochRecord>(network, &day.record.bytes));
    all.push(input::<IssuingKey>(network, &day.record.message.authority));
    all.extend(day.record.message.departures.iter().map(|d| input::<Departure>(network, d)));
    all.extend(inputs(network, &day.bundles));
    if let Some((Fault::Equivocation { first, second }, _)) = &day.fault {
        all.extend([first, second].map(|b| input::<Bundle>(network, b)));
    }
    hash::digest(&all.concat()).to_hex()
}

fn letter(outcome: Outcome) -> char {
    match outcome {
        Outcome::DeliveredInbox => 'i',
        Outcome::DeliveredSpam => 's',
        Outcome::Unknown => 'u',
        Outcome::HardBounce => 'h',
        Outcome::SoftBounce => 'f',
        Outcome::Contradiction => 'c',
        Outcome::NoShow => 'n',
        Outcome::Void => 'v',
    }
}

/// Everything derived from one record, and how its epoch is dealt.
pub(crate) fn expected(chain: &Chain, day: &Day) -> Value {
    let epoch = day.record.message.epoch;
    let derived = chain.derived().expect("just derived");
    let play = chain.play(epoch).expect("a play");
    let deal = chain.deal(&play);
    let mut pairs = String::new();
    for p in deal.all() {
        let spare = if p.spare { "*" } else { "" };
        let _ = write!(pairs, "{}.{}:{}>{}{spare} ", p.slot.ring as u8, p.slot.round, p.sender, p.receiver);
    }
    let before = epoch.minus(1).and_then(|e| chain.roster(e)).cloned().unwrap_or_default();
    let ids = || before.rows().iter().map(|r| r.member);
    let numbers = |list: &mut dyn Iterator<Item = u64>| list.map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    let trust = ids().map(|m| {
        let t = &derived.trust;
        numbers(&mut [t.mass(&m), t.credibility(&m).into(), t.weight(&m).into()].into_iter())
    });
    let score = ids().map(|m| {
        let s = derived.scores[&m];
        let (provisional, locked) = (u32::from(s.provisional), u32::from(s.locked));
        let all = [s.value, s.a, s.r, s.o, s.b, s.s, s.inbox_lower, s.delivered, s.dealt, s.completed, provisional, locked];
        numbers(&mut all.into_iter().map(u64::from))
    });
    let window = chain.window();
    let closed = window.latest().filter(|c| Some(c.epoch) == derived.closes).map(|c| {
        let s = c.summary();
        let outcomes: String = window.exchanges().filter(|(e, _)| *e == c.epoch).map(|(_, x)| letter(x.outcome)).collect();
        let roster_len = chain.play(c.epoch).map_or(0, |p| p.roster.len() as u32);
        let tally = |position: u32| {
            let t = c.tally(position);
            numbers(&mut [t.dealt, t.completed, t.dealt_in, t.seen_in, t.owed_in, t.replied_in].into_iter().map(u64::from))
        };
        json!({
            "epoch": c.epoch,
            "outcomes": outcomes,
            "counts": [s.dealt, s.delivered_inbox, s.delivered_spam, s.unknown, s.bounced, s.void, s.completed],
            "tallies": (0..roster_len).map(tally).collect::<Vec<_>>(),
        })
    });
    // The same window in the masses of a large network; now and then, since it takes as long as the trust itself.
    let fine = epoch.0.is_multiple_of(FINE_EVERY).then(|| {
        let params = Params { fine_from_members: 0, ..chain.params_derived().clone() };
        Trust::compute(&params, window, &before).digest()
    });
    let credits = |m| u64::from(Credits::of(chain.params_derived(), window, window.index(&m), []).left);
    json!({
        "credits": numbers(&mut ids().map(credits)),
        "epoch": epoch,
        "signed_input": signed_input(&chain.network(), day),
        "degraded": play.degraded,
        "weekday": chain.weekday(epoch),
        "seed": play.seed,
        "quotas": numbers(&mut (0..play.roster.len() as u32).map(|p| deal.quota(p).into())),
        "pairs": pairs.trim_end(),
        "closed": closed,
        "ledger": derived.digests.ledger,
        "trust": trust.collect::<Vec<_>>(),
        "trust_digest": derived.digests.trust,
        "fine_trust_digest": fine,
        "scores": score.collect::<Vec<_>>(),
        "scores_digest": derived.digests.scores,
        "results": derived.digests.results(),
        "roster": day.roster.digest(),
    })
}

/// The JSON file: one line a record.
pub(crate) fn lines(network: &NetworkId, records: &[Value]) -> String {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    format!("{{\"network\": \"{network}\", \"records\": [\n{}\n]}}\n", lines.join(",\n"))
}
