//! What may happen to the node: a byte chooses what, the next ones how.

use crate::cast;
use crate::node::{HOSTED, Node, settings};
use warmnet_protocol::engine::{Input, Switch, Want};
use warmnet_protocol::exchange::SendResult;
use warmnet_protocol::gossip::Topic;
use warmnet_protocol::identity::{NodeKey, Passport, signed};
use warmnet_protocol::ids::{Beacon, Digest, DomainTag, MemberId};
use warmnet_protocol::time::{Epoch, Span};
use warmnet_protocol::wire::bundle::SelfReport;
use warmnet_protocol::wire::enrolment::EnrolAnswer;
use warmnet_protocol::wire::notice::{Notice, NoticeKind, ReasonClass};
use warmnet_protocol::wire::sync::Response;

/// What is left of an input.
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl Cursor<'_> {
    pub(crate) fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }
    pub(crate) fn number(&mut self) -> u32 {
        u32::from_be_bytes([(); 4].map(|()| self.byte()))
    }
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.number() as usize % n.max(1)
    }
    /// One of a list.
    pub(crate) fn of<'l, T>(&mut self, list: &'l [T]) -> Option<&'l T> {
        list.get(self.below(list.len()))
    }
    /// Some bytes of a message, changed.
    pub(crate) fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            match self.byte() % 4 {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, self.byte()),
                _ if at < bytes.len() => bytes[at] ^= 1 << (self.byte() % 8),
                _ => {}
            }
        }
    }
}

/// Time passes: minutes, sometimes days.
pub(crate) fn wait(node: &mut Node, c: &mut Cursor<'_>) {
    let minutes = if c.byte() < 8 { 1_440 * (1 + c.below(9)) } else { c.below(400) };
    node.now = node.world.clock().after(node.now, Span::minutes(minutes as u64));
    node.feed(Input::Wake);
}

/// The next record of the network with its roster, and the bundles of the epoch that ended.
pub(crate) fn day(node: &mut Node, c: &mut Cursor<'_>) {
    let Some(day) = node.world.days.get(node.next_day) else { return wait(node, c) };
    let epoch = node.next_day as u32;
    node.next_day += 1;
    node.now = node.now.max(node.world.at(epoch.saturating_sub(1), 19));
    if node.engine.chain().next_epoch().0 + 1 < epoch {
        node.feed(Input::Answer { want: Want::Records(Epoch(0)), response: Response::Records(vec![day.record.bytes.clone()]) });
    } else {
        node.gossip(Topic::Records, day.record.bytes.clone());
    }
    let response = Response::Roster { rows: day.roster.rows().to_vec(), total: day.roster.len() as u32 };
    node.feed(Input::Answer { want: Want::Roster(Epoch(epoch), day.roster.digest(), 0), response });
    let Some(ended) = epoch.checked_sub(2).and_then(|e| node.world.days.get(e as usize)) else { return };
    if c.byte() < 64 {
        let envelopes = ended.bundles.iter().map(|b| b.bytes.clone()).collect();
        return node.feed(Input::Answer { want: Want::Bundles(Epoch(epoch - 2), vec![]), response: Response::Bundles(envelopes) });
    }
    ended.bundles.iter().for_each(|b| node.gossip(Topic::Bundles, b.bytes.clone()));
}

fn topic(c: &mut Cursor<'_>) -> Topic {
    [Topic::Records, Topic::Bundles, Topic::Notices, Topic::Faults][usize::from(c.byte() % 4)]
}

/// A message that the network sent in these days.
fn message(node: &Node, c: &mut Cursor<'_>, topic: Topic) -> Vec<u8> {
    let days = &node.world.days;
    let near = (node.next_day + c.below(4)).saturating_sub(2).min(days.len() - 1);
    match topic {
        Topic::Records => days[near].record.bytes.clone(),
        Topic::Bundles => c.of(&days[near].bundles).map(|b| b.bytes.clone()).unwrap_or_default(),
        Topic::Notices => c.of(&node.world.notices).cloned().unwrap_or_default(),
        Topic::Faults => c.of(&node.world.faults).cloned().unwrap_or_default(),
    }
}

/// A message, mostly damaged, mostly on its topic.
pub(crate) fn damaged(node: &mut Node, c: &mut Cursor<'_>) {
    let on = topic(c);
    let mut bytes = message(node, c, on);
    if c.byte() > 32 {
        c.spoil(&mut bytes);
    }
    let on = if c.byte() < 16 { topic(c) } else { on };
    if c.byte() == 0 {
        bytes = vec![c.byte(); 150_000];
    }
    node.gossip(on, bytes);
}

/// Well signed, and odd in what it says.
pub(crate) fn signed_oddly(node: &mut Node, c: &mut Cursor<'_>) {
    let (world, days) = (node.world, &node.world.days);
    let odd = [0, 1, node.next_day as u32, u32::MAX - 1, u32::MAX, c.number() % 64];
    let near = (node.next_day + c.below(3)).saturating_sub(2).min(days.len() - 1);
    match c.byte() % 8 {
        0..=2 => {
            let Some(held) = c.of(&days[near].bundles) else { return };
            let Some(player) = world.player(&held.message.member) else { return };
            let mut bundle = held.message.clone();
            match c.byte() % 5 {
                0 => bundle.epoch = Epoch(odd[c.below(odd.len())]),
                1 => drop(bundle.entries.drain(..c.below(bundle.entries.len() + 1))),
                2 => bundle.report = SelfReport { sent: c.number(), hard: c.number(), soft: u32::MAX, complaints: c.number(), replies: 1 },
                3 => bundle.entries.iter_mut().for_each(|e| e.evidence[0] ^= c.byte()),
                _ => bundle.entries.iter_mut().for_each(|e| e.slot.round = u16::MAX - e.slot.round),
            }
            bundle.entries.sort_by_key(|e| e.order());
            let key = if c.byte() < 32 { &world.issuing } else { &player.key };
            node.gossip(Topic::Bundles, signed::sign(key, &world.network, bundle).bytes);
        }
        3..=5 => {
            let tag = c.of(&world.players).map_or(DomainTag([0; 16]), |p| p.tag);
            let kind = if c.byte().is_multiple_of(3) { NoticeKind::Listed } else { NoticeKind::Released };
            let (since, review) = (Epoch(odd[c.below(odd.len())]), Epoch(odd[c.below(odd.len())]));
            let notice = Notice { tag, kind, reason: ReasonClass::Operator, evidence: Digest([c.byte(); 32]), since, review };
            let key = if c.byte() < 32 { &world.players[0].key } else { &world.issuing };
            node.gossip(Topic::Notices, signed::sign(key, &world.network, notice).bytes);
        }
        6 => {
            // By whoever it is that asks nobody. Seldom about an epoch whose record is held: both would be void.
            if near < node.next_day && c.byte() > 8 {
                return node.feed(Input::PeerConnected);
            }
            let mut record = days[near].record.message.clone();
            match c.byte() % 4 {
                0 => record.epoch = Epoch(odd[c.below(odd.len())]),
                1 => record.beacon = Beacon([c.byte(); 32]),
                2 => record.roster_len = c.number(),
                _ => record.ledger = None,
            }
            let key = if c.byte() < 128 { &world.issuing } else { &world.players[1].key };
            let bytes = signed::sign(key, &world.network, record).bytes;
            if c.byte() < 128 {
                node.feed(Input::Answer { want: Want::Records(Epoch(0)), response: Response::Records(vec![bytes]) });
            } else {
                node.gossip(Topic::Records, bytes);
            }
        }
        _ => coordinator(node, c, near),
    }
}

/// A coordinator that contradicts itself: once in a while, for the chain does not come back from it.
fn coordinator(node: &mut Node, c: &mut Cursor<'_>, near: usize) {
    if c.byte() > 8 {
        return node.feed(Input::PeerConnected);
    }
    let mut record = node.world.days[near].record.message.clone();
    match c.byte() % 4 {
        0 => record.ledger.iter_mut().for_each(|l| l.present.truncate(c.below(4))),
        1 => record.ledger.iter_mut().for_each(|l| l.present.iter_mut().for_each(|b| *b ^= c.byte())),
        2 => record.proofs = vec![(node.world.players[HOSTED[0]].member, Digest([1; 32]))],
        _ => record.departures = vec![vec![c.byte(); c.below(300)]],
    }
    let bytes = signed::sign(&node.world.issuing, &node.world.network, record).bytes;
    node.gossip(Topic::Records, bytes);
}

/// An answer to something that was wanted, or to nothing.
pub(crate) fn answer(node: &mut Node, c: &mut Cursor<'_>) {
    let near = (node.next_day + c.below(3)).saturating_sub(2).min(node.world.days.len() - 1);
    let day = &node.world.days[near];
    let want = match c.of(&node.wants).cloned() {
        Some(want) if c.byte() > 64 => want,
        _ => Want::Roster(Epoch(near as u32), day.roster.digest(), c.number() % 40),
    };
    let mut spoilt = message(node, c, Topic::Bundles);
    c.spoil(&mut spoilt);
    let from = c.below(day.roster.len() + 1);
    let until = from + c.below(day.roster.len() - from + 1);
    let response = match c.byte() % 8 {
        0 => Response::Records(vec![day.record.bytes.clone(), spoilt]),
        1 | 2 => Response::Roster { rows: day.roster.rows()[from..until].to_vec(), total: [26, 0, u32::MAX, 1_000_000][c.below(4)] },
        3 => Response::Bundles(vec![spoilt, message(node, c, Topic::Bundles)]),
        4 => Response::Notices(vec![spoilt, message(node, c, Topic::Notices)]),
        5 => Response::Contacts(vec![]),
        6 => Response::Refused { reason: "no".into() },
        _ => return node.feed(Input::NoAnswer { want }),
    };
    node.feed(Input::Answer { want, response });
}

/// The mailer and the mailbox answer, not always to what was asked.
pub(crate) fn host(node: &mut Node, c: &mut Cursor<'_>) {
    let retry_at = node.world.clock().after(node.now, Span::minutes(c.below(3_000) as u64));
    let result = match c.byte() % 6 {
        0 => SendResult::RefusedHard,
        1 => SendResult::RefusedSoft { retry_at },
        2 => SendResult::NotSent { retry_at },
        _ => SendResult::Sent,
    };
    let odd_turn = if c.byte() < 16 { c.byte() } else { 0 };
    if let Some((exchange, turn)) = c.of(&node.tasks).map(|t| (t.exchange, t.turn ^ odd_turn)) {
        node.feed(Input::MailSent { exchange, turn, result });
        if c.byte() < 24 {
            node.feed(Input::Bounced { exchange, turn, hard: c.byte().is_multiple_of(2) });
        }
    }
    if let Some((exchange, turn, act)) = c.of(&node.acts).copied() {
        node.feed(Input::Acted { exchange, turn: turn ^ odd_turn, act, done: c.byte() > 64 });
    }
    node.tasks.drain(..node.tasks.len().saturating_sub(64));
    node.acts.drain(..node.acts.len().saturating_sub(64));
    node.wants.drain(..node.wants.len().saturating_sub(64));
    node.introductions.drain(..node.introductions.len().saturating_sub(64));
}

/// The owner's hand, and the coordinator's desk.
pub(crate) fn owner(node: &mut Node, c: &mut Cursor<'_>) {
    let n = HOSTED[c.below(2)];
    let member = if c.byte() < 16 { MemberId([c.byte(); 32]) } else { node.world.players[n].member };
    let big = |c: &mut Cursor<'_>| [0, 1, u32::MAX, c.number()][c.below(4)];
    let input = match c.byte() % 12 {
        0 => settings(n, Switch::Paused, c.byte()),
        1 if c.byte() < 16 => settings(n, Switch::Left, 0),
        1..=4 => settings(n, Switch::On, c.byte() | 2),
        5 => {
            let report = SelfReport { sent: big(c), hard: big(c), soft: big(c), complaints: big(c), replies: big(c) };
            Input::External { member, report }
        }
        6 => Input::Answered { member, answers: vec![format!("{}@x", c.byte())] },
        7 => Input::EnrolmentMailed { member },
        8 => Input::CodeFound { member, code: [c.byte(); 16] },
        _ => Input::EnrolmentAnswer { member, answer: enrolment(node, c, member) },
    };
    node.feed(input);
}

fn enrolment(node: &Node, c: &mut Cursor<'_>, member: MemberId) -> Option<EnrolAnswer> {
    let long = "g@golden.example".repeat([1, 1, 20, 1_000][c.below(4)]);
    Some(match c.byte() % 7 {
        0 | 1 => EnrolAnswer::Challenge { golden: long, token: [c.byte(); 16] },
        2 => EnrolAnswer::Pending,
        3 => EnrolAnswer::Admitted { passport: vec![c.byte(); c.below(400)] },
        4 => {
            let (key, tag): (&NodeKey, _) = (&node.world.issuing, DomainTag([1; 16]));
            let node_id = cast::key("fixture-node", HOSTED[0]).node_id();
            let passport = Passport { member, node: node_id, tag, from: Epoch(c.number()) };
            EnrolAnswer::Admitted { passport: signed::sign(key, &node.world.network, passport).bytes }
        }
        5 => EnrolAnswer::Refused { reason: long },
        _ => return None,
    })
}
