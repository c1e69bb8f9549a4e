//! What a coordinator can't hide.

use super::*;
use crate::chain::{Audit, RecordRefusal, Stalled};
use crate::ids::{Digest, DomainTag};
use crate::params::Params;
use crate::policy;
use crate::wire::codec;
use crate::wire::epoch_record::EpochRecord;
use crate::wire::roster::{ALL_WEEKDAYS, Pool, RampPreset, RosterRow, acts};

fn audits(w: &World) -> Vec<Audit> {
    let (found, stalled) = audit(w.peers[1].engine.chain().genesis().clone(), &mut w.peers[1].store.clone()).expect("readable");
    assert_eq!(stalled, None);
    found
}

type Change = fn(&mut RosterRow);
/// What a coordinator may change in a row, one field an epoch from [`FIRST`] on.
const ROWS: [(&str, Change); 18] = [
    ("node", |r| r.node = key(99).node_id()),
    ("tag", |r| r.tag = DomainTag([99; 16])),
    ("provider", |r| r.provider ^= 1),
    ("languages", |r| r.languages ^= 2),
    ("role", |r| r.role = Role::Golden),
    ("pool", |r| r.pool = Pool::Quarantined),
    ("unlocked_once", |r| r.unlocked_once = !r.unlocked_once),
    ("joined", |r| r.joined = r.joined.plus(1)),
    ("ramp", |r| r.ramp = RampPreset::Prewarmed),
    ("ramp_day", |r| r.ramp_day += 1),
    ("quota", |r| r.quota += 1),
    ("cut", |r| r.cut -= 1),
    ("clean_epochs", |r| r.clean_epochs = 3 - r.clean_epochs),
    ("debt", |r| r.debt += 1),
    ("service", |r| r.service -= 1),
    ("weekdays", |r| r.weekdays ^= 1),
    ("acts", |r| r.acts ^= acts::READ),
    ("dead", |r| r.dead = !r.dead),
];
const FIRST: u32 = 7;

fn change_a_row(epoch: Epoch, _: &mut EpochRecord, roster: &mut Roster) {
    let Some((_, change)) = epoch.0.checked_sub(FIRST).and_then(|n| ROWS.get(n as usize)) else { return };
    let mut rows = roster.rows().to_vec();
    // Another member each epoch: what was changed before stays in its row.
    let members: Vec<usize> = (0..rows.len()).filter(|i| rows[*i].role == Role::Member).collect();
    change(&mut rows[members[epoch.0 as usize % members.len()]]);
    *roster = Roster::new(rows);
}

#[test]
fn a_coordinator_that_changes_one_field_of_one_row_is_caught_by_everybody() {
    let mut w = World::new(8, 1);
    w.cheat = Some(change_a_row);
    w.run_to_epoch(FIRST + ROWS.len() as u32);
    let found = audits(&w);
    for (epoch, (what, _)) in (FIRST..).zip(ROWS) {
        let audit = found.iter().find(|a| a.record == Epoch(epoch)).expect("audited");
        assert_eq!(audit.differences.len(), 1, "{what}");
        assert!(!audit.holds() && !audit.follows(), "{what}");
        for p in &w.peers[1..] {
            let record = p.engine.chain().history().iter().find(|d| d.record == Epoch(epoch)).expect("derived");
            assert!(!record.matches_record, "{what}");
        }
    }
    assert!(found.iter().filter(|a| a.record < Epoch(FIRST)).all(Audit::holds));
}

#[test]
fn rows_that_come_from_nowhere_or_go_are_seen() {
    fn newcomer(n: u8, role: Role, epoch: Epoch) -> RosterRow {
        let (member, tag, params) = (MemberId([n; 32]), DomainTag([n; 16]), Params::standard());
        policy::first_row(&params, member, key(99).node_id(), tag, 0, 1, ALL_WEEKDAYS, acts::ALL, RampPreset::Gentle, role, epoch)
    }
    fn cheat(epoch: Epoch, _: &mut EpochRecord, roster: &mut Roster) {
        let mut rows = roster.rows().to_vec();
        match epoch.0 {
            7 => rows.retain(|r| r.role == Role::Golden || r.member != rows_of(roster)[0]),
            8 => rows.push(RosterRow { pool: Pool::Premium, quota: 20, ..newcomer(7, Role::Member, epoch) }),
            9 => rows.extend((100..121).map(|n| newcomer(n, Role::Member, epoch))),
            10 => rows.push(newcomer(200, Role::Golden, epoch)),
            _ => return,
        }
        *roster = Roster::new(rows);
    }
    fn rows_of(roster: &Roster) -> Vec<MemberId> {
        roster.rows().iter().filter(|r| r.role == Role::Member).map(|r| r.member).collect()
    }
    let mut w = World::new(8, 1);
    w.cheat = Some(cheat);
    w.run_to_epoch(11);
    let found = audits(&w);
    let of = |epoch: u32| found.iter().find(|a| a.record == Epoch(epoch)).expect("audited");
    assert!(of(7).differences.len() == 1 && of(7).differences[0].published.is_none(), "a row that went");
    assert!(of(8).differences.len() == 1 && of(8).admitted == (1, 20), "a favoured newcomer");
    assert!(of(9).follows() && of(9).admitted == (21, 20) && !of(9).holds(), "more newcomers than an epoch may bring");
    assert!(of(10).holds() && of(10).golden == [MemberId([200; 32])], "whom to trust is the operator's word, but everybody hears of it");
}

#[test]
fn what_a_record_says_beside_its_rows_is_looked_at_too() {
    fn cheat(epoch: Epoch, record: &mut EpochRecord, roster: &mut Roster) {
        match epoch.0 {
            7 => record.results = Digest([7; 32]),
            // Its word is void, and nobody can show why.
            8 => record.proofs.push((roster.rows().iter().find(|r| r.role == Role::Member).expect("a member").member, Digest([8; 32]))),
            9 => record.ledger.as_mut().expect("it closes").digest = Digest([9; 32]),
            _ => {}
        }
    }
    let mut w = World::new(8, 1);
    w.cheat = Some(cheat);
    w.run_to_epoch(12);
    let found = audits(&w);
    let of = |epoch: u32| found.iter().find(|a| a.record == Epoch(epoch)).expect("audited");
    assert!(!of(7).holds() && of(7).differences.is_empty() && of(7).ledger, "results");
    let victim = of(8).unproved[0].0;
    assert!(!of(8).holds() && of(8).unproved == [(victim, Digest([8; 32]))], "an equivocation that nobody shows");
    assert!(!of(9).ledger && !of(9).holds(), "a ledger root that no bundles have");
    assert!((9..11).all(|e| of(e).omitted == [victim]), "what it leaves out for that is left out");
    assert_eq!(found.last().map(|a| a.record), Some(Epoch(12)), "a root that nobody can explain stops nobody");
    for p in &w.peers {
        let chain = p.engine.chain();
        assert_eq!((chain.derived().map(|d| d.epoch), chain.disputed()), (Some(Epoch(12)), None));
    }
}

#[test]
fn a_bundle_that_is_counted_and_shown_to_nobody_stops_the_audit_and_is_named() {
    fn cheat(epoch: Epoch, record: &mut EpochRecord, _: &mut Roster) {
        if epoch == Epoch(9) {
            record.ledger.as_mut().expect("it closes").present.fill(0xff);
        }
    }
    let mut w = World::new(8, 1);
    let silent = w.addresses["m3@dom3.test"].1;
    w.run_until(CLOCK.at(Epoch(3), Span::hours(1)));
    w.peers[3].alive = false;
    w.cheat = Some(cheat);
    w.run_to_epoch(10);
    let (found, stalled) = audit(w.peers[1].engine.chain().genesis().clone(), &mut w.peers[1].store.clone()).expect("readable");
    assert_eq!(found.last().map(|a| a.record), Some(Epoch(8)));
    assert_eq!(stalled, Some(Stalled { record: Epoch(9), roster: false, bundles: vec![silent], behind: 0 }));
}

#[test]
fn a_certified_record_that_breaks_a_rule_is_kept_for_the_owner() {
    let mut w = World::new(3, 1);
    // An hour before record 4 is due: it is not too early any more.
    w.run_until(CLOCK.at(Epoch(3), Span::hours(17)));
    let chain = w.peers[1].engine.chain();
    let (last, network) = (chain.last_record().expect("held"), chain.network());
    let (epoch, previous) = (chain.next_epoch(), last.digest);
    let record = EpochRecord { epoch, previous, beacon: w.links[epoch.0 as usize + 1], ..last.record.clone() };
    let unannounced = EpochRecord { params: Params { golden_seats: 25, ..record.params.clone() }, ..record.clone() };
    let told = |w: &mut World, key: &NodeKey, record: &EpochRecord| {
        let bytes = signed::sign(key, &network, record.clone()).bytes;
        w.deliver(1, Input::Gossip { token: 0, topic: Topic::Records, bytes });
    };
    told(&mut w, &key(77), &unannounced);
    assert_eq!(w.peers[1].engine.refused_records().count(), 0, "anybody could sign that");
    let issuing = key(201);
    for _ in 0..limits::REFUSED_RECORDS + 2 {
        told(&mut w, &issuing, &unannounced);
    }
    let refused: Vec<_> = w.peers[1].engine.refused_records().map(|(epoch, why, _)| (epoch, why)).collect();
    assert_eq!(refused, [(epoch, RecordRefusal::Params)]);
    // A layout of a later program: the signature is enough to know whose it is.
    let mut later = codec::decode::<signed::Envelope>(&signed::sign(&issuing, &network, record).bytes, 1 << 20).expect("an envelope");
    later.version = 2;
    later.payload.push(1);
    let sign = |envelope: &mut signed::Envelope, by: &NodeKey| {
        envelope.signer = by.node_id();
        envelope.signature = by.sign(&signed::preimage("epoch-record", 2, &network, &envelope.payload));
        Input::Gossip { token: 0, topic: Topic::Records, bytes: codec::encode(envelope) }
    };
    let input = sign(&mut later, &key(77));
    w.deliver(1, input);
    assert_eq!(w.peers[1].engine.newer_layout(), None);
    let input = sign(&mut later, &issuing);
    w.deliver(1, input);
    assert_eq!(w.peers[1].engine.newer_layout(), Some(2));
}

#[test]
fn a_bundle_that_the_coordinator_leaves_out_is_seen_by_who_holds_it() {
    let mut w = World::new(8, 1);
    let member = w.addresses["m3@dom3.test"].1;
    w.censored = Some(member);
    w.run_to_epoch(12);
    let found = audits(&w);
    let closing: Vec<_> = found.iter().filter(|a| a.record >= Epoch(5)).collect();
    assert!(closing.len() > 4 && closing.iter().all(|a| a.omitted == [member]), "{closing:?}");
    assert!(closing.iter().all(|a| !a.holds() && a.follows()), "the rest is as it should be");
    assert!(found.iter().all(|a| a.complete && (a.record >= Epoch(5) || a.holds())));
}
