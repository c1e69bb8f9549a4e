//! Blocklists and quarantine.
//!
//! ```text
//!  Poller (task) ──Batch──> Hysteresis (pure) ──Change──> notices ──> signed Notice, gossip, next record
//!    dnsbl: controls, then one question a domain and list          └> evidence file, audit log
//! ```
//! | file | what |
//! |---|---|
//! | [`dnsbl`] | asks one list about one domain; what an answer means |
//! | [`poller`] | the background task: a batch every so many protocol minutes |
//! | [`hysteresis`] | from verdicts to quarantine and release |
//! | [`notices`] | the signed word, its evidence, what no record lists yet |

pub mod dnsbl;
pub mod hysteresis;
pub mod notices;
pub mod poller;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use warmnet_protocol::ids::DomainTag;

/// A domain that is looked up.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its tag.
    pub tag: DomainTag,
    /// The registrable domain.
    pub domain: String,
    /// Addresses that send for it alone; address lists are asked about these only, never about a shared provider's.
    pub addresses: Vec<Ipv4Addr>,
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subject({})", self.tag.short())
    }
}

/// What a list's answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Listed, with this answer.
    Listed(Ipv4Addr),
    /// No record.
    Clean,
    /// An answer that is no listing: an error code, a parked page, an alias.
    Error,
    /// No usable answer: time-out, refusal, server failure.
    Unknown,
}

/// One list's answers of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListResult {
    /// The list's name; never its zone, which may hold the operator's key.
    pub list: String,
    /// Whether one healthy finding of it is enough.
    pub high_trust: bool,
    /// Both controls answered as they must; otherwise there are no verdicts.
    pub healthy: bool,
    /// Answers by tag.
    pub verdicts: BTreeMap<DomainTag, Verdict>,
}

/// One round over all lists.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Batch {
    /// One entry a configured list.
    pub lists: Vec<ListResult>,
    /// Domains looked up.
    pub subjects: usize,
}

/// What a list lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListKind {
    /// Domains.
    Domain,
    /// IPv4 addresses, asked in reverse.
    Ip,
}

/// `[[blocklist]]` of coordinator.toml. None is set by default: each list has terms of its own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlocklistConfig {
    /// For people and logs; by default the zone without its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is asked.
    pub zone: String,
    /// Domains or addresses.
    pub kind: ListKind,
    /// Answers that mean a listing; every other one is an error.
    pub listed: Vec<Ipv4Addr>,
    /// An entry that must be listed.
    pub positive: String,
    /// An entry that must not be.
    pub negative: String,
    /// Whether it is enough by itself.
    #[serde(default)]
    pub high_trust: bool,
}

impl std::fmt::Debug for BlocklistConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blocklist({})", self.label())
    }
}

/// Labels at least this long in a zone are taken for an operator's key (Spamhaus' have 26 characters).
const KEY_LABEL: usize = 20;

impl BlocklistConfig {
    /// Its name, without any key.
    #[must_use]
    pub fn label(&self) -> String {
        let public = || self.zone.split('.').filter(|l| l.len() < KEY_LABEL).collect::<Vec<_>>().join(".");
        self.name.clone().unwrap_or_else(public)
    }
}

/// `[quarantine]` of coordinator.toml. Minutes are protocol minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuarantineRules {
    /// Listed polls in a row before a listing counts. 3.
    pub polls: u32,
    /// ... over at least this long. 30.
    pub min_minutes: u64,
    /// Clean this long before release, doubled at each re-entry. 1,440: a day.
    pub release_minutes: u64,
    /// Shortest quarantine. 360.
    pub min_stay_minutes: u64,
    /// Between two polls. 60: lists count questions (`docs`: 48,000 a day for 1,000 domains and two lists).
    pub poll_minutes: u64,
}

impl Default for QuarantineRules {
    fn default() -> Self {
        Self { polls: 3, min_minutes: 30, release_minutes: 1_440, min_stay_minutes: 360, poll_minutes: 60 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_the_zone_is_not_shown() {
        let mut list = BlocklistConfig {
            name: None,
            zone: "abcdefghijklmnopqrstuvwxyz.dbl.dq.spamhaus.net".into(),
            kind: ListKind::Domain,
            listed: vec![],
            positive: String::new(),
            negative: String::new(),
            high_trust: false,
        };
        assert_eq!(list.label(), "dbl.dq.spamhaus.net");
        assert!(!format!("{list:?}").contains("abcdef"));
        list.name = Some("dbl".into());
        assert_eq!(list.label(), "dbl");
    }
}
