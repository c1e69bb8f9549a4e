//! Bundle: everything a member sent and saw in one epoch, signed once.

use super::codec::CodecError;
use super::reader::Reader;
use crate::identity::{Signable, hash};
use crate::ids::{MemberId, Signature};
use crate::limits;
use crate::matching::{RingKind, Slot};
use crate::time::Epoch;
use serde::{Deserialize, Serialize, Serializer};

/// Four bytes that prove the receiver saw the mail: `H(label signature)`; the sender files the hash of that,
/// so that nobody can claim an unseen mail by copying the other's entry.
pub type Evidence = [u8; 4];

/// `H(label signature)[..4]`: the receiver's evidence.
#[must_use]
pub fn receiver_evidence(label: &Signature) -> Evidence {
    first4(&hash::digest(&label.0).0)
}

/// What the sender files: the hash of the receiver's evidence.
#[must_use]
pub fn sender_evidence(label: &Signature) -> Evidence {
    chain(&receiver_evidence(label))
}

/// The sender's evidence that goes with a receiver's.
#[must_use]
pub fn chain(receiver: &Evidence) -> Evidence {
    first4(&hash::digest(receiver).0)
}

fn first4(bytes: &[u8; 32]) -> Evidence {
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}

/// What the sender reports of a dealt slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SenderOutcome {
    /// No mail was sent.
    NoShow,
    /// Accepted by the server (or past the dot, result unknown).
    Sent,
    /// Permanently refused.
    RefusedHard,
    /// Refused for now, until the epoch ended.
    RefusedSoft,
}

/// Where the receiver found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Placement {
    /// Expected, not found.
    Missing,
    /// Inbox.
    Inbox,
    /// A tab of the inbox.
    Tab,
    /// Junk.
    Spam,
}

/// One authentication result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum AuthResult {
    /// The receiver's provider said nothing.
    #[default]
    Unknown,
    /// Passed.
    Pass,
    /// Failed.
    Fail,
}

/// What the receiver reports of a dealt slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Where it was found first.
    pub placement: Placement,
    /// SPF.
    pub spf: AuthResult,
    /// DKIM.
    pub dkim: AuthResult,
    /// DMARC.
    pub dmarc: AuthResult,
    /// Marked read.
    pub read: bool,
    /// Moved out of spam.
    pub rescued: bool,
    /// Answered.
    pub replied: bool,
    /// The owner complained of it.
    pub complaint: bool,
}

/// One side's word on one dealt slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// By the sender.
    Sender(SenderOutcome),
    /// By the receiver; `None`: nobody introduced itself.
    Receiver(Option<Observation>),
}

/// A bundle's entry: slot, word and evidence (zero where there is none).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Ring and round.
    pub slot: Slot,
    /// Whose word it is and what it says.
    pub word: Word,
    /// Proof of the mail.
    pub evidence: Evidence,
}

/// The owner's external mail of one epoch, as counted by the owner. It can lower a score, never raise it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfReport {
    /// Mails sent.
    pub sent: u32,
    /// Hard bounces.
    pub hard: u32,
    /// Soft bounces.
    pub soft: u32,
    /// Spam complaints.
    pub complaints: u32,
    /// Replies.
    pub replies: u32,
}

/// Entry as it travels: ring, round, side, outcome bits, evidence. About 10 bytes.
#[derive(Serialize)]
struct WireEntry {
    ring: u8,
    round: u16,
    side: u8,
    outcome: u16,
    evidence: Evidence,
}

/// What one member sent and saw in one epoch. Entries are sorted by (ring, round, side), at most one each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bundle {
    /// Whose word this is.
    pub member: MemberId,
    /// The epoch that dealt the slots.
    pub epoch: Epoch,
    /// One entry per dealt slot, no-shows too.
    #[serde(serialize_with = "wire_entries")]
    pub entries: Vec<Entry>,
    /// The owner's external mail.
    pub report: SelfReport,
}

impl Signable for Bundle {
    const KIND: &'static str = "bundle";
    const LIMIT: usize = limits::BUNDLE_BYTES;

    fn read(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut from = Reader::new(bytes, Self::LIMIT)?;
        let (member, epoch) = (MemberId(from.array()?), Epoch(from.u32()?));
        let len = from.length()?;
        if len > limits::BUNDLE_ENTRIES {
            return Err(CodecError::Invalid("a bundle has too many entries (R-LEDGER-3)".into()));
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(len);
        for _ in 0..len {
            let entry = WireEntry::read(&mut from)?;
            entries.push(entry.try_into()?);
        }
        let [sent, hard, soft, complaints, replies] = [from.u32()?, from.u32()?, from.u32()?, from.u32()?, from.u32()?];
        from.end()?;
        if !entries.windows(2).all(|w| w[0].order() < w[1].order()) {
            return Err(CodecError::Invalid("a bundle's entries are not in order (R-LEDGER-3)".into()));
        }
        Ok(Self { member, epoch, entries, report: SelfReport { sent, hard, soft, complaints, replies } })
    }
}

impl Bundle {
    /// The entry of a slot on one side.
    #[must_use]
    pub fn entry(&self, slot: Slot, sender_side: bool) -> Option<&Entry> {
        let key = (slot, u8::from(!sender_side));
        self.entries.binary_search_by_key(&key, Entry::order).ok().map(|i| &self.entries[i])
    }
}

impl Entry {
    /// Sort key: slot, then sender before receiver.
    #[must_use]
    pub fn order(&self) -> (Slot, u8) {
        (self.slot, u8::from(matches!(self.word, Word::Receiver(_))))
    }
    /// Word and evidence.
    #[must_use]
    pub fn said(&self) -> (Word, Evidence) {
        (self.word, self.evidence)
    }
}

fn auth_bits(a: AuthResult) -> u16 {
    match a {
        AuthResult::Unknown => 0,
        AuthResult::Pass => 1,
        AuthResult::Fail => 2,
    }
}

fn auth_of(bits: u16) -> Option<AuthResult> {
    match bits & 3 {
        0 => Some(AuthResult::Unknown),
        1 => Some(AuthResult::Pass),
        2 => Some(AuthResult::Fail),
        _ => None,
    }
}

/// Bits of a receiver's outcome: 0..3 placement (0 no-show, 1 missing, 2 inbox, 3 tab, 4 spam), then two bits each for
/// SPF, DKIM, DMARC from bit 3, then read, rescued, replied, complaint from bit 9.
fn observation_bits(o: Option<Observation>) -> u16 {
    let Some(o) = o else { return 0 };
    let place = match o.placement {
        Placement::Missing => 1,
        Placement::Inbox => 2,
        Placement::Tab => 3,
        Placement::Spam => 4,
    };
    place
        | auth_bits(o.spf) << 3
        | auth_bits(o.dkim) << 5
        | auth_bits(o.dmarc) << 7
        | u16::from(o.read) << 9
        | u16::from(o.rescued) << 10
        | u16::from(o.replied) << 11
        | u16::from(o.complaint) << 12
}

fn observation_of(bits: u16) -> Option<Option<Observation>> {
    let placement = match bits & 7 {
        0 => return (bits == 0).then_some(None),
        1 => Placement::Missing,
        2 => Placement::Inbox,
        3 => Placement::Tab,
        4 => Placement::Spam,
        _ => return None,
    };
    if bits >> 13 != 0 {
        return None;
    }
    Some(Some(Observation {
        placement,
        spf: auth_of(bits >> 3)?,
        dkim: auth_of(bits >> 5)?,
        dmarc: auth_of(bits >> 7)?,
        read: bits >> 9 & 1 == 1,
        rescued: bits >> 10 & 1 == 1,
        replied: bits >> 11 & 1 == 1,
        complaint: bits >> 12 & 1 == 1,
    }))
}

impl WireEntry {
    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { ring: from.u8()?, round: from.u16()?, side: from.u8()?, outcome: from.u16()?, evidence: from.array()? })
    }
}

impl From<Entry> for WireEntry {
    fn from(e: Entry) -> Self {
        let (side, outcome) = match e.word {
            Word::Sender(o) => (
                0,
                match o {
                    SenderOutcome::NoShow => 0,
                    SenderOutcome::Sent => 1,
                    SenderOutcome::RefusedHard => 2,
                    SenderOutcome::RefusedSoft => 3,
                },
            ),
            Word::Receiver(o) => (1, observation_bits(o)),
        };
        Self { ring: e.slot.ring as u8, round: e.slot.round, side, outcome, evidence: e.evidence }
    }
}

impl TryFrom<WireEntry> for Entry {
    type Error = CodecError;
    fn try_from(w: WireEntry) -> Result<Self, CodecError> {
        let ring = RingKind::from_u8(w.ring).ok_or_else(|| CodecError::Invalid("an entry names an unknown ring (R-WIRE-1)".into()))?;
        let unknown = || CodecError::Invalid("an entry holds an unknown outcome (R-WIRE-7, R-WIRE-8)".into());
        let word = match (w.side, w.outcome) {
            (0, 0) => Word::Sender(SenderOutcome::NoShow),
            (0, 1) => Word::Sender(SenderOutcome::Sent),
            (0, 2) => Word::Sender(SenderOutcome::RefusedHard),
            (0, 3) => Word::Sender(SenderOutcome::RefusedSoft),
            (1, bits) => Word::Receiver(observation_of(bits).ok_or_else(unknown)?),
            _ => return Err(unknown()),
        };
        Ok(Self { slot: Slot { ring, round: w.round }, word, evidence: w.evidence })
    }
}

fn wire_entries<S: Serializer>(entries: &[Entry], s: S) -> Result<S::Ok, S::Error> {
    s.collect_seq(entries.iter().map(|e| WireEntry::from(*e)))
}
