//! What a node says of gossip, by its clock and its chain.

use super::cast::{self, EQUIVOCATOR};
use super::chain_rules::days;
use super::play::genesis;
use warmnet_protocol::engine::{Engine, Input, Output, Want};
use warmnet_protocol::gossip::{Acceptance, Topic, Verdict};
use warmnet_protocol::identity::{NodeKey, signed};
use warmnet_protocol::ids::DomainTag;
use warmnet_protocol::limits::PATIENCE;
use warmnet_protocol::time::{Epoch, Span, Timestamp};
use warmnet_protocol::wire::bundle::Bundle;
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::fault::Fault;
use warmnet_protocol::wire::notice::{Notice, NoticeKind};
use warmnet_protocol::wire::sync::Response;

const ACCEPT: Verdict = Verdict { acceptance: Acceptance::Accept, penalty: 0 };
const IGNORE: Verdict = Verdict { acceptance: Acceptance::Ignore, penalty: 0 };
const REJECT: Verdict = Verdict { acceptance: Acceptance::Reject, penalty: 10 };
const REJECT_MILDLY: Verdict = Verdict { acceptance: Acceptance::Reject, penalty: 5 };

pub(crate) fn at(epoch: u32, hours: u64) -> Timestamp {
    genesis().clock.at(Epoch(epoch), Span::hours(hours))
}

/// Hands a node a message and gives its verdict.
pub(crate) fn hear(engine: &mut Engine, now: Timestamp, topic: Topic, bytes: Vec<u8>) -> Verdict {
    while engine.poll().is_some() {}
    engine.handle(now, Input::Gossip { token: 1, topic, bytes });
    let outputs = std::iter::from_fn(|| engine.poll());
    let verdict = outputs.filter_map(|o| if let Output::Verdict { verdict, .. } = o { Some(verdict) } else { None }).last();
    verdict.expect("a verdict for every message")
}

/// A node that heard records and rosters up to `last`, and the bundles of their epochs before it.
pub(crate) fn node(last: u32) -> Engine {
    let mut engine = Engine::new(genesis(), NodeKey::from_seed(&[77; 32]));
    for (epoch, day) in (0..=last).zip(days()) {
        let now = if epoch == 0 { at(0, 0) } else { at(epoch - 1, 19) };
        assert_eq!(hear(&mut engine, now, Topic::Records, day.record.bytes.clone()), ACCEPT);
        let want = Want::Roster(Epoch(epoch), day.roster.digest(), 0);
        let response = Response::Roster { rows: day.roster.rows().to_vec(), total: day.roster.len() as u32 };
        engine.handle(now, Input::Answer { want, response });
        for bundle in day.bundles.iter().filter(|_| epoch < last) {
            assert_eq!(hear(&mut engine, at(epoch + 1, 20), Topic::Bundles, bundle.bytes.clone()), ACCEPT);
        }
    }
    engine
}

#[test]
fn a_record_passes_each_station() {
    let mut node = node(3);
    let next = days()[4].record.clone();
    let now = at(3, 19);
    let network = node.chain().network();
    assert_eq!(hear(&mut node, now, Topic::Records, vec![1, 2, 3]), REJECT, "not decodable");
    assert_eq!(hear(&mut node, now, Topic::Records, vec![0; 200_000]), REJECT, "too large");
    let mut forged = next.bytes.clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(hear(&mut node, now, Topic::Records, forged), REJECT, "a wrong signature");
    let stranger = signed::sign(&cast::key("fixture-issuing", 1), &network, next.message.clone());
    assert_eq!(hear(&mut node, now, Topic::Records, stranger.bytes), REJECT_MILDLY, "a key that may not sign it");
    let mut shapeless = next.message.clone();
    shapeless.ledger = days()[6].record.message.ledger.clone();
    let shapeless = signed::sign(&cast::key("fixture-issuing", 0), &network, shapeless);
    assert_eq!(hear(&mut node, now, Topic::Records, shapeless.bytes), REJECT_MILDLY, "a rule of its layout is broken");
    assert_eq!(hear(&mut node, now, Topic::Records, days()[9].record.bytes.clone()), IGNORE, "days ahead of this clock");
    assert_eq!(hear(&mut node, now, Topic::Records, days()[5].record.bytes.clone()), IGNORE, "more than a quarter epoch ahead");
    assert_eq!(hear(&mut node, now, Topic::Records, next.bytes.clone()), ACCEPT);
    assert_eq!(hear(&mut node, now, Topic::Records, next.bytes), IGNORE, "heard before");
    assert_eq!(hear(&mut node, at(4, 19), Topic::Records, days()[5].record.bytes.clone()), ACCEPT, "what came too early is not remembered");
}

#[test]
fn a_record_comes_at_most_8_hours_before_its_epoch() {
    let first = |ms: i64| {
        let mut node = node(3);
        hear(&mut node, Timestamp(at(4, 0).0 - 8 * 3_600_000 + ms), Topic::Records, days()[4].record.bytes.clone())
    };
    assert_eq!((first(-1), first(0)), (IGNORE, ACCEPT));
    // Records 0 and 1 come as early as they like.
    let mut new = Engine::new(genesis(), NodeKey::from_seed(&[77; 32]));
    assert_eq!(hear(&mut new, Timestamp(at(0, 0).0 - 30 * 86_400_000), Topic::Records, days()[0].record.bytes.clone()), ACCEPT);
}

#[test]
fn a_bundle_comes_from_2_hours_before_its_epoch_ends_until_its_deadline() {
    let told = |now: Timestamp| hear(&mut node(4), now, Topic::Bundles, days()[4].bundles[1].bytes.clone());
    let early = |ms: i64| told(Timestamp(at(5, 0).0 - 2 * 3_600_000 + ms));
    assert_eq!((early(-1), early(0)), (IGNORE, ACCEPT));
    let late = |ms: i64| told(Timestamp(at(8, 12).0 + ms));
    assert_eq!((late(-1), late(0)), (ACCEPT, IGNORE));
}

#[test]
fn a_bundle_passes_each_station() {
    let mut node = node(4);
    let bundle = days()[4].bundles[1].clone();
    let network = node.chain().network();
    let gossip = |node: &mut Engine, now, bytes: &[u8]| hear(node, now, Topic::Bundles, bytes.to_vec());
    assert_eq!(gossip(&mut node, at(4, 21), &bundle.bytes), IGNORE, "its epoch is not over");
    assert_eq!(gossip(&mut node, at(8, 12), &bundle.bytes), IGNORE, "after the middle of e+4");
    let stranger = signed::sign(&NodeKey::from_seed(&[9; 32]), &network, bundle.message.clone());
    assert_eq!(gossip(&mut node, at(5, 20), &stranger.bytes), IGNORE, "rosters may differ for a moment");
    let mut forged = bundle.bytes.clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(gossip(&mut node, at(5, 20), &forged), REJECT);
    // By sync it counts until its epoch is closed, however late.
    let response = Response::Bundles(vec![bundle.bytes.clone()]);
    let want = Want::Bundles(Epoch(4), vec![]);
    node.handle(at(8, 20), Input::Answer { want, response });
    let held = node.chain().bundles(Epoch(4)).and_then(|b| b.get(&bundle.message.member)).map(|b| b.digest);
    assert_eq!(held, Some(bundle.digest));
}

#[test]
fn a_notice_acts_only_by_the_issuing_key() {
    let mut node = node(9);
    let told = days()[10].notices[0].clone();
    let network = node.chain().network();
    let other = signed::sign(&cast::key("fixture-issuing", 1), &network, told.message.clone());
    assert_eq!(hear(&mut node, at(9, 12), Topic::Notices, other.bytes), IGNORE, "keys rotate");
    assert_eq!(hear(&mut node, at(9, 12), Topic::Notices, told.bytes.clone()), ACCEPT);
    assert_eq!(hear(&mut node, at(9, 12), Topic::Notices, told.bytes), IGNORE);
    let mut empty = Engine::new(genesis(), NodeKey::from_seed(&[78; 32]));
    let released = Notice { kind: NoticeKind::Released, ..told.message };
    let released = signed::sign(&cast::key("fixture-issuing", 0), &network, released);
    assert_eq!(hear(&mut empty, at(9, 12), Topic::Notices, released.bytes), IGNORE, "no record names a key yet");
}

#[test]
fn a_fault_proves_itself() {
    let mut node = node(14);
    let network = node.chain().network();
    let (fault, _) = days()[13].fault.as_ref().expect("an equivocation");
    let Fault::Equivocation { first, second } = fault.clone();
    let told = |node: &mut Engine, first: &[u8], second: &[u8]| {
        let fault = Fault::Equivocation { first: first.to_vec(), second: second.to_vec() };
        hear(node, at(14, 21), Topic::Faults, codec::encode(&fault))
    };
    assert_eq!(hear(&mut node, at(14, 21), Topic::Faults, vec![9]), REJECT);
    assert_eq!(told(&mut node, &first, &first), REJECT_MILDLY, "one bundle is no contradiction");
    let other = days()[13].bundles[0].bytes.clone();
    assert_eq!(told(&mut node, &first, &other), REJECT_MILDLY, "of two members");
    assert_eq!(told(&mut node, &first, &other[1..]), REJECT);
    let member = cast::players(&network)[EQUIVOCATOR].member;
    let proof = |key: &NodeKey, replies: [u32; 2]| {
        let [a, b] = replies.map(|replies| {
            let report = warmnet_protocol::wire::bundle::SelfReport { replies, ..Default::default() };
            signed::sign(key, &network, Bundle { member, epoch: Epoch(13), entries: vec![], report }).bytes
        });
        codec::encode(&Fault::equivocation(a, b))
    };
    let hear = |node: &mut Engine, bytes| hear(node, at(14, 21), Topic::Faults, bytes);
    assert_eq!(hear(&mut node, proof(&NodeKey::from_seed(&[9; 32]), [1, 2])), IGNORE, "not signed by the member's node");
    assert_eq!(told(&mut node, &second, &first), REJECT_MILDLY, "one contradiction has one spelling");
    assert_eq!(told(&mut node, &first, &second), ACCEPT);
    let key = cast::key("fixture-node", EQUIVOCATOR);
    assert_eq!(
        hear(&mut node, proof(&key, [1, 2])),
        IGNORE,
        "one proof is enough: who signs a hundred words can't flood the network with pairs"
    );
    assert_eq!(node.chain().node_of(Epoch(13), &member), Some(key.node_id()), "though it is true");
}

/// What a node asks for, by the kind of question.
fn asked<T>(node: &mut Engine, pick: impl Fn(Want) -> Option<T>) -> Vec<T> {
    std::iter::from_fn(|| node.poll()).filter_map(|o| if let Output::Ask(want) = o { pick(want) } else { None }).collect()
}

#[test]
fn a_proof_that_a_record_lists_is_asked_for_and_shown() {
    let listed = days()[14].record.message.proofs[0];
    let (fault, _) = days()[13].fault.as_ref().expect("an equivocation");
    let mut node = node(14);
    let proofs = |want| if let Want::Faults(digests) = want { Some(digests) } else { None };
    let mut now = at(14, 0);
    let mut times = 0;
    while now < at(14, 20) {
        node.handle(now, Input::Wake);
        let wanted = asked(&mut node, proofs);
        assert!(wanted.iter().all(|digests| *digests == [listed.1]));
        times += wanted.len();
        now = now.plus_wall_ms(15_000);
    }
    assert_eq!(times + 1, PATIENCE as usize, "asked for, once when the record came, and not for ever");
    assert!(node.chain().fault(&listed.1).is_none());
    let want = Want::Faults(vec![listed.1]);
    node.handle(now, Input::Answer { want, response: Response::Faults(vec![codec::encode(fault)]) });
    assert_eq!(node.chain().fault(&listed.1).map(|held| held.member), Some(listed.0));
    assert_eq!(node.chain().unproved().count(), 0);
}

#[test]
fn an_old_notice_told_again_does_nothing() {
    let mut node = node(11);
    let network = node.chain().network();
    let issuing = cast::key("fixture-issuing", 0);
    let listed = days()[10].notices[0].message.clone();
    let tell = |node: &mut Engine, now, since, kind| {
        let notice = signed::sign(&issuing, &network, Notice { since: Epoch(since), kind, review: Epoch(since + 30), ..listed.clone() });
        hear(node, now, Topic::Notices, notice.bytes)
    };
    let now = at(11, 12);
    assert_eq!(tell(&mut node, now, listed.since.0, listed.kind), IGNORE, "a record lists it");
    assert_eq!(tell(&mut node, now, 13, NoticeKind::Listed), IGNORE, "ahead of this clock");
    assert_eq!(tell(&mut node, now, 11, NoticeKind::Released), ACCEPT);
    assert_eq!(tell(&mut node, now, 11, NoticeKind::Listed), IGNORE, "of one epoch the release is the newer word");
    assert_eq!(tell(&mut node, now, 12, NoticeKind::Listed), ACCEPT, "listed again");
    assert_eq!(node.pending_notices().len(), 1, "one of a tag");
    let other = Notice { tag: DomainTag([9; 16]), since: Epoch(3), ..listed.clone() };
    let other = signed::sign(&issuing, &network, other).bytes;
    assert_eq!(hear(&mut node, now, Topic::Notices, other), IGNORE, "records have spoken for 7 epochs since");
}

#[test]
fn a_roster_may_come_in_pages() {
    let mut node = node(2);
    let day = &days()[3];
    assert_eq!(hear(&mut node, at(2, 19), Topic::Records, day.record.bytes.clone()), ACCEPT);
    let page = |node: &mut Engine, from: usize, to: usize| {
        let want = Want::Roster(Epoch(3), day.roster.digest(), from as u32);
        let response = Response::Roster { rows: day.roster.rows()[from..to].to_vec(), total: day.roster.len() as u32 };
        node.handle(at(2, 20), Input::Answer { want, response });
    };
    // A peer that makes the roster longer than the record says is not listened to: nobody could give the rest.
    let rows = day.roster.rows().to_vec();
    let longer = Response::Roster { rows, total: day.roster.len() as u32 + 1 };
    node.handle(at(2, 20), Input::Answer { want: Want::Roster(Epoch(3), day.roster.digest(), 0), response: longer });
    page(&mut node, 0, 10);
    page(&mut node, 0, 10);
    assert!(node.chain().roster(Epoch(3)).is_none(), "a page that came twice counts once");
    let wanted =
        std::iter::from_fn(|| node.poll()).filter_map(|o| if let Output::Ask(Want::Roster(_, _, from)) = o { Some(from) } else { None });
    assert_eq!(wanted.last(), Some(10), "it asks for the rest");
    page(&mut node, 10, day.roster.len());
    assert!(node.chain().roster(Epoch(3)).is_some());
}

#[test]
fn a_record_that_gossip_did_not_bring_is_asked_for() {
    let mut node = node(3);
    let mut asked = |minute: u64| {
        let now = genesis().clock.at(Epoch(3), Span::minutes(18 * 60 + minute));
        while node.poll().is_some() {}
        node.handle(now, Input::Wake);
        std::iter::from_fn(|| node.poll()).any(|o| matches!(o, Output::Ask(Want::Records(Epoch(4)))))
    };
    assert!(!asked(0) && !asked(14), "gossip may still bring it");
    assert!(asked(16));
}
