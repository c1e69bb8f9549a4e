//! One reconciled exchange.

use crate::matching::{RingKind, Slot};
use serde::{Deserialize, Serialize};

/// What became of a dealt pair, by both sides' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// Sent and seen in the inbox or one of its tabs.
    DeliveredInbox = 0,
    /// Sent and seen in spam.
    DeliveredSpam = 1,
    /// Sent; the receiver didn't see it or said nothing. Neither inbox nor spam.
    Unknown = 2,
    /// Refused for good.
    HardBounce = 3,
    /// Refused for now.
    SoftBounce = 4,
    /// The two words exclude each other: counts nothing.
    Contradiction = 5,
    /// No mail, or no word of the sender.
    NoShow = 6,
    /// A bounce that is the receiver's fault: counts nothing.
    Void = 7,
}

impl Outcome {
    const ALL: [Self; 8] = [
        Self::DeliveredInbox,
        Self::DeliveredSpam,
        Self::Unknown,
        Self::HardBounce,
        Self::SoftBounce,
        Self::Contradiction,
        Self::NoShow,
        Self::Void,
    ];
    /// Seen in inbox, tab or spam.
    #[must_use]
    pub fn delivered(self) -> bool {
        matches!(self, Self::DeliveredInbox | Self::DeliveredSpam)
    }
    /// Refused, hard or soft.
    #[must_use]
    pub fn bounced(self) -> bool {
        matches!(self, Self::HardBounce | Self::SoftBounce)
    }
}

/// One exchange as the rules read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exchange {
    /// Who sent: the window's member index (inside a [`super::ClosedEpoch`]: its roster position).
    pub sender: u32,
    /// Who received, likewise.
    pub receiver: u32,
    /// Ring and round.
    pub slot: Slot,
    /// Outcome.
    pub outcome: Outcome,
    /// Its sender did its part, as far as anybody can tell.
    pub completed: bool,
    /// SPF, DKIM and DMARC all passed; `None`: the receiver's provider didn't say.
    pub auth: Option<bool>,
    /// Marked read.
    pub read: bool,
    /// Delivered, and to be answered by the draw of its id.
    pub owed: bool,
    /// Answered.
    pub replied: bool,
    /// Moved out of spam.
    pub rescued: bool,
    /// Complained of; unconfirmed unless the outcome is a delivery.
    pub complaint: bool,
    /// 0 for ring pairs; for golden seats what the observation weighs, 1 or 4.
    pub golden_weight: u8,
}

/// An exchange in 12 bytes: 10,000 members' window of 6,000,000 fits 70 MiB.
///
/// Flags from bit 0: ring (2 bits), outcome (3), authentication (2: unknown, failed, passed), read, replied, rescued,
/// complaint, golden weight (3), owed, completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) sender: u32,
    pub(super) receiver: u32,
    round: u16,
    flags: u16,
}

/// Largest golden weight the packed form holds.
const WEIGHT_MAX: u8 = 7;

impl Packed {
    pub(super) fn outcome(self) -> Outcome {
        Outcome::ALL[usize::from(self.flags >> 2 & 7)]
    }
    /// Delivered to the inbox without a complaint: what the trust walk passes on.
    pub(super) fn good(self) -> bool {
        self.outcome() == Outcome::DeliveredInbox && self.flags >> 10 & 1 == 0
    }
    /// How often the exchange counts: the golden weight, 1 for ring pairs.
    pub(super) fn units(self) -> u8 {
        (self.flags >> 11 & 7).max(1) as u8
    }
    /// The 12 bytes that digests cover besides the members: round and flags.
    pub(super) fn tail(self) -> [u8; 4] {
        let (round, flags) = (self.round.to_be_bytes(), self.flags.to_be_bytes());
        [round[0], round[1], flags[0], flags[1]]
    }
}

impl From<Exchange> for Packed {
    fn from(x: Exchange) -> Self {
        let auth = match x.auth {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        };
        let flags = x.slot.ring as u16
            | (x.outcome as u16) << 2
            | auth << 5
            | u16::from(x.read) << 7
            | u16::from(x.replied) << 8
            | u16::from(x.rescued) << 9
            | u16::from(x.complaint) << 10
            | u16::from(x.golden_weight.min(WEIGHT_MAX)) << 11
            | u16::from(x.owed) << 14
            | u16::from(x.completed) << 15;
        Self { sender: x.sender, receiver: x.receiver, round: x.slot.round, flags }
    }
}

impl From<Packed> for Exchange {
    fn from(p: Packed) -> Self {
        let bit = |n: u16| p.flags >> n & 1 == 1;
        Self {
            sender: p.sender,
            receiver: p.receiver,
            slot: Slot { ring: RingKind::from_u8((p.flags & 3) as u8).unwrap_or(RingKind::Golden), round: p.round },
            outcome: p.outcome(),
            auth: match p.flags >> 5 & 3 {
                0 => None,
                other => Some(other == 2),
            },
            read: bit(7),
            owed: bit(14),
            completed: bit(15),
            replied: bit(8),
            rescued: bit(9),
            complaint: bit(10),
            golden_weight: (p.flags >> 11 & 7) as u8,
        }
    }
}
