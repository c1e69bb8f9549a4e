//! A whole network in memory plays the rules of the hub.

mod audit;
mod complaints;
mod counted;
mod fork;
mod leaving;
mod restart;
mod world;

use super::*;
use crate::exchange::recognise;
use crate::gossip::Topic;
use crate::identity::signed;
use crate::time::Span;
use crate::wire::bundle::{SelfReport, SenderOutcome};
use crate::wire::epoch_record::IssuingKey;
use crate::wire::label::Label;
use crate::wire::roster::{Role, Roster};
use world::*;

#[test]
fn a_network_warms_agrees_and_unlocks() {
    let mut w = World::new(12, 3);
    w.run_to_epoch(18);
    w.assert_agreement(0);
    assert!(w.mails.values().all(|n| *n == 1), "no mail twice");
    assert!(w.mails.len() > 1_000, "{}", w.mails.len());
    assert_eq!(w.rejected, 0);
    let chain = w.peers[3].engine.chain();
    let closed: (u32, u32) = chain.summaries().iter().fold((0, 0), |(d, c), s| (d + s.dealt, c + s.delivered_inbox + s.delivered_spam));
    assert!(closed.1 * 100 >= closed.0 * 95, "reconciled {} of {}", closed.1, closed.0);
    let derived = chain.derived().unwrap();
    let rows: Vec<_> = chain.latest_roster().rows().iter().filter(|r| r.role == Role::Member).cloned().collect();
    // Nodes answer just what the ledger counts as owed.
    assert!(rows.iter().all(|r| r.service == 1_000), "{rows:?}");
    let members: Vec<_> = rows.iter().map(|r| r.member).collect();
    assert_eq!(members.len(), 12);
    for m in members {
        let s = &derived.scores[&m];
        assert!(!s.locked && s.value > 70_000_000, "{s:?}");
    }
}

#[test]
fn reported_mail_is_told_by_epoch_before_it_is_closed() {
    let mut w = World::new(3, 1);
    w.run_to_epoch(3);
    let (to, member) = w.addresses.values().find(|(peer, _)| *peer > 0).copied().unwrap();
    let add = |sent| Input::External { member, report: SelfReport { sent, ..SelfReport::default() } };
    w.deliver(to, add(20));
    w.deliver(to, add(3));
    w.run_to_epoch(4);
    w.deliver(to, add(5));
    assert_eq!(w.peers[to].engine.reported(&member), [(Epoch(3), 23), (Epoch(4), 5)]);
    assert!(w.peers[to].engine.chain().window().latest().is_none(), "no record closes them yet");
}

#[test]
fn the_coordinator_may_be_away_for_three_epochs() {
    let mut w = World::new(8, 2);
    w.run_to_epoch(8);
    w.publishing = false;
    w.peers[0].alive = false;
    let before = w.mails.len();
    w.run_until(CLOCK.at(Epoch(11), Span::hours(3)));
    assert!(w.mails.len() > before + 20, "exchanges go on degraded");
    w.peers[0].alive = true;
    // It asks for what it must close before it publishes.
    for e in 2..11 {
        if let Some(have) = w.peers[0].engine.chain().have(Epoch(e)) {
            let want = Want::Bundles(Epoch(e), have);
            let response = w.answer(0, &want);
            w.deliver(0, Input::Answer { want, response });
        }
    }
    w.drain();
    w.publishing = true;
    w.run_to_epoch(18);
    w.assert_agreement(0);
    let degraded = (8..13).filter(|e| w.peers[1].engine.chain().record(Epoch(*e)).is_some_and(|r| r.record.degraded)).count();
    assert_eq!(degraded, 3);
    let chain = w.peers[1].engine.chain();
    let during = chain.summaries().iter().filter(|s| (9..=10).contains(&s.epoch.0)).map(|s| s.delivered_inbox).sum::<u32>();
    assert!(during > 10, "degraded exchanges count: {during}");
}

#[test]
fn a_second_bundle_is_an_equivocation() {
    let mut w = World::new(6, 1);
    w.run_to_epoch(5);
    let (epoch, member, node) = {
        let engine = &w.peers[2].engine;
        let (e, m) = *engine.signed.iter().next_back().unwrap();
        (e, m, &engine.key)
    };
    let network = w.peers[2].engine.chain().network();
    let other = signed::sign(node, &network, crate::wire::bundle::Bundle { member, epoch, entries: vec![], report: Default::default() });
    w.deliver(3, Input::Gossip { token: 9, topic: Topic::Bundles, bytes: other.bytes });
    w.drain();
    w.run_to_epoch(14);
    w.assert_agreement(0);
    let listed =
        (5..14).any(|e| w.peers[4].engine.chain().record(Epoch(e)).is_some_and(|r| r.record.proofs.iter().any(|(m, _)| *m == member)));
    assert!(listed, "a record lists the proof");
}

#[test]
fn a_bounce_counts_only_by_our_own_label_and_before_the_bundle() {
    let mut w = World::new(8, 1);
    w.run_until(CLOCK.at(Epoch(4), Span::hours(17)));
    let engine = &w.peers[2].engine;
    let sent = |x: &&Exchange| x.outcome == Some(SenderOutcome::Sent) && x.found.is_none() && !engine.signed.contains(&(x.epoch, x.me));
    let x = engine.exchanges.values().find(sent).expect("a mail that nobody answered yet").clone();
    let other = engine.exchanges.values().find(|o| o.outcome.is_some() && o.id != x.id).expect("another mail");
    let header = |signature| {
        let network = Label::network_prefix(&engine.chain().network());
        Label { network, epoch: x.epoch, slot: x.slot, exchange: x.id, turn: 0, signature }.header_value()
    };
    let label = header(x.sent_label.unwrap());
    let id = recognise::message_id(&x, 0, "dom2.test");
    assert_eq!(engine.own_mail(x.me, &label, &id), Some(OwnMail { exchange: x.id, turn: 0, partner: x.partner }));
    assert_eq!(engine.own_mail(x.me, &label, "other@dom2.test"), None);
    assert_eq!(engine.own_mail(x.partner, &label, &id), None);
    assert_eq!(engine.own_mail(x.me, &header(other.sent_label.unwrap()), &id), None);
    assert_eq!(engine.own_mail(x.me, &label.replace("t=0", "t=2"), &id), None);
    assert_eq!(engine.own_mail(x.me, "v1; nonsense", &id), None);
    assert_eq!(w.peers[3].engine.own_mail(x.me, &label, &id), None, "not this node's member");

    let outcome = |w: &World| w.peers[2].engine.exchanges[&x.id].outcome;
    w.deliver(2, Input::Bounced { exchange: x.id, turn: 0, hard: true });
    assert_eq!(outcome(&w), Some(SenderOutcome::RefusedHard));
    w.deliver(2, Input::Bounced { exchange: x.id, turn: 0, hard: false });
    assert_eq!(outcome(&w), Some(SenderOutcome::RefusedHard), "the first word stays");
    w.drain();
    w.run_to_epoch(12);
    w.assert_agreement(0);
    let signed = w.peers[2].engine.exchanges.values().find(|x| x.outcome == Some(SenderOutcome::Sent) && x.epoch < Epoch(10));
    let late = signed.expect("a mail of a signed bundle").id;
    w.deliver(2, Input::Bounced { exchange: late, turn: 0, hard: true });
    assert_eq!(w.peers[2].engine.exchanges[&late].outcome, Some(SenderOutcome::Sent), "what was signed stays said");
}

#[test]
fn the_last_epoch_has_no_next_one() {
    let world = World::new(1, 1);
    let last = CLOCK.start(Epoch(u32::MAX));
    let mut engine = Engine::new(world.peers[0].engine.chain().genesis().clone(), key(9));
    let config = world.peers[0].engine.hosted().values().next().unwrap().config.clone();
    engine.handle(last, Input::Host(Box::new(config)));
    engine.handle(last, Input::Wake);
    assert!(engine.next_wake().is_some_and(|at| at > last), "it waits for something else");
}
