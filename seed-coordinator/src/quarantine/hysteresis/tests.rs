use super::*;
use proptest::prelude::*;

const RULES: QuarantineRules =
    QuarantineRules { polls: 3, min_minutes: 30, release_minutes: 1_440, min_stay_minutes: 360, poll_minutes: 30 };
const YES: Verdict = Verdict::Listed(Ipv4Addr::new(127, 0, 1, 2));

fn tag(i: u8) -> DomainTag {
    DomainTag([i; 16])
}

fn list(name: &str, high_trust: bool, verdicts: &[(u8, Verdict)]) -> ListResult {
    ListResult { list: name.into(), high_trust, healthy: true, verdicts: verdicts.iter().map(|(i, v)| (tag(*i), *v)).collect() }
}

fn batch(lists: Vec<ListResult>) -> Batch {
    Batch { lists, subjects: 12 }
}

fn one(high: bool, verdict: Verdict) -> Batch {
    batch(vec![list("a", high, &[(1, verdict)])])
}

fn is_listed(changes: &[Change]) -> bool {
    matches!(changes, [Change::Listed { .. }])
}

/// Quarantines tag 1 by a high-trust list; returns the minute.
fn quarantine(h: &mut Hysteresis, from: Minute) -> Minute {
    for i in 0..2 {
        assert_eq!(h.poll(from + i * 30, &RULES, &one(true, YES)), vec![]);
    }
    assert!(is_listed(&h.poll(from + 60, &RULES, &one(true, YES))));
    from + 60
}

#[test]
fn one_high_trust_list_needs_three_polls_over_half_an_hour() {
    let mut h = Hysteresis::default();
    assert_eq!(h.poll(0, &RULES, &one(true, YES)), vec![]);
    assert_eq!(h.poll(5, &RULES, &one(true, YES)), vec![]);
    assert_eq!(h.poll(10, &RULES, &one(true, YES)), vec![], "three polls, but within ten minutes");
    let changes = h.poll(30, &RULES, &one(true, YES));
    let lists = vec![("a".to_owned(), Ipv4Addr::new(127, 0, 1, 2))];
    assert_eq!(changes, vec![Change::Listed { tag: tag(1), reason: ReasonClass::Blocklist, lists }]);
    assert!(h.is_held(&tag(1)));
    assert_eq!(h.poll(60, &RULES, &one(true, YES)), vec![], "said once");
}

#[test]
fn an_ordinary_list_alone_is_not_enough_but_two_are() {
    let mut h = Hysteresis::default();
    for i in 0..10 {
        assert_eq!(h.poll(i * 30, &RULES, &one(false, YES)), vec![]);
    }
    let both = batch(vec![list("a", false, &[(1, YES)]), list("b", false, &[(1, YES)])]);
    assert_eq!(h.poll(300, &RULES, &both), vec![]);
    assert_eq!(h.poll(330, &RULES, &both), vec![]);
    assert!(is_listed(&h.poll(360, &RULES, &both)));
}

#[test]
fn a_clean_poll_starts_the_count_again_and_an_unknown_one_does_not() {
    let mut h = Hysteresis::default();
    h.poll(0, &RULES, &one(true, YES));
    h.poll(30, &RULES, &one(true, YES));
    h.poll(60, &RULES, &one(true, Verdict::Clean));
    h.poll(90, &RULES, &one(true, YES));
    h.poll(120, &RULES, &one(true, YES));
    assert_eq!(h.poll(150, &RULES, &one(true, Verdict::Unknown)), vec![]);
    assert_eq!(h.poll(160, &RULES, &one(true, Verdict::Error)), vec![]);
    assert!(is_listed(&h.poll(180, &RULES, &one(true, YES))));
}

#[test]
fn release_needs_a_clean_day_and_doubles_at_re_entry() {
    let mut h = Hysteresis::default();
    let at = quarantine(&mut h, 0);
    assert_eq!(h.poll(at + 30, &RULES, &one(true, Verdict::Clean)), vec![]);
    assert_eq!(h.poll(at + 30 + 1_439, &RULES, &one(true, Verdict::Clean)), vec![]);
    assert_eq!(h.poll(at + 30 + 1_440, &RULES, &one(true, Verdict::Unknown)), vec![], "unknown changes nothing");
    let free = h.poll(at + 30 + 1_441, &RULES, &one(true, Verdict::Clean));
    assert_eq!(free, vec![Change::Released { tag: tag(1), reason: ReasonClass::Blocklist }]);
    let at = quarantine(&mut h, 5_000);
    h.poll(at + 30, &RULES, &one(true, Verdict::Clean));
    assert_eq!(h.poll(at + 30 + 1_440, &RULES, &one(true, Verdict::Clean)), vec![]);
    assert_eq!(h.poll(at + 30 + 2_880, &RULES, &one(true, Verdict::Clean)).len(), 1);
}

#[test]
fn an_unhealthy_list_is_frozen_both_ways() {
    let mut h = Hysteresis::default();
    let at = quarantine(&mut h, 0);
    let sick = |v| batch(vec![ListResult { healthy: false, ..list("a", true, &[(1, v), (2, YES)]) }]);
    for i in 0..200 {
        assert_eq!(h.poll(at + i * 30, &RULES, &sick(Verdict::Clean)), vec![]);
    }
    assert!(h.is_held(&tag(1)) && !h.is_held(&tag(2)));
}

#[test]
fn a_list_that_suddenly_names_many_is_suspended_and_comes_back() {
    let mut h = Hysteresis::default();
    let all: Vec<(u8, Verdict)> = (0..12).map(|i| (i, YES)).collect();
    let dead = batch(vec![list("a", true, &all)]);
    assert_eq!(h.poll(0, &RULES, &dead), vec![Change::Suspended { list: "a".into(), domains: 12 }]);
    for i in 1..50 {
        assert_eq!(h.poll(i * 30, &RULES, &dead), vec![]);
    }
    assert_eq!(h.held().count(), 0);
    assert_eq!(h.poll(2_000, &RULES, &one(true, Verdict::Clean)), vec![Change::Resumed { list: "a".into() }]);
    quarantine(&mut h, 2_100);
}

#[test]
fn trickling_listings_within_an_hour_trip_the_breaker_too() {
    let mut h = Hysteresis::default();
    let upto = |n: u8| batch(vec![list("a", true, &(0..n).map(|i| (i, YES)).collect::<Vec<_>>())]);
    assert_eq!(h.poll(0, &RULES, &upto(1)), vec![]);
    assert_eq!(h.poll(20, &RULES, &upto(2)), vec![]);
    assert_eq!(h.poll(40, &RULES, &upto(3)), vec![Change::Suspended { list: "a".into(), domains: 3 }]);
}

#[test]
fn the_operators_word_stands_until_the_operator_takes_it_back() {
    let mut h = Hysteresis::default();
    assert!(matches!(h.operator_add(0, tag(1)), Some(Change::Listed { reason: ReasonClass::Operator, .. })));
    assert_eq!(h.operator_add(0, tag(1)), None);
    for i in 0..100 {
        assert_eq!(h.poll(i * 30, &RULES, &one(true, Verdict::Clean)), vec![]);
    }
    assert!(matches!(h.operator_release(tag(1)), Some(Change::Released { .. })));
    assert_eq!(h.operator_release(tag(1)), None);
}

#[test]
fn a_domain_released_by_hand_is_not_taken_again_before_it_was_clean() {
    let mut h = Hysteresis::default();
    let at = quarantine(&mut h, 0);
    assert!(h.operator_release(tag(1)).is_some());
    for i in 1..20 {
        assert_eq!(h.poll(at + i * 30, &RULES, &one(true, YES)), vec![]);
    }
    h.poll(at + 700, &RULES, &one(true, Verdict::Clean));
    quarantine(&mut h, at + 800);
}

#[test]
fn a_list_that_is_removed_has_no_say_any_more() {
    let mut h = Hysteresis::default();
    let at = quarantine(&mut h, 0);
    let without = |_: Minute| batch(vec![list("b", true, &[(1, Verdict::Clean)])]);
    assert_eq!(h.poll(at + 30, &RULES, &without(0)), vec![], "minimum stay");
    assert_eq!(h.poll(at + 400, &RULES, &without(0)).len(), 1);
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![Just(YES), Just(YES), Just(Verdict::Clean), Just(Verdict::Clean), Just(Verdict::Unknown), Just(Verdict::Error)]
}

proptest! {
    /// Whatever the lists say: nobody is quarantined without enough listed polls, changes alternate, and a saved state
    /// is the state.
    #[test]
    fn changes_alternate_and_follow_evidence(
        rounds in prop::collection::vec((1u64..400, prop::collection::vec(verdicts(), 6), any::<bool>(), any::<bool>()), 1..120)
    ) {
        let mut h = Hysteresis::default();
        let mut now = 0;
        let mut held: BTreeSet<DomainTag> = BTreeSet::new();
        let mut listed_polls: BTreeMap<DomainTag, u32> = BTreeMap::new();
        for (gap, said, healthy_a, healthy_b) in rounds {
            now += gap;
            let a: Vec<(u8, Verdict)> = (0..3).map(|i| (i, said[usize::from(i)])).collect();
            let b: Vec<(u8, Verdict)> = (0..3).map(|i| (i, said[usize::from(i) + 3])).collect();
            let a = ListResult { healthy: healthy_a, ..list("a", true, &a) };
            let b = ListResult { healthy: healthy_b, ..list("b", false, &b) };
            for l in [&a, &b] {
                for (t, v) in l.verdicts.iter().filter(|(_, v)| l.healthy && matches!(v, Verdict::Listed(_))) {
                    let _ = v;
                    *listed_polls.entry(*t).or_default() += 1;
                }
            }
            for change in h.poll(now, &RULES, &batch(vec![a, b])) {
                match change {
                    Change::Listed { tag, lists, .. } => {
                        prop_assert!(held.insert(tag), "listed twice");
                        prop_assert!(listed_polls[&tag] >= RULES.polls);
                        prop_assert!(lists.iter().any(|(l, _)| l == "a"), "b alone is no quorum");
                        listed_polls.insert(tag, 0);
                    }
                    Change::Released { tag, .. } => prop_assert!(held.remove(&tag), "released while free"),
                    Change::Suspended { .. } | Change::Resumed { .. } => {}
                }
            }
            let state: BTreeSet<DomainTag> = h.held().map(|(t, _)| t).collect();
            prop_assert_eq!(&state, &held);
        }
        let bytes = warmnet_protocol::wire::codec::encode(&h);
        prop_assert_eq!(warmnet_protocol::wire::codec::decode::<Hysteresis>(&bytes, 1 << 20), Ok(h));
    }
}
