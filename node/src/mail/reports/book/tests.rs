//! Sums against a model, whatever comes in whatever order and however often.

use super::*;
use crate::mail::reports::Recipient;
use proptest::prelude::*;
use std::collections::BTreeSet;
use warmnet_protocol::identity::CanonicalAddress;

const NOW: i64 = 1_800_000_000_000;

fn owner() -> Owner {
    Owner::new(CanonicalAddress::parse("me@a.test").expect("an address"), Some("mx.a.test".into()))
}

fn original(id: &str) -> Original {
    Original { message_id: Some(id.into()), from: Some("me@a.test".into()), to: None, label: None }
}

fn bounce(id: &str, to: &str, fate: Fate) -> Report {
    let recipients = vec![Recipient { address: to.into(), fate, status: None }];
    Report::Delivery(DeliveryReport { recipients, original: original(id) })
}

fn complaint(id: &str) -> Report {
    Report::Complaint(Complaint { recipient: Some("x@b.test".into()), original: original(id) })
}

fn arrived(report: Report, mail: u32) -> Arrived {
    Arrived { report, origin: Origin::Local, id: Arrived::id(Some(&mail.to_string()), b""), at_ms: Some(NOW) }
}

fn nobody(_: &Original) -> Option<Verified> {
    None
}

#[test]
fn a_report_and_a_mail_count_once() {
    let mut book = Book::new(NOW);
    let hard = Counted::External(SelfReport { hard: 1, ..SelfReport::default() });
    let first = arrived(bounce("1@a", "x@b.test", Fate::Hard), 1);
    assert_eq!(book.take(NOW, &first, &owner(), nobody), [hard]);
    assert!(book.take(NOW, &first, &owner(), nobody).is_empty(), "the same report");
    assert!(book.take(NOW, &arrived(bounce("1@a", "x@b.test", Fate::Hard), 2), &owner(), nobody).is_empty(), "a second one about it");
    assert_eq!(book.take(NOW, &arrived(bounce("1@a", "y@b.test", Fate::Hard), 3), &owner(), nobody), [hard], "another recipient");
    let stored = Book::decode(&book.encode()).expect("a book");
    assert_eq!(stored, book);
    assert_eq!(book.figures().external, Loss { hard: 2, soft: 0, complaints: 0 });
}

#[test]
fn what_lay_there_before_does_not_count() {
    let mut book = Book::new(NOW);
    let old = Arrived { at_ms: Some(NOW - 2 * SLACK_MS), ..arrived(complaint("1@a"), 1) };
    assert!(book.take(NOW, &old, &owner(), nobody).is_empty());
    assert_eq!(book.figures(), Figures::default());
    let new = Arrived { at_ms: None, ..old };
    assert_eq!(book.take(NOW, &new, &owner(), nobody).len(), 1);
}

#[test]
fn forged_reports_do_not_count() {
    let mut book = Book::new(NOW);
    let mut forged = arrived(bounce("1@a", "x@b.test", Fate::Hard), 1);
    forged.origin = Origin::Unproven;
    assert!(book.take(NOW, &forged, &owner(), nobody).is_empty());
    let labelled = Original { label: Some("v1; forged".into()), ..original("2@a") };
    let recipients = vec![Recipient { address: "x@b.test".into(), fate: Fate::Hard, status: None }];
    let report = Report::Delivery(DeliveryReport { recipients, original: labelled.clone() });
    assert!(book.take(NOW, &arrived(report, 2), &owner(), nobody).is_empty(), "a label that is not ours, though From is the owner's");
    let report = Report::Complaint(Complaint { recipient: None, original: labelled });
    assert!(book.take(NOW, &arrived(report, 3), &owner(), nobody).is_empty());
    let sums = AggregateSums { domain: "b.test".into(), reporter: ("p".into(), "1".into()), passed: 9, failed: 9 };
    assert!(book.take(NOW, &arrived(Report::Aggregate(sums), 4), &owner(), nobody).is_empty());
    assert_eq!(book.figures(), Figures { doubted: 4, ..Figures::default() });
    assert!(book.take(NOW, &forged, &owner(), nobody).is_empty());
    assert_eq!(book.figures().doubted, 4, "the same again");
}

#[test]
fn a_verified_label_counts_for_the_exchange_and_never_as_external() {
    let mut book = Book::new(NOW);
    let ours = Verified { exchange: ExchangeId([7; 16]), turn: 0, partner: MemberId([9; 32]) };
    let verify = |o: &Original| (o.label.as_deref() == Some("true")).then_some(ours);
    let labelled = Original { label: Some("true".into()), ..original("1@a") };
    let report = |fate| {
        let recipients = vec![Recipient { address: String::new(), fate, status: None }];
        Report::Delivery(DeliveryReport { recipients, original: labelled.clone() })
    };
    assert!(book.take(NOW, &arrived(report(Fate::Delayed), 1), &owner(), verify).is_empty());
    let mut remote = arrived(report(Fate::Hard), 2);
    remote.origin = Origin::Unproven;
    let want = Counted::Bounced { exchange: ours.exchange, turn: 0, hard: true };
    assert_eq!(book.take(NOW, &remote, &owner(), verify), [want]);
    let heard = Report::Complaint(Complaint { recipient: None, original: labelled });
    assert!(book.take(NOW, &arrived(heard, 3), &owner(), verify).is_empty(), "a peer's word enters no score");
    assert_eq!(book.figures().warming, Loss { hard: 1, soft: 0, complaints: 1 });
    assert_eq!(book.figures().external, Loss::default());
}

#[test]
fn the_fifth_soft_bounce_of_an_address_is_hard() {
    let mut book = Book::new(NOW);
    let mut total = SelfReport::default();
    for i in 0..10 {
        let report = bounce(&format!("{i}@a"), "x@b.test", Fate::Soft);
        for counted in book.take(NOW, &arrived(report, i), &owner(), nobody) {
            let Counted::External(r) = counted else { panic!("external mail") };
            total.hard += r.hard;
            total.soft += r.soft;
        }
    }
    assert_eq!((total.hard, total.soft), (2, 8));
}

#[test]
fn a_flood_leaves_the_book_bounded_and_remembers_what_counted() {
    let mut book = Book::new(NOW);
    let first = arrived(complaint("0@a"), 0);
    assert_eq!(book.take(NOW, &first, &owner(), nobody).len(), 1);
    for i in 1..6_000 {
        let mut forged = arrived(complaint("9@a"), i);
        forged.origin = Origin::Unproven;
        book.take(NOW, &forged, &owner(), nobody);
    }
    assert!(book.take(NOW, &first, &owner(), nobody).is_empty());
    for i in 1..6_000_u32 {
        let report = bounce(&format!("{i}@b"), &format!("x{i}@b.test"), Fate::Soft);
        book.take(NOW, &arrived(report, i + 10_000), &owner(), nobody);
    }
    let bytes = book.encode();
    assert!(bytes.len() < MAX_BYTES, "{} bytes", bytes.len());
    assert_eq!(Book::decode(&bytes).as_ref(), Some(&book));
}

proptest! {
    #[test]
    fn sums_never_double(steps in prop::collection::vec((0u8..3, 0u8..6, 0u8..4, 0u32..40, any::<bool>()), 0..200)) {
        let mut book = Book::new(NOW);
        let mut sum = SelfReport::default();
        let (mut hard, mut complaints, mut mails) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (kind, id, to, mail, restart) in steps {
            let (id, to) = (format!("{id}@a"), format!("x{to}@b.test"));
            let report = match kind {
                0 => bounce(&id, &to, Fate::Hard),
                1 => complaint(&id),
                _ => bounce(&id, &to, Fate::Delayed),
            };
            // A Message-ID names one mail: the first report that carries it is the one that is read.
            if mails.insert(mail) {
                match kind {
                    0 => { hard.insert((id.clone(), to)); }
                    1 => { complaints.insert(id.clone()); }
                    _ => {}
                }
            }
            for counted in book.take(NOW, &arrived(report, mail), &owner(), nobody) {
                let Counted::External(r) = counted else { panic!("external mail") };
                sum.hard += r.hard;
                sum.complaints += r.complaints;
            }
            if restart {
                book = Book::decode(&book.encode()).expect("a book");
            }
        }
        prop_assert_eq!(sum.hard as usize, hard.len());
        prop_assert_eq!(sum.complaints as usize, complaints.len());
        prop_assert_eq!(book.figures().external, Loss { hard: sum.hard, soft: 0, complaints: sum.complaints });
        prop_assert_eq!(book.figures().doubted, 0);
    }

    #[test]
    fn any_bytes_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _any = Book::decode(&bytes);
    }
}
