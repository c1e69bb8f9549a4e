//! Random commands against the machine; its invariants after every one of them.

use super::command::{Command, Found, SendResult};
use super::event::{Act, Event};
use super::state::{Context, Exchange, Introduction, Outgoing, Side};
use crate::ids::{ExchangeId, MemberId, NodeId, Signature};
use crate::matching::{RingKind, Slot};
use crate::params::Params;
use crate::time::{Clock, Epoch, Span, Timestamp};
use crate::wire::bundle::{AuthResult, Placement, SenderOutcome};
use crate::wire::introduction::Decline;
use crate::wire::roster::acts;
use proptest::prelude::*;
use std::collections::BTreeMap;

const CLOCK: Clock = Clock { epoch_zero_ms: 0, epoch_ms: 86_400_000 };

fn exchange(side: Side, replies: u8) -> Exchange {
    let outgoing = if side == Side::Sender { vec![(0, Outgoing::Due(CLOCK.at(Epoch(1), Span::hours(9))))] } else { vec![] };
    Exchange {
        id: ExchangeId([3; 16]),
        epoch: Epoch(1),
        slot: Slot { ring: RingKind::Open, round: 0 },
        spare: false,
        me: MemberId([1; 32]),
        partner: MemberId([2; 32]),
        partner_node: NodeId([2; 32]),
        side,
        acts: acts::ALL,
        language: 0,
        meeting: 0,
        replies,
        introduction: if side == Side::Sender { Introduction::Due(CLOCK.start(Epoch(1)), 0) } else { Introduction::Asked(0) },
        partner_address: None,
        outcome: None,
        sent_label: None,
        seen: None,
        outgoing,
        thread: vec![],
        found: None,
        pending: vec![],
        stopped: false,
        complaint: false,
    }
}

fn found(turn: u8, placement: Placement) -> Found {
    Found { turn, message_id: format!("{turn}@x"), placement, auth: [AuthResult::Pass; 3], label: Signature([turn; 64]) }
}

fn command() -> impl Strategy<Value = Command> {
    let at = (0i64..4 * 86_400_000).prop_map(Timestamp);
    let result = prop_oneof![
        3 => Just(SendResult::Sent),
        1 => Just(SendResult::RefusedHard),
        1 => at.clone().prop_map(|retry_at| SendResult::RefusedSoft { retry_at }),
        1 => at.prop_map(|retry_at| SendResult::NotSent { retry_at }),
    ];
    let placement = prop_oneof![Just(Placement::Inbox), Just(Placement::Tab), Just(Placement::Spam)];
    let act = prop_oneof![Just(Act::Read), Just(Act::Rescue), Just(Act::File)];
    prop_oneof![
        4 => Just(Command::Tick),
        1 => Just(Command::Introduced { address: "a@b.test".into() }),
        1 => Just(Command::Declined(Decline::NotReady)),
        1 => Just(Command::Declined(Decline::Paused)),
        1 => Just(Command::Unreachable),
        3 => (0u8..5, result).prop_map(|(turn, result)| Command::SendResult { turn, result }),
        1 => (0u8..5, any::<bool>()).prop_map(|(turn, hard)| Command::Bounced { turn, hard }),
        3 => (0u8..5, placement.clone()).prop_map(|(turn, placement)| Command::Found(found(turn, placement))),
        1 => (0u8..5, placement).prop_map(|(turn, placement)| Command::Foreign(found(turn, placement))),
        1 => (0u8..5, act.clone()).prop_map(|(turn, act)| Command::ActDone { turn, act }),
        1 => (0u8..5, act).prop_map(|(turn, act)| Command::ActFailed { turn, act }),
        1 => Just(Command::Answered),
        1 => (0u8..=acts::ALL).prop_map(|acts| Command::Allowed { acts }),
    ]
}

proptest! {
    #[test]
    fn invariants_hold_after_every_command(
        sender in any::<bool>(),
        replies in 0u8..5,
        steps in prop::collection::vec((command(), 0i64..7_200_000), 1..80),
    ) {
        let params = Params::standard();
        let mut x = exchange(if sender { Side::Sender } else { Side::Receiver }, replies);
        let mut now = CLOCK.start(Epoch(1));
        let mut sent: BTreeMap<u8, bool> = BTreeMap::new();
        let mut no_shows = 0;
        for (command, pause) in steps {
            now.0 += pause;
            let before = x.clone();
            if let Command::SendResult { turn, result: SendResult::Sent } = &command {
                let queued = x.outgoing.iter().any(|(t, o)| t == turn && *o == Outgoing::Queued);
                if queued { sent.insert(*turn, true); }
            }
            let bounced = matches!(command, Command::Bounced { turn: 0, .. });
            let events = x.handle(Context { clock: &CLOCK, params: &params, now }, command);
            for event in &events {
                match event {
                    Event::Send { turn } => {
                        prop_assert!(!sent.contains_key(turn), "turn {turn} was sent already");
                        prop_assert!(x.partner_address.is_some(), "no mail to a stranger");
                        prop_assert!(*turn <= replies);
                        prop_assert!(*turn == 0 || (!x.stopped && x.acts & acts::REPLY != 0), "no reply there or without consent");
                        prop_assert_eq!(turn % 2 == 0, sender);
                    }
                    Event::Do { turn, act, .. } => {
                        let own = turn % 2 == u8::from(!sender);
                        let there = if own { x.outgoing.contains(&(*turn, Outgoing::Sent)) && *act == Act::File } else { x.found.is_some_and(|f| f >= *turn) };
                        prop_assert!(there, "no act on a mail that is not there");
                        prop_assert!(!x.stopped, "no act in a thread that is a person's");
                        let bit = match act { Act::Read => acts::READ, Act::Rescue => acts::RESCUE, Act::File => acts::FILE };
                        prop_assert!(x.acts & bit != 0, "no act without consent");
                    }
                    Event::NoShow => no_shows += 1,
                    Event::Introduce | Event::Changed => {}
                }
            }
            let came_back = bounced
                && before.outcome == Some(SenderOutcome::Sent)
                && before.found.is_none()
                && matches!(x.outcome, Some(SenderOutcome::RefusedHard | SenderOutcome::RefusedSoft));
            prop_assert!(before.outcome.is_none() || before.outcome == x.outcome || came_back);
            prop_assert!(!before.complaint || x.complaint, "a complaint stands");
            prop_assert!(!x.complaint || !sender, "only the receiver complains");
            prop_assert!(x.found.is_some() || (x.pending.iter().all(|p| p.act == Act::File) && !x.seen.as_ref().is_some_and(|s| s.read)));
            let took_its_place = before.found.is_none() && before.complaint && x.found == Some(0);
            if let (Some(a), Some(b), false) = (&before.seen, &x.seen, took_its_place) {
                prop_assert_eq!(a.placement, b.placement);
                prop_assert_eq!(a.label, b.label);
                prop_assert!((!a.read || b.read) && (!a.rescued || b.rescued));
            }
            prop_assert!(no_shows <= 1);
            prop_assert!(x.outgoing.len() <= 5 && x.pending.len() <= 15 && x.thread.len() <= 10);
            // Due things are in the future or were just found: a tick at the wake time makes progress.
            if let Some(wake) = x.next_wake(&CLOCK) {
                let mut y = x.clone();
                y.handle(Context { clock: &CLOCK, params: &params, now: wake.max(now) }, Command::Tick);
                prop_assert!(y.next_wake(&CLOCK).is_none_or(|w| w > wake.max(now)) , "no busy loop");
            }
        }
    }
}

/// A receiver that found the first mail in spam and owes a reply.
fn engaged() -> (Exchange, Timestamp) {
    let mut x = exchange(Side::Receiver, 4);
    let now = CLOCK.at(Epoch(1), Span::hours(10));
    step(&mut x, now, Command::Introduced { address: "a@b.test".into() });
    step(&mut x, now, Command::Found(found(0, Placement::Spam)));
    (x, now)
}

fn step(x: &mut Exchange, now: Timestamp, command: Command) -> Vec<Event> {
    x.handle(Context { clock: &CLOCK, params: &Params::standard(), now }, command)
}

#[test]
fn a_persons_answer_ends_the_thread_and_is_kept_out_of_it() {
    let (mut x, now) = engaged();
    let later = CLOCK.after(now, Span::hours(12));
    assert!(step(&mut x.clone(), later, Command::Tick).iter().any(|e| matches!(e, Event::Send { turn: 1 })));
    assert_eq!(step(&mut x, now, Command::Answered), [Event::Changed]);
    assert!(step(&mut x, now, Command::Answered).is_empty(), "told once");
    assert!(step(&mut x, later, Command::Tick).is_empty());
    assert!(x.at_rest() && x.seen.as_ref().is_some_and(|s| s.placement == Placement::Spam), "what was seen stays reported");
}

#[test]
fn an_act_taken_back_is_not_done() {
    let (mut x, now) = engaged();
    let later = CLOCK.after(now, Span::hours(12));
    step(&mut x, now, Command::Allowed { acts: acts::READ | acts::RESCUE | acts::FILE });
    let events = step(&mut x, later, Command::Tick);
    assert!(!events.iter().any(|e| matches!(e, Event::Send { .. })), "no reply");
    assert!(events.iter().any(|e| matches!(e, Event::Do { act: Act::Rescue, .. })));
    // A restart makes what was with the host due again; by then it is not allowed any more.
    step(&mut x, later, Command::Allowed { acts: 0 });
    x.resume(later);
    assert!(!step(&mut x, later, Command::Tick).iter().any(|e| matches!(e, Event::Do { .. })));
}

#[test]
fn a_reply_ends_at_hour_18_and_other_acts_do_not() {
    let end = CLOCK.at(Epoch(2), Span::hours(18));
    let at = |now: Timestamp| {
        let (mut x, _) = engaged();
        step(&mut x, now, Command::Tick)
    };
    let replies = |events: &[Event]| events.iter().any(|e| matches!(e, Event::Send { turn: 1 }));
    let rescues = |events: &[Event]| events.iter().any(|e| matches!(e, Event::Do { act: Act::Rescue, .. }));
    let (before, after) = (at(Timestamp(end.0 - 1)), at(end));
    assert!(replies(&before) && !replies(&after));
    assert!(rescues(&before) && rescues(&after));
}

#[test]
fn an_unreachable_partner_is_asked_again_until_the_middle_of_the_next_epoch() {
    let mut x = exchange(Side::Sender, 0);
    let mut now = CLOCK.start(Epoch(1));
    let mut pauses = Vec::new();
    for _ in 0..6 {
        assert!(step(&mut x, now, Command::Tick).contains(&Event::Introduce));
        step(&mut x, now, if pauses.is_empty() { Command::Declined(Decline::NotReady) } else { Command::Unreachable });
        let Introduction::Due(at, _) = x.introduction else { panic!("asked again") };
        pauses.push((at.0 - now.0) / 60_000);
        now = at;
    }
    assert_eq!(pauses, [20, 40, 80, 120, 120, 120]);
    let end = CLOCK.at(Epoch(2), Span::hours(12));
    assert!(!step(&mut x, Timestamp(end.0 - 1), Command::Tick).contains(&Event::NoShow));
    assert!(step(&mut x, end, Command::Tick).contains(&Event::NoShow));
    assert_eq!((x.outcome, x.outgoing.len()), (Some(SenderOutcome::NoShow), 0));
}

#[test]
fn a_refusal_for_now_is_one_for_good_at_the_deadline() {
    let mut x = exchange(Side::Sender, 0);
    let now = CLOCK.at(Epoch(1), Span::hours(9));
    step(&mut x, now, Command::Introduced { address: "a@b.test".into() });
    assert!(step(&mut x, now, Command::Tick).contains(&Event::Send { turn: 0 }));
    let refused = |retry_at| Command::SendResult { turn: 0, result: SendResult::RefusedSoft { retry_at } };
    let end = CLOCK.at(Epoch(2), Span::hours(12));
    step(&mut x, now, refused(Timestamp(end.0 - 1)));
    assert_eq!(x.outcome, None, "there is time for another try");
    step(&mut x, now, refused(end));
    assert_eq!(x.outcome, Some(SenderOutcome::RefusedSoft));
}

#[test]
fn a_damaged_exchange_does_not_wake_its_node_for_ever() {
    let now = CLOCK.at(Epoch(1), Span::hours(9));
    let mut x = Exchange { introduction: Introduction::Due(CLOCK.start(Epoch(1)), 0), ..exchange(Side::Receiver, 1) };
    step(&mut x, now, Command::Tick);
    assert!(x.next_wake(&CLOCK).is_none_or(|at| at > now), "a receiver asks for no introduction");
}
