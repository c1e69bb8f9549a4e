//! What stands behind a row, and what would raise it.

use super::*;
use crate::ledger::Outcome;
use crate::policy::explain::{Explanation, Raise, Sources, Step, explain};
use crate::policy::pause::Bad;
use crate::policy::ramp::Still;
use crate::score::evidence::Evidence;

/// The member looked at.
const ME: u32 = 5;

fn explained(w: &World, n: u32, degraded: bool) -> Explanation {
    let (before, last) = (&w.rosters[w.rosters.len() - 2], w.rosters.last().unwrap());
    let id = member(n, Role::Member).member;
    let history = (0..).map(Epoch).zip(&w.rosters[..w.rosters.len() - 1]);
    let history: Vec<_> = history.map(|(epoch, r)| (epoch, r.row(&id).unwrap().clone())).collect();
    let from = Sources {
        params: &w.params,
        window: &w.window,
        record: Epoch(w.rosters.len() as u32 - 1),
        degraded,
        before,
        history: &history,
        score: w.scores.get(&id),
        dealt: None,
        ceilings: &[],
        open: &[],
    };
    explain(&from, last.row(&id).unwrap())
}

fn step(e: &Explanation, wanted: fn(&Step) -> bool) -> Option<Raise> {
    e.raises.iter().find(|r| wanted(&r.step)).copied()
}

fn epochs(e: &Evidence) -> BTreeSet<u32> {
    e.shown.iter().map(|x| x.epoch.0).collect()
}

fn quiet(_: u32, _: &RosterRow) -> SelfReport {
    SelfReport::default()
}

#[test]
fn a_debt_names_what_it_holds_and_what_a_record_really_paid() {
    let mut w = World::new(24, 3);
    w.clean(12);
    // Mail of member 5 bounces in epoch 8, its owner's in epoch 9; record 14 sends it to rehab.
    let fate =
        |e: u32, p: &Pairing| if p.sender == ME && e == 8 && p.slot.round < 4 { (SenderOutcome::RefusedHard, None) } else { good(p) };
    let bad = |e: u32, r: &RosterRow| {
        let me = r.member == member(ME, Role::Member).member;
        if me && e == 9 { SelfReport { sent: 100, hard: 8, ..SelfReport::default() } } else { SelfReport::default() }
    };
    while w.row(ME).pool != Pool::Rehab {
        assert!(w.rosters.len() < 16);
        w.next(fate, bad, &[]);
    }
    let debt = explained(&w, ME, false).debt.unwrap();
    assert_eq!((debt.left, debt.since, debt.paid, debt.epochs), (w.row(ME).debt, Epoch(14), 0, None), "the entry pays nothing");
    assert_eq!((epochs(&debt.bounces), debt.bounces.mails > 0), (BTreeSet::from([8]), true));
    assert_eq!(debt.reports.iter().map(|t| (t.epoch.0, t.report.hard)).collect::<Vec<_>>(), [(9, 8)]);
    // A record pays what it is told to have paid.
    for _ in 0..3 {
        let before = w.row(ME).debt;
        w.next(fate, bad, &[]);
        let e = explained(&w, ME, false);
        let debt = e.debt.clone().unwrap();
        assert_eq!((debt.paid, debt.epochs), (before - debt.left, Some(debt.left.div_ceil(debt.paid))));
        assert!(debt.paid > 0 && e.bounces.mails == 0, "what the debt holds triggers nothing");
        let pay = step(&e, |s| matches!(s, Step::PayDebt(_))).unwrap();
        assert!(e.allowance.locks.len() == 2, "{:?}", e.allowance.locks);
        assert_eq!((pay.step, pay.locks), (Step::PayDebt(debt.left), 0), "the bounces leave the score with it");
        assert_eq!((e.ramp.still, step(&e, |s| *s == Step::NextRampDay)), (Some(Still::Rehab), None));
        assert_eq!((e.pause.look, e.pause.bad), (None, vec![]), "rehab is not cut");
    }
    let degraded = explained(&w, ME, true);
    assert_eq!((degraded.debt.unwrap().paid, degraded.ramp.still), (0, Some(Still::Degraded)));
    // Quarantined it pays nothing, and waits for its release.
    w.next(fate, bad, &[ME]);
    let e = explained(&w, ME, false);
    assert_eq!((e.row.pool, e.debt.clone().unwrap().paid, e.quota.mails), (Pool::Quarantined, 0, 0));
    assert!(step(&e, |s| *s == Step::Released).is_some_and(|r| r.quota == 15 && r.locks > 0), "{:?}", e.raises);
    let all = step(&e, |s| *s == Step::AllNeeded).unwrap();
    assert!(all.locks == 0 && all.allowance > 0, "{:?}", e.raises);
}

#[test]
fn a_cut_is_told_with_its_reason_and_its_record() {
    let mut w = World::new(40, 3);
    w.clean(14);
    let since = w.rosters.len() as u32 - 5;
    let spam = move |e: u32, p: &Pairing| {
        let lost = p.sender == ME && (since..since + 2).contains(&e);
        if lost { (SenderOutcome::Sent, seen(Placement::Spam)) } else { good(p) }
    };
    w.next(spam, quiet, &[]);
    let e = explained(&w, ME, false);
    let look = e.pause.look.unwrap();
    assert_eq!((e.pause.bad.as_slice(), e.pause.cut_by, e.pause.clean.len()), (&[Bad::BrokeIn][..], Some(Epoch(since + 5)), 0));
    assert!(look.now.0 == 0 && look.now.1 > 8 && look.before.0 == look.before.1 && look.before.1 > 100, "{look:?}");
    assert_eq!((e.ramp.still, step(&e, |s| *s == Step::NextRampDay)), (Some(Still::Cut), None));
    assert!(step(&e, |s| *s == Step::NoCut).is_some_and(|r| r.quota == 30));
    assert_eq!(e.ramp.counted.len(), 14);
    w.next(spam, quiet, &[]);
    assert_eq!(explained(&w, ME, false).pause.cut_by, Some(Epoch(since + 6)));
    (0..3).for_each(|_| w.next(spam, quiet, &[]));
    let e = explained(&w, ME, false);
    assert_eq!(
        (e.pause.bad.len(), e.pause.cut_by, e.pause.clean),
        (0, Some(Epoch(since + 6)), (since + 7..since + 10).map(Epoch).collect())
    );
    (0..10).for_each(|_| w.next(spam, quiet, &[]));
    let e = explained(&w, ME, false);
    assert_eq!((e.row.cut, e.pause.cut_by, e.ramp.still), (1_000, None, None));
}

#[test]
fn a_bounce_that_did_not_cut_is_not_the_reason() {
    // One bounce in an epoch of spam: under three events no trigger throttles.
    let mut w = World::new(40, 3);
    w.clean(14);
    let since = w.rosters.len() as u32 - 5;
    let fate = move |e: u32, p: &Pairing| match (p.sender == ME && e == since, p.slot.round) {
        (true, 0) => (SenderOutcome::RefusedHard, None),
        (true, _) => (SenderOutcome::Sent, seen(Placement::Spam)),
        _ => good(p),
    };
    w.next(fate, quiet, &[]);
    let e = explained(&w, ME, false);
    assert!(e.pause.look.is_some_and(|l| l.bounced) && e.bounces.mails == 1);
    assert_eq!(e.pause.bad, [Bad::BrokeIn]);
}

#[test]
fn what_is_missing_before_a_newcomer_is_open_is_counted() {
    let mut w = World::new(24, 3);
    let lazy = |_: u32, p: &Pairing| if p.sender == ME && p.slot.round > 0 { (SenderOutcome::NoShow, None) } else { good(p) };
    (0..7).for_each(|_| w.next(lazy, quiet, &[]));
    let (e, score) = (explained(&w, ME, false), w.score(ME));
    assert!(score.delivered < 20 && score.completed * 2 < score.dealt, "{score:?}");
    let deliver = step(&e, |s| matches!(s, Step::Deliver(_))).unwrap();
    assert_eq!(deliver.step, Step::Deliver(20 - score.delivered));
    let Some(Step::Complete(n)) = step(&e, |s| matches!(s, Step::Complete(_))).map(|r| r.step) else { panic!("{:?}", e.raises) };
    assert!((score.completed + n) * 2 >= score.dealt + n && (score.completed + n - 1) * 2 < score.dealt + n - 1, "{n} {score:?}");
    assert_eq!(e.lines.up.map(|l| (l.at, l.pool)), Some((70_000_000, Pool::Standard)));
    assert!(e.raises.iter().all(|r| r.locks <= e.allowance.locks.len() as u32));
    let all = step(&e, |s| *s == Step::AllNeeded).unwrap();
    assert_eq!(all.locks, 0);
}

#[test]
fn points_missing_to_the_lock_line_are_told() {
    let mut w = World::new(24, 3);
    let spam = |_: u32, p: &Pairing| if p.sender == ME { (SenderOutcome::Sent, seen(Placement::Spam)) } else { good(p) };
    (0..14).for_each(|_| w.next(spam, quiet, &[]));
    let e = explained(&w, ME, false);
    let named: Vec<Step> = e.raises.iter().map(|r| r.step).collect();
    assert!(named.contains(&Step::Points(20_000_000)) && named.contains(&Step::Inbox(500_000)), "{named:?}");
    assert!(e.raises.iter().all(|r| (r.locks == 0) == (r.step == Step::AllNeeded)), "{:?}", e.raises);
}

#[test]
fn a_dead_mailbox_and_little_service_name_their_mails() {
    let mut w = World::new(24, 3);
    w.clean(8);
    let dies = w.rosters.len() as u32 - 5;
    let fate = move |e: u32, p: &Pairing| match p.receiver {
        7 if e >= dies => (SenderOutcome::RefusedHard, None),
        ME => (SenderOutcome::Sent, seen(Placement::Inbox)),
        _ => good(p),
    };
    (0..5).for_each(|_| w.next(fate, quiet, &[]));
    let dead = explained(&w, 7, false);
    assert!(dead.row.dead && dead.refused.mails > 0 && dead.refused.shown.iter().all(|x| x.outcome == Outcome::Void && x.epoch.0 >= dies));
    assert!(step(&dead, |s| *s == Step::GoldenMail).is_some());
    let index = w.window.index(&member(7, Role::Member).member).unwrap();
    assert!(dead.refused.shown.iter().all(|x| x.partner != member(7, Role::Member).member) && w.window.receives(index).count() > 0);
    let silent = explained(&w, ME, false);
    assert_eq!(u64::from(silent.unanswered.mails), silent.service.owed - silent.service.given);
    assert!(silent.unanswered.mails > 0 && silent.row.service < 1_000);
    let id = member(ME, Role::Member).member;
    assert!(silent.unanswered.shown.iter().all(|x| x.partner != id), "the partner is who sent it");
    assert_eq!(explained(&w, 3, false).unanswered, Evidence::default());
}

#[test]
fn a_ramp_that_stands_still_says_why() {
    let mut w = World::new(24, 3);
    let away = |e: u32, p: &Pairing| if p.sender == 2 && e < 6 { (SenderOutcome::NoShow, None) } else { good(p) };
    (0..10).for_each(|_| w.next(away, quiet, &[]));
    let e = explained(&w, 2, false);
    assert_eq!((e.ramp.still, e.ramp.closed), (Some(Still::Idle), Some((Epoch(5), 0))));
    assert_eq!(e.ramp.counted, (1..=4).map(Epoch).collect::<Vec<_>>());
    assert!(step(&e, |s| *s == Step::NextRampDay).is_none());
    w.next(away, quiet, &[]);
    let e = explained(&w, 2, false);
    assert_eq!((e.ramp.still, e.row.ramp_day), (None, 5));
    assert!(e.ramp.closed.is_some_and(|(epoch, n)| epoch == Epoch(6) && n > 0));
}
