use super::*;
use crate::exchange::deadlines::replies_owed;
use crate::ids::{Digest, DomainTag, ExchangeId, MemberId, NetworkId, NodeId, Signature};
use crate::matching::{Deal, Pairing, RingKind, Slot};
use crate::params::Params;
use crate::policy::first_row;
use crate::time::Epoch;
use crate::wire::bundle::{
    AuthResult, Bundle, Entry, Observation, Placement, SelfReport, SenderOutcome, Word, receiver_evidence, sender_evidence,
};
use crate::wire::roster::{ALL_WEEKDAYS, RampPreset, Role, Roster, RosterRow, acts};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Member number n of a test network; `joined` epoch 0, on the fresh ramp, with a node and tag of its own.
pub(crate) fn member(n: u32, role: Role) -> RosterRow {
    let mut id = [0u8; 32];
    id[..4].copy_from_slice(&n.to_be_bytes());
    let mut tag = [0u8; 16];
    tag[..4].copy_from_slice(&n.to_be_bytes());
    first_row(
        &Params::standard(),
        MemberId(id),
        NodeId(id),
        DomainTag(tag),
        0,
        1,
        ALL_WEEKDAYS,
        acts::ALL,
        RampPreset::Fresh,
        role,
        Epoch(0),
    )
}

/// `members` ordinary members, then `golden` golden ones: position n is number n.
pub(crate) fn network(members: u32, golden: u32) -> Roster {
    let rows = (0..members + golden).map(|n| member(n, if n < members { Role::Member } else { Role::Golden }));
    Roster::new(rows.collect())
}

/// A mail seen in a place, authenticated, read; nothing else done.
pub(crate) fn seen(placement: Placement) -> Option<Observation> {
    let pass = AuthResult::Pass;
    Some(Observation { placement, spf: pass, dkim: pass, dmarc: pass, read: true, rescued: false, replied: false, complaint: false })
}

pub(crate) type Said = (SenderOutcome, Option<Observation>);

pub(crate) fn deal_of(params: &Params, roster: &Roster, epoch: u32) -> Deal {
    Deal::new(params, roster, &Digest([(epoch % 251) as u8; 32]), (epoch % 7) as u8)
}

/// Everybody's bundle of one epoch, when both sides tell what `fate` says; spares are used while below quota.
pub(crate) fn bundles(epoch: u32, roster: &Roster, deal: &Deal, mut fate: impl FnMut(&Pairing) -> Said) -> BTreeMap<MemberId, Bundle> {
    let empty =
        |row: &RosterRow| (row.member, Bundle { member: row.member, epoch: Epoch(epoch), entries: vec![], report: SelfReport::default() });
    let mut out: BTreeMap<MemberId, Bundle> = roster.rows().iter().map(empty).collect();
    for position in 0..roster.len() as u32 {
        let mut used = 0;
        for pair in deal.sends(position) {
            let ring = pair.slot.ring != RingKind::Golden;
            if ring && used >= deal.quota(position) {
                continue;
            }
            let (from, to) = (roster.at(pair.sender).unwrap().member, roster.at(pair.receiver).unwrap().member);
            let (said, seen) = fate(&pair);
            used += u32::from(ring && said != SenderOutcome::NoShow);
            let mut bytes = [0u8; 64];
            bytes[..4].copy_from_slice(&from.0[..4]);
            bytes[4..6].copy_from_slice(&pair.slot.round.to_be_bytes());
            let label = Signature(bytes);
            let mine = if said == SenderOutcome::Sent { sender_evidence(&label) } else { [0; 4] };
            let theirs = if seen.is_some_and(|o| o.placement != Placement::Missing) { receiver_evidence(&label) } else { [0; 4] };
            out.get_mut(&from).unwrap().entries.push(Entry { slot: pair.slot, word: Word::Sender(said), evidence: mine });
            out.get_mut(&to).unwrap().entries.push(Entry { slot: pair.slot, word: Word::Receiver(seen), evidence: theirs });
        }
    }
    for bundle in out.values_mut() {
        bundle.entries.sort_by_key(Entry::order);
    }
    out
}

const NETWORK: NetworkId = NetworkId([1; 32]);

/// How the tests' network plays an epoch.
pub(crate) fn played<'a>(params: &'a Params, epoch: u32, roster: &'a Roster, deal: &'a Deal) -> Played<'a> {
    Played { epoch: Epoch(epoch), roster, deal, network: &NETWORK, params }
}

/// Whether a mail of an epoch wants an answer.
pub(crate) fn owes(params: &Params, epoch: u32, roster: &Roster, pair: &Pairing) -> bool {
    let [from, to] = [pair.sender, pair.receiver].map(|p| roster.at(p).unwrap().member);
    replies_owed(params, &ExchangeId::derive(&NETWORK, Epoch(epoch), pair.slot, &from, &to)) > 0
}

/// Plays and closes one epoch.
pub(crate) fn play(params: &Params, window: &mut Window, epoch: u32, roster: &Roster, fate: impl FnMut(&Pairing) -> Said) {
    let deal = deal_of(params, roster, epoch);
    let bundles = bundles(epoch, roster, &deal, fate);
    window.close(params, played(params, epoch, roster, &deal), bundles.into_values(), &BTreeSet::new());
}

fn entry(word: Word, evidence: [u8; 4]) -> Entry {
    Entry { slot: Slot { ring: RingKind::Open, round: 0 }, word, evidence }
}

#[test]
fn the_table_of_section_six() {
    use SenderOutcome::*;
    let label = Signature([9; 64]);
    let send = |o| entry(Word::Sender(o), sender_evidence(&label));
    let see = |o| entry(Word::Receiver(o), receiver_evidence(&label));
    let (inbox, tab, spam, missing) = (seen(Placement::Inbox), seen(Placement::Tab), seen(Placement::Spam), seen(Placement::Missing));
    let table = [
        (Sent, inbox, Outcome::DeliveredInbox, true),
        (Sent, tab, Outcome::DeliveredInbox, true),
        (Sent, spam, Outcome::DeliveredSpam, true),
        (Sent, missing, Outcome::Unknown, false),
        (Sent, None, Outcome::Unknown, false),
        (RefusedHard, missing, Outcome::HardBounce, true),
        (RefusedHard, None, Outcome::HardBounce, true),
        (RefusedHard, inbox, Outcome::Contradiction, false),
        (RefusedSoft, missing, Outcome::SoftBounce, false),
        (RefusedSoft, None, Outcome::SoftBounce, false),
        (RefusedSoft, spam, Outcome::Contradiction, false),
        (NoShow, None, Outcome::NoShow, false),
        (NoShow, inbox, Outcome::NoShow, false),
    ];
    for (said, observed, outcome, completed) in table {
        let r = reconcile(Some(&send(said)), Some(&see(observed)));
        assert_eq!((r.outcome, r.completed), (outcome, completed), "{said:?} {observed:?}");
    }
    // No word of the receiver at all: the sender did its part. No word of the sender: nothing, but a complaint is kept.
    let alone = reconcile(Some(&send(Sent)), None);
    assert_eq!((alone.outcome, alone.completed), (Outcome::Unknown, true));
    let mut angry = inbox;
    angry.as_mut().unwrap().complaint = true;
    let r = reconcile(None, Some(&see(angry)));
    assert_eq!((r.outcome, r.complaint, r.read, r.auth), (Outcome::NoShow, true, false, None));
    // Evidence that doesn't fit, or a side's word in the other's place.
    assert_eq!(reconcile(Some(&send(Sent)), Some(&entry(Word::Receiver(inbox), [1; 4]))).outcome, Outcome::Contradiction);
    assert_eq!(reconcile(Some(&see(inbox)), Some(&see(inbox))).outcome, Outcome::NoShow);
}

#[test]
fn authentication_is_known_only_when_all_three_are() {
    let label = Signature([3; 64]);
    let with = |dmarc| {
        let o = Observation { dmarc, ..seen(Placement::Inbox).unwrap() };
        reconcile(
            Some(&entry(Word::Sender(SenderOutcome::Sent), sender_evidence(&label))),
            Some(&entry(Word::Receiver(Some(o)), receiver_evidence(&label))),
        )
        .auth
    };
    assert_eq!((with(AuthResult::Pass), with(AuthResult::Fail), with(AuthResult::Unknown)), (Some(true), Some(false), None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_packed_form_loses_nothing(sender: u32, receiver: u32, round: u16, ring in 0u8..3, outcome in 0usize..8, auth in prop::option::of(any::<bool>()), bits in 0u8..64, golden_weight in 0u8..8) {
        let all = [Outcome::DeliveredInbox, Outcome::DeliveredSpam, Outcome::Unknown, Outcome::HardBounce, Outcome::SoftBounce, Outcome::Contradiction, Outcome::NoShow, Outcome::Void];
        let slot = Slot { ring: RingKind::from_u8(ring).unwrap(), round };
        let bit = |n: u8| bits >> n & 1 == 1;
        let x = Exchange { sender, receiver, slot, outcome: all[outcome], auth, read: bit(0), replied: bit(1), rescued: bit(2), complaint: bit(3), owed: bit(4), completed: bit(5), golden_weight };
        prop_assert_eq!(Exchange::from(exchange::Packed::from(x)), x);
        prop_assert!(size_of::<exchange::Packed>() == 12);
    }

    #[test]
    fn the_ledger_keeps_quotas_and_counts(n in 3u32..40, golden in 0u32..3, epoch in 0u32..9, luck in prop::collection::vec(0u8..10, 997)) {
        let params = Params::standard();
        let roster = network(n, golden);
        let deal = deal_of(&params, &roster, epoch);
        let mut i = 0;
        let bundles = bundles(epoch, &roster, &deal, |_| {
            i += 1;
            match luck[i % luck.len()] {
                0 => (SenderOutcome::NoShow, None),
                1 => (SenderOutcome::RefusedHard, None),
                2 => (SenderOutcome::RefusedSoft, seen(Placement::Missing)),
                3 => (SenderOutcome::Sent, seen(Placement::Spam)),
                4 => (SenderOutcome::Sent, None),
                _ => (SenderOutcome::Sent, seen(Placement::Inbox)),
            }
        });
        let close = |bundles: &mut dyn Iterator<Item = &Bundle>| {
            let mut w = Window::new(&params);
            w.close(&params, played(&params, epoch, &roster, &deal), bundles.cloned(), &BTreeSet::new());
            w
        };
        let window = close(&mut bundles.values());
        prop_assert_eq!(&close(&mut bundles.values().rev()), &window, "the order of bundles decides nothing");
        let closed = window.latest().unwrap();
        let mut counted = BTreeMap::<u32, u32>::new();
        for x in closed.exchanges().filter(|x| x.golden_weight == 0 && x.outcome != Outcome::NoShow) {
            *counted.entry(x.sender).or_default() += 1;
            prop_assert!(deal.verify(x.slot, x.sender, x.receiver));
        }
        for position in 0..roster.len() as u32 {
            let (quota, tally) = (deal.quota(position), closed.tally(position));
            prop_assert!(counted.get(&position).copied().unwrap_or(0) <= quota);
            let ring = deal.sends(position).iter().filter(|p| p.slot.ring != RingKind::Golden).count() as u32;
            let seats = deal.sends(position).len() as u32 - ring;
            prop_assert_eq!(u32::from(tally.dealt), quota.min(ring) + seats);
            prop_assert!(tally.completed <= tally.dealt && tally.replied_in <= tally.owed_in && tally.owed_in <= tally.seen_in);
        }
        let s = closed.summary();
        prop_assert!(s.delivered_inbox + s.delivered_spam + s.bounced + s.void >= s.completed);
        prop_assert_eq!(window.exchanges().filter(|(_, x)| x.outcome == Outcome::DeliveredInbox).count() as u32, s.delivered_inbox);
        prop_assert_eq!(window.exchanges().filter(|(_, x)| x.outcome == Outcome::Void).count() as u32, s.void);
    }
}

#[test]
fn a_spare_takes_the_place_of_a_no_show() {
    let params = Params::standard();
    let roster = network(40, 0);
    let deal = deal_of(&params, &roster, 1);
    let lucky = (0..40).find(|p| deal.sends(*p).len() as u32 > deal.quota(*p)).unwrap();
    let first = deal.sends(lucky)[0];
    let all =
        bundles(
            1,
            &roster,
            &deal,
            |p| if *p == first { (SenderOutcome::NoShow, None) } else { (SenderOutcome::Sent, seen(Placement::Inbox)) },
        );
    let mut window = Window::new(&params);
    window.close(&params, played(&params, 1, &roster, &deal), all.values().cloned(), &BTreeSet::new());
    let t = window.latest().unwrap().tally(lucky);
    assert_eq!((u32::from(t.dealt), u32::from(t.completed)), (deal.quota(lucky), deal.quota(lucky)));
    // Everybody's word counts once, and an equivocator's not at all.
    let void = BTreeSet::from([roster.at(lucky).unwrap().member]);
    let mut without = Window::new(&params);
    without.close(&params, played(&params, 1, &roster, &deal), all.into_values(), &void);
    assert_eq!(without.latest().unwrap().tally(lucky).completed, 0);
    assert!(without.sends(lucky).all(|(_, x)| x.outcome == Outcome::NoShow));
}

#[test]
fn bounces_at_one_mailbox_are_its_own_fault() {
    let params = Params::standard();
    let roster = network(12, 0);
    let mut window = Window::new(&params);
    let fate =
        |p: &Pairing| if p.receiver == 4 { (SenderOutcome::RefusedHard, None) } else { (SenderOutcome::Sent, seen(Placement::Inbox)) };
    play(&params, &mut window, 0, &roster, fate);
    play(&params, &mut window, 1, &roster, fate);
    assert_eq!(window.bounces(4), (true, Some(Epoch(1))));
    assert!(window.exchanges().all(|(_, x)| x.receiver != 4 || x.outcome == Outcome::Void));
    let s = window.latest().unwrap().summary();
    assert!(s.void > 0 && s.bounced == 0);
    // One sender's bounces at many mailboxes are the sender's.
    let mut window = Window::new(&params);
    play(&params, &mut window, 0, &roster, |p| {
        if p.sender == 4 { (SenderOutcome::RefusedHard, None) } else { (SenderOutcome::Sent, seen(Placement::Inbox)) }
    });
    assert!(window.sends(4).all(|(_, x)| x.outcome == Outcome::HardBounce));
    assert!((0..12).all(|i| !window.bounces(i).0));
}

#[test]
fn a_mailbox_is_at_fault_from_300_per_mille_and_two_senders_on() {
    let params = Params::standard();
    let mail = |sender: u32, outcome: Outcome| Exchange {
        sender,
        receiver: 0,
        slot: Slot { ring: RingKind::Open, round: 0 },
        outcome,
        auth: None,
        read: false,
        replied: false,
        rescued: false,
        complaint: false,
        golden_weight: 0,
        owed: false,
        completed: true,
    };
    let mut window = Window::new(&params);
    play(&params, &mut window, 0, &network(9, 0), |_| (SenderOutcome::NoShow, None));
    // `bounced` of `all` mails to one mailbox came back, in turn to so many senders.
    let at_fault = |bounced: u32, all: u32, senders: u32| {
        let one = |n: u32| mail(1 + n % senders, if n < bounced { Outcome::HardBounce } else { Outcome::DeliveredInbox });
        let faults = fault::Faults::judge(&params, window.members(), (0..all).map(|n| (Epoch(3), n, one(n))));
        faults.outcome(Epoch(3), 0, &one(0)) == Outcome::Void
    };
    assert!(at_fault(300, 1_000, 2) && !at_fault(299, 1_000, 2));
    assert!(at_fault(3, 10, 2) && !at_fault(3, 10, 1));
}

#[test]
fn counts_stop_at_65535() {
    let with = |seats: u32| {
        let params = Params { golden_seats: seats, golden_per_member: seats, ..Params::standard() };
        let answered = seen(Placement::Inbox).map(|o| Observation { replied: true, ..o });
        let mut window = Window::new(&params);
        play(&params, &mut window, 20, &network(1, 1), |_| (SenderOutcome::Sent, answered));
        let [from, to] = [0, 1].map(|position| window.latest().unwrap().tally(position));
        [from.dealt, from.completed, to.dealt_in, to.seen_in]
    };
    assert_eq!(with(65_534), [65_534; 4]);
    assert_eq!(with(65_536), [65_535; 4]);
}

#[test]
fn one_persons_bounces_make_no_mailbox_dead() {
    // Two members refuse to mail member 4, and nobody else is dealt to it: all its mail bounces, at two senders.
    let fault = |tags: [u8; 2], nodes: [u8; 2]| {
        let mut rows = network(12, 0).rows().to_vec();
        for (n, (tag, node)) in tags.into_iter().zip(nodes).enumerate() {
            rows[n].tag = DomainTag([tag; 16]);
            rows[n].node = NodeId([node; 32]);
        }
        let (params, roster, mut window) = (Params::standard(), Roster::new(rows), Window::new(&Params::standard()));
        for epoch in 0..6 {
            play(&params, &mut window, epoch, &roster, |p| match (p.sender, p.receiver) {
                (0 | 1, 4) => (SenderOutcome::RefusedHard, None),
                (_, 4) => (SenderOutcome::NoShow, None),
                _ => (SenderOutcome::Sent, seen(Placement::Inbox)),
            });
        }
        let senders: BTreeSet<u32> =
            window.exchanges().filter(|(_, x)| x.receiver == 4 && x.outcome != Outcome::NoShow).map(|(_, x)| x.sender).collect();
        assert_eq!(senders, BTreeSet::from([0, 1]));
        window.bounces(4).0
    };
    assert!(fault([200, 201], [200, 201]));
    assert!(!fault([200, 200], [200, 201]), "two mailboxes of one domain");
    assert!(!fault([200, 201], [200, 200]), "two mailboxes of one node");
}

#[test]
fn the_fifth_soft_bounce_in_a_row_is_a_hard_one() {
    let params = Params { dead_permille: 1_001, ..Params::standard() };
    let roster = network(40, 0);
    let deal = deal_of(&params, &roster, 0);
    let inbound = deal.receives(7).iter().filter(|p| !p.spare).count() as u32;
    assert!(inbound >= 5);
    let mut window = Window::new(&params);
    play(&params, &mut window, 0, &roster, |p| {
        if p.receiver == 7 { (SenderOutcome::RefusedSoft, None) } else { (SenderOutcome::Sent, seen(Placement::Inbox)) }
    });
    let hard = window.exchanges().filter(|(_, x)| x.outcome == Outcome::HardBounce).count() as u32;
    let soft = window.exchanges().filter(|(_, x)| x.outcome == Outcome::SoftBounce).count() as u32;
    assert_eq!(hard, (hard + soft) / 5);
    assert!(hard >= 1);
    // It names the four before it.
    for (epoch, x) in window.exchanges() {
        let before = window.in_row_before(epoch, &x);
        let fits = |(e, b): &(Epoch, Exchange)| {
            *e == epoch && b.receiver == 7 && b.outcome == Outcome::SoftBounce && (b.sender, b.slot) < (x.sender, x.slot)
        };
        assert!(before.len() == if x.outcome == Outcome::HardBounce { 4 } else { 0 } && before.iter().all(fits), "{x:?} {before:?}");
    }
}

#[test]
fn equal_windows_agree_whatever_came_before() {
    let params = Params { window_epochs: 4, ..Params::standard() };
    let rosters: Vec<Roster> = (0..12u32)
        .map(|e| {
            Roster::new(
                (0..14).filter(|n| (n + e / 2) % 5 != 0).map(|n| member(n, if n < 12 { Role::Member } else { Role::Golden })).collect(),
            )
        })
        .collect();
    let fate = |p: &Pairing| {
        if (p.sender + p.receiver).is_multiple_of(3) {
            (SenderOutcome::RefusedSoft, None)
        } else {
            (SenderOutcome::Sent, seen(Placement::Inbox))
        }
    };
    let (mut long, mut short) = (Window::new(&params), Window::new(&params));
    for (epoch, roster) in (0u32..).zip(&rosters) {
        play(&params, &mut long, epoch, roster, fate);
        if epoch >= 8 {
            play(&params, &mut short, epoch, roster, fate);
        }
    }
    assert_eq!(long, short);
    assert_eq!(long.ledger_digest(), short.ledger_digest());
    assert_eq!(long.epochs().count(), 4);
    assert!(long.members().windows(2).all(|w| w[0].member < w[1].member));
    // Every exchange is found under its sender.
    let by_sender: usize = (0..long.members().len() as u32).map(|i| long.sends(i).count()).sum();
    assert_eq!(by_sender, long.exchanges().count());
    for (epoch, x) in long.exchanges() {
        let roster = &rosters[epoch.0 as usize];
        assert!(roster.position(&long.members()[x.sender as usize].member).is_some());
    }
    // A late or repeated epoch changes nothing.
    let before = long.ledger_digest();
    play(&params, &mut long, 11, &rosters[11], |_| (SenderOutcome::NoShow, None));
    assert_eq!(long.ledger_digest(), before);
}
