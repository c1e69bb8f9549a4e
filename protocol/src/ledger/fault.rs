//! Whose fault a bounce is. A mailbox that bounces for several senders would otherwise cost all of them (simulated: 5 % dead
//! mailboxes lock everybody). Several senders are those of several domains and several nodes: one person's words are one.

use super::WindowMember;
use super::exchange::{Exchange, Outcome};
use crate::ids::{DomainTag, NodeId};
use crate::params::Params;
use crate::time::Epoch;
use std::collections::{BTreeMap, BTreeSet};

/// What the window's bounces say, by window index of the receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// Its bounces are its own fault.
    pub(super) at_fault: Vec<bool>,
    /// Epoch of its last hard bounce, or fifth soft one.
    pub(super) last: Vec<Option<Epoch>>,
    /// Soft bounces that count as hard ones, the fifth in a row at one mailbox, with those before it in the row. Each by (epoch,
    /// index in the epoch).
    promoted: BTreeMap<Place, Vec<Place>>,
}

/// Epoch, and index in it.
pub(super) type Place = (Epoch, u32);

#[derive(Clone, Default)]
struct Receiver {
    attempts: u64,
    bounces: u64,
    in_row: Vec<Place>,
}

/// How many independent senders there are at most: distinct domains, or nodes where those are fewer.
fn distinct<'a>(senders: impl Iterator<Item = &'a WindowMember>) -> usize {
    let (tags, nodes): (BTreeSet<DomainTag>, BTreeSet<NodeId>) = senders.map(|m| (m.tag, m.node)).unzip();
    tags.len().min(nodes.len())
}

impl Faults {
    /// Judges all exchanges of a window of `members`, given in order as (epoch, index in the epoch, exchange).
    pub(super) fn judge(params: &Params, members: &[WindowMember], exchanges: impl Iterator<Item = (Epoch, u32, Exchange)>) -> Self {
        let n = members.len();
        let mut out = Self { at_fault: vec![false; n], last: vec![None; n], promoted: BTreeMap::new() };
        let mut receivers = vec![Receiver::default(); n];
        let mut senders: BTreeSet<(u32, u32)> = BTreeSet::new();
        for (epoch, index, x) in exchanges {
            let r = &mut receivers[x.receiver as usize];
            if x.outcome.delivered() {
                r.attempts += 1;
                r.in_row.clear();
                continue;
            }
            if !x.outcome.bounced() {
                continue;
            }
            r.attempts += 1;
            if x.outcome == Outcome::SoftBounce {
                if (r.in_row.len() as u64) + 1 < u64::from(params.soft_in_row) {
                    r.in_row.push((epoch, index));
                    continue;
                }
                out.promoted.insert((epoch, index), std::mem::take(&mut r.in_row));
            }
            r.in_row.clear();
            r.bounces += 1;
            senders.insert((x.receiver, x.sender));
            out.last[x.receiver as usize] = Some(epoch);
        }
        for (index, r) in (0u32..).zip(&receivers) {
            let of = || senders.range((index, 0)..=(index, u32::MAX)).map(|(_, sender)| &members[*sender as usize]);
            let share = r.bounces * 1_000 >= u64::from(params.dead_permille) * r.attempts;
            let several = || distinct(of()) >= params.dead_senders as usize;
            out.at_fault[index as usize] = r.bounces > 0 && share && several();
        }
        out
    }

    /// The soft bounces in a row before one that counts as hard; none before others.
    pub(super) fn before(&self, place: Place) -> &[Place] {
        self.promoted.get(&place).map_or(&[], Vec::as_slice)
    }

    /// The outcome that counts.
    pub(super) fn outcome(&self, epoch: Epoch, index: u32, x: &Exchange) -> Outcome {
        if !x.outcome.bounced() {
            return x.outcome;
        }
        if self.at_fault.get(x.receiver as usize) == Some(&true) {
            return Outcome::Void;
        }
        if self.promoted.contains_key(&(epoch, index)) { Outcome::HardBounce } else { x.outcome }
    }
}
