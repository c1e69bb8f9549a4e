//! Keeps the newest figures of every program of a network, and adds them up. Pure: answers go in, figures come out.

use super::status::{Closed, EpochCounts, ProviderStats, Reconciled, Status};
use std::collections::BTreeMap;

/// One program: the coordinator or a node.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Short name, such as `m03`.
    pub name: String,
    /// Newest answer.
    pub last: Option<Status>,
    epochs: BTreeMap<u32, EpochCounts>,
    closed: BTreeMap<u32, Closed>,
}

impl View {
    /// Hex id of its first member, once known.
    pub fn member(&self) -> Option<&str> {
        self.last.as_ref()?.members.first().map(|m| m.member.as_str())
    }
    /// Whether its first member was admitted.
    pub fn enrolled(&self) -> bool {
        let state = self.last.as_ref().and_then(|s| s.members.first()).map(|m| m.state.as_str());
        matches!(state, Some("waiting" | "active" | "quarantined"))
    }
    /// Newest record it derived.
    pub fn derived(&self) -> Option<u32> {
        self.closed.keys().next_back().copied()
    }
    /// Digests by record, oldest first.
    pub fn closed(&self) -> impl Iterator<Item = &Closed> {
        self.closed.values()
    }
    /// Pairs planned for its members in `epochs`.
    pub fn planned(&self, epochs: std::ops::Range<u32>) -> u32 {
        self.epochs.iter().filter(|(e, _)| epochs.contains(*e)).map(|(_, c)| c.planned).sum()
    }
}

/// Inbox and spam counts of mail of some senders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Inbox or tab.
    pub inbox: u64,
    /// Spam.
    pub spam: u64,
}

impl Placement {
    /// Both together.
    pub fn total(self) -> u64 {
        self.inbox + self.spam
    }
    /// Share of the inbox, 0..1; `None` without mail.
    pub fn share(self) -> Option<f64> {
        (self.total() > 0).then(|| ratio(self.inbox, self.total()))
    }
    fn minus(self, before: Self) -> Self {
        Self { inbox: self.inbox.saturating_sub(before.inbox), spam: self.spam.saturating_sub(before.spam) }
    }
    /// Sum of two.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { inbox: self.inbox + other.inbox, spam: self.spam + other.spam }
    }
}

/// `part / whole`, 0 when the whole is 0.
#[allow(clippy::cast_precision_loss, reason = "counts of one run stay far below 2^52")]
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Who is who.
#[derive(Clone, Debug, Default)]
pub struct Cast {
    /// Names of the nodes, in order.
    pub nodes: Vec<String>,
    /// Their domains, in the same order.
    pub domains: Vec<String>,
    /// Index of the bad apple; `None` when there is none.
    pub bad: Option<usize>,
}

/// Everything seen so far.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    /// Who is who.
    pub cast: Cast,
    /// The coordinator.
    pub coordinator: View,
    /// The nodes, as in the cast.
    pub nodes: Vec<View>,
    /// Newest figures of the emulator.
    pub provider: ProviderStats,
    reconciled: BTreeMap<u32, Reconciled>,
    scores: BTreeMap<u32, BTreeMap<String, f64>>,
    pools: BTreeMap<String, String>,
    before: BTreeMap<String, Placement>,
    placement: BTreeMap<u32, BTreeMap<String, Placement>>,
    quarantined: BTreeMap<String, u32>,
}

impl Observations {
    /// Nothing seen yet.
    pub fn new(cast: Cast) -> Self {
        let view = |name: &str| View { name: name.to_owned(), ..View::default() };
        Self { coordinator: view("coordinator"), nodes: cast.nodes.iter().map(|n| view(n)).collect(), cast, ..Self::default() }
    }

    /// Takes the coordinator's answer.
    pub fn coordinator_said(&mut self, status: Status) {
        self.network(&status);
        take(&mut self.coordinator, status);
    }

    /// Takes a node's answer.
    pub fn node_said(&mut self, index: usize, status: Status) {
        self.network(&status);
        if let Some(view) = self.nodes.get_mut(index) {
            take(view, status);
        }
    }

    fn network(&mut self, status: &Status) {
        for row in &status.reconciled {
            self.reconciled.insert(row.epoch, row.clone());
        }
        let Some(record) = status.closed.last().map(|c| c.record).or(status.record_epoch) else { return };
        if status.network_scores.is_empty() {
            return;
        }
        let known = self.scores.last_key_value().map(|(r, _)| *r);
        let table = status.network_scores.iter().map(|s| (s.member.clone(), s.score)).collect();
        self.scores.insert(record, table);
        if known.is_none_or(|k| record >= k) {
            self.pools = status.network_scores.iter().map(|s| (s.member.clone(), s.pool.clone())).collect();
        }
        for row in status.network_scores.iter().filter(|s| s.pool == "quarantined") {
            let first = self.quarantined.entry(row.member.clone()).or_insert(record);
            *first = record.min(*first);
        }
    }

    /// Takes the emulator's figures at the end of `epoch`: what is new since the last call belongs to it.
    pub fn provider_said(&mut self, epoch: Option<u32>, stats: ProviderStats) {
        if let Some(epoch) = epoch {
            for row in &stats.by_domain {
                let now = Placement { inbox: row.inbox, spam: row.spam };
                let before = self.before.insert(row.domain.clone(), now).unwrap_or_default();
                let sum = self.placement.entry(epoch).or_default().entry(row.domain.clone()).or_default();
                *sum = sum.plus(now.minus(before));
            }
        }
        self.provider = stats;
    }

    /// First record whose roster has the bad apple in quarantine.
    pub fn excluded(&self) -> Option<u32> {
        self.quarantined.get(self.nodes.get(self.cast.bad?)?.member()?).copied()
    }

    /// Network-wide counts of one epoch.
    pub fn epoch(&self, epoch: u32) -> EpochCounts {
        let mut sum = EpochCounts { epoch, ..EpochCounts::default() };
        for counts in std::iter::once(&self.coordinator).chain(&self.nodes).filter_map(|v| v.epochs.get(&epoch)) {
            sum.planned += counts.planned;
            sum.introduced += counts.introduced;
            sum.sent += counts.sent;
            sum.refused += counts.refused;
            sum.no_show += counts.no_show;
            sum.observed += counts.observed;
            sum.inbox += counts.inbox;
            sum.tab += counts.tab;
            sum.spam += counts.spam;
            sum.missing += counts.missing;
            sum.rescued += counts.rescued;
            sum.read += counts.read;
            sum.replied += counts.replied;
            sum.degraded |= counts.degraded;
        }
        sum
    }

    /// What the ledger says of a closed epoch.
    pub fn reconciled(&self, epoch: u32) -> Option<&Reconciled> {
        self.reconciled.get(&epoch)
    }

    /// Mail of the honest members' domains, as the providers placed it in this epoch.
    pub fn honest_placement(&self, epoch: u32) -> Placement {
        self.sum_placement(epoch, |i| Some(i) != self.cast.bad)
    }
    /// The same of the bad apple's domain, its owner's own mail included.
    pub fn bad_placement(&self, epoch: u32) -> Placement {
        self.sum_placement(epoch, |i| Some(i) == self.cast.bad)
    }
    fn sum_placement(&self, epoch: u32, wanted: impl Fn(usize) -> bool) -> Placement {
        let Some(row) = self.placement.get(&epoch) else { return Placement::default() };
        let chosen = self.cast.domains.iter().enumerate().filter(|(i, _)| wanted(*i));
        chosen.filter_map(|(_, d)| row.get(d)).fold(Placement::default(), |a, b| a.plus(*b))
    }

    /// Nodes whose member was admitted.
    pub fn enrolled(&self) -> usize {
        self.nodes.iter().filter(|v| v.enrolled()).count()
    }

    /// Newest score of node `index`'s member.
    pub fn score(&self, index: usize) -> Option<f64> {
        let member = self.nodes.get(index)?.member()?;
        self.scores.values().next_back()?.get(member).copied()
    }
    /// Newest pool of node `index`'s member.
    pub fn pool(&self, index: usize) -> Option<&str> {
        let member = self.nodes.get(index)?.member()?;
        self.pools.get(member).map(String::as_str)
    }
    /// Mean of the honest members' newest scores.
    pub fn mean_score(&self) -> Option<f64> {
        let honest: Vec<f64> = (0..self.nodes.len()).filter(|i| Some(*i) != self.cast.bad).filter_map(|i| self.score(i)).collect();
        #[allow(clippy::cast_precision_loss, reason = "a few hundred nodes at most")]
        let n = honest.len() as f64;
        (n > 0.0).then(|| honest.iter().sum::<f64>() / n)
    }
    /// Scores by record: node name to score.
    pub fn score_history(&self) -> BTreeMap<u32, BTreeMap<String, f64>> {
        let named = |table: &BTreeMap<String, f64>| {
            let score = |v: &View| Some((v.name.clone(), *table.get(v.member()?)?));
            self.nodes.iter().filter_map(score).collect()
        };
        self.scores.iter().map(|(record, table)| (*record, named(table))).collect()
    }

    /// Whether the coordinator and every node derived record `epoch`.
    pub fn all_derived(&self, epoch: u32) -> bool {
        self.nodes.iter().chain(std::iter::once(&self.coordinator)).all(|v| v.derived().is_some_and(|d| d >= epoch))
    }
}

fn take(view: &mut View, status: Status) {
    for counts in &status.epochs {
        let slot = view.epochs.entry(counts.epoch).or_default();
        // A restarted node may have forgotten an epoch: what it had told stays.
        if counts.planned >= slot.planned {
            *slot = counts.clone();
        }
    }
    for closed in &status.closed {
        view.closed.insert(closed.record, closed.clone());
    }
    view.last = Some(status);
}

#[cfg(test)]
mod tests;
