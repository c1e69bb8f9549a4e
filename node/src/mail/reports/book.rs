//! One mailbox's figures of reports, and the memory by which each report, and each mail it is about, counts once.

use super::judge::Owner;
use super::origin::Origin;
use super::original::Original;
use super::soft::SoftRuns;
use super::{AggregateSums, Complaint, DeliveryReport, Fate, Report};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use warmnet_protocol::identity::hash;
use warmnet_protocol::ids::{ExchangeId, MemberId};
use warmnet_protocol::wire::bundle::SelfReport;
use warmnet_protocol::wire::codec;

/// Counted things remembered. A folder that was renumbered is looked at again for 200 mails, so this is plenty.
const MAX_SEEN: usize = 4_096;
/// Doubted reports remembered, apart, so that a flood of forged ones pushes nothing out that counted.
const MAX_DOUBTED: usize = 256;
/// A mail may have been on its way, or clocks differ, when the node first saw the mailbox.
const SLACK_MS: i64 = 3_600_000;
/// Bytes of a stored book: two full memories of 16 bytes an item, runs and figures.
const MAX_BYTES: usize = 256 * 1024;
/// First byte of a stored book.
const VERSION: u8 = 1;

type Key = [u8; 16];

fn key(purpose: &str, parts: &[&[u8]]) -> Key {
    let mut h = hash::keyed("report-seen");
    for part in [purpose.as_bytes()].iter().chain(parts) {
        h.update(&(part.len() as u64).to_be_bytes()).update(part);
    }
    let mut out = [0; 16];
    out.copy_from_slice(&h.finalize().as_bytes()[..16]);
    out
}

/// Mails that did not arrive or were complained of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Hard bounces, every fifth soft one in a row among them.
    pub hard: u32,
    /// Other soft bounces.
    pub soft: u32,
    /// Complaints.
    pub complaints: u32,
}

/// A mailbox's sums since the node first watched it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Of warming mail, proven by its label.
    pub warming: Loss,
    /// Of the owner's other mail.
    pub external: Loss,
    /// Reports that were not believed.
    pub doubted: u32,
    /// DMARC aggregate reports about the owner's domain.
    pub aggregates: u32,
    /// Mails in them that passed DMARC.
    pub passed: u64,
    /// Mails in them that did not.
    pub failed: u64,
}

/// A label that the engine found to be this node's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The exchange.
    pub exchange: ExchangeId,
    /// The mail's turn in it.
    pub turn: u8,
    /// Its addressee.
    pub partner: MemberId,
}

/// What a report changed beyond the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// A warming mail bounced.
    Bounced {
        /// The exchange.
        exchange: ExchangeId,
        /// The mail's turn.
        turn: u8,
        /// Hard or soft.
        hard: bool,
    },
    /// For the self report of the owner's external mail.
    External(SelfReport),
}

/// Things remembered, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Memory(VecDeque<Key>);

impl Memory {
    fn has(&self, key: &Key) -> bool {
        self.0.contains(key)
    }
    /// Whether it is new.
    fn add(&mut self, key: Key, most: usize) -> bool {
        if self.has(&key) {
            return false;
        }
        if self.0.len() >= most {
            self.0.pop_front();
        }
        self.0.push_back(key);
        true
    }
}

/// One mailbox's book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    since_ms: i64,
    seen: Memory,
    doubted: Memory,
    soft: SoftRuns,
    figures: Figures,
}

/// A report as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// What it says.
    pub report: Report,
    /// Who says it.
    pub origin: Origin,
    /// Hash of its Message-ID, or of the whole mail where it has none.
    pub id: [u8; 16],
    /// When the server took it, in ms since 1970.
    pub at_ms: Option<i64>,
}

impl Arrived {
    /// The id of a raw report.
    #[must_use]
    pub fn id(message_id: Option<&str>, raw: &[u8]) -> [u8; 16] {
        key("mail", &[message_id.map_or(raw, str::as_bytes)])
    }
}

impl Book {
    /// An empty book; reports from before `now_ms` don't count.
    #[must_use]
    pub fn new(now_ms: i64) -> Self {
        Self {
            since_ms: now_ms,
            seen: Memory::default(),
            doubted: Memory::default(),
            soft: SoftRuns::default(),
            figures: Figures::default(),
        }
    }

    /// The sums.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.figures
    }

    /// For the store.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&[VERSION][..], &codec::encode(self)].concat()
    }

    /// From the store; `None` when the bytes are no book.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (VERSION, rest) = bytes.split_first().map(|(v, r)| (*v, r))? else { return None };
        codec::decode(rest, MAX_BYTES).ok()
    }

    /// Takes a report in. `verify` tells whether a returned label is this node's own for that Message-ID. Returns what else must
    /// change; whether the book itself changed is for the caller to compare.
    pub fn take(&mut self, now_ms: i64, arrived: &Arrived, owner: &Owner, verify: impl Fn(&Original) -> Option<Verified>) -> Vec<Counted> {
        let old = arrived.at_ms.is_some_and(|at| at < self.since_ms.saturating_sub(SLACK_MS));
        if old || self.seen.has(&arrived.id) || self.doubted.has(&arrived.id) {
            return vec![];
        }
        let taken = match &arrived.report {
            Report::Delivery(report) => self.delivery(now_ms, report, &arrived.origin, owner, verify),
            Report::Complaint(complaint) => self.complaint(complaint, &arrived.origin, owner, verify),
            Report::Aggregate(sums) => self.aggregate(sums, &arrived.origin, owner),
        };
        match taken {
            Some(counted) => {
                self.seen.add(arrived.id, MAX_SEEN);
                counted
            }
            None => {
                self.doubted.add(arrived.id, MAX_DOUBTED);
                self.figures.doubted = self.figures.doubted.saturating_add(1);
                vec![]
            }
        }
    }

    /// `None`: not believed.
    fn delivery(
        &mut self,
        now_ms: i64,
        report: &DeliveryReport,
        origin: &Origin,
        owner: &Owner,
        verify: impl Fn(&Original) -> Option<Verified>,
    ) -> Option<Vec<Counted>> {
        let original = &report.original;
        if original.label.is_some() {
            // A labelled mail has one recipient, and it is never the owner's external mail.
            let ours = verify(original)?;
            let recipient = report.recipients.first()?;
            let (event, address) = (key("warming", &[&ours.exchange.0, &[ours.turn]]), key("partner", &[&ours.partner.0]));
            let hard = self.bounce(now_ms, recipient.fate, event, address);
            let loss = &mut self.figures.warming;
            return Some(
                hard.map(|hard| {
                    add_bounce(loss, hard);
                    Counted::Bounced { exchange: ours.exchange, turn: ours.turn, hard }
                })
                .into_iter()
                .collect(),
            );
        }
        let message_id = original.message_id.as_ref().filter(|_| owner.wrote(original))?;
        let mut sum = SelfReport::default();
        let mut believed = false;
        for recipient in report.recipients.iter().filter(|r| owner.believes(origin, &r.address)) {
            believed = true;
            let address = recipient.address.as_bytes();
            let event = key("bounce", &[message_id.as_bytes(), address]);
            let Some(hard) = self.bounce(now_ms, recipient.fate, event, key("address", &[address])) else { continue };
            add_bounce(&mut self.figures.external, hard);
            let field = if hard { &mut sum.hard } else { &mut sum.soft };
            *field = field.saturating_add(1);
        }
        believed.then(|| external(sum))
    }

    /// Whether a bounce counts, and as a hard one.
    fn bounce(&mut self, now_ms: i64, fate: Fate, event: Key, address: Key) -> Option<bool> {
        match fate {
            Fate::Delayed => None,
            Fate::Delivered => {
                self.soft.end(&address);
                None
            }
            Fate::Hard | Fate::Soft if !self.seen.add(event, MAX_SEEN) => None,
            Fate::Hard => {
                self.soft.end(&address);
                Some(true)
            }
            Fate::Soft => Some(self.soft.soft(address, now_ms)),
        }
    }

    fn complaint(
        &mut self,
        complaint: &Complaint,
        origin: &Origin,
        owner: &Owner,
        verify: impl Fn(&Original) -> Option<Verified>,
    ) -> Option<Vec<Counted>> {
        let original = &complaint.original;
        if original.label.is_some() {
            let ours = verify(original)?;
            if self.seen.add(key("warming complaint", &[&ours.exchange.0, &[ours.turn]]), MAX_SEEN) {
                let n = &mut self.figures.warming.complaints;
                *n = n.saturating_add(1);
            }
            // The addressee holds the label and could write such a report itself: a peer's word never enters a score.
            return Some(vec![]);
        }
        let recipient = complaint.recipient.as_deref().unwrap_or_default();
        let message_id = original.message_id.as_ref().filter(|_| owner.wrote(original) && owner.believes(origin, recipient))?;
        if !self.seen.add(key("complaint", &[message_id.as_bytes(), recipient.as_bytes()]), MAX_SEEN) {
            return Some(vec![]);
        }
        let n = &mut self.figures.external.complaints;
        *n = n.saturating_add(1);
        Some(external(SelfReport { complaints: 1, ..SelfReport::default() }))
    }

    fn aggregate(&mut self, sums: &AggregateSums, origin: &Origin, owner: &Owner) -> Option<Vec<Counted>> {
        if !owner.owns(&sums.domain) || *origin == Origin::Unproven {
            return None;
        }
        let (organisation, id) = &sums.reporter;
        if self.seen.add(key("aggregate", &[sums.domain.as_bytes(), organisation.as_bytes(), id.as_bytes()]), MAX_SEEN) {
            let f = &mut self.figures;
            f.aggregates = f.aggregates.saturating_add(1);
            f.passed = f.passed.saturating_add(sums.passed);
            f.failed = f.failed.saturating_add(sums.failed);
        }
        Some(vec![])
    }
}

fn add_bounce(loss: &mut Loss, hard: bool) {
    let field = if hard { &mut loss.hard } else { &mut loss.soft };
    *field = field.saturating_add(1);
}

fn external(sum: SelfReport) -> Vec<Counted> {
    if sum == SelfReport::default() { vec![] } else { vec![Counted::External(sum)] }
}

#[cfg(test)]
mod tests;
