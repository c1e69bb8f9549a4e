//! What all members said of one epoch's slots, laid out so that both words on a dealt pair lie side by side.
//!
//! A bundle holds all rounds of one member, a pair is one round of two. Looked up pair by pair every receiver's word would be a
//! walk through all bundles' memory; so words are laid out by round, and each round's are then handed from receivers to senders.

use super::reconcile::Said;
use crate::ids::MemberId;
use crate::matching::{Deal, Pairing, RingKind, Rounds, Slot};
use crate::time::Epoch;
use crate::wire::bundle::{Bundle, SelfReport, Word};
use crate::wire::roster::Roster;
use std::collections::BTreeSet;

/// Words on one ring's slots, by round and rider index. About 24 bytes a rider and round.
struct Ring {
    sent: Vec<Vec<Option<Said>>>,
    seen: Vec<Vec<Option<Said>>>,
}

impl Ring {
    fn empty(rounds: &[Vec<(u32, u32)>]) -> Self {
        let empty = || rounds.iter().map(|round| vec![None; round.len()]).collect();
        Self { sent: empty(), seen: empty() }
    }

    /// Hands what was seen from each receiver to its sender.
    fn hand_over(&mut self, rounds: &[Vec<(u32, u32)>]) {
        for (seen, round) in self.seen.iter_mut().zip(rounds) {
            *seen = round.iter().map(|(_, after)| seen[*after as usize]).collect();
        }
    }
}

/// Words on one epoch's slots.
pub(super) struct Words {
    open: Ring,
    rehab: Ring,
    /// On golden seats: sorted by (position, seat, whether it is the receiver's).
    golden: Vec<((u32, Slot, bool), Said)>,
    /// Self reports that say something, by roster position.
    pub(super) reports: Vec<(u32, SelfReport)>,
}

impl Words {
    /// Takes bundles apart, one of a member at most. Left out: bundles of another epoch, of a member in `void` or outside the
    /// roster, and entries on slots that are not of its member's ring.
    pub(super) fn gather(
        epoch: Epoch,
        roster: &Roster,
        deal: &Deal,
        rounds: &Rounds,
        bundles: impl IntoIterator<Item = Bundle>,
        void: &BTreeSet<MemberId>,
    ) -> Self {
        let (open, rehab) = (rounds.of(RingKind::Open), rounds.of(RingKind::Rehab));
        let mut out = Self { open: Ring::empty(open), rehab: Ring::empty(rehab), golden: vec![], reports: vec![] };
        for bundle in bundles.into_iter().filter(|b| b.epoch == epoch && !void.contains(&b.member)) {
            if let Some(position) = roster.position(&bundle.member) {
                out.take(position, deal.rides(position), &bundle);
            }
        }
        out.open.hand_over(open);
        out.rehab.hand_over(rehab);
        out.golden.sort_unstable_by_key(|(at, _)| *at);
        out.reports.sort_unstable_by_key(|(position, _)| *position);
        out
    }

    fn take(&mut self, position: u32, ride: Option<(RingKind, u32)>, bundle: &Bundle) {
        if bundle.report != SelfReport::default() {
            self.reports.push((position, bundle.report));
        }
        for entry in &bundle.entries {
            let receives = matches!(entry.word, Word::Receiver(_));
            let ring = match entry.slot.ring {
                RingKind::Golden => {
                    self.golden.push(((position, entry.slot, receives), entry.said()));
                    continue;
                }
                RingKind::Open => &mut self.open,
                RingKind::Rehab => &mut self.rehab,
            };
            let words = if receives { &mut ring.seen } else { &mut ring.sent };
            if let Some((kind, index)) = ride
                && kind == entry.slot.ring
                && let Some(place) = words.get_mut(usize::from(entry.slot.round)).and_then(|round| round.get_mut(index as usize))
            {
                *place = Some(entry.said());
            }
        }
    }

    /// The sender's and the receiver's word on a dealt pair; `index` is the sender's on its ring.
    pub(super) fn of(&self, pair: &Pairing, index: u32) -> (Option<Said>, Option<Said>) {
        let ring = match pair.slot.ring {
            RingKind::Golden => {
                let seat = |at| self.golden.binary_search_by_key(&at, |(at, _)| *at).ok().map(|i| self.golden[i].1);
                return (seat((pair.sender, pair.slot, false)), seat((pair.receiver, pair.slot, true)));
            }
            RingKind::Open => &self.open,
            RingKind::Rehab => &self.rehab,
        };
        let (round, index) = (usize::from(pair.slot.round), index as usize);
        (ring.sent[round][index], ring.seen[round][index])
    }
}
