//! Reports as real servers write them: read, judged and counted once; forged ones not at all.

#[path = "reports/bounces.rs"]
mod bounces;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bounces::{AGGREGATE, AGGREGATE_XML, COMPLAINT, HARD};
use proptest::prelude::*;
use warmnet_node::mail::auth_results::passing;
use warmnet_node::mail::fields;
use warmnet_node::mail::reports::{
    AggregateSums, Arrived, Book, Counted, Fate, Figures, Hint, Loss, Origin, Original, Owner, Report, Verified, read,
};
use warmnet_protocol::identity::CanonicalAddress;
use warmnet_protocol::ids::{ExchangeId, MemberId};
use warmnet_protocol::wire::bundle::SelfReport;

const NOW: i64 = 1_795_507_200_000;
const LABEL: &str = "v1; n=0000000000000000; e=3; r=0.1; x=00; t=0; s=AAAA";
const ID: &str = "mx.a.test";

/// A shape about the owner's external mail, or about a labelled one.
fn fill(text: &str, labelled: bool) -> Vec<u8> {
    let label = if labelled { format!("Warmnet-Exchange: {LABEL}") } else { "X-Other: 1".to_owned() };
    let text = text.replace("\nFROM\n", "\nFrom: Me <me@a.test>\n").replace("\nID\n", "\nMessage-ID: <1@a.test>\n");
    text.replace("\nLABEL\n", &format!("\n{label}\n")).replace('\n', "\r\n").into_bytes()
}

fn owner() -> Owner {
    Owner::new(CanonicalAddress::parse("me@a.test").expect("an address"), Some(ID.into()))
}

fn arrived(raw: &[u8]) -> Option<Arrived> {
    let id = fields::only(&fields::fields(raw), "Message-ID");
    Some(Arrived { report: read(raw)?, origin: Origin::of(raw, passing(raw, ID)), id: Arrived::id(id.as_deref(), raw), at_ms: Some(NOW) })
}

fn nobody(_: &Original) -> Option<Verified> {
    None
}

fn take(book: &mut Book, raw: &[u8]) -> Vec<Counted> {
    arrived(raw).map(|a| book.take(NOW, &a, &owner(), nobody)).unwrap_or_default()
}

#[test]
fn every_servers_bounce_is_hinted_at_read_and_counted_once() {
    for shape in HARD {
        let raw = fill(shape.text, false);
        assert_eq!(Hint::read(&fields::fields(&raw)), Some(Hint::Notice), "{}", shape.server);
        let mut book = Book::new(NOW);
        let want = if shape.standard { vec![Counted::External(SelfReport { hard: 1, ..SelfReport::default() })] } else { vec![] };
        assert_eq!(take(&mut book, &raw), want, "{}", shape.server);
        assert!(take(&mut book, &raw).is_empty(), "{}", shape.server);
        if let Some(Report::Delivery(report)) = read(&raw) {
            let got = &report.recipients[0];
            assert_eq!((got.address.as_str(), got.fate), ("you@b.test", Fate::Hard), "{}", shape.server);
            assert!(matches!(got.status, Some((5, 1, 1 | 10))), "{}: {:?}", shape.server, got.status);
            assert_eq!(report.original.message_id.as_deref(), Some("1@a.test"), "{}", shape.server);
        }
    }
}

#[test]
fn a_labelled_bounce_counts_only_when_the_engine_knows_the_label() {
    let ours = Verified { exchange: ExchangeId([7; 16]), turn: 0, partner: MemberId([9; 32]) };
    let verify = |o: &Original| (o.label.as_deref() == Some(LABEL) && o.message_id.as_deref() == Some("1@a.test")).then_some(ours);
    for shape in HARD {
        let raw = fill(shape.text, true);
        let report = arrived(&raw).unwrap_or_else(|| panic!("{} is read", shape.server));
        let mut book = Book::new(NOW);
        assert!(book.take(NOW, &report, &owner(), nobody).is_empty(), "{}", shape.server);
        assert_eq!(book.figures(), Figures { doubted: 1, ..Figures::default() }, "{}", shape.server);
        let mut book = Book::new(NOW);
        let want = Counted::Bounced { exchange: ours.exchange, turn: 0, hard: true };
        assert_eq!(book.take(NOW, &report, &owner(), verify), [want], "{}", shape.server);
        assert_eq!(book.figures().external, Loss::default());
    }
}

#[test]
fn bounces_cut_at_any_byte_do_no_harm() {
    for shape in HARD.iter().filter(|s| s.standard) {
        let raw = fill(shape.text, true);
        for cut in 0..raw.len() {
            let Some(a) = arrived(&raw[..cut]) else { continue };
            let counted = Book::new(NOW).take(NOW, &a, &owner(), nobody);
            assert!(counted.is_empty(), "{} cut at {cut}: a warming mail is taken for external mail", shape.server);
        }
    }
}

#[test]
fn forged_bounces_and_complaints_do_not_count() {
    let outside = "Received: from mx.a.test (evil.test [203.0.113.66]) by mx.a.test with ESMTP; d\r\n";
    for shape in HARD.iter().map(|s| s.text).chain([COMPLAINT]) {
        let honest = String::from_utf8(fill(shape, false)).expect("ASCII");
        let counts = |raw: &str| {
            let mut book = Book::new(NOW);
            let counted = take(&mut book, raw.as_bytes());
            assert_eq!((book.figures().external, book.figures().warming), (Loss::default(), Loss::default()));
            !counted.is_empty()
        };
        // Came in from outside, and nobody the owner's provider knows vouches for it.
        let forged = honest.replace("Authentication-Results: mx.a.test;", "Authentication-Results: mx.evil.test;");
        assert!(!counts(&format!("{outside}{forged}")));
        // Vouched for by a domain that has nothing to do with the recipient.
        assert!(!counts(&format!("Authentication-Results: mx.a.test; dkim=pass header.d=evil.test\r\n{outside}{forged}")));
        // About somebody else's mail.
        assert!(!counts(&honest.replace("From: Me <me@a.test>", "From: Me <me@c.test>")));
    }
}

#[test]
fn a_complaint_counts_once() {
    let raw = fill(COMPLAINT, false);
    assert_eq!(Hint::read(&fields::fields(&raw)), Some(Hint::Notice));
    let mut book = Book::new(NOW);
    assert_eq!(take(&mut book, &raw), [Counted::External(SelfReport { complaints: 1, ..SelfReport::default() })]);
    let again = String::from_utf8(raw.clone()).expect("ASCII").replace("<arf-1@", "<arf-2@");
    assert!(take(&mut book, again.as_bytes()).is_empty(), "a second report about the same mail");
    let praise =
        String::from_utf8(raw).expect("ASCII").replace("Feedback-Type: abuse", "Feedback-Type: not-spam").replace("<arf-1@", "<arf-3@");
    assert!(take(&mut book, praise.as_bytes()).is_empty());
    assert_eq!(book.figures().external, Loss { complaints: 1, ..Loss::default() });
}

fn aggregate(xml: &str) -> Vec<u8> {
    use mail_auth::flate2::{Compression, write::GzEncoder};
    use std::io::Write as _;
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(xml.as_bytes()).expect("memory");
    let text: Vec<String> =
        STANDARD.encode(packed.finish().expect("memory")).as_bytes().chunks(76).map(|l| String::from_utf8_lossy(l).into_owned()).collect();
    AGGREGATE.replace("\nXML\n", &format!("\n{}\n", text.join("\n"))).replace('\n', "\r\n").into_bytes()
}

#[test]
fn an_aggregate_is_summed_for_the_owners_domain_only() {
    let raw = aggregate(AGGREGATE_XML);
    assert_eq!(Hint::read(&fields::fields(&raw)), Some(Hint::Aggregate));
    let want = AggregateSums { domain: "a.test".into(), reporter: ("p.test".into(), "77".into()), passed: 42, failed: 3 };
    assert_eq!(read(&raw), Some(Report::Aggregate(want)));
    let mut book = Book::new(NOW);
    take(&mut book, &raw);
    take(&mut book, &raw);
    let resent = String::from_utf8(raw).expect("ASCII").replace("<agg-77@", "<agg-78@");
    take(&mut book, resent.as_bytes());
    assert_eq!(book.figures(), Figures { aggregates: 1, passed: 42, failed: 3, ..Figures::default() });
    let mut other = Book::new(NOW);
    take(&mut other, &aggregate(&AGGREGATE_XML.replace("<domain>a.test", "<domain>c.test")));
    assert_eq!(other.figures(), Figures { doubted: 1, ..Figures::default() });
}

#[test]
fn hostile_reports_are_refused_and_small() {
    let rows = "<record/>".repeat(100_000);
    let many = AGGREGATE_XML.replace("</feedback>", &format!("{rows}</feedback>"));
    assert_eq!(read(&aggregate(&many)), None, "too many rows");
    let bomb = AGGREGATE_XML.replace("</feedback>", &format!("{}</feedback>", " ".repeat(50 * 1024 * 1024)));
    assert_eq!(read(&aggregate(&bomb)), None, "too large");
    let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(2_000);
    let _no_overflow = read(format!("Subject: failure notice\r\n{deep}").as_bytes());
    let wide = "Final-Recipient: rfc822; x@b.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n".repeat(900);
    let raw = format!("Content-Type: message/delivery-status\r\n\r\n{wide}");
    let Some(Report::Delivery(report)) = read(raw.as_bytes()) else { panic!("a report") };
    assert_eq!(report.recipients.len(), 64);
}

#[test]
fn no_address_is_shown() {
    for text in HARD.iter().map(|s| s.text).chain([COMPLAINT]) {
        let shown = format!("{:?}", read(&fill(text, true)));
        assert!(!shown.contains("test") && !shown.contains('@'), "{shown}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(raw in prop::collection::vec(any::<u8>(), 0..600)) {
        let _any = arrived(&raw);
    }

    #[test]
    fn damaged_reports_are_read_without_panic(
        which in 0..HARD.len() + 2,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut raw = match HARD.get(which) {
            Some(shape) => fill(shape.text, true),
            None if which == HARD.len() => fill(COMPLAINT, true),
            None => aggregate(AGGREGATE_XML),
        };
        for (at, byte) in damage {
            let at = at.index(raw.len());
            raw[at] = byte;
        }
        raw.truncate(cut.index(raw.len()) + 1);
        let _hint = Hint::read(&fields::fields(&raw));
        if let Some(a) = arrived(&raw) {
            let mut book = Book::new(NOW);
            let first = book.take(NOW, &a, &owner(), nobody);
            prop_assert!(book.take(NOW, &a, &owner(), nobody).is_empty(), "the same again");
            prop_assert!(first.len() <= 1);
        }
    }
}
