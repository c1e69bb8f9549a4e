//! Reports in a real mailbox: handed over where the owner lets them be read, and left exactly as they are.

#[path = "reports/bounces.rs"]
#[allow(dead_code, reason = "shared with the tests of reading")]
mod bounces;
#[path = "real_mail/rig.rs"]
#[allow(dead_code, reason = "shared with the tests of the mail engine")]
mod rig;

use bounces::{COMPLAINT, HARD};
use rig::{Cursors, Events, Journal, Rig, mail};
use std::sync::Arc;
use warmnet_node::mail::auth_results::passing;
use warmnet_node::mail::reports::{Origin, Report, read};
use warmnet_node::mail::{FoundReport, MailEvent, OutgoingMail, SmtpOutcome};

/// The next report.
async fn report(events: &mut Events) -> FoundReport {
    events
        .until(|event| match event {
            MailEvent::Report(found) => Some(found),
            MailEvent::Found(_) => panic!("a report is no labelled mail"),
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_read_and_left_as_they_are() {
    let Some(rig) = Rig::start(&[]) else { return };
    let (alice, bob) = ("alice@a.test", "reportbob@b.test");
    let submitter = rig.submitter("smtps", alice);
    let texts: Vec<&str> = HARD.iter().map(|s| s.text).chain([COMPLAINT]).collect();
    for (i, text) in texts.iter().enumerate() {
        // Ordinary mail in between, which is not even looked at.
        let mut ordinary = mail(alice, bob, &format!("<ordinary{i}@a.test>"), None);
        ordinary.raw = ordinary.raw.replace("Warmnet-", "X-Other-");
        let filled = text.replace("\nFROM\n", "\nFrom: me@a.test\n").replace("\nID\n", "\nMessage-ID: <1@a.test>\n");
        let raw = filled.replace("\nLABEL\n", "\nX-Other: 1\n").replace('\n', "\r\n");
        for outgoing in [ordinary, OutgoingMail { from: alice.into(), to: bob.into(), raw }] {
            assert_eq!(submitter.submit(&outgoing, &Journal::default()).await, SmtpOutcome::Sent);
        }
    }

    let cursors = Arc::new(Cursors::default());
    let (watcher, mut events) = rig.watch("imaps", bob, 0.2, &cursors);
    let mut found = Vec::new();
    while found.len() < texts.len() {
        found.push(report(&mut events).await);
    }
    let bounces = found.iter().filter(|f| matches!(read(&f.raw), Some(Report::Delivery(_)))).count();
    let complaints = found.iter().filter(|f| matches!(read(&f.raw), Some(Report::Complaint(_)))).count();
    assert_eq!((bounces, complaints), (4, 1), "qmail's words without a label are no report");
    assert!(found.iter().all(|f| f.internal_ms.is_some() && f.message_id.is_some()));
    // They came over this server's submission port, from outside as it seems to it or from loopback: never proven by themselves.
    assert!(found.iter().all(|f| !matches!(Origin::of(&f.raw, passing(&f.raw, "mx.other.test")), Origin::Proven { .. })));
    watcher.stop().await;

    let files = rig.files(bob, "");
    assert_eq!(files.len(), 2 * texts.len(), "nothing was moved");
    let flags = files.iter().filter_map(|name| name.rsplit_once(",").map(|(_, flags)| flags)).filter(|f| !f.is_empty() && f.len() < 6);
    assert!(flags.clone().all(|f| !f.contains('S')), "nothing was marked read: {:?}", flags.collect::<Vec<_>>());
}
