mod complaints;
mod explain;

use super::*;
use crate::ids::MemberId;
use crate::ledger::Window;
use crate::ledger::tests::{self as ledger, Said, bundles, deal_of, member, network, owes, played, seen};
use crate::matching::Pairing;
use crate::params::Params;
use crate::score::{Barrier, Bounces, Hurdle, Score, scores};
use crate::time::Epoch;
use crate::trust::Trust;
use crate::wire::bundle::{Observation, Placement, SelfReport, SenderOutcome};
use crate::wire::roster::{Pool, RampPreset, Role, Roster, RosterRow, acts};
use allowance::{Ceiling, CeilingOf};
use service::Service;
use std::collections::{BTreeMap, BTreeSet};
use triggers::{Level, level};

#[test]
fn ramps_follow_the_facts() {
    use RampPreset::*;
    let day = |p, d| ramp::mails(p, d);
    assert_eq!([day(Gentle, 0), day(Gentle, 1), day(Gentle, 18), day(Gentle, 400)], [2, 3, 20, 20]);
    assert!((0..7).all(|d| (20..=30).contains(&day(Fresh, d))) && day(Fresh, u16::MAX) == 30);
    assert_eq!([day(Prewarmed, 0), day(Prewarmed, 20), day(Prewarmed, u16::MAX)], [5, 25, 25]);
    let seats = Params::standard().golden_per_member as u16;
    for p in [Gentle, Fresh, Prewarmed] {
        // Complained of, it has twice the golden seats.
        assert!((0..14).all(|d| day(p, d) + 2 * seats < 50));
    }
    assert!(day(Prewarmed, 99) + seats <= 30);
}

#[test]
fn a_newcomer_in_rehab_sends_enough_to_pay() {
    let p = Params::standard();
    let quota = |ramp, ramp_day| {
        let row = RosterRow { pool: Pool::Rehab, debt: 700, ramp, ramp_day, cut: 100, service: 0, ..member(0, Role::Member) };
        quota::of(&p, &row).mails
    };
    assert_eq!([quota(RampPreset::Gentle, 0), quota(RampPreset::Gentle, 99)], [10, 10], "700 in 70 epochs, not in 350");
    assert_eq!([quota(RampPreset::Fresh, 0), quota(RampPreset::Fresh, 99), quota(RampPreset::Prewarmed, 99)], [10, 15, 12]);
}

#[test]
fn triggers_need_a_hundred_mails_and_three_events() {
    let p = Params::standard();
    let bounced = |hard, attempts| level(&p, &Bounces { hard, attempts, ..Bounces::default() });
    assert_eq!(
        [bounced(99, 99), bounced(2, 100), bounced(3, 100), bounced(5, 100), bounced(6, 100)],
        [Level::Calm, Level::Calm, Level::Throttle, Level::Throttle, Level::Rehab]
    );
    assert_eq!([bounced(3, 300), bounced(4, 300)], [Level::Calm, Level::Watch]);
    let external = |external_complaints, complaint_sent| level(&p, &Bounces { external_complaints, complaint_sent, ..Bounces::default() });
    assert_eq!(
        [external(3, 3_000), external(4, 3_000), external(3, 1_000), external(4, 1_000)],
        [Level::Calm, Level::Watch, Level::Watch, Level::Rehab]
    );
    // Claimed external mail doesn't thin out what was reconciled.
    assert_eq!(level(&p, &Bounces { hard: 6, attempts: 100, external_sent: 100_000, ..Bounces::default() }), Level::Rehab);
}

#[test]
fn service_counts_the_owed_replies_and_no_others() {
    let p = Params::standard();
    assert_eq!(Service::of(&Window::new(&p), Some(0), acts::ALL).per_mille, 1_000, "nothing owed");
    // Of the mails to member 0 it leaves each second owed one unanswered; member 1 answers only what it owes nothing for.
    let roster = network(24, 3);
    let (mut window, mut owed, mut given) = (Window::new(&p), 0, 0);
    for epoch in 0..15 {
        ledger::play(&p, &mut window, epoch, &roster, |pair| {
            let owes = owes(&p, epoch, &roster, pair);
            owed += u64::from(owes && pair.receiver == 0);
            let replied = match pair.receiver {
                0 => owes && owed.is_multiple_of(2),
                1 => !owes,
                _ => owes,
            };
            given += u64::from(replied && pair.receiver == 0);
            (SenderOutcome::Sent, Some(Observation { replied, ..seen(Placement::Inbox).unwrap() }))
        });
    }
    let of = |n| Service::of(&window, Some(n), acts::ALL);
    assert!(owed > 10 && given == owed / 2);
    assert_eq!((of(0).owed, of(0).given, u64::from(of(0).per_mille)), (owed, given, given * 1_000 / owed));
    assert_eq!((of(1).given, of(1).per_mille), (0, 0));
    assert!((2..24).all(|n| of(n).per_mille == 1_000 && of(n).owed < of(n).seen));
    assert_eq!(Service::of(&window, Some(1), acts::READ).per_mille, 1_000, "its owner allows no replies");
}

#[test]
fn nobody_owes_an_answer_to_foreign_words_or_to_what_did_not_arrive() {
    let p = Params::standard();
    let roster = network(24, 3);
    let mut window = Window::new(&p);
    ledger::play(&p, &mut window, 0, &roster, |pair| match pair.receiver {
        0 => (SenderOutcome::Sent, Some(Observation { complaint: true, ..seen(Placement::Inbox).unwrap() })),
        1 => (SenderOutcome::NoShow, None),
        2 => (SenderOutcome::Sent, seen(Placement::Missing)),
        _ => (SenderOutcome::Sent, seen(Placement::Spam)),
    });
    let owed = |n| Service::of(&window, Some(n), acts::ALL).owed;
    assert_eq!([owed(0), owed(1), owed(2)], [0; 3]);
    assert!((3..24).any(|n| owed(n) > 0), "mail in spam is answered too");
}

/// A score that locks by nothing but its value.
fn solid(value: u32) -> Score {
    Score { value, inbox_lower: 1_000_000, delivered: 100, dealt: 100, completed: 100, ..Score::default() }
}

/// So many credits.
fn credits(left: u32) -> credits::Credits {
    credits::Credits { left, ..credits::Credits::default() }
}

#[test]
fn allowance_grows_with_the_score() {
    let p = Params::standard();
    let row = RosterRow { pool: Pool::Standard, ..member(0, Role::Member) };
    let at = |value, service| {
        let row = RosterRow { service, ..row.clone() };
        allowance::daily(&p, Some(&row), Some(&solid(value)), &credits(1_000), []).mails
    };
    assert_eq!([at(69_999_999, 1_000), at(70_000_000, 1_000), at(85_000_000, 1_000), at(100_000_000, 1_000)], [0, 0, 125, 250]);
    assert_eq!([at(100_000_000, 800), at(100_000_000, 400)], [250, 125]);
    let low = Hurdle { barrier: Barrier::LowScore, have: 69_999_999, need: 70_000_000 };
    assert_eq!(lock::locks(&p, Some(&row), Some(&solid(69_999_999))), [lock::Lock::Score(low)]);
    let rehab = RosterRow { pool: Pool::Rehab, ..row.clone() };
    let fine = solid(100_000_000);
    assert_eq!(lock::locks(&p, Some(&rehab), Some(&fine)), [lock::Lock::Rehab], "rehab locks whatever the score");
    assert_eq!(lock::locks(&p, Some(&row), Some(&fine)), []);
    assert_eq!(lock::locks(&p, None, None), [lock::Lock::NoScore, lock::Lock::NoRow]);
    assert_eq!(allowance::daily(&p, Some(&rehab), Some(&fine), &credits(1_000), []).mails, 0);
}

#[test]
fn the_lowest_ceiling_and_the_credits_bound_the_allowance() {
    let p = Params::standard();
    let row = RosterRow { pool: Pool::Premium, ..member(0, Role::Member) };
    let full = |left, ceilings: &[u32]| {
        let of = [CeilingOf::Mailbox, CeilingOf::Provider, CeilingOf::Provider];
        let ceilings = ceilings.iter().zip(of).map(|(mails, of)| Ceiling { of, mails: *mails });
        allowance::daily(&p, Some(&row), Some(&solid(100_000_000)), &credits(left), ceilings)
    };
    let daily = |left, ceilings: &[u32]| full(left, ceilings).mails;
    let binds = |ceilings: &[u32]| full(1_000, ceilings).ceiling.of;
    assert_eq!([binds(&[]), binds(&[250, 250]), binds(&[200, 201]), binds(&[200, 40])], {
        use CeilingOf::*;
        [Recommended, Recommended, Mailbox, Provider]
    });
    assert_eq!([daily(1_000, &[]), daily(1_000, &[9_000]), daily(1_000, &[200, 40, 90])], [250, 250, 40]);
    assert_eq!([daily(0, &[]), daily(249, &[]), daily(250, &[]), daily(39, &[40])], [0, 249, 250, 39]);
}

/// A network that plays, closes and derives like the chain does, with `close_lag` between play and close.
struct World {
    params: Params,
    rosters: Vec<Roster>,
    window: Window,
    scores: BTreeMap<MemberId, Score>,
}

impl World {
    fn new(members: u32, golden: u32) -> Self {
        let params = Params::standard();
        Self { rosters: vec![network(members, golden)], window: Window::new(&params), scores: BTreeMap::new(), params }
    }
    fn row(&self, n: u32) -> &RosterRow {
        self.rosters.last().unwrap().row(&member(n, Role::Member).member).unwrap()
    }
    fn score(&self, n: u32) -> Score {
        self.scores[&member(n, Role::Member).member]
    }
    /// The next record: closes the epoch `close_lag` before, in which pairs went by `fate` and members told `report`.
    fn next(&mut self, fate: impl Fn(u32, &Pairing) -> Said, report: impl Fn(u32, &RosterRow) -> SelfReport, quarantined: &[u32]) {
        let epoch = self.rosters.len() as u32;
        if let Some(closes) = epoch.checked_sub(self.params.close_lag) {
            let roster = &self.rosters[closes as usize];
            let deal = deal_of(&self.params, roster, closes);
            let answered = |p: &Pairing, o: Observation| Observation { replied: o.replied && owes(&self.params, closes, roster, p), ..o };
            let fate = |p: &Pairing| {
                let (said, seen) = fate(closes, p);
                (said, seen.map(|o| answered(p, o)))
            };
            let mut all = bundles(closes, roster, &deal, fate);
            for row in roster.rows() {
                all.get_mut(&row.member).unwrap().report = report(closes, row);
            }
            self.window.close(&self.params, played(&self.params, closes, roster, &deal), all.into_values(), &BTreeSet::new());
        }
        let before = self.rosters.last().unwrap();
        let trust = Trust::compute(&self.params, &self.window, before);
        self.scores = scores(&self.params, &self.window, &trust, before);
        let listed: Vec<MemberId> = quarantined.iter().map(|n| member(*n, Role::Member).member).collect();
        let next = |r: &RosterRow| {
            next_row(&self.params, r, &self.window, before, self.scores.get(&r.member), Epoch(epoch), listed.contains(&r.member))
        };
        let rows: Vec<RosterRow> = before.rows().iter().map(next).collect();
        for (old, new) in before.rows().iter().zip(&rows) {
            assert!(new.quota <= 30 && new.cut <= 1_000 && new.cut >= 100 && new.service <= 1_000);
            assert!(new.ramp_day <= old.ramp_day + 1);
            assert!(new.pool != Pool::Quarantined || new.quota == 0);
            assert!(old.unlocked_once <= new.unlocked_once);
        }
        self.rosters.push(Roster::new(rows));
    }
    fn clean(&mut self, epochs: u32) {
        (0..epochs).for_each(|_| self.next(|_, p| good(p), |_, _| SelfReport::default(), &[]));
    }
}

/// Delivered, and answered where an answer is owed.
fn good(_: &Pairing) -> Said {
    (SenderOutcome::Sent, Some(Observation { replied: true, ..seen(Placement::Inbox).unwrap() }))
}

#[test]
fn an_honest_network_unlocks_and_stays() {
    let mut w = World::new(24, 3);
    w.clean(12);
    assert!(w.row(3).ramp_day == 12 && w.row(3).quota == 30, "{:?}", w.row(3));
    for n in 0..24 {
        assert!(!w.score(n).locked && w.row(n).unlocked_once, "{n} {:?}", w.score(n));
        assert!(matches!(w.row(n).pool, Pool::Premium | Pool::Standard) && w.row(n).debt == 0 && !w.row(n).dead);
    }
    assert!((24..27).all(|n| w.row(n).quota == 0 && w.row(n).pool == Pool::Premium));
}

#[test]
fn external_bounces_lead_through_rehab_and_out_again() {
    let mut w = World::new(24, 3);
    w.clean(12);
    // 8 bounces in 100 external mails in one epoch: over 5 %, so rehab at once, and 8 x 100 - 100 = 700 mails to pay.
    let bad = |e: u32, r: &RosterRow| {
        if e == 9 && r.member == member(0, Role::Member).member {
            SelfReport { sent: 100, hard: 8, ..SelfReport::default() }
        } else {
            SelfReport::default()
        }
    };
    while w.row(0).pool != Pool::Rehab {
        assert!(w.rosters.len() < 16, "the trigger fires when epoch 9 is closed");
        w.next(|_, p| good(p), bad, &[]);
    }
    let entered = w.rosters.len() as u32 - 1;
    assert_eq!((entered, w.row(0).debt, w.row(0).debt_since), (14, 700, Epoch(14)));
    assert_eq!(allowance::daily(&w.params, Some(w.row(0)), Some(&w.score(0)), &credits(1_000), []).mails, 0);
    assert!(w.score(0).b > 50_000);
    assert_eq!(w.row(0).quota, 15);
    // Each clean reconciled mail of a newly closed epoch pays one; nothing else does.
    let mut left = 700u32;
    while w.row(0).debt > 0 {
        w.next(|_, p| good(p), bad, &[]);
        let closed = w.window.latest().unwrap();
        let index = w.window.index(&member(0, Role::Member).member).unwrap();
        let clean = w.window.sends(index).filter(|(e, x)| *e == closed.epoch && x.outcome.delivered()).count() as u32;
        assert!(clean > 0);
        left = left.saturating_sub(clean);
        assert_eq!(w.row(0).debt, left);
        assert!(w.rosters.len() < 120);
    }
    // Paid, the bounces no longer count, and the pool is the score's again.
    w.clean(2);
    assert!(matches!(w.row(0).pool, Pool::Standard | Pool::Premium) && !w.score(0).locked, "{:?} {:?}", w.row(0), w.score(0));
    assert_eq!(w.score(0).b, 0);
    assert!((1..24).all(|n| w.rosters.iter().all(|r| r.at(n).unwrap().pool != Pool::Rehab)), "nobody else was touched");
}

#[test]
fn a_low_score_sends_to_rehab_only_once_unlocked() {
    let mut w = World::new(24, 3);
    let spam = |_: u32, p: &Pairing| if p.sender == 5 { (SenderOutcome::Sent, seen(Placement::Spam)) } else { good(p) };
    (0..14).for_each(|_| w.next(spam, |_, _| SelfReport::default(), &[]));
    assert_eq!((w.row(5).pool, w.score(5).value), (Pool::Warming, 50_000_000));
    assert_eq!(w.row(5).cut, 1_000, "bad placement from the start is not a break-in");
    // The same after it had been unlocked: cut first, then rehab.
    let mut w = World::new(40, 3);
    w.clean(14);
    let since = w.rosters.len() as u32 - 5;
    let turned =
        move |e: u32, p: &Pairing| if p.sender == 5 && e >= since { (SenderOutcome::Sent, seen(Placement::Spam)) } else { good(p) };
    w.next(turned, |_, _| SelfReport::default(), &[]);
    assert_eq!((w.row(5).cut, w.row(5).quota, w.row(5).pool), (600, 18, Pool::Premium));
    let day = w.row(5).ramp_day;
    (0..32).for_each(|_| w.next(turned, |_, _| SelfReport::default(), &[]));
    assert_eq!((w.row(5).pool, w.row(5).debt, w.row(5).ramp_day), (Pool::Rehab, 0, day));
}

#[test]
fn a_cut_comes_back_after_three_clean_epochs() {
    let p = Params::standard();
    let mut row = member(0, Role::Member);
    pause::apply(&p, &mut row, true);
    assert_eq!(row.cut, 600);
    let cuts: Vec<u16> = (0..8)
        .map(|_| {
            pause::apply(&p, &mut row, false);
            row.cut
        })
        .collect();
    assert_eq!(cuts, [600, 600, 600, 700, 800, 900, 1_000, 1_000]);
    (0..20).for_each(|_| pause::apply(&p, &mut row, true));
    assert_eq!(row.cut, 100);
}

#[test]
fn quarantine_empties_the_quota_and_release_leads_to_rehab() {
    let mut w = World::new(24, 3);
    w.clean(12);
    w.next(|_, p| good(p), |_, _| SelfReport::default(), &[4]);
    assert_eq!((w.row(4).pool, w.row(4).quota), (Pool::Quarantined, 0));
    w.next(|_, p| good(p), |_, _| SelfReport::default(), &[4]);
    assert_eq!(w.row(4).pool, Pool::Quarantined);
    w.clean(1);
    assert_eq!((w.row(4).pool, w.row(4).debt, w.row(4).quota), (Pool::Rehab, 0, 15));
    w.clean(8);
    assert!(matches!(w.row(4).pool, Pool::Premium | Pool::Standard));
}

#[test]
fn a_dead_mailbox_is_dealt_nothing_until_it_works_again() {
    let mut w = World::new(24, 3);
    w.clean(8);
    let dies = w.rosters.len() as u32 - 5;
    // Its server refuses mail, and its account can't send either, for 12 epochs.
    let dead = move |e: u32, p: &Pairing| {
        let down = (dies..dies + 12).contains(&e);
        match (p.sender, p.receiver) {
            (_, 7) if down => (SenderOutcome::RefusedHard, None),
            (7, _) if down => (SenderOutcome::NoShow, None),
            _ => good(p),
        }
    };
    (0..4).for_each(|_| w.next(dead, |_, _| SelfReport::default(), &[]));
    assert!(w.row(7).dead, "{:?}", w.row(7));
    let deal = deal_of(&w.params, w.rosters.last().unwrap(), 0);
    assert_eq!(deal.quota(7), 0);
    assert!(deal.receives(7).is_empty() && !deal.sends(7).is_empty());
    // Nobody pays for it.
    assert!((0..24).filter(|n| *n != 7).all(|n| w.score(n).b == 0 && !w.score(n).locked));
    (0..8).for_each(|_| w.next(dead, |_, _| SelfReport::default(), &[]));
    assert!(w.row(7).dead, "nothing of it arrived yet");
    (0..8).for_each(|_| w.next(dead, |_, _| SelfReport::default(), &[]));
    assert!(!w.row(7).dead);
}

#[test]
fn golden_mailboxes_in_quarantine_are_no_witnesses() {
    // Golden member 24 complains of all of member 0's mail, which is in rehab, and says it got the dead member 1's.
    let mut w = World::new(24, 3);
    w.clean(12);
    let dies = w.rosters.len() as u32 - 5;
    let fate = move |e: u32, p: &Pairing| {
        let (said, seen) = good(p);
        match (p.sender, p.receiver) {
            (0, 24) => (said, seen.map(|o| Observation { complaint: true, ..o })),
            (_, 1) if e == dies => (SenderOutcome::RefusedHard, None),
            (1, to) if to != 24 => (SenderOutcome::NoShow, None),
            _ => (said, seen),
        }
    };
    (0..8).for_each(|_| w.next(fate, |_, _| SelfReport::default(), &[]));
    let closed = w.window.latest().unwrap().epoch;
    let mut rows = w.rosters.last().unwrap().rows().to_vec();
    rows[24].pool = Pool::Quarantined;
    let (now, quarantined) = (Roster::new(w.rosters.last().unwrap().rows().to_vec()), Roster::new(rows));
    let clean = |roster| rehabilitation::clean(&w.window, roster, 0, closed);
    assert!(clean(&quarantined) > clean(&now), "its complaints spoil no payment");
    let sums = |roster| Bounces::of(&w.window, roster, 0, None);
    assert!(sums(&now).golden_complaints > 0 && sums(&quarantined).golden_complaints == 0);
    let dead = |roster| dead::next(&w.params, &w.window, roster, 1, true, closed);
    assert!(!dead(&now) && dead(&quarantined), "its word wakes no mailbox");
}

#[test]
fn the_ramp_waits_for_who_is_away() {
    let mut w = World::new(24, 3);
    let away = |e: u32, p: &Pairing| if p.sender == 2 && e < 6 { (SenderOutcome::NoShow, None) } else { good(p) };
    (0..10).for_each(|_| w.next(away, |_, _| SelfReport::default(), &[]));
    // Four epochs on trust before the first is closed, six empty ones, and none yet after.
    assert_eq!((w.row(2).ramp_day, w.row(3).ramp_day), (4, 10));
    (0..3).for_each(|_| w.next(away, |_, _| SelfReport::default(), &[]));
    assert_eq!(w.row(2).ramp_day, 7);
}

#[test]
fn a_golden_row_changes_only_its_pool() {
    let p = Params::standard();
    let row = member(0, Role::Golden);
    let next = |before: &RosterRow, listed| next_row(&p, before, &Window::new(&p), &Roster::default(), None, Epoch(7), listed);
    let listed = next(&row, true);
    assert_eq!(listed, RosterRow { pool: Pool::Quarantined, ..row.clone() });
    assert_eq!(next(&listed, false), row);
    assert_eq!((row.pool, row.quota), (Pool::Premium, 0));
}
