//! Attack: slanderers. All they reach is that somebody is looked at more closely.

use super::*;
use crate::matching::RingKind;
use crate::policy::complaints::Complaints;

/// The slandered member.
const VICTIM: u32 = 9;

/// 24 members and 7 golden ones, enough for every seat, in which `slanderers` complain of every mail of the victim; `tags`: the domain of each of them.
fn slandered(slanderers: &'static [u32], tags: fn(u32) -> u32, epochs: u32) -> World {
    let mut w = World::new(24, 7);
    let tag_of = |n: u32| member(tags(n), Role::Member).tag;
    let rows = w.rosters[0].rows().iter().zip(0u32..).map(|(row, n)| RosterRow { tag: tag_of(n), ..row.clone() });
    w.rosters[0] = Roster::new(rows.collect());
    let fate = |_: u32, p: &Pairing| {
        let (said, seen) = good(p);
        let complaint = p.sender == VICTIM && slanderers.contains(&p.receiver);
        (said, seen.map(|o| Observation { complaint, ..o }))
    };
    (0..epochs).for_each(|_| w.next(fate, |_, _| SelfReport::default(), &[]));
    w
}

fn complaints(w: &World) -> Complaints {
    let row = w.row(VICTIM);
    Complaints::of(&w.params, &w.window, w.window.index(&row.member), row.tag)
}

/// Golden seats the victim sends by the newest roster.
fn seats(w: &World) -> usize {
    let deal = deal_of(&w.params, w.rosters.last().unwrap(), 0);
    deal.sends(VICTIM).iter().filter(|p| p.slot.ring == RingKind::Golden).count()
}

#[test]
fn slanderers_only_bring_their_victim_more_golden_seats() {
    let epochs = 24;
    let (quiet, loud) = (slandered(&[], |n| n, epochs), slandered(&[0, 1, 2, 3, 4, 5, 6, 7], |n| n, epochs));
    assert!(loud.row(VICTIM).complained && !quiet.row(VICTIM).complained);
    assert_eq!((complaints(&loud).tags, complaints(&loud).raters), (8, 8));
    assert_eq!((seats(&loud), seats(&quiet)), (10, 5));
    for (a, b) in quiet.rosters.iter().zip(&loud.rosters) {
        let rows = |r: &Roster| r.row(&member(VICTIM, Role::Member).member).unwrap().clone();
        let (a, b) = (rows(a), rows(b));
        assert_eq!(RosterRow { complained: a.complained, service: a.service, ..b }, a, "nothing but the flag");
    }
    for n in 0..24 {
        let (a, b) = (quiet.score(n), loud.score(n));
        assert!(b.s == 0 && !b.locked && b.value + 1_000_000 >= a.value, "{n}: {a:?} {b:?}");
    }
    let others = loud.rosters.iter().flat_map(|r| r.rows()).filter(|r| r.member != member(VICTIM, Role::Member).member);
    assert!(others.into_iter().all(|r| !r.complained));
}

#[test]
fn three_raters_of_one_domain_change_nothing() {
    let one_domain = slandered(&[0, 1, 2, 3], |n| if n < 4 { 0 } else { n }, 12);
    assert!(complaints(&one_domain).raters >= 3 && complaints(&one_domain).tags == 1);
    let two = slandered(&[0, 1, 2, 3], |n| if n < 3 { 0 } else { n }, 12);
    assert!(complaints(&two).raters >= 3 && complaints(&two).tags == 2);
    for w in [one_domain, two] {
        assert!(w.rosters.iter().flat_map(Roster::rows).all(|r| !r.complained));
        assert_eq!(seats(&w), 5);
    }
    let three = slandered(&[0, 1, 2, 3], |n| if n < 2 { 0 } else { n }, 12);
    assert!(three.row(VICTIM).complained && complaints(&three).tags == 3);
}

#[test]
fn an_unconfirmed_complaint_counts_nothing_and_complaints_go_with_the_window() {
    let mut w = World::new(24, 3);
    let complain = |said| {
        move |e: u32, p: &Pairing| {
            let (_, seen) = good(p);
            let complaint = p.sender == VICTIM && p.receiver < 8 && e < 6;
            if complaint { (said, seen.map(|o| Observation { complaint, ..o })) } else { good(p) }
        }
    };
    (0..12).for_each(|_| w.next(complain(SenderOutcome::NoShow), |_, _| SelfReport::default(), &[]));
    assert!(complaints(&w).unconfirmed > 5 && complaints(&w).raters == 0 && !w.row(VICTIM).complained);
    let mut w = World::new(24, 3);
    let mut flagged = Vec::new();
    for record in 0..45 {
        w.next(complain(SenderOutcome::Sent), |_, _| SelfReport::default(), &[]);
        flagged.extend(w.row(VICTIM).complained.then_some(record));
    }
    let (first, last) = (flagged[0], flagged[flagged.len() - 1]);
    assert!((5..9).contains(&first) && flagged.len() as u32 == last - first + 1, "{flagged:?}");
    assert!((35..41).contains(&last), "the window passes them: {last}");
}
