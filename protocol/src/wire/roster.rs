//! Roster: one row per enrolled member and epoch, sorted by member id.

use super::codec;
use crate::identity::hash;
use crate::ids::{Digest, DomainTag, MemberId, NodeId};
use crate::time::Epoch;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a member is to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// An ordinary member.
    Member,
    /// An aged mailbox the coordinator trusts: it observes, rescues and replies, and rides no ring.
    Golden,
}

/// Where a member's external mail would leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// Never yet at 70.
    Warming,
    /// 70..85.
    Standard,
    /// From 85.
    Premium,
    /// Working its way back.
    Rehab,
    /// Blocklisted: matched with nobody.
    Quarantined,
}

impl Pool {
    /// Its name, as people and mail servers read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warming => "warming",
            Self::Standard => "standard",
            Self::Premium => "premium",
            Self::Rehab => "rehab",
            Self::Quarantined => "quarantined",
        }
    }
}

/// How fast a member's volume grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RampPreset {
    /// 2 a day, +1 a day, to 20: what most of the market settled on.
    Gentle,
    /// 20 to 30 in week one (FACTS.md, "new inbox").
    Fresh,
    /// 5, to 25, at most 30 (FACTS.md, "pre-warmed").
    Prewarmed,
}

/// Acts a mailbox owner may allow, as bits.
pub mod acts {
    /// Mark warming mail read.
    pub const READ: u8 = 1;
    /// Reply to it.
    pub const REPLY: u8 = 2;
    /// Move it out of spam.
    pub const RESCUE: u8 = 4;
    /// File it into the Warmnet folder.
    pub const FILE: u8 = 8;
    /// All of them.
    pub const ALL: u8 = READ | REPLY | RESCUE | FILE;
}

/// Every weekday bit (bit 0 = Monday).
pub const ALL_WEEKDAYS: u8 = 0x7f;

/// One member's row in the roster of one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterRow {
    /// The member.
    pub member: MemberId,
    /// The node that speaks for it.
    pub node: NodeId,
    /// Tag of its domain.
    pub tag: DomainTag,
    /// Provider class, 0..=7.
    pub provider: u8,
    /// Languages as bits (bit 0 = English).
    pub languages: u8,
    /// Member or golden.
    pub role: Role,
    /// Pool.
    pub pool: Pool,
    /// Whether the score ever reached the lock line.
    pub unlocked_once: bool,
    /// First epoch in a roster.
    pub joined: Epoch,
    /// Ramp preset.
    pub ramp: RampPreset,
    /// Active days on the ramp; a pause doesn't advance it.
    pub ramp_day: u16,
    /// Mails to send (and to receive) by rings this epoch, before weekdays and the class cap.
    pub quota: u16,
    /// Pause-and-fix factor on the ramp value, per mille; 1,000 = none.
    pub cut: u16,
    /// Clean epochs in a row since the last cut, up to 3.
    pub clean_epochs: u8,
    /// Rehabilitation debt left, in clean mails.
    pub debt: u32,
    /// Epoch of the last entry into rehab: earlier external bounces no longer count once paid.
    pub debt_since: Epoch,
    /// Service given / owed, per mille.
    pub service: u16,
    /// Weekdays it plays on, bits from Monday.
    pub weekdays: u8,
    /// Acts its owner allows.
    pub acts: u8,
    /// Its mailbox bounced for several senders: nothing is dealt to it until a golden mail arrives.
    pub dead: bool,
    /// Raters of several domains complained of its mail: it is dealt extra golden seats.
    pub complained: bool,
}

impl RosterRow {
    /// Whether it is believed without further ado: a golden member whose domain is not quarantined.
    #[must_use]
    pub fn is_golden(&self) -> bool {
        self.role == Role::Golden && self.pool != Pool::Quarantined
    }
}

/// The roster of one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Roster {
    rows: Vec<RosterRow>,
    positions: BTreeMap<MemberId, u32>,
}

impl Roster {
    /// A roster of these rows; sorts them by member id and keeps the first of equal ids.
    #[must_use]
    pub fn new(mut rows: Vec<RosterRow>) -> Self {
        rows.sort_by_key(|r| r.member);
        rows.dedup_by_key(|r| r.member);
        let positions = rows.iter().enumerate().map(|(i, r)| (r.member, i as u32)).collect();
        Self { rows, positions }
    }
    /// All rows, sorted by member id.
    #[must_use]
    pub fn rows(&self) -> &[RosterRow] {
        &self.rows
    }
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }
    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
    /// Position of a member.
    #[must_use]
    pub fn position(&self, member: &MemberId) -> Option<u32> {
        self.positions.get(member).copied()
    }
    /// Row of a member.
    #[must_use]
    pub fn row(&self, member: &MemberId) -> Option<&RosterRow> {
        self.rows.get(self.position(member)? as usize)
    }
    /// Row at a position.
    #[must_use]
    pub fn at(&self, position: u32) -> Option<&RosterRow> {
        self.rows.get(position as usize)
    }
    /// Merkle root over the encoded rows.
    #[must_use]
    pub fn digest(&self) -> Digest {
        hash::merkle(self.rows.iter().map(codec::encode))
    }
}
