//! `summary.json`: what a run was and what came of it.

use super::collect::{Observations, Placement, View, ratio};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// First and last epochs that are compared: one epoch alone could be luck.
pub const COMPARED_EPOCHS: usize = 5;

/// A whole run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// What was asked for.
    pub run: Run,
    /// Versions by program.
    pub versions: BTreeMap<String, String>,
    /// Wall time of the whole run.
    pub wall_seconds: f64,
    /// One row per epoch.
    pub epochs: Vec<EpochRow>,
    /// Sums.
    pub totals: Totals,
    /// Warming mails delivered twice, by the emulator's delivery log.
    pub doubled: u64,
    /// Acts on ordinary mail, by the emulator's IMAP log.
    pub foreign_touched: u64,
    /// Ordinary mails delivered to members.
    pub foreign_delivered: u64,
    /// Newest scores by node.
    pub scores: BTreeMap<String, f64>,
    /// Newest pools by node.
    pub pools: BTreeMap<String, String>,
    /// Scores by record.
    pub score_history: BTreeMap<u32, BTreeMap<String, f64>>,
    /// The bad apple, if there is one.
    pub quarantined: Option<Quarantined>,
    /// Digests of every closed epoch on every program.
    pub digests: Digests,
    /// Placement of the honest members' mail.
    pub honest_inbox: HonestInbox,
    /// Things that happened, in order.
    pub events: Vec<Event>,
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Members.
    pub members: usize,
    /// Golden members.
    pub golden: usize,
    /// Epochs.
    pub epochs: u32,
    /// Length of an epoch.
    pub epoch_ms: u64,
    /// Seed.
    pub seed: u64,
    /// Whether members read, answer and rescue.
    pub engagement: bool,
    /// Whether all of these are the defaults, for which the figures hold.
    pub defaults: bool,
}

/// One epoch, network wide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// Epoch.
    pub epoch: u32,
    /// Pairs left by the conflict rule, golden seats included.
    pub planned: u32,
    /// Introduced.
    pub introduced: u32,
    /// Sent.
    pub sent: u32,
    /// Found by the receiver.
    pub observed: u32,
    /// In the inbox or a tab.
    pub inbox: u32,
    /// In spam.
    pub spam: u32,
    /// Announced, not found.
    pub missing: u32,
    /// Moved out of spam.
    pub rescued: u32,
    /// Answered.
    pub replied: u32,
    /// Both bundles agree; `null` while the epoch is open.
    pub reconciled: Option<u32>,
    /// Slots in the ledger; `null` while the epoch is open.
    pub dealt: Option<u32>,
    /// Played without a record by some program.
    pub degraded: bool,
    /// Share of honest members' mail placed in the inbox by the providers.
    pub honest_inbox_share: Option<f64>,
    /// The same for the bad apple's domain.
    pub bad_inbox_share: Option<f64>,
}

/// Sums over all epochs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Planned.
    pub planned: u32,
    /// Introduced.
    pub introduced: u32,
    /// Sent.
    pub sent: u32,
    /// Found.
    pub observed: u32,
    /// In the inbox or a tab.
    pub inbox: u32,
    /// In spam.
    pub spam: u32,
    /// Not found.
    pub missing: u32,
    /// Rescued.
    pub rescued: u32,
    /// Answered.
    pub replied: u32,
    /// sent / planned.
    pub fill_rate: f64,
    /// Slots dealt in closed epochs.
    pub dealt_closed: u32,
    /// Of these reconciled.
    pub reconciled: u32,
    /// reconciled / dealt, over the closed epochs.
    pub reconciled_share: f64,
    /// Epochs closed.
    pub closed_epochs: u32,
}

/// What became of the bad apple.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Node.
    pub name: String,
    /// Epoch in which its domain was put on the blocklist.
    pub listed_epoch: Option<u32>,
    /// First epoch whose roster leaves it out.
    pub excluded_epoch: Option<u32>,
    /// Its pairs before that.
    pub planned_before: u32,
    /// Its pairs from then on.
    pub planned_after: u32,
    /// Its newest score.
    pub score: Option<f64>,
}

/// Digests of every closed epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// Every program derived every closed epoch, all say the same, and the records say it too.
    pub equal: bool,
    /// Epochs compared.
    pub compared: u32,
    /// Where they differ, or who lacks one.
    pub differences: Vec<String>,
    /// By program, oldest first.
    pub programs: BTreeMap<String, Vec<Digest>>,
}

/// One closed epoch on one program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Record.
    pub record: u32,
    /// Epoch it closes.
    pub closes: u32,
    /// Ledger root.
    pub ledger: String,
    /// Trust.
    pub trust: String,
    /// Scores.
    pub scores: String,
}

/// Share of the honest members' mail that reached the inbox, in the first and last epochs with mail.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HonestInbox {
    /// Share, 0..1.
    pub first5: f64,
    /// Share, 0..1.
    pub last5: f64,
    /// Mails.
    pub mails_first5: u64,
    /// Mails.
    pub mails_last5: u64,
}

/// Something that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Epoch.
    pub epoch: Option<u32>,
    /// What.
    pub text: String,
}

/// Makes the summary of a run from what was seen of it.
pub fn summarise(seen: &Observations, run: &Run, listed: Option<u32>, events: &[Event], wall_seconds: f64) -> Summary {
    let epochs: Vec<EpochRow> = (0..run.epochs).map(|e| row(seen, e)).collect();
    let named = || seen.nodes.iter().enumerate();
    Summary {
        run: run.clone(),
        versions: versions(seen),
        wall_seconds,
        totals: totals(&epochs),
        honest_inbox: honest(seen, &epochs),
        epochs,
        doubled: seen.provider.doubled,
        foreign_touched: seen.provider.foreign_touched,
        foreign_delivered: seen.provider.foreign_delivered,
        scores: named().filter_map(|(i, v)| Some((v.name.clone(), seen.score(i)?))).collect(),
        pools: named().filter_map(|(i, v)| Some((v.name.clone(), seen.pool(i)?.to_owned()))).collect(),
        score_history: seen.score_history(),
        quarantined: quarantined(seen, run, listed),
        digests: digests(seen),
        events: events.to_vec(),
    }
}

/// The row of one epoch.
pub fn row(seen: &Observations, epoch: u32) -> EpochRow {
    let c = seen.epoch(epoch);
    let closed = seen.reconciled(epoch);
    EpochRow {
        epoch,
        planned: c.planned,
        introduced: c.introduced,
        sent: c.sent,
        observed: c.observed,
        inbox: c.inbox + c.tab,
        spam: c.spam,
        missing: c.missing,
        rescued: c.rescued,
        replied: c.replied,
        reconciled: closed.map(|r| r.completed),
        dealt: closed.map(|r| r.dealt),
        degraded: c.degraded,
        honest_inbox_share: seen.honest_placement(epoch).share(),
        bad_inbox_share: seen.bad_placement(epoch).share(),
    }
}

fn totals(epochs: &[EpochRow]) -> Totals {
    let mut sum = Totals::default();
    for row in epochs {
        sum.planned += row.planned;
        sum.introduced += row.introduced;
        sum.sent += row.sent;
        sum.observed += row.observed;
        sum.inbox += row.inbox;
        sum.spam += row.spam;
        sum.missing += row.missing;
        sum.rescued += row.rescued;
        sum.replied += row.replied;
        sum.dealt_closed += row.dealt.unwrap_or(0);
        sum.reconciled += row.reconciled.unwrap_or(0);
        sum.closed_epochs += u32::from(row.dealt.is_some());
    }
    sum.fill_rate = ratio(sum.sent.into(), sum.planned.into());
    sum.reconciled_share = ratio(sum.reconciled.into(), sum.dealt_closed.into());
    sum
}

fn honest(seen: &Observations, epochs: &[EpochRow]) -> HonestInbox {
    // Enrolment mails come before the first pair and say nothing about warming.
    let first_pair = epochs.iter().position(|r| r.planned > 0).unwrap_or(epochs.len());
    let after = epochs.get(first_pair..).unwrap_or_default();
    let with_mail: Vec<Placement> = after.iter().map(|r| seen.honest_placement(r.epoch)).filter(|p| p.total() > 0).collect();
    let sum = |part: &[Placement]| part.iter().fold(Placement::default(), |a, b| a.plus(*b));
    let first = sum(with_mail.get(..COMPARED_EPOCHS).unwrap_or(&with_mail));
    let last = sum(with_mail.get(with_mail.len().saturating_sub(COMPARED_EPOCHS)..).unwrap_or_default());
    HonestInbox {
        first5: first.share().unwrap_or(0.0),
        last5: last.share().unwrap_or(0.0),
        mails_first5: first.total(),
        mails_last5: last.total(),
    }
}

fn quarantined(seen: &Observations, run: &Run, listed: Option<u32>) -> Option<Quarantined> {
    let index = seen.cast.bad?;
    let view = seen.nodes.get(index)?;
    let split = seen.excluded().unwrap_or(run.epochs).min(run.epochs);
    Some(Quarantined {
        name: view.name.clone(),
        listed_epoch: listed,
        excluded_epoch: seen.excluded(),
        planned_before: view.planned(0..split),
        planned_after: view.planned(split..run.epochs),
        score: seen.score(index),
    })
}

fn versions(seen: &Observations) -> BTreeMap<String, String> {
    let mut found = BTreeMap::from([("warmnet-sim".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
    let mut add = |name: &str, view: Option<&View>| {
        if let Some(status) = view.and_then(|v| v.last.as_ref()) {
            found.insert(name.to_owned(), status.version.clone());
        }
    };
    add("warmnet-coordinator", Some(&seen.coordinator));
    add("warmnet-node", seen.nodes.iter().find(|v| v.last.is_some()));
    found
}

fn digests(seen: &Observations) -> Digests {
    let views = || std::iter::once(&seen.coordinator).chain(&seen.nodes);
    let mut out = Digests::default();
    let mut wanted: BTreeMap<u32, Digest> = BTreeMap::new();
    for view in views() {
        let list: Vec<Digest> = view.closed().filter_map(|c| Some(digest(c, c.closes?))).collect();
        for closed in view.closed().filter(|c| c.closes.is_some() && !c.matches_record) {
            out.differences.push(format!("{}: record {} says something else", view.name, closed.record));
        }
        for found in &list {
            let first = wanted.entry(found.record).or_insert_with(|| found.clone());
            if first != found {
                out.differences.push(format!("{}: differs at record {}", view.name, found.record));
            }
        }
        out.programs.insert(view.name.clone(), list);
    }
    for view in views() {
        let has: Vec<u32> = view.closed().map(|c| c.record).collect();
        for record in wanted.keys().filter(|r| !has.contains(r)) {
            out.differences.push(format!("{}: has not derived record {record}", view.name));
        }
    }
    out.compared = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
    out.equal = out.differences.is_empty() && out.compared > 0;
    out
}

fn digest(closed: &super::status::Closed, closes: u32) -> Digest {
    Digest { record: closed.record, closes, ledger: closed.ledger.clone(), trust: closed.trust.clone(), scores: closed.scores.clone() }
}

#[cfg(test)]
mod tests;
