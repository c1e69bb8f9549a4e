//! What a node answers to an introduction.

use super::cast::{self, LISTED, Player};
use super::chain_rules::days;
use super::gossip_rules::{at, hear, node};
use super::play::genesis;
use warmnet_protocol::engine::{Engine, HostedMember, Input, Output, Switch};
use warmnet_protocol::exchange::SendResult;
use warmnet_protocol::gossip::Topic;
use warmnet_protocol::ids::{NodeId, Salt};
use warmnet_protocol::matching::{RingKind, Slot};
use warmnet_protocol::time::{Epoch, Span, Timestamp};
use warmnet_protocol::wire::introduction::{Decline, Introduce, Introduced};
use warmnet_protocol::wire::roster::{ALL_WEEKDAYS, RampPreset, acts};

fn ask(engine: &mut Engine, now: Timestamp, from: NodeId, request: &Introduce) -> Introduced {
    while engine.poll().is_some() {}
    engine.handle(now, Input::Introduction { token: 1, from, request: request.clone() });
    let outputs = std::iter::from_fn(|| engine.poll());
    let answer = outputs.filter_map(|o| if let Output::IntroductionAnswer { answer, .. } = o { Some(answer) } else { None }).last();
    answer.expect("an answer for every introduction")
}

fn host(engine: &mut Engine, now: Timestamp, player: &Player, paused: bool) {
    let member = HostedMember {
        member: player.member,
        address: player.address.clone(),
        salt: player.salt,
        hours: (480, 1_080),
        utc_offset_minutes: 0,
        acts: acts::ALL,
        weekdays: ALL_WEEKDAYS,
        languages: 1,
        provider: 0,
        ramp: RampPreset::Gentle,
        golden: player.golden,
        switch: if paused { Switch::Paused } else { Switch::On },
    };
    engine.handle(now, Input::Host(Box::new(member)));
}

/// A node that hosts `to`, with its key, after record `last`.
pub(crate) fn host_of(to: &Player, n: usize, last: u32, now: Timestamp) -> Engine {
    let mut engine = Engine::new(genesis(), cast::key("fixture-node", n));
    host(&mut engine, at(0, 0), to, false);
    for day in &days()[..=last as usize] {
        let record = Box::new(day.record.clone());
        engine.handle(now, Input::OwnRecord { record, roster: day.roster.clone() });
        for bundle in &day.bundles {
            hear(&mut engine, now, Topic::Bundles, bundle.bytes.clone());
        }
    }
    engine
}

#[test]
fn every_introduction_gets_the_answer_it_deserves() {
    let (epoch, now) = (9, at(9, 9));
    let players = cast::players(&genesis().network_id());
    let chain_node = node(epoch);
    let play = chain_node.chain().play(Epoch(epoch)).expect("a play");
    let deal = chain_node.chain().deal(&play);
    let number = |p: u32| players.iter().position(|x| Some(x.member) == play.roster.at(p).map(|r| r.member)).expect("a player");
    // Whoever sends to an ordinary member; the listed one shows what a notice does.
    let all = deal.all();
    let pair = all.iter().find(|p| p.slot.ring == RingKind::Open && number(p.sender) == LISTED).expect("a pair");
    let (from, to) = (number(pair.sender), number(pair.receiver));
    let mut engine = host_of(&players[to], to, epoch, now);
    let good = Introduce {
        epoch: Epoch(epoch),
        slot: pair.slot,
        from: players[from].member,
        to: players[to].member,
        address: players[from].address.clone(),
        salt: players[from].salt,
    };
    let node_of = |n: usize| players[n].key.node_id();
    let declined = |engine: &mut Engine, from: NodeId, request: Introduce| match ask(engine, now, from, &request) {
        Introduced::Declined(reason) => Some(reason),
        Introduced::Welcome { .. } => None,
    };
    let sender = node_of(from);
    let answers = [
        (Decline::NotHere, sender, Introduce { to: players[from].member, ..good.clone() }),
        (Decline::NotReady, sender, Introduce { epoch: Epoch(epoch + 1), ..good.clone() }),
        (Decline::NotDealt, sender, Introduce { slot: Slot { ring: RingKind::Open, round: 700 }, ..good.clone() }),
        (Decline::NotDealt, node_of(to), good.clone()),
        (Decline::WrongAddress, sender, Introduce { salt: Salt([0; 32]), ..good.clone() }),
        (Decline::WrongAddress, sender, Introduce { address: "victim@elsewhere.example".into(), ..good.clone() }),
        (Decline::WrongAddress, sender, Introduce { address: "nobody".into(), ..good.clone() }),
    ];
    for (reason, node, request) in answers {
        assert_eq!(declined(&mut engine, node, request), Some(reason));
    }
    let welcome = Introduced::Welcome { address: players[to].address.clone(), salt: players[to].salt };
    assert_eq!(ask(&mut engine, now, sender, &good), welcome);
    assert_eq!(ask(&mut engine, now, sender, &good), welcome, "asked again, answered again");
    host(&mut engine, now, &players[to], true);
    assert_eq!(declined(&mut engine, sender, good.clone()), Some(Decline::Paused));
    host(&mut engine, now, &players[to], false);
    hear(&mut engine, now, Topic::Notices, days()[10].notices[0].bytes.clone());
    assert_eq!(declined(&mut engine, sender, good.clone()), Some(Decline::Quarantined), "a notice acts at once");
    // What is wrong in several ways gets the first answer of the rule: each of these is what the ones below it are, too.
    let wrong = Introduce { salt: Salt([0; 32]), ..good };
    assert_eq!(declined(&mut engine, sender, wrong.clone()), Some(Decline::Quarantined));
    let undealt = Introduce { slot: Slot { ring: RingKind::Open, round: 700 }, ..wrong };
    assert_eq!(declined(&mut engine, sender, undealt.clone()), Some(Decline::NotDealt));
    let unplanned = Introduce { epoch: Epoch(epoch + 1), ..undealt };
    assert_eq!(declined(&mut engine, sender, unplanned.clone()), Some(Decline::NotReady));
    host(&mut engine, now, &players[to], true);
    assert_eq!(declined(&mut engine, sender, unplanned.clone()), Some(Decline::Paused));
    assert_eq!(declined(&mut engine, sender, Introduce { to: players[from].member, ..unplanned }), Some(Decline::NotHere));
}

#[test]
fn what_a_degraded_epoch_does_not_deal_is_asked_for_again() {
    let (epoch, now) = (9, at(9, 3));
    let players = cast::players(&genesis().network_id());
    let to = 12;
    // Its record is not here yet: the epoch is played by the record before.
    let mut engine = host_of(&players[to], to, epoch - 1, at(epoch - 1, 20));
    let play = engine.chain().play(Epoch(epoch)).expect("a degraded play");
    let deal = engine.chain().deal(&play);
    let me = play.roster.position(&players[to].member).expect("in the roster");
    let pair = deal.receives(me)[0];
    let from = players.iter().find(|x| Some(x.member) == play.roster.at(pair.sender).map(|r| r.member)).expect("a player");
    let request = |slot: Slot| Introduce {
        epoch: Epoch(epoch),
        slot,
        from: from.member,
        to: players[to].member,
        address: from.address.clone(),
        salt: from.salt,
    };
    let undealt = request(Slot { ring: RingKind::Open, round: 700 });
    assert!(play.degraded);
    assert_eq!(ask(&mut engine, now, from.key.node_id(), &undealt), Introduced::Declined(Decline::NotReady));
    let welcome = Introduced::Welcome { address: players[to].address.clone(), salt: players[to].salt };
    assert_eq!(ask(&mut engine, now, from.key.node_id(), &request(pair.slot)), welcome, "what it deals itself is answered");
    let stranger = players[0].key.node_id();
    assert_eq!(ask(&mut engine, now, stranger, &request(pair.slot)), Introduced::Declined(Decline::NotDealt), "dealt, but to another node");
    let day = &days()[epoch as usize];
    engine.handle(now, Input::OwnRecord { record: Box::new(day.record.clone()), roster: day.roster.clone() });
    assert_eq!(ask(&mut engine, now, from.key.node_id(), &undealt), Introduced::Declined(Decline::NotDealt), "its record is here");
}

/// Where the mails of one epoch go when a partner's node shows what `shown` makes of its address.
fn mails(shown: fn(&str) -> String) -> Vec<String> {
    let players = cast::players(&genesis().network_id());
    let n = 1;
    let mut engine = host_of(&players[n], n, 9, at(9, 0));
    let mut sent = Vec::new();
    for minute in 0..36 * 12 {
        let now = genesis().clock.at(Epoch(9), Span::minutes(5 * minute));
        engine.handle(now, Input::Wake);
        while let Some(output) = engine.poll() {
            match output {
                Output::Introduce { exchange, request, .. } => {
                    let to = players.iter().find(|p| p.member == request.to).expect("a player");
                    let answer = Some(Introduced::Welcome { address: shown(&to.address), salt: to.salt });
                    engine.handle(now, Input::IntroductionAnswer { exchange, answer });
                }
                Output::Send(task) => {
                    let (exchange, turn, result) = (task.exchange, task.turn, SendResult::Sent);
                    sent.push(task.to);
                    engine.handle(now, Input::MailSent { exchange, turn, result });
                }
                _ => {}
            }
        }
    }
    sent
}

#[test]
fn a_partner_that_can_not_open_its_commitment_gets_no_mail() {
    assert!(mails(str::to_owned).len() > 3);
    assert_eq!(mails(|_| "victim@elsewhere.example".to_owned()), Vec::<String>::new());
}

#[test]
fn mail_goes_to_the_canonical_form_of_what_a_partner_shows() {
    let canonical = mails(str::to_owned);
    assert_eq!(mails(|address| format!(" {}{}\r\n", address.to_uppercase(), " ".repeat(70_000))), canonical);
    assert_eq!(mails(|address| address.replacen('@', "+somebody@", 1)), canonical);
}
