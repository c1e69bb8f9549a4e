//! What JSON does not show by itself: the order of a message's fields, and which variants an enum has.

use super::members::{answers, introduced};
use super::sync::{requests, responses};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use std::fmt;
use warmnet_protocol::matching::RingKind;
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::enrolment::EnrolAnswer;
use warmnet_protocol::wire::fault::Fault;
use warmnet_protocol::wire::introduction::{Decline, Introduced};
use warmnet_protocol::wire::notice::{NoticeKind, ReasonClass};
use warmnet_protocol::wire::roster::{Pool, RampPreset, Role};
use warmnet_protocol::wire::sync::{Request, Response};

/// Field paths of a value in the order in which they stand; an element of a list has its list's path.
struct Paths(Vec<String>);

impl Paths {
    fn under(self, name: &str) -> Vec<String> {
        if self.0.is_empty() { vec![name.to_owned()] } else { self.0.into_iter().map(|p| format!("{name}.{p}")).collect() }
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Paths;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Paths, E> {
        Ok(Paths(vec![]))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Paths, E> {
        Ok(Paths(vec![]))
    }
    fn visit_u64<E>(self, _: u64) -> Result<Paths, E> {
        Ok(Paths(vec![]))
    }
    fn visit_str<E>(self, _: &str) -> Result<Paths, E> {
        Ok(Paths(vec![]))
    }
    fn visit_unit<E>(self) -> Result<Paths, E> {
        Ok(Paths(vec![]))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Paths, A::Error> {
        let mut out: Vec<String> = Vec::new();
        while let Some(element) = list.next_element::<Paths>()? {
            element.0.into_iter().for_each(|path| {
                if !out.contains(&path) {
                    out.push(path)
                }
            });
        }
        Ok(Paths(out))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Paths, A::Error> {
        let mut out = Vec::new();
        while let Some((name, inner)) = map.next_entry::<String, Paths>()? {
            out.extend(inner.under(&name));
        }
        Ok(Paths(out))
    }
}

impl<'de> Deserialize<'de> for Paths {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Walk)
    }
}

/// The fields of a message in wire order: structs are written to JSON text in the order in which they are encoded.
pub(crate) fn order<T: Serialize>(value: &T) -> Vec<String> {
    let text = serde_json::to_string(value).expect("plain data");
    serde_json::from_str::<Paths>(&text).expect("its own text").0
}

/// All variants of an enum in wire order, each seen among `examples`. A new one does not compile before it is named here, and fails
/// before it has an example.
macro_rules! variants {
    ($type:ident, $examples:expr, [$($variant:ident),+]) => {{
        let name = |v: &$type| match v { $($type::$variant { .. } => stringify!($variant)),+ };
        let all = [$(stringify!($variant)),+];
        let mut seen = vec![false; all.len()];
        for example in &$examples {
            let number = all.iter().position(|n| *n == name(example)).expect("named above");
            assert_eq!(codec::encode(example)[0] as usize, number, "{} of {}", name(example), stringify!($type));
            seen[number] = true;
        }
        let unseen: Vec<_> = all.iter().zip(seen).filter(|(_, seen)| !seen).collect();
        assert!(unseen.is_empty(), "{} without an example: {unseen:?}", stringify!($type));
        json!(all)
    }};
}

/// The same of an enum whose variants hold nothing; JSON names them as the code does, or in small letters.
macro_rules! names {
    ($type:ident, [$($variant:ident),+]) => {{
        let _all = variants!($type, [$($type::$variant),+], [$($variant),+]);
        json!([$($type::$variant),+])
    }};
}

/// The variants of every enum on the wire, by message and field.
pub(crate) fn variants(fault: Fault) -> Value {
    json!({
        "request": variants!(Request, requests(), [Introduce, Apply, Confirm, Records, Roster, Bundles, Notices, Contacts, Leave, Leaves, Faults]),
        "response":
            variants!(Response, responses(), [Introduced, Enrolment, Records, Roster, Bundles, Notices, Contacts, Refused, Leaves, Faults]),
        "enrolment-answer": variants!(EnrolAnswer, answers(), [Challenge, Pending, Admitted, Refused, Left]),
        "introduced": variants!(Introduced, introduced(), [Welcome, Declined]),
        "introduced.Declined": names!(Decline, [NotHere, NotDealt, WrongAddress, Paused, Quarantined, NotReady]),
        "fault": variants!(Fault, [fault], [Equivocation]),
        "notice.kind": names!(NoticeKind, [Listed, Released]),
        "notice.reason": names!(ReasonClass, [Blocklist, Operator]),
        "roster-row.role": names!(Role, [Member, Golden]),
        "roster-row.pool": names!(Pool, [Warming, Standard, Premium, Rehab, Quarantined]),
        "roster-row.ramp": names!(RampPreset, [Gentle, Fresh, Prewarmed]),
        "introduce.slot": names!(RingKind, [Open, Rehab, Golden]),
    })
}
