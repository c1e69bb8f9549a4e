//! Whose fault a bounce is. A mailbox that bounces for several senders would otherwise cost all of them (simulated: 5 % dead
//! mailboxes lock everybody).

use super::exchange::{Exchange, Outcome};
use crate::params::Params;
use crate::time::Epoch;
use std::collections::BTreeSet;

/// What the window's bounces say, by window index of the receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// Its bounces are its own fault.
    pub(super) at_fault: Vec<bool>,
    /// Epoch of its last hard bounce, or fifth soft one.
    pub(super) last: Vec<Option<Epoch>>,
    /// Soft bounces that count as hard ones: the fifth in a row at one mailbox, by (epoch, index in the epoch).
    promoted: BTreeSet<(Epoch, u32)>,
}

#[derive(Clone, Copy, Default)]
struct Receiver {
    attempts: u64,
    bounces: u64,
    in_row: u32,
}

impl Faults {
    /// Judges all exchanges of a window of `members`, given in order as (epoch, index in the epoch, exchange).
    pub(super) fn judge(params: &Params, members: usize, exchanges: impl Iterator<Item = (Epoch, u32, Exchange)>) -> Self {
        let mut out = Self { at_fault: vec![false; members], last: vec![None; members], promoted: BTreeSet::new() };
        let mut receivers = vec![Receiver::default(); members];
        let mut senders: BTreeSet<(u32, u32)> = BTreeSet::new();
        for (epoch, index, x) in exchanges {
            let r = &mut receivers[x.receiver as usize];
            if x.outcome.delivered() {
                r.attempts += 1;
                r.in_row = 0;
                continue;
            }
            if !x.outcome.bounced() {
                continue;
            }
            r.attempts += 1;
            if x.outcome == Outcome::SoftBounce {
                r.in_row += 1;
                if r.in_row < params.soft_in_row {
                    continue;
                }
                out.promoted.insert((epoch, index));
            }
            r.in_row = 0;
            r.bounces += 1;
            senders.insert((x.receiver, x.sender));
            out.last[x.receiver as usize] = Some(epoch);
        }
        for (index, r) in (0u32..).zip(&receivers) {
            let distinct = || senders.range((index, 0)..=(index, u32::MAX)).count() as u64;
            let share = r.bounces * 1_000 >= u64::from(params.dead_permille) * r.attempts;
            out.at_fault[index as usize] = r.bounces > 0 && share && distinct() >= u64::from(params.dead_senders);
        }
        out
    }

    /// The outcome that counts.
    pub(super) fn outcome(&self, epoch: Epoch, index: u32, x: &Exchange) -> Outcome {
        if !x.outcome.bounced() {
            return x.outcome;
        }
        if self.at_fault.get(x.receiver as usize) == Some(&true) {
            return Outcome::Void;
        }
        if self.promoted.contains(&(epoch, index)) { Outcome::HardBounce } else { x.outcome }
    }
}
