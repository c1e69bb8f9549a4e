//! Parameters at and between the ends of their ranges, through everything that is derived by them.

use super::ranges::{ORDERS, ParamsError, RANGES, Range};
use super::*;
use crate::exchange::deadlines;
use crate::ids::ExchangeId;
use crate::ledger::Window;
use crate::ledger::tests::{Said, bundles, deal_of, member, network, played, seen};
use crate::matching::Pairing;
use crate::policy::{allowance, credits::Credits, explain as policy_explain, next_row};
use crate::score::{explain as score_explain, scores};
use crate::time::{Clock, Epoch};
use crate::trust::Trust;
use crate::wire::bundle::{Observation, Placement, SelfReport, SenderOutcome};
use crate::wire::roster::{Role, Roster, RosterRow};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;

const MEMBERS: u32 = 12;
const GOLDEN: u32 = 2;
/// Records played: more than the shortest window and the longest lag.
const RECORDS: u32 = 16;

fn get(params: &Params, name: &str) -> u32 {
    serde_json::to_value(params).unwrap()[name].as_u64().unwrap().try_into().unwrap()
}

fn set(params: &Params, name: &str, value: u32) -> Params {
    let mut fields = serde_json::to_value(params).unwrap();
    fields[name] = value.into();
    serde_json::from_value(fields).unwrap()
}

/// Brings pairs into their order: by raising the upper one, or by lowering the lower one.
fn ordered(mut params: Params, raise: bool) -> Params {
    for _ in ORDERS {
        for o in ORDERS {
            let (low, high) = (get(&params, o.lower), get(&params, o.upper));
            if low > high {
                params = if raise { set(&params, o.upper, low) } else { set(&params, o.lower, high) };
            }
        }
    }
    params
}

/// A bit of everything: spam, refusals of both kinds, a mailbox that is dead for a while, silence, complaints.
fn fate(epoch: u32, p: &Pairing) -> Said {
    let place = |placement| (SenderOutcome::Sent, seen(placement));
    match (p.sender, p.receiver) {
        (_, 7) if (3..6).contains(&epoch) => (SenderOutcome::RefusedHard, None),
        (_, 6) if epoch < 4 => (SenderOutcome::RefusedSoft, None),
        (5, _) if epoch > 8 => place(Placement::Spam),
        (4, to) if to.is_multiple_of(2) => (SenderOutcome::Sent, None),
        (3, _) if epoch.is_multiple_of(2) => (SenderOutcome::NoShow, None),
        (2, _) => (SenderOutcome::Sent, Some(Observation { complaint: true, ..seen(Placement::Inbox).unwrap() })),
        _ => (SenderOutcome::Sent, Some(Observation { replied: p.slot.round.is_multiple_of(3), ..seen(Placement::Inbox).unwrap() })),
    }
}

fn report(epoch: u32, row: &RosterRow) -> SelfReport {
    match row {
        r if r.member == member(8, Role::Member).member => SelfReport { sent: 150, hard: 9, ..SelfReport::default() },
        r if r.member == member(9, Role::Member).member && epoch == 2 => {
            SelfReport { sent: u32::MAX, hard: u32::MAX, soft: u32::MAX, complaints: u32::MAX, replies: u32::MAX }
        }
        _ => SelfReport::default(),
    }
}

/// Plays a small network by these parameters: deals, closes, derives and explains every record.
fn play(params: &Params) {
    let mut rosters = vec![network(MEMBERS, GOLDEN)];
    let mut window = Window::new(params);
    for epoch in 0..RECORDS {
        if let Some(closes) = epoch.checked_sub(params.close_lag) {
            let roster = &rosters[closes as usize];
            let deal = deal_of(params, roster, closes);
            let pairs = deal.all();
            assert!(pairs.len() as u32 <= MEMBERS * 60 + GOLDEN * 400, "{} pairs", pairs.len());
            for position in 0..roster.len() as u32 {
                let (sends, receives) = (deal.sends(position), deal.receives(position));
                assert!(sends.len() + receives.len() <= crate::limits::BUNDLE_ENTRIES, "a bundle holds them");
                assert!(sends.iter().all(|p| deal.verify(p.slot, p.sender, p.receiver)));
            }
            let mut all = bundles(closes, roster, &deal, |p| fate(closes, p));
            for row in roster.rows() {
                all.get_mut(&row.member).unwrap().report = report(closes, row);
            }
            window.close(params, played(params, closes, roster, &deal), all.into_values(), &BTreeSet::new());
        }
        let before = rosters.last().unwrap();
        let trust = Trust::compute(params, &window, before);
        let scores = scores(params, &window, &trust, before);
        let mut rows = Vec::new();
        for (n, old) in (0u32..).zip(before.rows()) {
            let score = scores.get(&old.member);
            let row = next_row(params, old, &window, before, score, Epoch(epoch), n == 1 && (6..9).contains(&epoch));
            assert!(row.cut <= 1_000 && row.service <= 1_000 && row.quota <= 30);
            assert!(score.is_none_or(|s| s.value <= 100_000_000));
            let credits = Credits::of(params, &window, window.index(&row.member), []);
            let allowance = allowance::daily(params, Some(&row), score, &credits, []);
            assert!(allowance.mails <= params.external_ceiling);
            if epoch == RECORDS - 1 {
                let from = policy_explain::Sources {
                    params,
                    window: &window,
                    record: Epoch(epoch),
                    degraded: false,
                    before,
                    history: &[(Epoch(epoch - 1), old.clone())],
                    score,
                    dealt: None,
                    ceilings: &[],
                    open: &[],
                };
                assert_eq!(policy_explain::explain(&from, &row).quota.mails, row.quota);
                let explained = score_explain::explain(params, &window, &trust, before, &row.member);
                assert_eq!(explained.map(|e| e.score).as_ref(), score);
            }
            rows.push(row);
        }
        rosters.push(Roster::new(rows));
    }
    let clock = Clock { epoch_zero_ms: 0, epoch_ms: 86_400_000 };
    for n in 0..8 {
        let (exchange, now) = (ExchangeId([n; 16]), clock.start(Epoch(3)));
        let plan = deadlines::act_plan(&clock, params, &exchange, 0, now);
        assert!(deadlines::replies_owed(params, &exchange) < crate::limits::TURNS && plan.file >= now);
    }
}

#[test]
fn every_parameter_has_a_range_that_holds_the_standard() {
    let Value::Object(fields) = serde_json::to_value(Params::standard()).unwrap() else { panic!("a struct") };
    let names: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
    assert_eq!((RANGES.len(), RANGES.iter().map(|r| r.name).collect::<BTreeSet<_>>()), (fields.len(), names));
    assert_eq!(Params::standard().check(), Ok(()));
}

#[test]
fn what_lies_outside_is_named() {
    let standard = Params::standard();
    let outside = |Range { name, lowest, highest, .. }: &Range| [lowest.checked_sub(1), highest.checked_add(1)].map(|v| (*name, v));
    for (name, value) in RANGES.iter().flat_map(outside) {
        let Some(value) = value else { continue };
        let error = set(&standard, name, value).check().unwrap_err();
        assert!(matches!(error, ParamsError::Range { name: n, value: v, .. } if (n, v) == (name, value)), "{error}");
        assert!(error.to_string().contains(name) && error.to_string().contains(&value.to_string()), "{error}");
    }
    for o in ORDERS {
        let range = |name: &str| RANGES.iter().find(|r| r.name == name).unwrap();
        // The upper one as low as it may be, the lower one just above it.
        let low = range(o.upper).lowest.max(range(o.lower).lowest);
        let wrong = set(&set(&standard, o.upper, low), o.lower, low + 1);
        assert!(matches!(wrong.check(), Err(ParamsError::Order { .. })), "{} {}", o.lower, o.upper);
    }
    // A newer program's ranges are not this one's, but for what the window is made of.
    let newer = Params { version: RULES_VERSION + 1, pause_cut: 1_001, ..standard };
    assert_eq!(newer.check(), Ok(()));
    assert!(Params { window_epochs: 0, ..newer }.check().is_err());
}

#[test]
fn both_ends_of_every_range_can_be_played() {
    for range in RANGES.iter().filter(|r| r.name != "version") {
        for (value, raise) in [(range.lowest, false), (range.highest, true)] {
            let params = ordered(set(&Params::standard(), range.name, value), raise);
            assert_eq!((params.check(), get(&params, range.name)), (Ok(()), value), "{}", range.name);
            play(&params);
        }
    }
}

/// Parameters within their ranges, ends as often as what lies between.
fn any_params() -> impl Strategy<Value = Params> {
    let value = |r: &Range| prop_oneof![Just(r.lowest), Just(r.highest), r.lowest..=r.highest];
    RANGES.iter().map(value).collect::<Vec<_>>().prop_map(|values| {
        let drawn = RANGES.iter().zip(values).fold(Params::standard(), |p, (range, value)| set(&p, range.name, value));
        ordered(Params { version: RULES_VERSION, ..drawn }, true)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_lies_within_the_ranges_can_be_played(params in any_params()) {
        prop_assert_eq!(params.check(), Ok(()));
        play(&params);
    }
}
