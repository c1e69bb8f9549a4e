//! What a node deals itself and files of an epoch.

use super::cast::{self, LEAVER, Player};
use super::chain_rules::days;
use super::gossip_rules::at;
use super::introduction_rules::host_of;
use super::play::genesis;
use std::collections::BTreeSet;
use warmnet_protocol::engine::{Engine, Input, Output};
use warmnet_protocol::exchange::SendResult;
use warmnet_protocol::identity::signed;
use warmnet_protocol::matching::{Pairing, RingKind, Slot};
use warmnet_protocol::time::{Epoch, Span, Timestamp};
use warmnet_protocol::wire::bundle::{Bundle, Observation, Placement, SenderOutcome, Word};
use warmnet_protocol::wire::introduction::{Decline, Introduce, Introduced};

const EPOCH: u32 = 9;
/// Whose node it is.
const N: usize = 12;

/// A pair of the epoch by its slot and the players' numbers.
type Pair = (Slot, usize, usize);

/// Wakes a node every five minutes of two epochs; whoever it asks answers `answer`. Gives the slots asked for and
/// the bundles signed with their time.
fn live(engine: &mut Engine, answer: Option<Introduced>) -> (BTreeSet<Slot>, Vec<(Timestamp, Bundle)>) {
    let (mut asked, mut signed_bundles) = (BTreeSet::new(), Vec::new());
    for minute in 0..48 * 12 {
        let now = genesis().clock.at(Epoch(EPOCH), Span::minutes(5 * minute));
        engine.handle(now, Input::Wake);
        while let Some(output) = engine.poll() {
            match output {
                Output::Introduce { exchange, request, .. } => {
                    if request.epoch == Epoch(EPOCH) {
                        asked.insert(request.slot);
                    }
                    engine.handle(now, Input::IntroductionAnswer { exchange, answer: answer.clone() });
                }
                Output::OwnBundle { epoch: Epoch(EPOCH), bytes, .. } => {
                    let bundle = signed::open::<Bundle>(&bytes, &genesis().network_id()).expect("its own signature");
                    signed_bundles.push((now, bundle.message));
                }
                _ => {}
            }
        }
    }
    (asked, signed_bundles)
}

/// A node of a member that has spares, what is dealt to it, (slot, sender, receiver) it sends and those it receives, its quota and
/// its number.
fn scene(players: &[Player]) -> (Engine, Vec<Pair>, Vec<Pair>, usize, usize) {
    let of = |n: usize| host_of(&players[n], n, EPOCH, at(EPOCH, 0));
    let any = of(N);
    let play = any.chain().play(Epoch(EPOCH)).expect("a play");
    let deal = any.chain().deal(&play);
    let spares = |n: &usize| play.roster.position(&players[*n].member).is_some_and(|p| deal.sends(p).iter().any(|s| s.spare));
    let mine = (0..LEAVER).find(spares).expect("somebody has spares");
    let engine = of(mine);
    let number = |p: u32| players.iter().position(|x| Some(x.member) == play.roster.at(p).map(|r| r.member)).expect("a player");
    let me = play.roster.position(&players[mine].member).expect("in the roster");
    let named = |pairs: Vec<Pairing>| pairs.into_iter().map(|p| (p.slot, number(p.sender), number(p.receiver))).collect();
    let quota = deal.quota(me) as usize;
    let (sends, receives): (Vec<Pair>, Vec<Pair>) = (named(deal.sends(me)), named(deal.receives(me)));
    assert!(dealt(&sends, quota).len() < sends.len(), "the member has spares");
    (engine, sends, receives, quota, mine)
}

/// The first `quota` ring pairs, and all golden seats.
fn dealt(pairs: &[Pair], quota: usize) -> BTreeSet<Slot> {
    let ring = pairs.iter().map(|p| p.0).filter(|s| s.ring != RingKind::Golden).take(quota);
    ring.chain(pairs.iter().map(|p| p.0).filter(|s| s.ring == RingKind::Golden)).collect()
}

#[test]
fn a_bundle_tells_every_dealt_slot_once() {
    let players = cast::players(&genesis().network_id());
    let (mut engine, sends, receives, quota, mine) = scene(&players);
    // One sender introduces itself and never mails.
    let (slot, from, to) = receives[0];
    let request = Introduce {
        epoch: Epoch(EPOCH),
        slot,
        from: players[from].member,
        to: players[to].member,
        address: players[from].address.clone(),
        salt: players[from].salt,
    };
    engine.handle(at(EPOCH, 1), Input::Introduction { token: 1, from: players[from].key.node_id(), request });
    let (asked, bundles) = live(&mut engine, None);
    let [(when, bundle)] = bundles.as_slice() else { panic!("one bundle") };
    assert!((at(EPOCH + 1, 18)..at(EPOCH + 1, 23).plus_wall_ms(300_000)).contains(when));
    assert_eq!(bundle.member, players[mine].member);
    let mine = |side: fn(&Word) -> bool| bundle.entries.iter().filter(|e| side(&e.word)).map(|e| e.slot).collect::<BTreeSet<_>>();
    assert_eq!(mine(|w| *w == Word::Sender(SenderOutcome::NoShow)), dealt(&sends, quota), "nobody answered: all no-shows");
    assert_eq!(asked, dealt(&sends, quota), "at the deadline it is too late for a spare");
    let missing = |w: &Word| matches!(w, Word::Receiver(Some(Observation { placement: Placement::Missing, .. })));
    assert_eq!(mine(missing), BTreeSet::from([slot]), "introduced, never found");
    let mut silent = dealt(&receives, quota);
    silent.remove(&slot);
    assert_eq!(mine(|w| *w == Word::Receiver(None)), silent);
    assert_eq!(bundle.entries.len(), dealt(&sends, quota).len() + dealt(&receives, quota).len());
}

#[test]
fn what_a_degraded_plan_began_is_in_no_bundle() {
    let players = cast::players(&genesis().network_id());
    let mut engine = host_of(&players[N], N, EPOCH - 1, at(EPOCH, 0));
    let declined = Some(Introduced::Declined(Decline::Paused));
    let mut asked = BTreeSet::new();
    for minutes in 0..180 {
        let now = genesis().clock.at(Epoch(EPOCH), Span::minutes(minutes));
        engine.handle(now, Input::Wake);
        while let Some(output) = engine.poll() {
            if let Output::Introduce { exchange, request, .. } = output {
                asked.insert((request.slot, request.to));
                engine.handle(now, Input::IntroductionAnswer { exchange, answer: declined.clone() });
            }
        }
    }
    // The record was on its way.
    let day = &days()[EPOCH as usize];
    engine.handle(at(EPOCH, 3), Input::OwnRecord { record: Box::new(day.record.clone()), roster: day.roster.clone() });
    let play = engine.chain().play(Epoch(EPOCH)).expect("a play");
    let deal = engine.chain().deal(&play);
    let me = play.roster.position(&players[N].member).expect("in the roster");
    let receiver = |p: &Pairing| play.roster.at(p.receiver).map(|row| row.member);
    let sends: BTreeSet<Slot> = deal.sends(me).iter().map(|p| p.slot).collect();
    let still = |p: &Pairing| receiver(p).is_some_and(|to| asked.contains(&(p.slot, to)));
    assert!(!play.degraded && asked.len() > 3 && deal.sends(me).iter().filter(|p| still(p)).count() < asked.len());
    let (_, bundles) = live(&mut engine, declined);
    let [(_, bundle)] = bundles.as_slice() else { panic!("one bundle, and everybody can read it") };
    let sent = bundle.entries.iter().filter(|e| matches!(e.word, Word::Sender(_))).map(|e| e.slot);
    assert!(sent.clone().count() > 3 && sent.clone().all(|slot| sends.contains(&slot)), "all of them dealt");
}

#[test]
fn a_decline_brings_a_spare() {
    let players = cast::players(&genesis().network_id());
    let (mut engine, sends, ..) = scene(&players);
    let (asked, _) = live(&mut engine, Some(Introduced::Declined(Decline::Paused)));
    assert_eq!(asked, sends.iter().map(|p| p.0).collect());
}

#[test]
fn mails_that_were_missed_leave_one_by_one() {
    // Its node is off from midnight until after the working hours: every slot of the day is past.
    let players = cast::players(&genesis().network_id());
    let (came, mut left) = (at(EPOCH, 20), Vec::new());
    let mut engine = host_of(&players[N], N, EPOCH, at(EPOCH, 0));
    for minute in 0..16 * 60 {
        let now = came.plus_wall_ms(60_000 * minute);
        engine.handle(now, Input::Wake);
        while let Some(output) = engine.poll() {
            match output {
                Output::Introduce { exchange, request, .. } => {
                    let to = players.iter().find(|p| p.member == request.to).expect("a player");
                    let answer = Some(Introduced::Welcome { address: to.address.clone(), salt: to.salt });
                    engine.handle(now, Input::IntroductionAnswer { exchange, answer });
                }
                Output::Send(task) => {
                    left.push(now);
                    let (exchange, turn, result) = (task.exchange, task.turn, SendResult::Sent);
                    engine.handle(now, Input::MailSent { exchange, turn, result });
                }
                _ => {}
            }
        }
    }
    let gap = 10 * 60_000;
    assert!(left.len() > 4 && left.windows(2).all(|w| w[1].0 - w[0].0 >= gap), "{left:?}");
    let (first, last) = (left[0].0 - came.0, left[left.len() - 1].0 - came.0);
    assert!(first <= 2 * gap && last < at(EPOCH + 1, 12).0 - came.0, "soon, and before the deadline: {first} {last}");
}
