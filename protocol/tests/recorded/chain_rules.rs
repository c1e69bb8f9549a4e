//! What a chain accepts, refuses and waits for.

use super::cast::{self, LATE};
use super::play::{ANNOUNCED, CHANGED, DEGRADED, Day, authority, beacons, genesis};
use super::recording;
use warmnet_protocol::chain::{BundleRefusal, Chain, DraftInputs, RecordRefusal, RosterRefusal};
use warmnet_protocol::identity::{NodeKey, Verified, hash, signed};
use warmnet_protocol::ids::{Beacon, Digest, MemberId};
use warmnet_protocol::limits::{DEGRADED_EPOCHS, RECORD_DEPARTURES, RECORD_NOTICES, RECORD_PROOFS, ROSTER_ROWS};
use warmnet_protocol::params::{Params, RULES_VERSION};
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::bundle::Bundle;
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::epoch_record::{EpochRecord, IssuingKey, LedgerRoot, Upcoming};
use warmnet_protocol::wire::notice::{Notice, NoticeKind, ReasonClass};
use warmnet_protocol::wire::roster::{Pool, Roster};

pub(crate) fn days() -> &'static [Day] {
    &recording().0
}

/// A chain that holds and derived everything before record `next`.
pub(crate) fn chain_before(next: usize) -> Chain {
    let mut chain = Chain::new(genesis());
    for (epoch, day) in (0u32..).zip(&days()[..next]) {
        chain.accept_record(day.record.clone()).expect("the next record");
        chain.accept_roster(Epoch(epoch), day.roster.clone()).expect("its roster");
        chain.derive();
        day.bundles.iter().for_each(|b| chain.accept_bundle(b.clone()).expect("a bundle"));
    }
    chain
}

fn resigned(key: &NodeKey, record: EpochRecord) -> Verified<EpochRecord> {
    signed::sign(key, &genesis().network_id(), record)
}

#[test]
fn a_record_that_breaks_a_rule_is_refused() {
    let good = &days()[12].record.message;
    let (issuing, other) = (cast::key("fixture-issuing", 0), cast::key("fixture-issuing", 1));
    let valid = |signer: &NodeKey, key: &NodeKey, from: u32, until: u32| {
        let certificate = IssuingKey { key: key.node_id(), from: Epoch(from), until: Epoch(until), serial: 0 };
        signed::sign(signer, &genesis().network_id(), certificate).bytes
    };
    let certificate = |signer: &NodeKey, key: &NodeKey, until: u32| valid(signer, key, 0, until);
    let root = cast::key("fixture-root", 0);
    let notice = Notice {
        tag: cast::players(&genesis().network_id())[0].tag,
        kind: NoticeKind::Listed,
        reason: ReasonClass::Operator,
        evidence: Digest([0; 32]),
        since: Epoch(12),
        review: Epoch(13),
    };
    let wrong: [(RecordRefusal, EpochRecord); 14] = [
        (RecordRefusal::Gap, EpochRecord { epoch: Epoch(13), ..good.clone() }),
        (RecordRefusal::Previous, EpochRecord { previous: Digest([1; 32]), ..good.clone() }),
        (RecordRefusal::Beacon, EpochRecord { beacon: Beacon([1; 32]), ..good.clone() }),
        (RecordRefusal::Closes, EpochRecord { ledger: None, ..good.clone() }),
        (RecordRefusal::Params, EpochRecord { params: Params { golden_seats: 21, ..good.params.clone() }, ..good.clone() }),
        (RecordRefusal::TooMany, EpochRecord { notices: vec![notice; RECORD_NOTICES + 1], ..good.clone() }),
        (RecordRefusal::TooMany, EpochRecord { proofs: vec![(MemberId([1; 32]), Digest([1; 32])); RECORD_PROOFS + 1], ..good.clone() }),
        (RecordRefusal::TooMany, EpochRecord { departures: vec![vec![]; RECORD_DEPARTURES + 1], ..good.clone() }),
        (RecordRefusal::TooMany, EpochRecord { roster_len: ROSTER_ROWS as u32 + 1, ..good.clone() }),
        (RecordRefusal::Authority, EpochRecord { authority: vec![], ..good.clone() }),
        (RecordRefusal::Authority, EpochRecord { authority: certificate(&other, &issuing, 400), ..good.clone() }),
        (RecordRefusal::Authority, EpochRecord { authority: certificate(&root, &other, 400), ..good.clone() }),
        (RecordRefusal::Authority, EpochRecord { authority: certificate(&root, &issuing, 11), ..good.clone() }),
        (RecordRefusal::Authority, EpochRecord { authority: valid(&root, &issuing, 13, 400), ..good.clone() }),
    ];
    let mut chain = chain_before(12);
    for (refusal, record) in wrong {
        assert_eq!(chain.accept_record(resigned(&issuing, record)), Err(refusal));
    }
    assert_eq!(chain.accept_record(resigned(&other, good.clone())), Err(RecordRefusal::Authority));
    assert_eq!(chain.accept_record(days()[12].record.clone()), Ok(()));
    assert_eq!(chain.accept_record(days()[12].record.clone()), Err(RecordRefusal::Known));
    let fork = EpochRecord { degraded: true, ..good.clone() };
    assert_eq!(chain.accept_record(resigned(&issuing, fork)), Err(RecordRefusal::Fork));
    // Full lists and a certificate of this one epoch are within the rules.
    let full = EpochRecord {
        departures: vec![vec![]; RECORD_DEPARTURES],
        authority: valid(&root, &issuing, 12, 12),
        roster_len: ROSTER_ROWS as u32,
        ..good.clone()
    };
    assert_eq!(chain_before(12).accept_record(resigned(&issuing, full)), Ok(()));
}

#[test]
fn nothing_is_closed_before_the_lag_and_then_one_epoch_a_record() {
    let issuing = cast::key("fixture-issuing", 0);
    let root = |epoch: u32| days()[5].record.message.ledger.clone().map(|root| LedgerRoot { epoch: Epoch(epoch), ..root });
    for (record, ledger) in [(4, root(0)), (5, None), (5, root(1))] {
        let wrong = EpochRecord { ledger, ..days()[record].record.message.clone() };
        assert_eq!(chain_before(record).accept_record(resigned(&issuing, wrong)), Err(RecordRefusal::Closes), "record {record}");
    }
    assert!(days()[4].record.message.ledger.is_none() && days()[5].record.message.ledger.as_ref().is_some_and(|l| l.epoch == Epoch(0)));
}

#[test]
fn a_root_over_rows_out_of_order_or_twice_names_no_roster() {
    let rows = days()[6].roster.rows().to_vec();
    let backwards: Vec<_> = rows.iter().rev().cloned().collect();
    let twice: Vec<_> = rows.iter().take(1).chain(&rows).cloned().collect();
    for rows in [backwards, twice] {
        let (roster, roster_len) = (hash::merkle(rows.iter().map(codec::encode)), rows.len() as u32);
        let record = EpochRecord { roster, roster_len, ..days()[6].record.message.clone() };
        let mut chain = chain_before(6);
        chain.accept_record(resigned(&cast::key("fixture-issuing", 0), record)).expect("nobody sees it by the record");
        assert_eq!(chain.accept_roster(Epoch(6), Roster::new(rows)), Err(RosterRefusal::Digest));
    }
}

#[test]
fn a_roster_is_the_one_its_record_names() {
    let mut chain = chain_before(6);
    let rows = days()[6].roster.rows().to_vec();
    assert_eq!(chain.accept_roster(Epoch(6), Roster::new(rows.clone())), Err(RosterRefusal::Unknown));
    chain.accept_record(days()[6].record.clone()).expect("the next record");
    let mut changed = rows.clone();
    changed[3].quota += 1;
    assert_eq!(chain.accept_roster(Epoch(6), Roster::new(changed)), Err(RosterRefusal::Digest));
    assert_eq!(chain.accept_roster(Epoch(6), Roster::new(rows[1..].to_vec())), Err(RosterRefusal::Digest));
    assert_eq!(chain.accept_roster(Epoch(6), Roster::new(rows)), Ok(()));
}

#[test]
fn a_bundle_is_judged_by_its_epoch_member_and_signer() {
    let mut chain = chain_before(12);
    let network = chain.network();
    let players = cast::players(&network);
    let signed = |n: usize, member: MemberId, epoch: u32| {
        let bundle = Bundle { member, epoch: Epoch(epoch), entries: vec![], report: Default::default() };
        signed::sign(&players[n].key, &network, bundle)
    };
    let me = players[0].member;
    assert_eq!(chain.accept_bundle(signed(0, me, 6)), Err(BundleRefusal::Closed), "record 11 closed epoch 6");
    assert_eq!(chain.accept_bundle(signed(0, me, 20)), Err(BundleRefusal::NoRoster));
    assert_eq!(chain.accept_bundle(signed(LATE, players[LATE].member, 11)), Err(BundleRefusal::Stranger));
    assert_eq!(chain.accept_bundle(signed(1, me, 11)), Err(BundleRefusal::Signer));
    let own = days()[11].bundles.iter().find(|b| b.message.member == me).expect("its bundle").clone();
    assert_eq!(chain.accept_bundle(own), Err(BundleRefusal::Known));
    assert_eq!(chain.accept_bundle(signed(0, me, 11)), Err(BundleRefusal::Equivocation));
}

#[test]
fn what_a_record_counts_is_waited_for() {
    let mut chain = chain_before(9);
    // Epoch 4 is closed by record 9; a node that lacks one of its bundles waits.
    let mut poor = Chain::new(genesis());
    let missing = days()[4].bundles[2].clone();
    for (epoch, day) in (0u32..).zip(&days()[..10]) {
        poor.accept_record(day.record.clone()).expect("the next record");
        poor.accept_roster(Epoch(epoch), day.roster.clone()).expect("its roster");
        poor.derive();
        for bundle in day.bundles.iter().filter(|b| b.digest != missing.digest) {
            poor.accept_bundle(bundle.clone()).expect("a bundle");
        }
    }
    assert_eq!(poor.derived().map(|d| d.epoch), Some(Epoch(8)));
    assert_eq!(poor.missing_bundles(), [(Epoch(4), missing.message.member)]);
    poor.accept_bundle(missing).expect("the missing one");
    assert_eq!(poor.derive(), [Epoch(9)]);
    chain.accept_record(days()[9].record.clone()).expect("the next record");
    assert!(chain.derive().is_empty(), "the roster is missing");
    chain.accept_roster(Epoch(9), days()[9].roster.clone()).expect("its roster");
    chain.derive();
    assert_eq!(chain.history().back(), poor.history().back());
}

#[test]
fn without_a_record_seven_epochs_are_played_degraded() {
    let chain = chain_before(6);
    let last = chain.play(Epoch(5)).expect("an on-time play");
    assert!(!last.degraded);
    let mut seeds = vec![last.seed];
    for epoch in 6..=5 + DEGRADED_EPOCHS {
        let play = chain.play(Epoch(epoch)).expect("a degraded play");
        assert!(play.degraded && play.roster == last.roster);
        assert!(!seeds.contains(&play.seed));
        seeds.push(play.seed);
    }
    assert!(chain.play(Epoch(6 + DEGRADED_EPOCHS)).is_none());
    assert_eq!([0, 4, 5, 7].map(|e| chain.weekday(Epoch(e))), [0, 4, 5, 0], "4 January 2027 is a Monday");
}

#[test]
fn a_degraded_record_changes_no_row_and_is_not_played() {
    let (before, late) = (&days()[DEGRADED as usize - 1], &days()[DEGRADED as usize]);
    assert!(late.record.message.degraded && late.roster == before.roster);
    let chain = chain_before(DEGRADED as usize + 2);
    assert!(chain.play(Epoch(DEGRADED)).is_some_and(|p| p.degraded));
    assert!(chain.play(Epoch(DEGRADED + 1)).is_some_and(|p| !p.degraded));
}

#[test]
fn a_first_row_is_what_admission_certified() {
    let players = cast::players(&genesis().network_id());
    let row = days()[12].roster.row(&players[LATE].member).expect("the late one");
    assert_eq!((row.joined, row.pool, row.quota, row.ramp_day), (Epoch(12), Pool::Warming, 20, 0));
    assert_eq!((row.cut, row.service, row.debt, row.unlocked_once), (1_000, 1_000, 0, false));
    assert!(!row.dead && !row.complained);
}

#[test]
fn a_returning_node_begins_with_a_later_record() {
    let mut chain = Chain::new(genesis());
    let wrong = EpochRecord { beacon: Beacon([1; 32]), ..days()[25].record.message.clone() };
    assert_eq!(chain.accept_base(resigned(&cast::key("fixture-issuing", 0), wrong)), Err(RecordRefusal::Beacon));
    // A stranger's record can't make a node hash down four thousand million links.
    let far = EpochRecord { epoch: Epoch(u32::MAX), ..days()[25].record.message.clone() };
    assert_eq!(chain.accept_base(resigned(&NodeKey::from_seed(&[9; 32]), far)), Err(RecordRefusal::Authority));
    assert_eq!(chain.accept_base(days()[25].record.clone()), Ok(()));
    assert_eq!(chain.accept_roster(Epoch(25), days()[25].roster.clone()), Ok(()));
    assert!(chain.play(Epoch(25)).is_some());
    assert_eq!(chain.next_epoch(), Epoch(26));
    assert_eq!(chain.accept_base(days()[30].record.clone()), Err(RecordRefusal::Gap), "only the first");
}

#[test]
fn an_epoch_nobody_could_play_closes_empty() {
    let mut chain = Chain::new(genesis());
    let players = cast::players(&chain.network());
    let mut closed = Vec::new();
    for (epoch, beacon) in (0u32..18).zip(beacons()) {
        // Ten records in a row came late: epochs 3 to 9 are played degraded, 10 to 12 are not.
        let degraded = (3..13).contains(&epoch);
        let admitted = cast::admitted(&players, epoch);
        let draft = chain.draft(DraftInputs {
            beacon,
            notices: vec![],
            departures: vec![],
            upcoming: None,
            admitted,
            degraded,
            authority: authority(),
        });
        let draft = draft.expect("everything before is derived");
        chain.accept_record(resigned(&cast::key("fixture-issuing", 0), draft.record)).expect("the next record");
        chain.accept_roster(Epoch(epoch), draft.roster).expect("its roster");
        chain.derive();
        assert!(chain.derived().is_some_and(|d| d.digests.matches_record));
        closed.push(chain.window().latest().map(|c| c.epoch.0));
    }
    assert_eq!([10, 12, 13].map(|e| chain.play(Epoch(e)).is_some()), [false, false, true]);
    assert_eq!(closed[13..], [Some(8), Some(9), Some(9), Some(9), Some(9)]);
}

#[test]
fn parameters_change_only_as_announced() {
    let issuing = cast::key("fixture-issuing", 0);
    let accept = |chain: &mut Chain, record: EpochRecord| chain.accept_record(resigned(&issuing, record));
    let announce = |from: u32, change: fn(&mut Params)| {
        let mut record = days()[12].record.message.clone();
        let mut params = record.params.clone();
        change(&mut params);
        record.upcoming = Some(Upcoming { from: Epoch(from), params });
        record
    };
    let refused = Err(RecordRefusal::Upcoming);
    let mut chain = chain_before(12);
    for (from, change) in
        [(18, (|p| p.golden_seats = 25) as fn(&mut Params)), (19, |_| {}), (19, |p| p.window_epochs = 20), (19, |p| p.close_lag = 6)]
    {
        assert_eq!(accept(&mut chain, announce(from, change)), refused, "from {from}");
    }
    // Rules of a newer program are accepted and not played.
    assert_eq!(accept(&mut chain, announce(19, |p| p.version = RULES_VERSION + 1)), Ok(()));
    chain.accept_roster(Epoch(12), days()[12].roster.clone()).expect("its roster");
    assert!(chain.play(Epoch(18)).is_some() && chain.play(Epoch(19)).is_none());
    assert!(chain.params_at(Epoch(18)).known() && !chain.params_at(Epoch(19)).known());

    let of = |epoch: u32| days()[epoch as usize].record.message.clone();
    let mut chain = chain_before(ANNOUNCED as usize + 1);
    let silent = EpochRecord { upcoming: None, ..of(ANNOUNCED + 1) };
    assert_eq!(accept(&mut chain, silent), refused, "what was announced stays named");
    let mut later = of(ANNOUNCED + 1);
    later.upcoming.as_mut().expect("announced").from = Epoch(CHANGED + 1);
    assert_eq!(accept(&mut chain, later), refused);
    let mut chain = chain_before(CHANGED as usize);
    let old = EpochRecord { params: of(CHANGED - 1).params, ..of(CHANGED) };
    assert_eq!(accept(&mut chain, old), Err(RecordRefusal::Params), "it is in force now");
    assert_eq!(accept(&mut chain, of(CHANGED)), Ok(()));
    assert_eq!(chain.params_at(Epoch(CHANGED - 1)), &of(0).params);
}

#[test]
fn parameters_out_of_range_are_refused() {
    let issuing = cast::key("fixture-issuing", 0);
    let announce = |change: fn(&mut Params)| {
        let mut record = days()[12].record.message.clone();
        let mut params = record.params.clone();
        change(&mut params);
        record.upcoming = Some(Upcoming { from: Epoch(19), params });
        resigned(&issuing, record)
    };
    let mut chain = chain_before(12);
    for change in [(|p| p.pause_step = u32::MAX) as fn(&mut Params), |p| p.round_share = 0, |p| p.lock_below = p.premium_from + 1] {
        assert_eq!(chain.accept_record(announce(change)), Err(RecordRefusal::Upcoming));
    }
    assert_eq!(chain.accept_record(announce(|p| p.pause_step = 1_000)), Ok(()));
    // A first record is believed, but not whatever it says.
    for change in [(|p| p.walk_steps = u32::MAX) as fn(&mut Params), |p| p.window_epochs = 29, |p| p.close_lag = 6] {
        let mut record = days()[25].record.message.clone();
        change(&mut record.params);
        assert_eq!(Chain::new(genesis()).accept_base(resigned(&issuing, record)), Err(RecordRefusal::Params));
    }
}
