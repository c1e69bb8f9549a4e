//! The deal of one epoch: everything that roster, seed and weekday decide.

use super::golden::Seats;
use super::ring::Ring;
use super::{RingKind, Slot};
use crate::ids::{Digest, DomainTag, NodeId};
use crate::params::Params;
use crate::wire::roster::{Pool, Role, Roster, RosterRow};
use std::iter::repeat_n;

/// One dealt pair, by roster positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pairing {
    /// Ring and round, or golden seat.
    pub slot: Slot,
    /// Who sends.
    pub sender: u32,
    /// Who receives.
    pub receiver: u32,
    /// Beyond the sender's quota: used only while it is below its quota.
    pub spare: bool,
}

/// What the conflict rule and the lookups need of a row.
#[derive(Clone, Debug)]
struct Seat {
    node: NodeId,
    tag: DomainTag,
    /// Which ring it rides and its index there.
    ride: Option<(RingKind, u32)>,
}

/// The rings of an epoch, round by round: (the one before, the one after) each rider, by index.
pub(crate) struct Rounds {
    open: Vec<Vec<(u32, u32)>>,
    rehab: Vec<Vec<(u32, u32)>>,
}

impl Rounds {
    /// The rounds of a ring; there are none of golden seats.
    pub(crate) fn of(&self, ring: RingKind) -> &[Vec<(u32, u32)>] {
        match ring {
            RingKind::Open => &self.open,
            RingKind::Rehab => &self.rehab,
            RingKind::Golden => &[],
        }
    }
}

/// All pairs of an epoch. Owns what it needs: about 70 bytes a roster row.
///
/// # Example
/// ```
/// use warmnet_protocol::{ids::Digest, matching::Deal, params::Params, wire::roster::Roster};
/// let deal = Deal::new(&Params::standard(), &Roster::default(), &Digest([7; 32]), 0);
/// assert!(deal.all().is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct Deal {
    seats: Vec<Seat>,
    /// First bytes of node key and domain tag: where both differ, the whole need not be read.
    brands: Vec<(u32, u32)>,
    open: Ring,
    rehab: Ring,
    golden: Seats,
}

fn plays(row: &RosterRow, weekday: u8) -> bool {
    row.pool != Pool::Quarantined && weekday < 7 && row.weekdays >> weekday & 1 == 1
}

impl Deal {
    /// Deals an epoch. `weekday`: 0 = Monday.
    #[must_use]
    pub fn new(params: &Params, roster: &Roster, seed: &Digest, weekday: u8) -> Self {
        let (mut open, mut rehab, mut listed, mut golden) = (vec![], vec![], vec![], vec![]);
        for (position, row) in (0u32..).zip(roster.rows()).filter(|(_, row)| plays(row, weekday)) {
            if row.role == Role::Golden {
                golden.push(position);
                continue;
            }
            if !row.dead && row.quota == 0 {
                continue;
            }
            let in_rehab = row.pool == Pool::Rehab;
            listed.extend(repeat_n(position, 1 + usize::from(row.dead || in_rehab) + usize::from(row.complained)));
            if !row.dead {
                (if in_rehab { &mut rehab } else { &mut open }).push((position, u32::from(row.quota)));
            }
        }
        if (rehab.len() as u64) < u64::from(params.rehab_ring_from) {
            open.append(&mut rehab);
        }
        let open = Ring::new(params, seed, RingKind::Open, &open);
        let rehab = Ring::new(params, seed, RingKind::Rehab, &rehab);
        let mut seats: Vec<Seat> = roster.rows().iter().map(|r| Seat { node: r.node, tag: r.tag, ride: None }).collect();
        for ring in [&open, &rehab] {
            for (index, position) in (0u32..).zip(ring.riders()) {
                seats[*position as usize].ride = Some((ring.kind, index));
            }
        }
        let four = |bytes: &[u8]| bytes.first_chunk().map_or(0, |first| u32::from_le_bytes(*first));
        let brands = roster.rows().iter().map(|r| (four(&r.node.0), four(&r.tag.0))).collect();
        Self { seats, brands, golden: Seats::new(params, seed, listed, golden), open, rehab }
    }

    pub(super) fn ride(&self, position: u32) -> Option<(&Ring, u32)> {
        let (kind, index) = self.rides(position)?;
        Some((if kind == RingKind::Open { &self.open } else { &self.rehab }, index))
    }

    /// Whether two members share a node key or a domain tag.
    fn related(&self, a: u32, b: u32) -> bool {
        let (Some(x), Some(y)) = (self.brands.get(a as usize), self.brands.get(b as usize)) else { return true };
        if x.0 != y.0 && x.1 != y.1 {
            return false;
        }
        match (self.seats.get(a as usize), self.seats.get(b as usize)) {
            (Some(a), Some(b)) => a.node == b.node || a.tag == b.tag,
            _ => true,
        }
    }

    /// Mails a member sends (and receives) by rings this epoch: after weekday, class cap, rounds dealt, dead and quarantine.
    #[must_use]
    pub fn quota(&self, position: u32) -> u32 {
        self.ride(position).map_or(0, |(ring, index)| ring.quota(index))
    }

    /// The ring that a member rides and its index there.
    pub(crate) fn rides(&self, position: u32) -> Option<(RingKind, u32)> {
        self.seats.get(position as usize)?.ride
    }

    /// Slots that quotas and golden seats deal: all pairs but the spares, and those that conflicts take away.
    #[must_use]
    pub fn slots(&self) -> usize {
        let quotas = |ring: &Ring| (0..ring.riders().len() as u32).map(|index| ring.quota(index) as usize).sum::<usize>();
        quotas(&self.open) + quotas(&self.rehab) + self.golden.len() as usize
    }

    /// A member's ring pairs on one side, lowest rounds first.
    fn ring_pairs(&self, position: u32, sends: bool) -> Vec<Pairing> {
        let mut out = Vec::new();
        if let Some((ring, index)) = self.ride(position) {
            let neighbours = (0..ring.rounds()).map_while(|k| ring.neighbours(k, index));
            self.met_once(ring, position, neighbours, sends, &mut Vec::new(), &mut out);
        }
        out
    }

    /// The conflict rule: appends to `out` the pairs of a rider whose (before, after) of each round is given, without members
    /// related to it and members met in an earlier round. `met` is room to work in.
    fn met_once(
        &self,
        ring: &Ring,
        position: u32,
        neighbours: impl Iterator<Item = (u32, u32)>,
        sends: bool,
        met: &mut Vec<u32>,
        out: &mut Vec<Pairing>,
    ) {
        met.clear();
        for (k, (before, after)) in (0u32..).zip(neighbours) {
            let other = if sends { after } else { before };
            let partner = ring.riders()[other as usize];
            if !met.contains(&other) && !self.related(position, partner) {
                let (sender, receiver) = if sends { (position, partner) } else { (partner, position) };
                let slot = Slot { ring: ring.kind, round: k as u16 };
                out.push(Pairing { slot, sender, receiver, spare: k >= self.quota(sender) });
            }
            met.extend([before, after]);
        }
    }

    fn golden_pair(&self, seat: u32, sender: u32, receiver: u32) -> Option<Pairing> {
        let slot = Slot { ring: RingKind::Golden, round: seat as u16 };
        (!self.related(sender, receiver)).then_some(Pairing { slot, sender, receiver, spare: false })
    }

    /// The pairs a member sends, as the conflict rule leaves them: ring rounds from the lowest, spare ones flagged, then
    /// golden seats.
    #[must_use]
    pub fn sends(&self, position: u32) -> Vec<Pairing> {
        let mut out = self.ring_pairs(position, true);
        out.extend(self.golden.of_sender(position).into_iter().filter_map(|(n, to)| self.golden_pair(n, position, to)));
        out
    }

    /// The pairs a member receives; for a golden member its seats. `spare` is the sender's.
    #[must_use]
    pub fn receives(&self, position: u32) -> Vec<Pairing> {
        let mut out = self.ring_pairs(position, false);
        out.extend(self.golden_pairs().filter(|p| p.receiver == position));
        out
    }

    fn golden_pairs(&self) -> impl Iterator<Item = Pairing> {
        (0..self.golden.len()).filter_map(|n| self.golden.seat(n).and_then(|(from, to)| self.golden_pair(n, from, to)))
    }

    /// All rounds laid out.
    #[must_use]
    pub(crate) fn rounds(&self) -> Rounds {
        let lay = |ring: &Ring| (0..ring.rounds()).map(|k| ring.round(k)).collect();
        Rounds { open: lay(&self.open), rehab: lay(&self.rehab) }
    }

    /// Hands every sender's pairs ([`Deal::sends`]) to `take`, by ascending position; senders without any are left out.
    pub(crate) fn each_sender(&self, rounds: &Rounds, mut take: impl FnMut(u32, &[Pairing])) {
        let mut golden: Vec<Pairing> = self.golden_pairs().collect();
        golden.sort_unstable_by_key(|p| (p.sender, p.slot));
        let mut golden = golden.into_iter().peekable();
        let (mut pairs, mut met) = (Vec::new(), Vec::new());
        for position in 0..self.seats.len() as u32 {
            pairs.clear();
            if let Some((ring, index)) = self.ride(position) {
                let neighbours = rounds.of(ring.kind).iter().map_while(|round| round.get(index as usize).copied());
                self.met_once(ring, position, neighbours, true, &mut met, &mut pairs);
            }
            while let Some(pair) = golden.next_if(|p| p.sender == position) {
                pairs.push(pair);
            }
            if !pairs.is_empty() {
                take(position, &pairs);
            }
        }
    }

    /// The whole deal, sorted by (slot, sender).
    #[must_use]
    pub fn all(&self) -> Vec<Pairing> {
        let mut out = Vec::new();
        self.each_sender(&self.rounds(), |_, pairs| out.extend_from_slice(pairs));
        out.sort_unstable_by_key(|p| (p.slot, p.sender));
        out
    }

    /// Whether this pair was dealt. As many steps as the round's number.
    #[must_use]
    pub fn verify(&self, slot: Slot, sender: u32, receiver: u32) -> bool {
        if self.related(sender, receiver) {
            return false;
        }
        if slot.ring == RingKind::Golden {
            return self.golden.seat(u32::from(slot.round)) == Some((sender, receiver));
        }
        let (Some((ring, from)), Some((other, to))) = (self.ride(sender), self.ride(receiver)) else { return false };
        if ring.kind != slot.ring || other.kind != slot.ring {
            return false;
        }
        let k = u32::from(slot.round);
        let next = |k: u32| ring.neighbours(k, from);
        next(k).is_some_and(|(_, after)| after == to) && !(0..k).filter_map(next).any(|(before, after)| before == to || after == to)
    }

    /// Participants of each round of a ring, conflicts aside: for figures and tests.
    #[must_use]
    pub fn round_sizes(&self, ring: RingKind) -> Vec<u32> {
        match ring {
            RingKind::Open => (0..self.open.rounds()).map(|k| self.open.size(k)).collect(),
            RingKind::Rehab => (0..self.rehab.rounds()).map(|k| self.rehab.size(k)).collect(),
            RingKind::Golden => vec![],
        }
    }
}
