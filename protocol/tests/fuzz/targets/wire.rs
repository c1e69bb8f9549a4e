//! Decoders of every message.

use super::{CODEC, Target, VALUE, codec_reason, signed_reason};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::sync::OnceLock;
use warmnet_protocol::identity::signed::{self, Envelope, preimage};
use warmnet_protocol::identity::{NodeKey, Passport, Signable, SignedError};
use warmnet_protocol::ids::{MemberId, NetworkId};
use warmnet_protocol::limits::{BUNDLE_BYTES, BUNDLE_ENTRIES, RECORD_BYTES, REQUEST_BYTES, RESPONSE_BYTES};
use warmnet_protocol::matching::{RingKind, Slot};
use warmnet_protocol::time::{Clock, Epoch};
use warmnet_protocol::wire::bundle::{Bundle, Entry, SelfReport, SenderOutcome, Word};
use warmnet_protocol::wire::codec::{self, CodecError};
use warmnet_protocol::wire::departure::Departure;
use warmnet_protocol::wire::enrolment::{Apply, EnrolAnswer};
use warmnet_protocol::wire::epoch_record::{EpochRecord, IssuingKey};
use warmnet_protocol::wire::fault::{FAULT_BYTES, Fault};
use warmnet_protocol::wire::genesis::{GENESIS_BYTES, Genesis};
use warmnet_protocol::wire::introduction::{Introduce, Introduced};
use warmnet_protocol::wire::notice::Notice;
use warmnet_protocol::wire::roster::RosterRow;
use warmnet_protocol::wire::sync::{Request, Response};

/// The golden messages.
pub(crate) fn golden() -> &'static Value {
    static WIRE: OnceLock<Value> = OnceLock::new();
    WIRE.get_or_init(|| serde_json::from_str(include_str!("../../../vectors/wire.json")).expect("JSON"))
}

/// A field of all golden messages of a kind, and of those that are refused.
fn seeds(kind: &str, field: &str) -> Vec<Vec<u8>> {
    let all = ["messages", "refused"].into_iter().flat_map(|list| golden()[list].as_array().expect("a list"));
    let bytes = |m: &Value| hex::decode(m[field].as_str()?).ok();
    let found: Vec<Vec<u8>> = all.filter(|m| m["message"] == kind).filter_map(bytes).collect();
    assert!(!found.is_empty(), "{kind} has golden vectors");
    found
}

/// Decodes strictly; what is accepted has one spelling and comes back the same.
fn read<T: Serialize + DeserializeOwned + PartialEq>(bytes: &[u8], limit: usize) -> Result<(), String> {
    let value: T = codec::decode(bytes, limit).map_err(codec_reason)?;
    let again = codec::encode(&value);
    assert!(again == bytes && codec::decode(&again, limit).is_ok_and(|v: T| v == value), "another message comes back");
    Ok(())
}

const NETWORK: NetworkId = NetworkId([0x11; 32]);
/// Bytes of an envelope around its payload, and room for the length of it.
const ENVELOPE: usize = 128;

/// The same envelope with a good signature, whatever its payload is: a changed payload is mostly refused for its signature only.
fn signed_again<T: Signable>(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut envelope: Envelope = codec::decode(bytes, T::LIMIT + ENVELOPE).ok()?;
    let key = NodeKey::from_seed(&[1; 32]);
    envelope.signer = key.node_id();
    envelope.signature = key.sign(&preimage(T::KIND, envelope.version, &NETWORK, &envelope.payload));
    Some(codec::encode(&envelope))
}

/// Opens an envelope by the golden network's rules; every other one is signed anew before.
fn open<T: Signable + PartialEq>(bytes: &[u8]) -> Result<(), String> {
    let even = bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)).is_multiple_of(2);
    let again = if even { signed_again::<T>(bytes) } else { None };
    let bytes = again.as_deref().unwrap_or(bytes);
    let opened = signed::open::<T>(bytes, &NETWORK);
    // The reader by hand and the codec take the same envelopes for ones.
    match codec::decode::<Envelope>(bytes, T::LIMIT + ENVELOPE) {
        Ok(envelope) if envelope.version == T::VERSION => {
            let malformed = matches!(opened, Err(SignedError::Codec(_)));
            let readable = T::read(&envelope.payload).is_ok_and(|message| message.version() == T::VERSION);
            assert!(malformed != readable, "the envelope is one, its payload readable: {readable}, and yet: {:?}", opened.err());
        }
        Ok(_) => {}
        Err(why) => assert!(matches!(opened, Err(SignedError::Codec(_))), "the codec says {why}"),
    }
    let opened = opened.map_err(signed_reason)?;
    assert!(opened.bytes == bytes);
    payload::<T>(&codec::encode(&opened.message))
}

/// A bundle as the codec reads it: the layout alone, no rule of what it may say.
#[derive(Serialize, Deserialize)]
struct Layout {
    member: [u8; 32],
    epoch: u32,
    entries: Vec<(u8, u16, u8, u16, [u8; 4])>,
    report: SelfReport,
}

/// The reader by hand refuses the spelling of exactly those bundles that the codec refuses.
fn bundle(bytes: &[u8]) -> Result<(), String> {
    let by_codec = codec::decode::<Layout>(bytes, BUNDLE_BYTES);
    match Bundle::read(bytes) {
        Ok(_) => assert!(by_codec.is_ok_and(|layout| codec::encode(&layout) == bytes)),
        // Which rule speaks first may differ where spelling and content are wrong.
        Err(CodecError::Invalid(_)) => {}
        Err(_) => assert!(by_codec.is_err()),
    }
    payload::<Bundle>(bytes)
}

/// Decodes the payload of an envelope strictly.
fn payload<T: Signable + PartialEq>(bytes: &[u8]) -> Result<(), String> {
    let value = T::read(bytes).map_err(codec_reason)?;
    let again = codec::encode(&value);
    assert!(again == bytes && T::read(&again).is_ok_and(|v| v == value), "another message comes back");
    Ok(())
}

fn genesis(bytes: &[u8]) -> Result<(), String> {
    let reason = |why: String| match why {
        why if why.starts_with("the parameter ") && why.contains("; it may be at most ") => "a parameter above another".into(),
        why if why.starts_with("the parameter ") => "a parameter out of its range".into(),
        why if why.starts_with("the network \"") => "a network of an earlier program".into(),
        why => why,
    };
    let genesis = Genesis::decode(bytes).map_err(codec_reason).map_err(reason)?;
    assert_eq!(Genesis::decode(&genesis.encode()), Ok(genesis));
    Ok(())
}

/// More entries than a bundle may have, still below its size limit.
fn crowded() -> Bundle {
    let entry =
        |round: u16| Entry { slot: Slot { ring: RingKind::Open, round }, word: Word::Sender(SenderOutcome::Sent), evidence: [1; 4] };
    let entries = (0..=BUNDLE_ENTRIES as u16).map(entry).collect();
    Bundle { member: MemberId([1; 32]), epoch: Epoch(1), entries, report: SelfReport::default() }
}

const BUNDLE: [&str; 4] = [
    "a bundle has too many entries (R-LEDGER-3)",
    "a bundle's entries are not in order (R-LEDGER-3)",
    "an entry holds an unknown outcome (R-WIRE-7, R-WIRE-8)",
    "an entry names an unknown ring (R-WIRE-1)",
];
const GENESIS: [&str; 7] = [
    "a network of an earlier program",
    "a parameter above another",
    "a parameter out of its range",
    "an epoch lasts a second at least and a day at most (R-WIRE-4)",
    "epoch 0 begins too far from the year 1970 (R-WIRE-4)",
    "the network's name is longer than 64 bytes (R-WIRE-4)",
    "this genesis has a version this program does not know (R-WIRE-4)",
];

pub(crate) fn targets() -> Vec<Target> {
    let target = |name, limit, run: fn(&[u8]) -> Result<(), String>, more: &[&'static str]| Target {
        name,
        seeds: seeds(name, "hex"),
        words: &[],
        limit,
        run,
        refusals: [CODEC.as_slice(), more].concat(),
    };
    let envelope = |name, kind: &str, limit, run: fn(&[u8]) -> Result<(), String>, more: &[&'static str]| Target {
        name,
        seeds: seeds(kind, "envelope"),
        words: &[],
        limit: limit + ENVELOPE,
        run,
        refusals: [CODEC.as_slice(), &["unknown version", "bad signature"], more].concat(),
    };
    let mut bundle = target("bundle", BUNDLE_BYTES, bundle, &BUNDLE);
    bundle.seeds.push(codec::encode(&crowded()));
    let mut signed_bundle = envelope("bundle envelope", "bundle", BUNDLE_BYTES, open::<Bundle>, &BUNDLE);
    signed_bundle.seeds.push(signed::sign(&NodeKey::from_seed(&[1; 32]), &NETWORK, crowded()).bytes);
    let mut genesis = target("genesis", GENESIS_BYTES, genesis, &GENESIS);
    let good: Genesis = codec::decode(&genesis.seeds[0], GENESIS_BYTES).expect("golden");
    let far = Clock { epoch_zero_ms: i64::MAX, ..good.clock };
    genesis.seeds.extend([Genesis { name: "x".repeat(65), ..good.clone() }.encode(), Genesis { clock: far, ..good }.encode()]);
    vec![
        genesis,
        target("epoch-record", RECORD_BYTES, |b| read::<EpochRecord>(b, RECORD_BYTES), &[VALUE]),
        target("issuing-key", IssuingKey::LIMIT, |b| read::<IssuingKey>(b, IssuingKey::LIMIT), &[]),
        envelope("certificate", IssuingKey::KIND, IssuingKey::LIMIT, open::<IssuingKey>, &[]),
        target("roster-row", REQUEST_BYTES, |b| read::<RosterRow>(b, REQUEST_BYTES), &[VALUE]),
        bundle,
        target("notice", Notice::LIMIT, |b| read::<Notice>(b, Notice::LIMIT), &[VALUE]),
        target("departure", Departure::LIMIT, |b| read::<Departure>(b, Departure::LIMIT), &[]),
        target("fault", FAULT_BYTES, |b| read::<Fault>(b, FAULT_BYTES), &[VALUE]),
        target("passport", Passport::LIMIT, |b| read::<Passport>(b, Passport::LIMIT), &[]),
        target("introduce", REQUEST_BYTES, |b| read::<Introduce>(b, REQUEST_BYTES), &[VALUE]),
        target("introduced", RESPONSE_BYTES, |b| read::<Introduced>(b, RESPONSE_BYTES), &[VALUE]),
        target("apply", REQUEST_BYTES, |b| read::<Apply>(b, REQUEST_BYTES), &[VALUE]),
        target("enrolment-answer", RESPONSE_BYTES, |b| read::<EnrolAnswer>(b, RESPONSE_BYTES), &[VALUE]),
        target("request", REQUEST_BYTES, |b| read::<Request>(b, REQUEST_BYTES), &[VALUE]),
        target("response", RESPONSE_BYTES, |b| read::<Response>(b, RESPONSE_BYTES), &[VALUE]),
        signed_bundle,
        envelope("record envelope", "epoch-record", RECORD_BYTES, open::<EpochRecord>, &[VALUE]),
        envelope("notice envelope", "notice", Notice::LIMIT, open::<Notice>, &[VALUE]),
        envelope("departure envelope", "departure", Departure::LIMIT, open::<Departure>, &[]),
        envelope("passport envelope", "passport", Passport::LIMIT, open::<Passport>, &[]),
    ]
}
