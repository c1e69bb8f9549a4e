//! Which of two bundles counts, whoever was given the other one.

use super::*;
use crate::chain::DraftInputs;
use crate::wire::bundle::Bundle;
use crate::wire::sync::Response;
use std::collections::BTreeMap;

/// Another bundle of peer 2's member than the one it gave everybody else.
fn other_bundle(w: &World, epoch: Epoch) -> (MemberId, Vec<u8>) {
    let member = w.addresses["m2@dom2.test"].1;
    let bundle = Bundle { member, epoch, entries: vec![], report: Default::default() };
    (member, signed::sign(&w.peers[2].engine.key, &w.peers[2].engine.chain().network(), bundle).bytes)
}

#[test]
fn a_bundle_given_to_one_node_alone_splits_no_ledger() {
    let mut w = World::new(8, 1);
    let epoch = Epoch(5);
    w.run_until(CLOCK.at(Epoch(6), Span::hours(17)));
    // Away while all sign: then it is given the other bundle before anybody gives it the one that counts.
    w.peers[3].alive = false;
    w.run_until(CLOCK.at(Epoch(6), Span::hours(23)));
    w.peers[3].alive = true;
    let (member, bytes) = other_bundle(&w, epoch);
    w.deliver(3, Input::Answer { want: Want::Bundles(epoch, vec![]), response: Response::Bundles(vec![bytes.clone()]) });
    let digest = |w: &World, peer: usize| w.peers[peer].engine.chain().bundles(epoch).and_then(|b| b.get(&member)).map(|b| b.digest);
    assert!(digest(&w, 3).is_some() && digest(&w, 3) != digest(&w, 1));
    // Record 10 closes epoch 5, and counts what the coordinator holds.
    w.run_until(CLOCK.at(Epoch(9), Span::hours(22)));
    w.assert_agreement(0);
    assert_eq!(w.peers[3].engine.chain().derived().map(|d| d.epoch), Some(Epoch(10)));
    w.run_to_epoch(18);
    w.assert_agreement(0);
    for p in &w.peers {
        let listed = |e: u32| p.engine.chain().record(Epoch(e)).is_some_and(|held| held.record.proofs.iter().any(|(m, _)| *m == member));
        assert!((10..18).any(listed), "who found out told everybody");
        assert_eq!(p.engine.chain().unproved().count(), 0, "and everybody can look at the proof");
    }
    // A restart knows which one counts, and the proof.
    let mut again = Chain::new(w.peers[3].engine.chain().genesis().clone());
    restore::fold_all(&mut again, &mut w.peers[3].store.clone()).expect("its own store");
    assert_eq!(again.history().back(), w.peers[3].engine.chain().history().back());
    assert_eq!(again.unproved().count(), 0);
}

#[test]
fn who_is_caught_stays_caught_over_a_restart() {
    let mut w = World::new(6, 1);
    w.run_to_epoch(5);
    let (epoch, member) = *w.peers[2].engine.signed.iter().next_back().unwrap();
    let (of, second) = other_bundle(&w, epoch);
    assert_eq!(of, member);
    w.deliver(0, Input::Gossip { token: 9, topic: Topic::Bundles, bytes: second });
    w.drain();
    // The coordinator restarts before it drafts: what its store holds is enough.
    let mut again = Chain::new(w.peers[0].engine.chain().genesis().clone());
    restore::fold_all(&mut again, &mut w.peers[0].store.clone()).expect("its own store");
    let inputs = DraftInputs {
        beacon: w.links[again.next_epoch().0 as usize + 1],
        notices: vec![],
        departures: vec![],
        upcoming: None,
        admitted: vec![],
        degraded: false,
        authority: w.authority.clone(),
    };
    let draft = again.draft(inputs).expect("everything is here");
    assert_eq!(draft.record.proofs.iter().map(|(m, _)| *m).collect::<Vec<_>>(), [member]);
}

#[test]
fn a_node_begins_with_a_whole_window_whoever_it_asks_first() {
    let mut w = World::new(3, 1);
    w.run_until(CLOCK.at(Epoch(42), Span::hours(12)));
    // Peer 1 began late itself: what it holds is too young to begin with.
    w.peers[1].store.records.retain(|epoch, _| *epoch >= Epoch(30));
    let joiner = w.peers.len();
    w.peers.push(Peer::new(Engine::new(w.peers[0].engine.chain().genesis().clone(), key(50))));
    w.asked = 0;
    w.deliver(joiner, Input::PeerConnected);
    w.drain();
    assert!(w.peers[joiner].engine.chain().last_record().is_none(), "the first answer is not enough");
    w.run_until(CLOCK.at(Epoch(42), Span::hours(20)));
    w.assert_agreement(40);
    // Where nobody knows more, a young record will do.
    let mut alone = Engine::new(w.peers[0].engine.chain().genesis().clone(), key(51));
    let young: Vec<Vec<u8>> = w.peers[1].store.records.values().cloned().collect();
    for _ in 0..=limits::PATIENCE {
        assert!(alone.chain().last_record().is_none());
        alone.handle(w.now, Input::Answer { want: Want::Records(Epoch(0)), response: Response::Records(young.clone()) });
    }
    assert!(alone.chain().last_record().is_some());
}

#[test]
fn bundles_that_gossip_lost_are_fetched_page_after_page_before_a_record_counts_them() {
    let members = u8::try_from(limits::BUNDLE_PAGE).unwrap() + 6;
    let mut w = World::new(members, 1);
    w.run_until(CLOCK.at(Epoch(3), Span::hours(17)));
    w.peers[0].alive = false;
    w.run_until(CLOCK.at(Epoch(3), Span::hours(23)));
    w.peers[0].alive = true;
    w.run_until(CLOCK.at(Epoch(4), Span::hours(1)));
    let held = w.peers[0].engine.chain().bundles(Epoch(2)).map_or(0, BTreeMap::len);
    assert!(held >= usize::from(members), "{held}");
}
