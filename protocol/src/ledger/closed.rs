//! One closed epoch.

use super::exchange::{Exchange, Outcome, Packed};
use super::reconcile::reconcile_said;
use super::words::Words;
use crate::exchange::deadlines;
use crate::identity::hash;
use crate::ids::{Digest, ExchangeId, MemberId, NetworkId};
use crate::matching::{Deal, Pairing, RingKind};
use crate::params::Params;
use crate::time::Epoch;
use crate::wire::bundle::{Bundle, SelfReport};
use crate::wire::roster::{Pool, Roster};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One member's counts in one epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Slots dealt to it as a sender: ring pairs up to its quota, and golden seats.
    pub dealt: u16,
    /// ... of which completed.
    pub completed: u16,
    /// Slots dealt to it as a receiver, in golden weights; at least what it received.
    pub dealt_in: u16,
    /// Mails it observed.
    pub seen_in: u16,
    /// Replies it owed: of what it observed, what the exchange's public draw wants answered.
    pub owed_in: u16,
    /// ... of which it gave.
    pub replied_in: u16,
}

/// How an epoch was played.
#[derive(Clone, Copy)]
pub struct Played<'a> {
    /// The epoch.
    pub epoch: Epoch,
    /// Who played.
    pub roster: &'a Roster,
    /// Who was to mail whom.
    pub deal: &'a Deal,
    /// The network, part of every exchange's id.
    pub network: &'a NetworkId,
    /// The parameters it was played by, which say how many exchanges owe a reply.
    pub params: &'a Params,
}

/// Network-wide counts of one closed epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochSummary {
    /// The epoch.
    pub epoch: Epoch,
    /// Slots dealt: ring pairs up to each sender's quota, and golden seats.
    pub dealt: u32,
    /// Delivered to inbox or tab.
    pub delivered_inbox: u32,
    /// Delivered to spam.
    pub delivered_spam: u32,
    /// Sent and never seen.
    pub unknown: u32,
    /// Bounced, hard or soft, by the sender's fault.
    pub bounced: u32,
    /// Contradicted, or bounced by the receiver's fault.
    pub void: u32,
    /// Completed by the sender.
    pub completed: u32,
}

/// What one epoch's bundles say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedEpoch {
    /// The epoch.
    pub epoch: Epoch,
    /// Sorted by (sender, slot); members as roster positions.
    pub(super) exchanges: Vec<Packed>,
    /// By roster position.
    pub(super) tallies: Vec<Tally>,
    /// Self reports that say something, by roster position.
    pub(super) reports: Vec<(u32, SelfReport)>,
    /// Over everything above, members named by id.
    pub(super) digest: Digest,
    /// Bounces that were the receiver's fault when the epoch was closed.
    pub(super) void: u32,
}

impl Played<'_> {
    /// Whether a pair's mail wants an answer: the draw that both sides plan by.
    fn owes(&self, pair: &Pairing) -> bool {
        let (Some(from), Some(to)) = (self.roster.at(pair.sender), self.roster.at(pair.receiver)) else { return false };
        let exchange = ExchangeId::derive(self.network, self.epoch, pair.slot, &from.member, &to.member);
        deadlines::replies_owed(self.params, &exchange) > 0
    }
}

fn count(n: u16, more: u64) -> u16 {
    u16::try_from(u64::from(n) + more).unwrap_or(u16::MAX)
}

impl ClosedEpoch {
    /// Reconciles all bundles of an epoch. Bundles of another epoch or of a member in `void` are as if absent.
    pub(super) fn new(params: &Params, played: Played<'_>, bundles: impl IntoIterator<Item = Bundle>, void: &BTreeSet<MemberId>) -> Self {
        let Played { epoch, roster, deal, .. } = played;
        let rounds = deal.rounds();
        let words = Words::gather(epoch, roster, deal, &rounds, bundles, void);
        let mut tallies = vec![Tally::default(); roster.len()];
        // What was dealt to each receiver by rings, and what arrived or bounced there.
        let mut inbound = vec![(0u32, 0u32); roster.len()];
        let mut exchanges: Vec<Packed> = Vec::with_capacity(deal.slots());
        deal.each_sender(&rounds, |sender, pairs| {
            let Some(from) = roster.at(sender) else { return };
            let newcomer = epoch.0.saturating_sub(from.joined.0) < params.newcomer_epochs || from.pool == Pool::Rehab;
            let seat_weight = if newcomer { params.golden_newcomer_weight } else { 1 }.min(7) as u8;
            let quota = deal.quota(sender);
            let rider = deal.rides(sender).map_or(0, |(_, rider)| rider);
            let (mut index, mut used) = (0, 0);
            for pair in pairs {
                let (mine, theirs) = words.of(pair, rider);
                let said = reconcile_said(mine, theirs);
                let golden = pair.slot.ring == RingKind::Golden;
                let golden_weight = if golden { seat_weight } else { 0 };
                let nothing = said.outcome == Outcome::NoShow;
                if golden {
                    tallies[pair.receiver as usize].dealt_in = count(tallies[pair.receiver as usize].dealt_in, u64::from(golden_weight));
                } else {
                    index += 1;
                    inbound[pair.receiver as usize].0 += 1;
                    if (nothing && index > quota) || used >= quota {
                        continue;
                    }
                    used += u32::from(!nothing);
                    inbound[pair.receiver as usize].1 += u32::from(!nothing);
                }
                let mine = &mut tallies[sender as usize];
                mine.dealt = count(mine.dealt, u64::from(golden));
                mine.completed = count(mine.completed, u64::from(said.completed));
                // Words that are not the exchange's are complained of and left untouched: nobody owes them an answer.
                let owed = said.outcome.delivered() && !said.complaint && played.owes(pair);
                let theirs = &mut tallies[pair.receiver as usize];
                theirs.seen_in = count(theirs.seen_in, u64::from(said.outcome.delivered()));
                theirs.owed_in = count(theirs.owed_in, u64::from(owed));
                theirs.replied_in = count(theirs.replied_in, u64::from(owed && said.replied));
                let exchange = Exchange {
                    sender,
                    receiver: pair.receiver,
                    slot: pair.slot,
                    outcome: said.outcome,
                    completed: said.completed,
                    auth: said.auth,
                    read: said.read,
                    owed,
                    replied: said.replied,
                    rescued: said.rescued,
                    complaint: said.complaint,
                    golden_weight,
                };
                exchanges.push(exchange.into());
            }
            let mine = &mut tallies[sender as usize];
            mine.dealt = count(mine.dealt, u64::from(quota.min(index)));
            mine.completed = mine.completed.min(mine.dealt);
        });
        for (position, (dealt, received)) in (0u32..).zip(inbound) {
            let theirs = &mut tallies[position as usize];
            theirs.dealt_in = count(theirs.dealt_in, u64::from(deal.quota(position).min(dealt).max(received)));
        }
        exchanges.shrink_to_fit();
        let reports = words.reports;
        let digest = digest(epoch, roster, &exchanges, &tallies, &reports);
        Self { epoch, exchanges, tallies, reports, digest, void: 0 }
    }

    /// All exchanges, sorted by (sender, slot), by roster positions of this epoch, with the outcome as reconciled: faults of
    /// receivers are not applied ([`super::Window::exchanges`] applies them).
    pub fn exchanges(&self) -> impl ExactSizeIterator<Item = Exchange> + '_ {
        self.exchanges.iter().map(|p| Exchange::from(*p))
    }
    /// A member's counts, by roster position of this epoch.
    #[must_use]
    pub fn tally(&self, position: u32) -> Tally {
        self.tallies.get(position as usize).copied().unwrap_or_default()
    }
    /// A member's self report.
    #[must_use]
    pub fn report(&self, position: u32) -> SelfReport {
        let found = self.reports.binary_search_by_key(&position, |(p, _)| *p);
        found.map(|i| self.reports[i].1).unwrap_or_default()
    }
    /// One sender's exchanges as a range of [`ClosedEpoch::exchanges`].
    pub(super) fn of_sender(&self, position: u32) -> std::ops::Range<usize> {
        let from = self.exchanges.partition_point(|x| x.sender < position);
        from..from + self.exchanges[from..].partition_point(|x| x.sender == position)
    }
    /// Network-wide counts.
    #[must_use]
    pub fn summary(&self) -> EpochSummary {
        let mut out = EpochSummary {
            epoch: self.epoch,
            dealt: 0,
            delivered_inbox: 0,
            delivered_spam: 0,
            unknown: 0,
            bounced: 0,
            void: 0,
            completed: 0,
        };
        for x in &self.exchanges {
            match x.outcome() {
                Outcome::DeliveredInbox => out.delivered_inbox += 1,
                Outcome::DeliveredSpam => out.delivered_spam += 1,
                Outcome::Unknown => out.unknown += 1,
                Outcome::HardBounce | Outcome::SoftBounce => out.bounced += 1,
                Outcome::Contradiction | Outcome::Void => out.void += 1,
                Outcome::NoShow => {}
            }
        }
        out.bounced -= self.void;
        out.void += self.void;
        for t in &self.tallies {
            out.dealt += u32::from(t.dealt);
            out.completed += u32::from(t.completed);
        }
        out
    }
}

/// Exchanges hashed at once. BLAKE3 takes blocks side by side from long inputs only.
const DIGEST_RUN: usize = 1_024;

fn digest(epoch: Epoch, roster: &Roster, exchanges: &[Packed], tallies: &[Tally], reports: &[(u32, SelfReport)]) -> Digest {
    let mut h = hash::keyed("ledger-epoch");
    let id = |position: u32| roster.at(position).map_or([0; 32], |r| r.member.0);
    h.update(&epoch.0.to_be_bytes()).update(&(exchanges.len() as u64).to_be_bytes());
    // Apart from the rows: side by side they stay in the processor's cache.
    let ids: Vec<MemberId> = roster.rows().iter().map(|row| row.member).collect();
    let mut buffer = Vec::with_capacity(DIGEST_RUN * 68);
    for run in exchanges.chunks(DIGEST_RUN) {
        buffer.clear();
        for x in run {
            buffer.extend_from_slice(&ids[x.sender as usize].0);
            buffer.extend_from_slice(&ids[x.receiver as usize].0);
            buffer.extend_from_slice(&x.tail());
        }
        h.update(&buffer);
    }
    for (position, t) in (0u32..).zip(tallies) {
        h.update(&id(position));
        for n in [t.dealt, t.completed, t.dealt_in, t.seen_in, t.owed_in, t.replied_in] {
            h.update(&n.to_be_bytes());
        }
    }
    for (position, r) in reports {
        h.update(&id(*position));
        for n in [r.sent, r.hard, r.soft, r.complaints, r.replies] {
            h.update(&n.to_be_bytes());
        }
    }
    Digest(*h.finalize().as_bytes())
}
