use super::*;
use crate::report::status::{DomainStats, Member, NetworkScore};

fn cast() -> Cast {
    Cast { nodes: vec!["m01".into(), "m02".into()], domains: vec!["m01.test".into(), "m02.test".into()], bad: Some(1) }
}

fn status(member: &str, epochs: Vec<EpochCounts>) -> Status {
    let hosted = Member { member: member.into(), state: "active".into(), ..Member::default() };
    Status { members: vec![hosted], epochs, ..Status::default() }
}

fn counts(epoch: u32, planned: u32, sent: u32, observed: u32) -> EpochCounts {
    EpochCounts { epoch, planned, sent, observed, ..EpochCounts::default() }
}

fn domain(name: &str, inbox: u64, spam: u64) -> DomainStats {
    DomainStats { domain: name.into(), inbox, spam }
}

#[test]
fn counts_of_all_programs_are_added() {
    let mut seen = Observations::new(cast());
    seen.node_said(0, status("aa", vec![counts(3, 5, 4, 2)]));
    seen.node_said(1, status("bb", vec![counts(3, 6, 6, 1)]));
    seen.coordinator_said(status("gg", vec![counts(3, 0, 0, 7)]));
    let sum = seen.epoch(3);
    assert_eq!((sum.planned, sum.sent, sum.observed), (11, 10, 10));
    assert_eq!(seen.enrolled(), 2);
}

#[test]
fn a_restarted_node_that_forgot_takes_nothing_back() {
    let mut seen = Observations::new(cast());
    seen.node_said(0, status("aa", vec![counts(3, 5, 4, 2)]));
    seen.node_said(0, status("aa", vec![counts(3, 0, 0, 0), counts(4, 5, 5, 0)]));
    assert_eq!(seen.epoch(3).sent, 4);
    assert_eq!(seen.epoch(4).sent, 5);
}

#[test]
fn placement_is_what_is_new_in_an_epoch_and_honest_only() {
    let mut seen = Observations::new(cast());
    seen.provider_said(
        Some(0),
        ProviderStats { by_domain: vec![domain("m01.test", 1, 9), domain("m02.test", 50, 0)], ..Default::default() },
    );
    seen.provider_said(
        Some(1),
        ProviderStats { by_domain: vec![domain("m01.test", 9, 11), domain("m02.test", 60, 0)], ..Default::default() },
    );
    assert_eq!(seen.honest_placement(0), Placement { inbox: 1, spam: 9 });
    assert_eq!(seen.honest_placement(1), Placement { inbox: 8, spam: 2 });
    assert_eq!(seen.bad_placement(1), Placement { inbox: 10, spam: 0 });
    assert_eq!(seen.honest_placement(1).share(), Some(0.8));
    assert_eq!(seen.honest_placement(2).share(), None);
}

#[test]
fn exclusion_is_the_first_record_with_the_member_in_quarantine() {
    let mut seen = Observations::new(cast());
    let row = |pool: &str| vec![NetworkScore { member: "bb".into(), score: 12.0, pool: pool.into() }];
    let at = |record, pool: &str| Status { record_epoch: Some(record), network_scores: row(pool), ..status("bb", vec![]) };
    seen.node_said(1, at(7, "rehab"));
    assert_eq!((seen.excluded(), seen.pool(1)), (None, Some("rehab")));
    seen.coordinator_said(at(9, "quarantined"));
    seen.node_said(1, at(8, "quarantined"));
    assert_eq!((seen.excluded(), seen.pool(1)), (Some(8), Some("quarantined")));
}
