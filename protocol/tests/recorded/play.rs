//! Plays the network with the real chain, and records what a node would hold of it.

use super::cast::{self, EQUIVOCATOR, GOLDEN, GREEDY, LATE, LEAVER, LISTED, MEMBERS, Player, SECOND, SILENT, TAKEN};
use super::fate::{self, Mail};
use std::collections::BTreeMap;
use warmnet_protocol::chain::{BundleRefusal, Chain, DraftInputs};
use warmnet_protocol::identity::{NodeKey, Verified, hash, signed};
use warmnet_protocol::ids::{Beacon, Digest, ExchangeId, MemberId};
use warmnet_protocol::matching::RingKind;
use warmnet_protocol::params::Params;
use warmnet_protocol::time::{Clock, Epoch};
use warmnet_protocol::wire::bundle::{Bundle, Entry, SenderOutcome, Word};
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::departure::Departure;
use warmnet_protocol::wire::epoch_record::{EpochRecord, IssuingKey, Upcoming};
use warmnet_protocol::wire::fault::Fault;
use warmnet_protocol::wire::genesis::{GENESIS_VERSION, Genesis};
use warmnet_protocol::wire::notice::{Notice, NoticeKind, ReasonClass};
use warmnet_protocol::wire::roster::Roster;

/// Records of the fixture: 37 closed epochs, so the window of 30 has moved on.
pub(crate) const RECORDS: u32 = 42;
/// The epoch whose record came late.
pub(crate) const DEGRADED: u32 = 20;
/// The record that announces a change of parameters.
pub(crate) const ANNOUNCED: u32 = 15;
/// The first epoch with them.
pub(crate) const CHANGED: u32 = 22;
/// The record that carries departures.
pub(crate) const LEAVES: u32 = 36;
/// The epoch for which the equivocator signs twice.
const TWICE: u32 = 13;

/// What one record brings, as a node receives it.
pub(crate) struct Day {
    pub(crate) notices: Vec<Verified<Notice>>,
    pub(crate) record: Verified<EpochRecord>,
    pub(crate) roster: Roster,
    pub(crate) bundles: Vec<Verified<Bundle>>,
    pub(crate) fault: Option<(Fault, Verified<Bundle>)>,
}

/// Epoch 0 is a Monday, 4 January 2027. Three numbers are smaller than standard, so that their rules act in a network this small.
pub(crate) fn genesis() -> Genesis {
    let links = beacons();
    Genesis {
        version: GENESIS_VERSION,
        name: "Recorded network".into(),
        root: cast::key("fixture-root", 0).node_id(),
        coordinator: cast::key("fixture-node", MEMBERS).node_id(),
        first_beacon: Beacon(hash::digest(&links[0].0).0),
        clock: Clock { epoch_zero_ms: 1_799_020_800_000, epoch_ms: 86_400_000 },
        params: Params { pause_placements: 6, rehab_ring_from: 3, equivocation_epochs: 12, ..Params::standard() },
    }
}

/// `r_0, r_1, ..`: made backwards from the last.
pub(crate) fn beacons() -> Vec<Beacon> {
    let mut links = vec![Beacon([21; 32])];
    for i in 0..RECORDS as usize {
        links.push(Beacon(hash::digest(&links[i].0).0));
    }
    links.reverse();
    links
}

fn notices(players: &[Player], issuing: &NodeKey, chain: &Chain, epoch: u32) -> Vec<Verified<Notice>> {
    let (member, kind) = match epoch {
        10 => (LISTED, NoticeKind::Listed),
        16 => (LISTED, NoticeKind::Released),
        30 => (TAKEN, NoticeKind::Listed),
        37 => (TAKEN, NoticeKind::Released),
        _ => return vec![],
    };
    let (since, review) = (Epoch(epoch), Epoch(epoch).plus(6));
    let notice = Notice { tag: players[member].tag, kind, reason: ReasonClass::Blocklist, evidence: Digest([0xe1; 32]), since, review };
    vec![signed::sign(issuing, &chain.network(), notice)]
}

fn change() -> Upcoming {
    let params = Params { golden_seats: 16, reply_ppm: 400_000, bounce_floor: 60, ..genesis().params };
    Upcoming { from: Epoch(CHANGED), params }
}

/// One departure by the member's own node; one by another node and one of another membership, which do nothing.
fn departures(players: &[Player], chain: &Chain, epoch: u32) -> Vec<Vec<u8>> {
    if epoch != LEAVES {
        return vec![];
    }
    let by = |key: &NodeKey, n: usize, joined: u32| {
        signed::sign(key, &chain.network(), Departure { member: players[n].member, joined: Epoch(joined) }).bytes
    };
    vec![by(&players[0].key, LATE, 12), by(&players[LEAVER].key, SECOND, 0), by(&players[LEAVER].key, LEAVER, 0)]
}

/// Entries of every member in an epoch, by member.
fn filed(chain: &Chain, players: &[Player], epoch: u32) -> BTreeMap<MemberId, Vec<Entry>> {
    let Some(play) = chain.play(Epoch(epoch)) else { return BTreeMap::new() };
    let deal = chain.deal(&play);
    let number = |position: u32| {
        let row = play.roster.at(position).expect("a dealt position");
        players.iter().position(|p| p.member == row.member).expect("a player")
    };
    let mut out: BTreeMap<MemberId, Vec<Entry>> = play.roster.rows().iter().map(|r| (r.member, vec![])).collect();
    for position in 0..play.roster.len() as u32 {
        let mut used = 0;
        for pair in deal.sends(position) {
            let ring = pair.slot.ring != RingKind::Golden;
            let (from, to) = (number(pair.sender), number(pair.receiver));
            if ring && used >= deal.quota(position) && from != GREEDY {
                continue;
            }
            let (a, b) = (players[from].member, players[to].member);
            let exchange = ExchangeId::derive(&chain.network(), Epoch(epoch), pair.slot, &a, &b);
            let (mine, theirs) = fate::entries(&Mail { epoch, slot: pair.slot, from, to, exchange }, chain.params_at(Epoch(epoch)));
            used += u32::from(ring && mine.word != Word::Sender(SenderOutcome::NoShow));
            out.entry(a).or_default().push(mine);
            out.entry(b).or_default().push(theirs);
        }
    }
    out.values_mut().for_each(|entries| entries.sort_by_key(Entry::order));
    out
}

fn bundles(chain: &Chain, players: &[Player], epoch: u32) -> Vec<Verified<Bundle>> {
    let mut filed = filed(chain, players, epoch);
    let silent = |n: usize| n == SILENT && epoch % 4 == 3;
    let sign = |(n, p): (usize, &Player)| {
        let entries = filed.remove(&p.member).filter(|_| !silent(n))?;
        let bundle = Bundle { member: p.member, epoch: Epoch(epoch), entries, report: fate::report(n, epoch) };
        Some(signed::sign(&p.key, &chain.network(), bundle))
    };
    players.iter().enumerate().filter_map(sign).collect()
}

/// A second, different bundle of the equivocator, and the proof.
fn equivocate(chain: &Chain, players: &[Player], first: &[Verified<Bundle>]) -> Option<(Fault, Verified<Bundle>)> {
    let held = first.iter().find(|b| b.message.member == players[EQUIVOCATOR].member)?;
    let mut bundle = held.message.clone();
    bundle.report.replies += 1;
    let other = signed::sign(&players[EQUIVOCATOR].key, &chain.network(), bundle);
    Some((Fault::equivocation(held.bytes.clone(), other.bytes.clone()), other))
}

/// The root's certificate of the issuing key.
pub(crate) fn authority() -> Vec<u8> {
    let (root, issuing) = (cast::key("fixture-root", 0), cast::key("fixture-issuing", 0));
    let certificate = IssuingKey { key: issuing.node_id(), from: Epoch(0), until: Epoch(400), serial: 0 };
    signed::sign(&root, &genesis().network_id(), certificate).bytes
}

/// Plays all records; `each` sees the chain after every record was derived.
pub(crate) fn play(mut each: impl FnMut(&Chain, &Day)) -> Vec<Day> {
    let genesis = genesis();
    let mut chain = Chain::new(genesis);
    let network = chain.network();
    let players = cast::players(&network);
    assert_eq!(players.len(), MEMBERS + GOLDEN);
    let (issuing, links, authority) = (cast::key("fixture-issuing", 0), beacons(), authority());
    let mut days: Vec<Day> = Vec::new();
    for epoch in 0..RECORDS {
        let notices = notices(&players, &issuing, &chain, epoch);
        let draft = chain.draft(DraftInputs {
            beacon: links[epoch as usize],
            notices: notices.iter().map(|n| n.message.clone()).collect(),
            departures: departures(&players, &chain, epoch),
            upcoming: (epoch == ANNOUNCED).then(change),
            admitted: cast::admitted(&players, epoch),
            degraded: epoch == DEGRADED,
            authority: authority.clone(),
        });
        let draft = draft.expect("everything before is derived");
        let record = signed::sign(&issuing, &network, draft.record);
        chain.accept_record(record.clone()).expect("the next record");
        chain.accept_roster(Epoch(epoch), draft.roster.clone()).expect("its roster");
        assert_eq!(chain.derive(), [Epoch(epoch)]);
        let bundles = bundles(&chain, &players, epoch);
        bundles.iter().for_each(|b| chain.accept_bundle(b.clone()).expect("a bundle of an open epoch"));
        let fault = if epoch == TWICE { equivocate(&chain, &players, &bundles) } else { None };
        if let Some((proof, other)) = &fault {
            assert_eq!(chain.accept_bundle(other.clone()), Err(BundleRefusal::Equivocation));
            let proof = chain.judge_fault(&codec::encode(proof)).expect("a proof");
            chain.take_fault(proof);
        }
        let day = Day { notices, record, roster: draft.roster, bundles, fault };
        each(&chain, &day);
        days.push(day);
    }
    days
}
