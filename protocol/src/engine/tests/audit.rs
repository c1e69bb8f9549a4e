//! What a coordinator can't hide.

use super::*;
use crate::wire::roster::{Pool, RosterRow};

fn audits(w: &World) -> Vec<crate::chain::Audit> {
    audit(w.peers[1].engine.chain().genesis().clone(), &mut w.peers[1].store.clone()).expect("readable")
}

#[test]
fn a_coordinator_that_changes_one_row_is_caught_by_everybody() {
    type Cheat = fn(Epoch, &mut Roster);
    fn edit(epoch: Epoch, roster: &mut Roster, change: fn(&mut Vec<RosterRow>, usize)) {
        if epoch == Epoch(9) {
            let mut rows = roster.rows().to_vec();
            let member = rows.iter().position(|r| r.role == Role::Member).expect("a member");
            change(&mut rows, member);
            *roster = Roster::new(rows);
        }
    }
    let cheats: [(&str, Cheat); 5] = [
        ("quota", |e, r| edit(e, r, |rows, n| rows[n].quota += 1)),
        ("pool", |e, r| edit(e, r, |rows, n| rows[n].pool = Pool::Quarantined)),
        ("debt", |e, r| edit(e, r, |rows, n| rows[n].debt += 1)),
        ("dropped", |e, r| {
            edit(e, r, |rows, n| {
                rows.remove(n);
            });
        }),
        ("favoured newcomer", |e, r| {
            edit(e, r, |rows, n| {
                let mut row = rows[n].clone();
                (row.member, row.joined, row.pool, row.quota) = (MemberId([7; 32]), Epoch(9), Pool::Premium, 20);
                rows.push(row);
            });
        }),
    ];
    for (what, cheat) in cheats {
        let mut w = World::new(8, 1);
        w.cheat = Some(cheat);
        w.run_to_epoch(10);
        let found = audits(&w);
        let bad: Vec<_> = found.iter().filter(|a| !a.differences.is_empty()).collect();
        assert_eq!(bad.iter().map(|a| a.record).collect::<Vec<_>>(), [Epoch(9)], "{what}");
        assert_eq!(bad[0].differences.len(), 1, "{what}");
        assert!(!bad[0].holds() && found.iter().filter(|a| a.record < Epoch(9)).all(|a| a.holds() && a.omitted.is_empty()), "{what}");
        for p in &w.peers[1..] {
            let record = p.engine.chain().history().iter().find(|d| d.record == Epoch(9)).expect("derived");
            assert!(!record.matches_record, "{what}");
        }
    }
}

#[test]
fn a_bundle_that_the_coordinator_leaves_out_is_seen_by_who_holds_it() {
    let mut w = World::new(8, 1);
    let member = w.addresses["m3@dom3.test"].1;
    w.censored = Some(member);
    w.run_to_epoch(12);
    let found = audits(&w);
    let closing: Vec<_> = found.iter().filter(|a| a.record >= Epoch(6)).collect();
    assert!(closing.len() > 4 && closing.iter().all(|a| a.omitted == [member]), "{closing:?}");
    assert!(found.iter().all(crate::chain::Audit::holds), "the rest is as it should be");
    assert!(found.iter().all(|a| a.complete));
}
