use super::*;
use crate::report::collect::Cast;
use crate::report::status::{Closed, DomainStats, EpochCounts, Member, NetworkScore, ProviderStats, Reconciled, Status};

fn seen() -> Observations {
    Observations::new(Cast { nodes: vec!["m01".into(), "m02".into()], domains: vec!["m01.test".into(), "m02.test".into()], bad: Some(1) })
}

fn run(epochs: u32) -> Run {
    Run { members: 2, golden: 1, epochs, epoch_ms: 1_000, seed: 7, engagement: true, defaults: false }
}

fn status(member: &str) -> Status {
    Status { members: vec![Member { member: member.into(), state: "active".into(), ..Member::default() }], ..Status::default() }
}

fn closed(record: u32, scores: &str) -> Closed {
    Closed { record, closes: record.checked_sub(5), ledger: "l".into(), trust: "t".into(), scores: scores.into(), matches_record: true }
}

#[test]
fn digests_are_equal_only_when_all_have_all() {
    let mut seen = seen();
    let with = |list: Vec<Closed>| Status { closed: list, ..status("aa") };
    seen.coordinator_said(with(vec![closed(4, "x"), closed(5, "x"), closed(6, "y")]));
    seen.node_said(0, with(vec![closed(4, "x"), closed(5, "x"), closed(6, "y")]));
    seen.node_said(1, with(vec![closed(4, "x"), closed(5, "x")]));
    let late = digests(&seen);
    assert!(!late.equal, "m02 lacks record 6");
    assert_eq!(late.differences, ["m02: has not derived record 6"]);
    seen.node_said(1, with(vec![closed(5, "x"), closed(6, "y")]));
    let good = digests(&seen);
    assert!(good.equal, "{:?}", good.differences);
    assert_eq!(good.compared, 2, "record 4 closes nothing");
    seen.node_said(1, with(vec![closed(6, "z")]));
    assert_eq!(digests(&seen).differences, ["m02: differs at record 6"]);
}

#[test]
fn no_digest_at_all_is_not_equality() {
    assert!(!digests(&seen()).equal);
}

#[test]
fn reconciled_counts_closed_epochs_only() {
    let mut seen = seen();
    let epochs = (0..3).map(|e| EpochCounts { epoch: e, planned: 10, sent: 8, ..EpochCounts::default() }).collect();
    let reconciled = vec![Reconciled { epoch: 0, dealt: 10, completed: 7, ..Reconciled::default() }];
    seen.node_said(0, Status { epochs, reconciled, ..status("aa") });
    let made = summarise(&seen, &run(3), None, &[], 1.0);
    assert_eq!(made.totals.planned, 30);
    assert!((made.totals.fill_rate - 0.8).abs() < 1e-9);
    assert!((made.totals.reconciled_share - 0.7).abs() < 1e-9);
    assert_eq!(made.totals.closed_epochs, 1);
    assert_eq!(made.epochs[1].reconciled, None);
}

#[test]
fn the_rise_is_measured_after_the_first_pair() {
    let mut seen = seen();
    let epochs = (2..14).map(|e| EpochCounts { epoch: e, planned: 4, ..EpochCounts::default() }).collect();
    seen.node_said(0, Status { epochs, ..status("aa") });
    let (mut inbox, mut spam) = (0, 0);
    for epoch in 0..14_u32 {
        // Before the first pair only spam, then two of ten, at last nine of ten.
        let (i, s) = if epoch < 2 {
            (0, 10)
        } else if epoch < 8 {
            (2, 8)
        } else {
            (9, 1)
        };
        inbox += i;
        spam += s;
        let by_domain = vec![DomainStats { domain: "m01.test".into(), inbox, spam }];
        seen.provider_said(Some(epoch), ProviderStats { by_domain, ..ProviderStats::default() });
    }
    let made = summarise(&seen, &run(14), None, &[], 1.0).honest_inbox;
    assert!((made.first5 - 0.2).abs() < 1e-9 && (made.last5 - 0.9).abs() < 1e-9, "{made:?}");
    assert_eq!((made.mails_first5, made.mails_last5), (50, 50));
}

#[test]
fn pairs_of_the_bad_apple_are_split_at_its_exclusion() {
    let mut seen = seen();
    let epochs = (0..6).map(|e| EpochCounts { epoch: e, planned: u32::from(e < 4) * 3, ..EpochCounts::default() }).collect();
    let network_scores = vec![NetworkScore { member: "bb".into(), score: 20.0, pool: "quarantined".into() }];
    seen.node_said(1, Status { epochs, record_epoch: Some(4), network_scores, ..status("bb") });
    let made = summarise(&seen, &run(6), Some(3), &[], 1.0).quarantined.expect("there is a bad apple");
    assert_eq!((made.listed_epoch, made.excluded_epoch), (Some(3), Some(4)));
    assert_eq!((made.planned_before, made.planned_after), (12, 0));
    assert_eq!(made.score, Some(20.0));
}
