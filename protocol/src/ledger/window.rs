//! The window of closed epochs behind every derived value.

use super::closed::{ClosedEpoch, Played, Tally};
use super::exchange::{Exchange, Packed};
use super::fault::Faults;
use crate::identity::hash;
use crate::ids::{Digest, DomainTag, MemberId, NodeId};
use crate::params::Params;
use crate::time::Epoch;
use crate::wire::bundle::{Bundle, SelfReport};
use crate::wire::roster::{Role, Roster, RosterRow};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// What the window keeps of a member: from its row in the latest closed roster it stood in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowMember {
    /// The member.
    pub member: MemberId,
    /// Its node.
    pub node: NodeId,
    /// Its domain's tag.
    pub tag: DomainTag,
    /// Provider class.
    pub provider: u8,
    /// Role.
    pub role: Role,
    /// Acts its owner allows.
    pub acts: u8,
    /// First epoch in a roster.
    pub joined: Epoch,
}

impl WindowMember {
    fn of(row: &RosterRow) -> Self {
        Self {
            member: row.member,
            node: row.node,
            tag: row.tag,
            provider: row.provider,
            role: row.role,
            acts: row.acts,
            joined: row.joined,
        }
    }
}

/// One closed epoch and how its roster positions and the window's indices map to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    closed: Arc<ClosedEpoch>,
    /// Roster position to window index.
    indices: Arc<Vec<u32>>,
    /// Window index to roster position; [`ABSENT`] for others' members.
    positions: Arc<Vec<u32>>,
}

const ABSENT: u32 = u32::MAX;

/// Up to `Params::window_epochs` closed epochs. Cloning shares what is big.
///
/// 10,000 members with 20 sends a day: 12 bytes an exchange, 10 a tally and 8 of maps an epoch, about 80 MiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    span: u32,
    held: VecDeque<Held>,
    members: Arc<Vec<WindowMember>>,
    faults: Arc<Faults>,
}

impl Window {
    /// An empty window.
    #[must_use]
    pub fn new(params: &Params) -> Self {
        Self { span: params.window_epochs.max(1), held: VecDeque::new(), members: Arc::default(), faults: Arc::default() }
    }

    /// Closes an epoch: reconciles its bundles (one of a member at most), drops what is older than the window, judges bounces. Epochs come in
    /// ascending order; one that is not later than the latest is ignored. `void`: members whose word is as if absent.
    pub fn close(&mut self, params: &Params, played: Played<'_>, bundles: impl IntoIterator<Item = Bundle>, void: &BTreeSet<MemberId>) {
        let (epoch, roster) = (played.epoch, played.roster);
        if self.latest().is_some_and(|l| l.epoch >= epoch) {
            return;
        }
        self.held.retain(|h| h.closed.epoch.0.saturating_add(self.span) > epoch.0);
        let closed = Arc::new(ClosedEpoch::new(params, played, bundles, void));
        self.admit(closed, roster);
        let faults = Faults::judge(params, &self.members, self.raw(0..self.held.len()));
        let voided = self.raw(self.held.len() - 1..self.held.len());
        let voided = voided.filter(|(_, _, x)| x.outcome.bounced() && faults.at_fault[x.receiver as usize]).count() as u32;
        if let Some(closed) = self.held.back_mut().and_then(|h| Arc::get_mut(&mut h.closed)) {
            closed.void = voided;
        }
        self.faults = Arc::new(faults);
    }

    /// Puts an epoch in and renumbers: the members are those of the held rosters, sorted by id.
    fn admit(&mut self, closed: Arc<ClosedEpoch>, roster: &Roster) {
        let mut keep = vec![false; self.members.len()];
        for index in self.held.iter().flat_map(|h| h.indices.iter()) {
            keep[*index as usize] = true;
        }
        let mut old = self.members.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(m, _)| *m).peekable();
        let mut members = Vec::with_capacity(self.members.len().max(roster.len()));
        // Both are sorted by id; a row is newer than what was kept of the same member.
        for row in roster.rows() {
            members.extend(std::iter::from_fn(|| old.next_if(|m| m.member < row.member)));
            old.next_if(|m| m.member == row.member);
            members.push(WindowMember::of(row));
        }
        members.extend(old);
        let renumbered = ranks(&members, self.members.iter().map(|m| m.member));
        let map = |indices: Vec<u32>, closed: Arc<ClosedEpoch>| {
            let mut positions = vec![ABSENT; members.len()];
            for (position, index) in (0u32..).zip(&indices) {
                positions[*index as usize] = position;
            }
            Held { closed, indices: Arc::new(indices), positions: Arc::new(positions) }
        };
        let unchanged = members.len() == self.members.len() && renumbered.iter().enumerate().all(|(i, n)| *n == i as u32);
        if !unchanged {
            for h in &mut self.held {
                *h = map(h.indices.iter().map(|i| renumbered[*i as usize]).collect(), h.closed.clone());
            }
        }
        self.held.push_back(map(ranks(&members, roster.rows().iter().map(|row| row.member)), closed));
        self.members = Arc::new(members);
    }

    /// Exchanges as reconciled, by window indices.
    fn raw(&self, epochs: std::ops::Range<usize>) -> impl Iterator<Item = (Epoch, u32, Exchange)> + '_ {
        self.held.range(epochs).flat_map(|h| (0u32..).zip(&h.closed.exchanges).map(|(n, p)| (h.closed.epoch, n, h.view(*p))))
    }

    /// The latest closed epoch.
    #[must_use]
    pub fn latest(&self) -> Option<&ClosedEpoch> {
        self.held.back().map(|h| h.closed.as_ref())
    }
    /// Epochs that a closed one stays in.
    #[must_use]
    pub fn span(&self) -> u32 {
        self.span
    }
    /// The closed epochs, oldest first.
    pub fn epochs(&self) -> impl DoubleEndedIterator<Item = &ClosedEpoch> + '_ {
        self.held.iter().map(|h| h.closed.as_ref())
    }
    /// Everybody who stood in a held roster, sorted by id; an index of this slice names a member everywhere in the window.
    #[must_use]
    pub fn members(&self) -> &[WindowMember] {
        &self.members
    }
    /// A member's index.
    #[must_use]
    pub fn index(&self, member: &MemberId) -> Option<u32> {
        self.members.binary_search_by_key(member, |m| m.member).ok().map(|i| i as u32)
    }
    /// All exchanges, oldest epoch first, then by sender and slot, with receivers' faults applied.
    pub fn exchanges(&self) -> impl Iterator<Item = (Epoch, Exchange)> + '_ {
        self.raw(0..self.held.len()).map(|(epoch, n, x)| (epoch, Exchange { outcome: self.faults.outcome(epoch, n, &x), ..x }))
    }
    /// One member's sends, oldest epoch first, with receivers' faults applied.
    pub fn sends(&self, index: u32) -> impl Iterator<Item = (Epoch, Exchange)> + '_ {
        self.held.iter().flat_map(move |h| {
            let range = h.position(index).map_or(0..0, |p| h.closed.of_sender(p));
            let epoch = h.closed.epoch;
            range.map(move |n| {
                let x = h.view(h.closed.exchanges[n]);
                (epoch, Exchange { outcome: self.faults.outcome(epoch, n as u32, &x), ..x })
            })
        })
    }
    /// The refusals for now, oldest first, that make a member's exchange of this epoch a hard bounce; none where it is none by them.
    #[must_use]
    pub fn in_row_before(&self, epoch: Epoch, x: &Exchange) -> Vec<(Epoch, Exchange)> {
        let held = |epoch: Epoch| self.held.iter().find(|h| h.closed.epoch == epoch);
        let place = held(epoch).and_then(|h| {
            let mut range = h.closed.of_sender(h.position(x.sender)?);
            range.find(|n| Exchange::from(h.closed.exchanges[*n]).slot == x.slot)
        });
        let before = place.map_or(&[][..], |n| self.faults.before((epoch, n as u32)));
        before.iter().filter_map(|(e, n)| held(*e).map(|h| (*e, h.view(h.closed.exchanges[*n as usize])))).collect()
    }
    /// One member's inbound exchanges, oldest epoch first, with receivers' faults applied. Reads the whole window.
    pub fn receives(&self, index: u32) -> impl Iterator<Item = (Epoch, Exchange)> + '_ {
        self.exchanges().filter(move |(_, x)| x.receiver == index)
    }
    /// Whether a golden mailbox observed an exchange, and still is one by `roster`: one that was taken over is quarantined, and then
    /// its word of before is an ordinary member's.
    #[must_use]
    pub fn observed_by_golden(&self, roster: &Roster, x: &Exchange) -> bool {
        x.golden_weight > 0 && roster.row(&self.members[x.receiver as usize].member).is_some_and(RosterRow::is_golden)
    }
    /// One member's counts per epoch, oldest first; epochs whose roster it wasn't in are left out.
    pub fn tallies(&self, index: u32) -> impl Iterator<Item = (Epoch, Tally)> + '_ {
        self.held.iter().filter_map(move |h| h.position(index).map(|p| (h.closed.epoch, h.closed.tally(p))))
    }
    /// One member's self reports per epoch, oldest first.
    pub fn reports(&self, index: u32) -> impl Iterator<Item = (Epoch, SelfReport)> + '_ {
        self.held.iter().filter_map(move |h| h.position(index).map(|p| (h.closed.epoch, h.closed.report(p))))
    }
    /// Whether a mailbox's bounces are its own fault, and the epoch of its last one.
    #[must_use]
    pub fn bounces(&self, index: u32) -> (bool, Option<Epoch>) {
        let at = index as usize;
        (self.faults.at_fault.get(at) == Some(&true), self.faults.last.get(at).copied().flatten())
    }
    /// Digest over the reconciled exchanges, counts and reports of the window; members are named by id, so windows of equal
    /// content agree whatever came before.
    #[must_use]
    pub fn ledger_digest(&self) -> Digest {
        let mut h = hash::keyed("ledger-window");
        for held in &self.held {
            h.update(&held.closed.epoch.0.to_be_bytes()).update(&held.closed.digest.0);
        }
        Digest(*h.finalize().as_bytes())
    }

    /// What the trust walk goes along: receiver, sender and units of every good exchange, as reconciled, by window index.
    pub fn good(&self) -> impl Iterator<Item = (u32, u32, u8)> + '_ {
        let of = |h: &Held, x: Packed| (h.indices[x.receiver as usize], h.indices[x.sender as usize], x.units());
        self.held.iter().flat_map(move |h| h.closed.exchanges.iter().filter(|x| x.good()).map(move |x| of(h, *x)))
    }
}

/// The place of each of `ids`, which ascend, among the members; [`ABSENT`] for others.
fn ranks(members: &[WindowMember], ids: impl Iterator<Item = MemberId>) -> Vec<u32> {
    let mut members = (0u32..).zip(members).peekable();
    ids.map(|id| {
        while members.next_if(|(_, m)| m.member < id).is_some() {}
        members.peek().filter(|(_, m)| m.member == id).map_or(ABSENT, |(index, _)| *index)
    })
    .collect()
}

impl Held {
    fn position(&self, index: u32) -> Option<u32> {
        self.positions.get(index as usize).copied().filter(|p| *p != ABSENT)
    }
    fn view(&self, p: Packed) -> Exchange {
        let x = Exchange::from(p);
        Exchange { sender: self.indices[x.sender as usize], receiver: self.indices[x.receiver as usize], ..x }
    }
}
