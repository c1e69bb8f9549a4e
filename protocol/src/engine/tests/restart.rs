//! Coming back: nothing is planned twice, left out or said otherwise.

use super::*;
use crate::exchange::{Side, deadlines};
use crate::gossip::Acceptance;
use crate::identity::Verified;
use crate::limits;
use crate::wire::bundle::Bundle;
use crate::wire::codec;
use std::collections::BTreeSet;

/// An engine that hosts what `peer` hosts, restored from its store.
fn restarted(w: &mut World, peer: usize) -> Engine {
    let now = w.now;
    let Peer { engine: old, store, .. } = &mut w.peers[peer];
    let mut again = Engine::new(old.chain().genesis().clone(), key(u8::try_from(peer).unwrap()));
    for hosted in old.hosted().values() {
        again.handle(now, Input::Host(Box::new(hosted.config.clone())));
    }
    while again.poll().is_some() {}
    again.restore(now, store).expect("its own store");
    again
}

fn outputs(engine: &mut Engine) -> Vec<Output> {
    std::iter::from_fn(|| engine.poll()).collect()
}

fn of_epoch(engine: &Engine, epoch: Epoch) -> BTreeSet<(MemberId, ExchangeId)> {
    engine.exchanges.values().filter(|x| x.epoch == epoch).map(|x| (x.me, x.id)).collect()
}

/// Peer 2 hosts two members, and it is the third hour of an epoch.
fn two_on_a_node() -> (World, [MemberId; 2], Epoch) {
    let mut w = World::new(8, 2);
    let genesis = w.peers[2].engine.chain().genesis().clone();
    w.host(2, "n2@dom9.test", Role::Member, &genesis);
    let epoch = Epoch(6);
    w.run_until(CLOCK.at(epoch, Span::hours(3)));
    let members = ["m2@dom2.test", "n2@dom9.test"].map(|a| w.addresses[a].1);
    (w, members, epoch)
}

#[test]
fn a_member_without_exchanges_is_planned_beside_those_that_have_theirs() {
    let (mut w, [with, without], epoch) = two_on_a_node();
    let before = of_epoch(&w.peers[2].engine, epoch);
    let lost: Vec<ExchangeId> = before.iter().filter(|(m, _)| *m == without).map(|(_, id)| *id).collect();
    assert!(!lost.is_empty() && before.len() > lost.len());
    lost.iter().for_each(|id| _ = w.peers[2].store.exchanges.remove(id));
    let mut again = restarted(&mut w, 2);
    assert_eq!(of_epoch(&again, epoch), before);
    let stored = outputs(&mut again).into_iter().filter_map(|o| match o {
        Output::Store(ToStore::Exchange { member, exchange, .. }) => Some((member, exchange)),
        _ => None,
    });
    let stored: BTreeSet<_> = stored.collect();
    assert!(stored.iter().all(|(m, _)| *m != with), "what was dealt stays as it is");
    assert_eq!(stored, lost.into_iter().map(|id| (without, id)).collect());
    assert!([with, without].iter().all(|m| again.timers.iter().any(|(_, t)| *t == Timer::Bundle(epoch, *m))));
    let total = |engine: &Engine| engine.counts().iter().map(|c| (c.epoch, c.planned, c.sent)).collect::<Vec<_>>();
    assert_eq!(total(&again), total(&w.peers[2].engine), "the owner's figures of all epochs");
    assert!(again.exchanges.values().all(|x| x.epoch.0 + 6 >= epoch.0), "what is over is only counted");
}

#[test]
fn what_an_undone_plan_left_in_the_store_is_not_taken_up() {
    let (mut w, [with, _], epoch) = two_on_a_node();
    let before = of_epoch(&w.peers[2].engine, epoch);
    let mine = |x: &&Exchange| x.epoch == epoch && x.me == with && x.outcome.is_none();
    let x = w.peers[2].engine.exchanges.values().find(mine).expect("one that has not begun").clone();
    let other = Exchange { id: ExchangeId([7; 16]), outgoing: vec![], thread: vec![], seen: None, side: Side::Sender, ..x };
    w.peers[2].store.exchanges.insert(other.id, codec::encode(&other));
    assert_eq!(of_epoch(&restarted(&mut w, 2), epoch), before);
}

#[test]
fn an_own_bundle_is_said_again_after_a_restart_while_gossip_takes_it() {
    let (mut w, [member, _], epoch) = two_on_a_node();
    w.run_to_epoch(epoch.0 + 2);
    let mut again = restarted(&mut w, 2);
    let own = outputs(&mut again).into_iter().find_map(|o| match o {
        Output::OwnBundle { epoch: e, member: m, bytes } if (e, m) == (epoch, member) => Some(bytes),
        _ => None,
    });
    let own = own.expect("handed to the store again");
    again.handle(w.now, Input::OwnBundleStored(own.clone()));
    let said = |o: &Output| matches!(o, Output::Publish { topic: Topic::Bundles, bytes } if *bytes == own);
    assert_eq!(outputs(&mut again).iter().filter(|o| said(o)).count(), 1);

    w.now = deadlines::bundle_deadline(&CLOCK, epoch);
    let late = outputs(&mut restarted(&mut w, 2));
    assert!(!late.iter().any(|o| matches!(o, Output::OwnBundle { epoch: e, .. } if *e == epoch)));
}

/// Another word of the member that peer 2 speaks for.
fn earlier_word(w: &World, epoch: Epoch, member: MemberId) -> Verified<Bundle> {
    let network = w.peers[2].engine.chain().network();
    signed::sign(&key(2), &network, Bundle { member, epoch, entries: vec![], report: Default::default() })
}

#[test]
fn a_bundle_that_the_store_refused_proves_nothing_against_its_own_member() {
    let (mut w, [member, _], epoch) = two_on_a_node();
    let earlier = earlier_word(&w, epoch, member);
    w.run_until(CLOCK.at(epoch.plus(1), Span::hours(17)));
    let now = deadlines::bundle_at(&CLOCK, epoch, &member);
    let engine = &mut w.peers[2].engine;
    engine.handle(now, Input::Wake);
    let signed = |o: &Output| matches!(o, Output::OwnBundle { member: m, .. } if *m == member);
    assert!(outputs(engine).iter().any(signed));
    // The store knows that another one is out, from before a backup was put back; then that one comes.
    engine.handle(now, Input::Gossip { token: 1, topic: Topic::Bundles, bytes: earlier.bytes.clone() });
    let said = outputs(engine);
    let taken = |o: &Output| matches!(o, Output::Verdict { verdict, .. } if verdict.acceptance == Acceptance::Accept);
    assert!(said.iter().any(taken));
    assert!(!said.iter().any(|o| matches!(o, Output::Publish { topic: Topic::Faults, .. })), "no proof against itself");
    let held = engine.chain().bundles(epoch).and_then(|b| b.get(&member)).expect("held");
    assert_eq!(held.envelope, earlier.bytes);
}

#[test]
fn a_member_whose_word_is_known_signs_no_other() {
    let (mut w, [member, _], epoch) = two_on_a_node();
    let earlier = earlier_word(&w, epoch, member);
    w.run_until(CLOCK.at(epoch.plus(1), Span::hours(17)));
    let now = deadlines::bundle_at(&CLOCK, epoch, &member);
    let engine = &mut w.peers[2].engine;
    engine.handle(w.now, Input::Gossip { token: 1, topic: Topic::Bundles, bytes: earlier.bytes });
    engine.handle(now, Input::Wake);
    assert!(!outputs(engine).iter().any(|o| matches!(o, Output::OwnBundle { member: m, .. } if *m == member)));
}

#[test]
fn an_epoch_of_all_that_a_node_may_host_is_stored_whole() {
    let mut w = World::new(2, 0);
    let genesis = w.peers[1].engine.chain().genesis().clone();
    for n in 1..limits::HOSTED_MEMBERS {
        w.host(1, &format!("m{n}@one{n}.test"), Role::Member, &genesis);
        // Partners: members of one node never meet.
        w.host(2, &format!("m{n}@two{n}.test"), Role::Member, &genesis);
    }
    w.admitted.iter_mut().for_each(|row| row.quota = 120);
    w.peers[2].alive = false;
    w.publish();
    let engine = &mut w.peers[1].engine;
    engine.handle(CLOCK.start(Epoch(0)), Input::Wake);
    let said = outputs(engine);
    assert!((65_536..limits::ENGINE_OUTPUTS).contains(&said.len()), "{}", said.len());
    let stored = said.into_iter().filter_map(|o| match o {
        Output::Store(ToStore::Exchange { exchange, .. }) => Some(exchange),
        _ => None,
    });
    assert!(stored.collect::<BTreeSet<_>>().iter().eq(engine.exchanges.keys()));
}

#[test]
fn what_is_stored_is_never_left_out() {
    let w = World::new(1, 0);
    let mut engine = Engine::new(w.peers[1].engine.chain().genesis().clone(), key(9));
    (0..limits::ENGINE_OUTPUTS + 5).for_each(|_| engine.emit(Output::Derived { epoch: Epoch(0) }));
    engine.emit(Output::Store(ToStore::Roster { epoch: Epoch(1) }));
    engine.emit(Output::OwnBundle { epoch: Epoch(1), member: MemberId([1; 32]), bytes: vec![] });
    let all = outputs(&mut engine);
    assert_eq!(all.len(), limits::ENGINE_OUTPUTS + 2);
    assert!(matches!(all[limits::ENGINE_OUTPUTS..], [Output::Store(_), Output::OwnBundle { .. }]));
}
