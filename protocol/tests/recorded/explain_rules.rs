//! What is explained is what the chain computed: for every member and record of the recorded network.

use crate::cast::{BOUNCER, HATED, LISTED, MUTE, SPAMMY, STALE, UNSIGNED, players};
use crate::play::{genesis, play};
use std::collections::BTreeSet;
use warmnet_protocol::chain::Chain;
use warmnet_protocol::policy::explain::Sources;
use warmnet_protocol::policy::{self, triggers::Level};
use warmnet_protocol::score::evidence::Evidence;
use warmnet_protocol::score::explain::{Explanation, Figure, Step};
use warmnet_protocol::score::{self, Score, wilson_lower_z1, wilson_lower_z2};
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::roster::{Pool, Role, RosterRow};

/// Explains every judged member of the record just derived.
fn explained(chain: &Chain) -> Vec<(Explanation, Score)> {
    let d = chain.derived().expect("derived");
    let one = |(member, s): (_, &Score)| {
        let e = score::explain::explain(chain.params_derived(), chain.window(), &d.trust, &d.roster, member);
        (e.expect("it is judged"), *s)
    };
    d.scores.iter().map(one).collect()
}

/// Explains a row of the record just derived.
fn of_row(chain: &Chain, row: &RosterRow) -> policy::explain::Explanation {
    let d = chain.derived().expect("derived");
    let before = (0..d.epoch.0).map(Epoch).filter_map(|e| Some((e, chain.roster(e)?.row(&row.member)?.clone())));
    let history: Vec<_> = before.collect();
    let from = Sources {
        params: chain.params_derived(),
        window: chain.window(),
        record: d.epoch,
        degraded: chain.record(d.epoch).is_some_and(|r| r.record.degraded),
        before: &d.roster,
        history: &history,
        score: d.scores.get(&row.member),
        dealt: None,
        ceilings: &[],
        open: &[],
    };
    policy::explain::explain(&from, row)
}

fn whole(e: &Evidence) -> u64 {
    u64::from(e.mails) << 16
}

#[test]
fn explained_parts_sum_to_the_score_and_the_quota() {
    let (mut scores, mut rows, mut shown) = (0, 0, 0);
    play(|chain, day| {
        let params = chain.params_derived();
        for (e, s) in explained(chain) {
            scores += 1;
            assert_eq!(e.score, s);
            assert_eq!(e.parts.iter().map(|p| p.points).sum::<i64>().clamp(0, 100_000_000), i64::from(s.value));
            assert_eq!(s.locked, !e.barriers.is_empty());
            for p in &e.parts {
                let (k, n) = (p.hits.weight, p.hits.weight + p.misses.weight);
                let floored = |floor: u32| n.max(u64::from(floor) << 16);
                let ledger = match p.figure {
                    Figure::Authenticated => u32::try_from((k * 1_000_000).checked_div(n).unwrap_or(0)).expect("a share"),
                    Figure::Replied | Figure::Read | Figure::Inbox => wilson_lower_z1(k, n),
                    Figure::Bounced => wilson_lower_z1(k, floored(params.bounce_floor)),
                    Figure::Complained => wilson_lower_z2(k, floored(params.complaint_floor)),
                };
                assert!(if p.external_leads { p.ppm > ledger } else { p.ppm == ledger }, "{p:?}");
                if matches!(p.figure, Figure::Bounced | Figure::Complained) {
                    assert_eq!((p.hits.weight, p.misses.weight), (whole(&p.hits), whole(&p.misses)), "whole mails");
                }
                for side in [&p.hits, &p.misses] {
                    assert_eq!(side.shown.len(), (side.mails as usize).min(32));
                    assert!(side.shown.is_sorted_by_key(|x| std::cmp::Reverse(x.weight)));
                    assert!(side.shown.iter().map(|x| x.weight).sum::<u64>() <= side.weight);
                    shown += side.shown.len();
                }
            }
            assert_eq!(e.parts[5].hits.mails + e.parts[5].misses.mails, s.delivered);
        }
        let d = chain.derived().expect("derived");
        for row in d.rows.iter() {
            rows += 1;
            let e = of_row(chain, row);
            assert_eq!(e.quota.mails, row.quota);
            assert_eq!(Some(row), day.roster.row(&row.member));
            if row.role == Role::Member && !chain.record(d.epoch).is_some_and(|r| r.record.degraded) {
                assert_eq!(e.service.per_mille, row.service, "record {}", d.epoch);
            }
            assert_eq!(e.debt.as_ref().map_or(0, |debt| debt.left), row.debt);
            // What is told of debt, ramp and cut is what the record did.
            let before = d.roster.row(&row.member).expect("it stood in the roster before");
            let paid = e.debt.as_ref().filter(|_| row.debt_since == before.debt_since).map(|debt| debt.paid);
            assert!(paid.is_none_or(|paid| paid == before.debt - row.debt), "record {} {:?}", d.epoch, e.debt);
            assert_eq!(e.ramp.still.is_none(), row.ramp_day > before.ramp_day, "record {}", d.epoch);
            let cut = if e.pause.bad.is_empty() { row.cut >= before.cut } else { row.cut < 1_000 && row.clean_epochs == 0 };
            assert!(cut, "record {}: {:?}", d.epoch, e.pause);
            assert_eq!(u64::from(e.unanswered.mails), e.service.owed - e.service.given);
            let [b, outside, c, _] = [0, 1, 2, 3].map(|n| e.readings[n].events);
            assert_eq!((u64::from(e.bounces.mails), u64::from(e.golden_complaints.mails)), (b, c));
            assert_eq!(e.reports.iter().filter(|t| t.counts).map(|t| u64::from(t.report.hard)).sum::<u64>(), outside);
            assert_eq!(e.readings.iter().map(|r| r.level).max(), Some(e.level));
            let a = &e.allowance;
            assert_eq!(a.mails, if a.locks.is_empty() { a.by_score.min(e.credits.left) } else { 0 });
            assert_eq!(e.credits.left, e.credits.lots.iter().map(|l| l.left).sum::<u32>());
        }
    });
    assert!(scores > 1_000 && rows > 1_000 && shown > 10_000, "{scores} {rows} {shown}");
}

#[test]
fn a_change_is_the_formula_over_other_counts() {
    let mut last = Vec::new();
    let mut steps = BTreeSet::new();
    play(|chain, _| {
        last = explained(chain);
        steps.extend(
            last.iter().flat_map(|(e, _)| e.changes.iter().map(|c| format!("{:?}", c.step).split([' ', '(']).next().map(str::to_owned))),
        );
    });
    assert_eq!(steps.len(), 7, "every kind of change is met: {steps:?}");
    let cast = players(&genesis().network_id());
    let of = |n: usize| &last.iter().find(|(e, _)| e.member == cast[n].member).expect("judged").0;
    let gain = |n: usize, wanted: fn(&Step) -> bool| of(n).changes.iter().find(|c| wanted(&c.step)).map(|c| c.gain);
    for (e, s) in &last {
        for c in &e.changes {
            assert_eq!(i64::from(c.value) - i64::from(s.value), c.gain);
            // Each is told as something that would raise the score, so none may lower it.
            assert!(c.gain >= 0, "{:?} of {}", c, e.member.short());
        }
        let more = |n| e.changes.iter().find(|c| c.step == Step::MoreMails(n)).expect("always told").gain;
        assert!(more(10) >= more(1));
    }
    assert!(gain(HATED, |s| *s == Step::NoComplaints) > Some(0));
    assert!(gain(UNSIGNED, |s| *s == Step::AllAuthenticated) > Some(0));
    assert_eq!(gain(SPAMMY, |s| *s == Step::SpamInInbox), Some(0), "unread mail in the inbox earns nothing");
    assert!(gain(STALE, |s| matches!(s, Step::WithoutBounce { .. })) > Some(0));
    assert!(gain(STALE, |s| *s == Step::NoBounces) >= gain(STALE, |s| matches!(s, Step::WithoutBounce { .. })));
    let bounces = of(STALE).parts.iter().find(|p| p.figure == Figure::Bounced).expect("a part");
    assert!(bounces.hits.mails > 0 && u64::from(bounces.hits.mails) == of(STALE).bounces.hard && bounces.points < 0);
}

#[test]
fn credits_follow_from_the_window() {
    let (mut total, mut spent, mut seen) = (0u32, 0, BTreeSet::new());
    let cast = players(&genesis().network_id());
    play(|chain, _| {
        let d = chain.derived().expect("derived");
        for row in d.rows.iter() {
            let e = of_row(chain, row);
            let Some(index) = chain.window().index(&row.member) else { continue };
            let inbound = chain.window().exchanges().filter(|(_, x)| x.receiver == index && x.outcome.delivered()).count() as u32;
            assert_eq!(e.credits.lots.iter().map(|l| l.processed).sum::<u32>(), inbound);
            let external: u32 = e.credits.lots.iter().map(|l| l.external).sum();
            assert_eq!(e.credits.left + external, inbound * e.credits.each + e.credits.uncovered);
            total += e.credits.left;
            spent += external;
            let n = cast.iter().position(|p| p.member == row.member).expect("cast");
            let interesting = [
                (n == LISTED && row.pool == Pool::Rehab, "a debt"),
                (n == LISTED && e.debt.as_ref().is_some_and(|d| d.epochs.is_some()), "a countdown"),
                (n == MUTE && e.service.per_mille < 800 && e.quota.service < e.quota.cut, "little service"),
                (n == SPAMMY && e.pause.bad == [policy::pause::Bad::BrokeIn], "a bad epoch"),
                (n == BOUNCER && e.allowance.locks.contains(&policy::lock::Lock::Rehab), "a lock"),
                (n == STALE && e.level >= Level::Watch && e.bounces.mails > 0, "a trigger with its bounces"),
                (e.allowance.mails > 0, "an allowance"),
                (e.raises.iter().any(|r| r.step == policy::explain::Step::FullService), "what service would raise"),
            ];
            seen.extend(interesting.into_iter().filter_map(|(met, what)| met.then_some(what)));
        }
    });
    assert!(total > 0 && spent > 0);
    assert_eq!(seen.len(), 8, "{seen:?}");
}
