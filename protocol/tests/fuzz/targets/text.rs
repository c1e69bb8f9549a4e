//! Parsers of text: label, enrolment header, address, ids, and the linter of a text bank.

use super::Target;
use super::wire::golden;
use serde_json::Value;
use std::collections::BTreeSet;
use warmnet_protocol::exchange::text::{self, lint};
use warmnet_protocol::identity::{AddressError, CanonicalAddress};
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::wire::enrolment::EnrolmentMail;
use warmnet_protocol::wire::label::{Label, LabelError};

/// A header line of a mail, folded ones as a whole (RFC 5322 2.1.1 knows 998 bytes a line).
const HEADER: usize = 4_096;

fn label(bytes: &[u8]) -> Result<(), String> {
    let label = Label::parse(&String::from_utf8_lossy(bytes)).map_err(|e| match e {
        LabelError::Version => "version".to_owned(),
        LabelError::Field(name) => format!("field {name}"),
        LabelError::Trailing => "trailing".to_owned(),
    })?;
    assert_eq!(Label::parse(&label.header_value()), Ok(label));
    Ok(())
}

fn enrolment(bytes: &[u8]) -> Result<(), String> {
    let mail = EnrolmentMail::parse(&String::from_utf8_lossy(bytes)).ok_or("no enrolment header")?;
    assert_eq!(EnrolmentMail::parse(&mail.header_value()), Some(mail));
    Ok(())
}

fn address(bytes: &[u8]) -> Result<(), String> {
    let address = CanonicalAddress::parse(&String::from_utf8_lossy(bytes)).map_err(|e| match e {
        AddressError::Shape => "shape",
        AddressError::Character => "character",
        AddressError::TooLong => "too long",
    })?;
    let text = address.as_str();
    assert!(text.len() <= 254 && text.is_ascii() && !text.contains(char::is_whitespace));
    assert!(address.domain().ends_with(address.registrable_domain()));
    assert_eq!(CanonicalAddress::parse(text).as_ref(), Ok(&address), "the canonical form is its own");
    Ok(())
}

fn id(bytes: &[u8]) -> Result<(), String> {
    let id = MemberId::from_hex(&String::from_utf8_lossy(bytes)).map_err(|e| e.to_string())?;
    assert_eq!(MemberId::from_hex(&id.to_hex()), Ok(id));
    Ok(())
}

const RULES: [&str; 13] =
    ["grammar", "turns", "empty", "slot", "link", "phone", "length", "shouting", "word", "character", "duplicate", "variants", "alike"];

/// The linter finds nothing, or names its rules.
fn bank(bytes: &[u8]) -> Result<(), String> {
    let source = String::from_utf8_lossy(bytes);
    let language = source.len() % text::LANGUAGES.len();
    let findings = lint::lint(&source, language as u8);
    let lines = source.lines().count().max(1);
    assert!(findings.iter().all(|f| (1..=lines + 1).contains(&f.line) && !f.what.is_empty()));
    let rules: BTreeSet<_> = findings.iter().map(|f| f.rule).collect();
    // One of them, so that each comes up.
    rules.iter().nth(source.len() / 4 % rules.len().max(1)).map_or(Ok(()), |rule| Err(rule.name().to_owned()))
}

/// A bank of one thread.
fn thread(second: &str) -> Vec<u8> {
    let turn = |first: &str| {
        let choices = "{one|two|three|four|five|six} ".repeat(4);
        format!(
            "{first} {choices}and then some more plain words so that it is long enough for a mail that somebody would send to [receiver]."
        )
    };
    format!("A subject\n----\n{second}\n----\n{}", ["alpha", "beta", "gamma", "delta"].map(turn).join("\n----\n")).into_bytes()
}

fn written(value: &Value) -> Vec<Vec<u8>> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(|t| t.as_bytes().to_vec()).collect()
}

const BANK_WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "|",
    "{a|b}",
    "{{{{{{{a|b}",
    "{|b}",
    "[receiver]",
    "[nobody]",
    "\n----\n",
    "\n====\n",
    " www.a.org ",
    "00 49 30 1234567",
    "FREE",
    "!!",
    "urgent",
    "\u{301}",
    "  ",
    "{one|two|three|four|five|six} ",
    "and then some more plain words so that it is long enough",
];
const LABEL_WORDS: &[&str] = &[
    "v1",
    "v2",
    ";",
    "; ",
    "n=",
    "e=",
    "r=",
    "x=",
    "t=",
    "s=",
    ".",
    "0",
    "01",
    "4",
    "5",
    "255",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "+1",
    "-1",
    "\r\n\t",
    " ",
    "=",
    "==",
    "/",
    "\u{e9}",
    "\u{2028}",
    "00112233445566778899aabbccddeeff",
    "; z=1",
];
const ADDRESS_WORDS: &[&str] = &[
    "@",
    ".",
    "..",
    "+",
    "+x",
    "gmail.com",
    "googlemail.com",
    "@gmail.com",
    "xn--",
    "\"",
    " ",
    "\u{fc}",
    "\r\n",
    "-",
    "co.uk",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

pub(crate) fn targets() -> Vec<Target> {
    let wire = golden();
    let header = |v: &Value| v.as_str().expect("text").as_bytes().to_vec();
    let mut labels = written(&wire["label"]["refused"]);
    labels.push(header(&wire["label"]["header"]));
    let fields = ["field n", "field e", "field r", "field x", "field t", "field s"];
    vec![
        Target {
            name: "label",
            seeds: labels,
            words: LABEL_WORDS,
            limit: HEADER,
            run: label,
            refusals: [["version", "trailing"].as_slice(), &fields].concat(),
        },
        Target {
            name: "enrolment header",
            seeds: vec![header(&wire["enrolment_header"]["token"]), header(&wire["enrolment_header"]["code"])],
            words: &["v1", ";", "token=", "code=", " ", "\r\n ", "00"],
            limit: HEADER,
            run: enrolment,
            refusals: vec!["no enrolment header"],
        },
        Target {
            name: "address",
            seeds: ["ann@one.example", "Jo.Doe+x@GoogleMail.com", "+t@one.example", "x@mail.example.co.uk", "a@b"].map(|t| t.as_bytes().to_vec()).to_vec(),
            words: ADDRESS_WORDS,
            limit: 254,
            run: address,
            refusals: vec!["shape", "character", "too long"],
        },
        Target {
            name: "id",
            seeds: vec![MemberId([0xab; 32]).to_hex().into_bytes()],
            words: &["0", "F", "g", "\u{e9}"],
            limit: 64,
            run: id,
            refusals: vec!["expected 64 hex digits"],
        },
        Target {
            name: "text bank",
            seeds: ["epsilon {one|two|three|four|five|six} {one|two|three|four|five|six} {one|two|three|four|five|six} {one|two|three|four|five|six} and then some more plain words so that it is long enough for a mail that somebody would send to a friend.", "{a|b", "a}", "a|b", ""].map(thread).to_vec(),
            words: BANK_WORDS,
            limit: 16 * 1024,
            run: bank,
            refusals: RULES.to_vec(),
        },
    ]
}
