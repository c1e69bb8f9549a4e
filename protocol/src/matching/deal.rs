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

/// All pairs of an epoch. Owns what it needs: about 60 bytes a roster row.
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
        Self { seats, golden: Seats::new(params, seed, listed, golden), open, rehab }
    }

    fn ride(&self, position: u32) -> Option<(&Ring, u32)> {
        let (kind, index) = self.seats.get(position as usize)?.ride?;
        Some((if kind == RingKind::Open { &self.open } else { &self.rehab }, index))
    }

    /// Whether two members share a node key or a domain tag.
    fn related(&self, a: u32, b: u32) -> bool {
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

    /// A member's ring pairs on one side, lowest rounds first.
    fn ring_pairs(&self, position: u32, sends: bool) -> Vec<Pairing> {
        let Some((ring, index)) = self.ride(position) else { return vec![] };
        let mut out = Vec::new();
        let mut met: Vec<u32> = Vec::new();
        for k in 0..ring.rounds() {
            let Some((before, after)) = ring.neighbours(k, index) else { break };
            let other = if sends { after } else { before };
            let partner = ring.riders()[other as usize];
            if !met.contains(&other) && !self.related(position, partner) {
                let (sender, receiver, quota) =
                    if sends { (position, partner, ring.quota(index)) } else { (partner, position, ring.quota(other)) };
                out.push(Pairing { slot: Slot { ring: ring.kind, round: k as u16 }, sender, receiver, spare: k >= quota });
            }
            met.extend([before, after]);
        }
        out
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

    /// The whole deal, sorted by (slot, sender).
    #[must_use]
    pub fn all(&self) -> Vec<Pairing> {
        let mut out = Vec::new();
        for ring in [&self.open, &self.rehab] {
            let mut met: Vec<Vec<u32>> = vec![Vec::with_capacity(2 * ring.rounds() as usize); ring.riders().len()];
            for k in 0..ring.rounds() {
                let layout = ring.layout(k);
                let from = out.len();
                for (place, index) in layout.iter().enumerate() {
                    let next = layout[if place + 1 == layout.len() { 0 } else { place + 1 }];
                    let (sender, receiver) = (ring.riders()[*index as usize], ring.riders()[next as usize]);
                    if !met[*index as usize].contains(&next) && !self.related(sender, receiver) {
                        let slot = Slot { ring: ring.kind, round: k as u16 };
                        out.push(Pairing { slot, sender, receiver, spare: k >= ring.quota(*index) });
                    }
                }
                out[from..].sort_unstable_by_key(|p| p.sender);
                for (place, index) in layout.iter().enumerate() {
                    let next = layout[if place + 1 == layout.len() { 0 } else { place + 1 }];
                    met[*index as usize].push(next);
                    met[next as usize].push(*index);
                }
            }
        }
        out.extend(self.golden_pairs());
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
