//! Golden vectors of the wire: `vectors/wire.json` holds every message with its fields, bytes and signed input, `vectors/identity.json`
//! what is derived from addresses, members and clocks, `vectors/exchange.json` when a node asks, sends and acts. Every implementation must
//! produce and read the same.
//!
//! `WARMNET_WRITE_VECTORS=1 cargo test -p warmnet-protocol` writes all three after a change made on purpose.
#![allow(clippy::disallowed_methods)] // a test may read files; the rules may not

mod examples;

use examples::{NETWORK, authority, exchange, identity, key, members, shape, sync};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use warmnet_protocol::identity::{CanonicalAddress, Passport, Signable, signed};
use warmnet_protocol::ids::NetworkId;
use warmnet_protocol::params::Params;
use warmnet_protocol::wire::bundle::Bundle;
use warmnet_protocol::wire::codec::{self, CodecError};
use warmnet_protocol::wire::departure::Departure;
use warmnet_protocol::wire::enrolment::EnrolmentMail;
use warmnet_protocol::wire::epoch_record::{EpochRecord, IssuingKey};
use warmnet_protocol::wire::genesis::Genesis;
use warmnet_protocol::wire::label::Label;
use warmnet_protocol::wire::notice::Notice;
use warmnet_protocol::wire::roster::RosterRow;
use warmnet_protocol::wire::sync::{Request, Response};

fn crate_folder() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

fn wire() -> Value {
    let messages = [authority::messages(), members::messages(), sync::messages()].concat();
    json!({
        "network": NETWORK,
        "signing_seed": hex::encode([7u8; 32]),
        "signer": key().node_id(),
        "messages": messages,
        "variants": shape::variants(members::fault()),
        "params": sync::ranges(),
        "digests": authority::digests(),
        "label": members::label().1,
        "enrolment_header": members::enrolment_mails(),
        "refused": sync::refused(),
    })
}

/// Compares a vector file with what the crate produces, and gives the file's content.
fn golden(name: &str, produced: &Value) -> Value {
    let path = crate_folder().join("vectors").join(name);
    if std::env::var_os("WARMNET_WRITE_VECTORS").is_some() {
        std::fs::write(&path, format!("{produced:#}\n")).expect("a writable folder");
    }
    let held: Value = std::fs::read_to_string(&path).ok().and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default();
    assert_eq!(held, *produced, "if this was changed on purpose, see the head of this file: {}", path.display());
    held
}

fn bytes(v: &Value) -> Vec<u8> {
    hex::decode(v.as_str().expect("hex text")).expect("hex")
}

#[test]
fn wire_bytes_are_the_golden_ones() {
    let golden = golden("wire.json", &wire());
    let all = golden["messages"].as_array().expect("messages");
    let of = |kind: &str| all.iter().filter(|m| m["message"] == kind).map(|m| bytes(&m["hex"])).collect::<Vec<_>>();
    assert_eq!(codec::decode::<EpochRecord>(&of("epoch-record")[0], 65_536), Ok(authority::record()));
    assert_eq!(codec::decode::<RosterRow>(&of("roster-row")[0], 65_536), Ok(authority::row()));
    assert_eq!(Genesis::decode(&of("genesis")[0]), Ok(authority::genesis()));
    let envelope = all.iter().find(|m| m["message"] == "bundle").map(|m| bytes(&m["envelope"])).expect("a bundle");
    assert_eq!(signed::open::<Bundle>(&envelope, &NETWORK).expect("a valid envelope").message, members::bundle());
    for (kind, decodes) in [("request", codec_reads::<Request> as fn(&[u8]) -> bool), ("response", codec_reads::<Response>)] {
        assert!(!of(kind).is_empty() && of(kind).iter().all(|b| decodes(b)), "{kind}");
    }
}

/// Layouts of a kind that a node reads: the newest and the one before.
fn layouts<T: Signable>() -> (&'static str, Vec<u8>) {
    (T::KIND, (T::VERSION.max(2) - 1..=T::VERSION).collect())
}

#[test]
fn each_layout_of_each_kind_has_a_vector() {
    let kinds = [
        layouts::<EpochRecord>(),
        layouts::<IssuingKey>(),
        layouts::<Notice>(),
        layouts::<Departure>(),
        layouts::<Passport>(),
        layouts::<Bundle>(),
    ];
    let wire = wire();
    let shown = |kind: &str, version: u8| {
        let mut messages = wire["messages"].as_array().expect("messages").iter();
        messages.any(|m| m["message"] == kind && m["version"] == version)
    };
    for (kind, versions) in &kinds {
        assert!(versions.iter().all(|v| shown(kind, *v)), "{kind}: {versions:?}");
    }
    let signed = wire["messages"].as_array().expect("messages").iter().filter(|m| m.get("signed_input").is_some());
    let named: BTreeSet<&str> = signed.map(|m| m["message"].as_str().expect("a name")).collect();
    assert_eq!(named, kinds.iter().map(|(kind, _)| *kind).collect(), "no other kind is signed");
}

fn codec_reads<T: serde::Serialize + serde::de::DeserializeOwned>(bytes: &[u8]) -> bool {
    codec::decode::<T>(bytes, 65_536).is_ok()
}

#[test]
fn labels_and_enrolment_headers_are_the_golden_ones() {
    let (label, value) = members::label();
    assert_eq!(Label::parse(value["header"].as_str().expect("a header")), Ok(label));
    for bad in value["refused"].as_array().expect("a list") {
        assert!(Label::parse(bad.as_str().expect("text")).is_err(), "{bad}");
    }
    let mails = members::enrolment_mails();
    let parse = |name: &str| EnrolmentMail::parse(mails[name].as_str().expect("a header"));
    assert_eq!(parse("token"), Some(EnrolmentMail::Token([6; 16])));
    assert_eq!(parse("code"), Some(EnrolmentMail::Code([7; 16])));
    assert_eq!(EnrolmentMail::parse("v1; token=06"), None);
}

#[test]
fn what_is_refused_is_refused_here() {
    for bad in sync::refused() {
        let hex = bytes(&bad["hex"]);
        let read = match bad["message"].as_str().expect("a kind") {
            "bundle" => Bundle::read(&hex).is_ok(),
            "roster-row" => codec_reads::<RosterRow>(&hex),
            "request" => codec_reads::<Request>(&hex),
            "genesis" => Genesis::decode(&hex).is_ok(),
            "bundle-envelope" => signed::open::<Bundle>(&hex, &NETWORK).is_ok(),
            other => panic!("{other} has no reader here"),
        };
        assert!(!read, "{}", bad["why"]);
    }
    let long = sync::refused().into_iter().find(|b| b["why"] == "an integer spelt longer than needed").expect("there");
    assert_eq!(codec::decode::<RosterRow>(&bytes(&long["hex"]), 65_536), Err(CodecError::NotCanonical));
}

#[test]
fn a_genesis_keeps_its_limits() {
    let good = authority::genesis();
    assert!(Genesis::decode(&good.encode()).is_ok());
    for bad in [Genesis { version: 2, ..good.clone() }, Genesis { name: "x".repeat(65), ..good.clone() }] {
        assert!(matches!(Genesis::decode(&bad.encode()), Err(CodecError::Invalid(_))), "{}", bad.name);
    }
    let (day, end) = (86_400_000, 253_402_300_799_999);
    let clocks =
        [(-end, 1_000, true), (end, day, true), (0, 999, false), (0, day + 1, false), (-end - 1, day, false), (end + 1, day, false)];
    for (epoch_zero_ms, epoch_ms, fits) in clocks {
        let clock = warmnet_protocol::time::Clock { epoch_zero_ms, epoch_ms };
        let read = Genesis::decode(&Genesis { clock, ..good.clone() }.encode());
        assert!(if fits { read.is_ok() } else { matches!(read, Err(CodecError::Invalid(_))) }, "{clock:?}");
    }
    let params = Params { walk_steps: 129, ..good.params.clone() };
    let refused = Genesis::decode(&Genesis { params, ..good.clone() }.encode());
    assert_eq!(refused, Err(CodecError::Invalid("the parameter walk_steps is 129; it may be 1 to 128 (R-CONV-8)".into())));
    let long = Genesis { name: "x".repeat(5_000), ..good };
    assert!(matches!(Genesis::decode(&long.encode()), Err(CodecError::TooLarge { .. })));
}

#[test]
fn identities_are_the_golden_ones() {
    golden("identity.json", &identity::vectors());
    for bad in identity::refused() {
        assert!(CanonicalAddress::parse(&bad).is_err(), "{bad}");
    }
    for long in identity::longest() {
        assert!(CanonicalAddress::parse(&long).is_ok(), "{long}");
    }
}

#[test]
fn times_and_foreign_words_are_the_golden_ones() {
    let golden = golden("exchange.json", &exchange::vectors());
    let verdicts: Vec<bool> = golden["foreign"].as_array().expect("a list").iter().map(|v| v["foreign"] == true).collect();
    assert!(verdicts.contains(&true) && verdicts.contains(&false), "{verdicts:?}");
}

#[test]
fn every_damaged_byte_is_noticed() {
    let good = signed::sign(&key(), &NETWORK, members::bundle()).bytes;
    for i in 0..good.len() {
        let mut bad = good.clone();
        bad[i] ^= 1;
        assert!(signed::open::<Bundle>(&bad, &NETWORK).is_err(), "byte {i}");
    }
    assert!(signed::open::<Bundle>(&good, &NetworkId([0x12; 32])).is_err(), "another network");
    assert!(signed::open::<EpochRecord>(&good, &NETWORK).is_err(), "another kind");
}

/// All text of the files of one kind under a folder.
fn sources(folder: &Path, extension: &str) -> String {
    let mut out = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            out += &sources(&path, extension);
        } else if path.extension().is_some_and(|e| e == extension) {
            out += &std::fs::read_to_string(&path).expect("a source file");
        }
    }
    out
}

/// Each vector file belongs to a test that reads it, here by name; the second implementation says itself what it left unread.
#[test]
fn no_vector_stays_unread() {
    // The network layer's names and frames are the node's.
    let folders = ["src", "tests", "../node/src/p2p"];
    let rust: String = folders.iter().map(|folder| sources(&crate_folder().join(folder), "rs")).collect();
    for entry in std::fs::read_dir(crate_folder().join("vectors")).expect("the vectors folder") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let reads = [format!("vectors/{name}\")"), format!("golden(\"{name}\""), format!("same(\"{name}\"")];
        assert!(reads.iter().any(|r| rust.contains(r)), "no test reads {name}");
    }
}
