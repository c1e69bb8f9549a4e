use super::*;
use crate::ledger::tests::{bundles, deal_of, network, play, played, seen};
use crate::matching::Pairing;
use crate::wire::bundle::{Observation, Placement, SelfReport, SenderOutcome};
use crate::wire::roster::{Pool, RosterRow, acts};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn wilson(k: f64, n: f64, z: f64) -> f64 {
    let (p, z2) = (k / n, z * z);
    ((p + z2 / (2.0 * n) - z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt()) / (1.0 + z2 / n)).max(0.0)
}

#[test]
fn bounds_agree_with_floating_point_and_round_down() {
    let mut stream = crate::entropy::Stream::new("test", &[]);
    for _ in 0..20_000 {
        let n = 1 + stream.below(2_000 << 16);
        let k = stream.below(n + 1);
        let share = |x: u64| x as f64 / 65_536.0;
        for (got, z) in [(wilson_lower_z1(k, n), 1.0), (wilson_lower_z2(k, n), 2.0)] {
            let want = wilson(share(k), share(n), z);
            let got = f64::from(got) / 1e6;
            assert!(got <= want + 1e-9 && want - got < 8e-6, "{k} {n} {z}: {got} {want}");
        }
    }
    assert_eq!((wilson_lower_z1(0, 0), wilson_lower_z1(9, 0), wilson_lower_z1(0, 5 << 16)), (0, 0, 0));
    assert_eq!(wilson_lower_z1(7 << 16, 5 << 16), wilson_lower_z1(5 << 16, 5 << 16));
    assert!(wilson_lower_z2(u64::MAX / 3, u64::MAX) < 333_334);
}

#[test]
fn the_vectors_of_section_eight() {
    // B = 5 % costs 50, S = 0.3 % costs 300 and leaves nothing, A = 1, R = 20, O = 50 give 90.
    assert_eq!(points(1_000_000, 200_000, 500_000, 0, 0), 90_000_000);
    assert_eq!(points(1_000_000, 200_000, 500_000, 50_000, 0), 40_000_000);
    assert_eq!(points(1_000_000, 300_000, 1_000_000, 0, 3_000), 0);
    assert_eq!(points(1_000_000, 1_000_000, 1_000_000, 0, 0), 100_000_000);
    // One external complaint in 1,200 mails costs 14 points at z = 2 (design review, section 1).
    let cost = 100_000 * u64::from(wilson_lower_z2(1 << 16, 1_200 << 16)) / 1_000_000;
    assert_eq!(cost, 14);
}

/// A network in which everybody but the subject behaves; returns the subject's score.
fn scored(
    roster: &Roster,
    epochs: u32,
    fate: impl Fn(&Pairing) -> crate::ledger::tests::Said,
    report: SelfReport,
) -> (Window, BTreeMap<MemberId, Score>) {
    let params = Params::standard();
    let mut window = Window::new(&params);
    for epoch in 0..epochs {
        let deal = deal_of(&params, roster, epoch);
        let mut all = bundles(epoch, roster, &deal, &fate);
        all.get_mut(&roster.at(0).unwrap().member).unwrap().report = report;
        window.close(&params, played(&params, epoch, roster, &deal), all.into_values(), &BTreeSet::new());
    }
    let trust = Trust::compute(&params, &window, roster);
    let scores = scores(&params, &window, &trust, roster);
    (window, scores)
}

fn act(placement: Placement, replied: bool, rescued: bool) -> Option<Observation> {
    Some(Observation { replied, rescued, ..seen(placement).unwrap() })
}

#[test]
fn good_mail_unlocks_and_rescued_mail_earns_nothing() {
    let roster = network(12, 2);
    let id = |n: u32| roster.at(n).unwrap().member;
    let fate = |p: &Pairing| match p.sender {
        3 => (SenderOutcome::Sent, act(Placement::Spam, true, true)),
        _ => (SenderOutcome::Sent, act(Placement::Inbox, p.slot.round.is_multiple_of(3), false)),
    };
    let (_, scores) = scored(&roster, 12, fate, SelfReport::default());
    let good = scores[&id(1)];
    assert!(!good.provisional && !good.locked && good.value > 80_000_000, "{good:?}");
    assert_eq!(good.a, 1_000_000);
    let spam = scores[&id(3)];
    assert_eq!((spam.r, spam.o, spam.inbox_lower, spam.value, spam.locked), (0, 0, 0, 50_000_000, true));
    // Golden members send nothing and are provisional; so is everybody in an empty window.
    assert!(scores[&id(13)].provisional);
    let empty = super::scores(
        &Params::standard(),
        &Window::new(&Params::standard()),
        &Trust::compute(&Params::standard(), &Window::new(&Params::standard()), &roster),
        &roster,
    );
    assert!(empty.values().all(|s| s.provisional && s.locked && s.value == 0));
}

#[test]
fn who_completes_under_half_is_provisional() {
    let roster = network(12, 2);
    let fate = |p: &Pairing| {
        if p.sender == 0 && !p.slot.round.is_multiple_of(5) {
            (SenderOutcome::NoShow, None)
        } else {
            (SenderOutcome::Sent, act(Placement::Inbox, true, false))
        }
    };
    let (_, scores) = scored(&roster, 20, fate, SelfReport::default());
    let s = scores[&roster.at(0).unwrap().member];
    assert!(s.delivered >= 20 && s.completed * 2 < s.dealt && s.provisional && s.locked, "{s:?}");
}

#[test]
fn refused_for_now_fills_no_slot_and_thins_out_no_bounces() {
    // Member 0 claims it of all but every fifth round, of which half bounce for good.
    let roster = network(12, 2);
    let claims = |idle: SenderOutcome| {
        move |p: &Pairing| match (p.sender, p.slot.round % 10) {
            (0, 0) => (SenderOutcome::RefusedHard, None),
            (0, 5) => (SenderOutcome::Sent, seen(Placement::Inbox)),
            (0, _) => (idle, None),
            _ => (SenderOutcome::Sent, act(Placement::Inbox, true, false)),
        }
    };
    // No mailbox refuses five in a row: the others' mail arrives between.
    let (window, soft) = scored(&roster, 20, claims(SenderOutcome::RefusedSoft), SelfReport::default());
    let (_, idle) = scored(&roster, 20, claims(SenderOutcome::NoShow), SelfReport::default());
    let id = roster.at(0).unwrap().member;
    let claimed = window.sends(0).filter(|(_, x)| x.outcome == crate::ledger::Outcome::SoftBounce).count();
    assert!(claimed > 60, "{claimed}");
    assert!(soft[&id].provisional && soft[&id].completed * 2 < soft[&id].dealt, "{:?}", soft[&id]);
    assert!(soft[&id].b > 0 && soft[&id].b >= idle[&id].b, "{:?} {:?}", soft[&id], idle[&id]);
}

#[test]
fn raters_of_one_tag_weigh_at_most_one() {
    // 20 members of one tag say spam, 19 others inbox: together the twenty weigh one.
    let mut rows: Vec<RosterRow> = network(40, 0).rows().to_vec();
    rows[20..].iter_mut().for_each(|r| r.tag.0 = [200; 16]);
    let roster = Roster::new(rows);
    let fate = |p: &Pairing| (SenderOutcome::Sent, seen(if p.receiver >= 20 { Placement::Spam } else { Placement::Inbox }));
    let (window, scores) = scored(&roster, 8, fate, SelfReport::default());
    let spam = window.sends(0).filter(|(_, x)| x.receiver >= 20).count();
    let inbox = window.sends(0).filter(|(_, x)| x.receiver < 20).count();
    assert!(spam >= inbox / 2 && spam > 10);
    // Without golden members everybody weighs 0.1, so twenty raters of one tag sum to 2 and are halved.
    let raters: BTreeSet<u32> = window.sends(0).map(|(_, x)| x.receiver).filter(|r| *r >= 20).collect();
    let scale = (1.0 / (0.100_006 * raters.len() as f64)).min(1.0);
    let want = wilson(inbox as f64 * 0.100_006, (inbox as f64 + spam as f64 * scale) * 0.100_006, 1.0);
    let got = f64::from(scores[&roster.at(0).unwrap().member].inbox_lower) / 1e6;
    assert!((got - want).abs() < 1e-3, "{got} {want}");
}

#[test]
fn owners_that_allow_nothing_are_left_out_of_replies_and_reads() {
    let mut rows: Vec<RosterRow> = network(12, 2).rows().to_vec();
    rows[6..12].iter_mut().for_each(|r| r.acts = acts::FILE);
    let roster = Roster::new(rows);
    let fate = |p: &Pairing| {
        let acts = !(6..12).contains(&p.receiver);
        (SenderOutcome::Sent, Some(Observation { read: acts, replied: acts, ..seen(Placement::Inbox).unwrap() }))
    };
    let (_, scores) = scored(&roster, 10, fate, SelfReport::default());
    let s = scores[&roster.at(0).unwrap().member];
    assert!(s.r > 950_000 && s.o > 950_000, "{s:?}");
}

#[test]
fn peers_complaints_never_enter_the_score() {
    let roster = network(12, 2);
    let angry = |golden: bool| {
        move |p: &Pairing| {
            let complaint = if golden { p.receiver >= 12 } else { p.receiver < 12 };
            (SenderOutcome::Sent, Some(Observation { complaint, ..act(Placement::Inbox, true, false).unwrap() }))
        }
    };
    let id = roster.at(0).unwrap().member;
    let (_, peers) = scored(&roster, 10, angry(false), SelfReport::default());
    assert_eq!(peers[&id].s, 0);
    let (_, golden) = scored(&roster, 10, angry(true), SelfReport::default());
    assert!(golden[&id].s > 3_000 && golden[&id].value == 0);
}

#[test]
fn a_golden_mailbox_taken_over_is_believed_no_more() {
    // From epoch 4 on golden member 12 complains of everything and says spam of it.
    let (params, roster) = (Params::standard(), network(12, 2));
    let mut window = Window::new(&params);
    for epoch in 0..8 {
        play(&params, &mut window, epoch, &roster, |p| {
            let evil = p.receiver == 12 && epoch >= 4;
            let seen = act(if evil { Placement::Spam } else { Placement::Inbox }, true, false);
            (SenderOutcome::Sent, seen.map(|o| Observation { complaint: evil, ..o }))
        });
    }
    let judged = |roster: &Roster| {
        let trust = Trust::compute(&params, &window, roster);
        let scores = scores(&params, &window, &trust, roster);
        (trust, scores)
    };
    let mut rows = roster.rows().to_vec();
    rows[12].pool = Pool::Quarantined;
    let (quarantined, [taken, other]) = (Roster::new(rows), [12, 13].map(|n| roster.at(n).unwrap().member));
    let (before, after) = (judged(&roster), judged(&quarantined));
    assert_eq!((before.0.weight(&taken), before.0.weight(&other)), (1 << 16, 1 << 16));
    assert!(before.0.mass(&taken) > 0);
    assert!(after.0.mass(&taken) == 0 && after.0.weight(&taken) < 1 << 16 && after.0.weight(&other) == 1 << 16);
    let total = |t: &Trust| roster.rows().iter().map(|r| t.mass(&r.member)).sum::<u64>();
    assert_eq!(total(&after.0), total(&before.0), "its share goes to the others");
    for n in 0..12 {
        let id = roster.at(n).unwrap().member;
        let (before, after) = (before.1[&id], after.1[&id]);
        assert!(before.s > 0, "{n}: {before:?}");
        assert!(after.s == 0 && !after.locked && after.inbox_lower > before.inbox_lower, "{n}: {after:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_self_report_never_raises_a_score(sent in 0u32..10_000, hard in 0u32..500, complaints in 0u32..50, luck in prop::collection::vec(0u8..12, 97)) {
        let roster = network(8, 1);
        let fate = |p: &Pairing| match luck[(p.sender * 7 + p.receiver * 3 + u32::from(p.slot.round)) as usize % luck.len()] {
            0 => (SenderOutcome::RefusedHard, None),
            1 | 2 => (SenderOutcome::Sent, seen(Placement::Spam)),
            3 => (SenderOutcome::Sent, None),
            n => (SenderOutcome::Sent, act(Placement::Inbox, n % 3 == 0, false)),
        };
        let id = roster.at(0).unwrap().member;
        let without = scored(&roster, 4, fate, SelfReport::default()).1[&id];
        let with = scored(&roster, 4, fate, SelfReport { sent, hard, soft: 0, complaints, replies: sent }).1[&id];
        prop_assert!(with.value <= without.value && without.value <= 100_000_000);
        prop_assert!(with.b >= without.b && with.s >= without.s && (with.r, with.o, with.a) == (without.r, without.o, without.a));
        prop_assert!(!with.locked || without.locked || with.value < 70_000_000);
    }
}

#[test]
fn external_bounces_lock() {
    let roster = network(12, 2);
    let good = |p: &Pairing| (SenderOutcome::Sent, act(Placement::Inbox, p.slot.round.is_multiple_of(3), false));
    let id = roster.at(0).unwrap().member;
    let (_, scores) = scored(&roster, 10, good, SelfReport { sent: 40, hard: 4, soft: 0, complaints: 1, replies: 3 });
    assert!(scores[&id].locked && scores[&id].value < 70_000_000, "{:?}", scores[&id]);
    let d = digest(&scores);
    assert_eq!(d, digest(&scores.clone()));
    let mut other = scores.clone();
    other.get_mut(&id).unwrap().value += 1;
    assert_ne!(d, digest(&other));
    let mut window = Window::new(&Params::standard());
    play(&Params::standard(), &mut window, 0, &roster, good);
    assert!(window.reports(0).all(|(_, r)| r == SelfReport::default()));
}
