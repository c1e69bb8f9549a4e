//! What a node or coordinator answers to `{"cmd":"status"}` on its control socket. Unknown fields are ignored and
//! missing ones are zero, so that a report can be made of an older program too.

use serde::Deserialize;

/// The answer, as far as a report needs it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Version of the program.
    pub version: String,
    /// Epoch by its clock.
    pub epoch: Option<u32>,
    /// `waiting`, `synced`, `degraded` or `catching-up`.
    pub phase: String,
    /// Newest record it holds.
    pub record_epoch: Option<u32>,
    /// Members it hosts.
    pub members: Vec<Member>,
    /// Counts of its members, the last 40 epochs.
    pub epochs: Vec<EpochCounts>,
    /// One per record it derived, the last 64.
    pub closed: Vec<Closed>,
    /// Scores of the network from the last derived record.
    pub network_scores: Vec<NetworkScore>,
    /// Network-wide results of the closed epochs.
    pub reconciled: Vec<Reconciled>,
    /// What is wrong.
    pub health: Vec<Health>,
}

/// A hosted member.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Member {
    /// Hex id.
    pub member: String,
    /// `enrolling`, `waiting`, `active`, `quarantined` or `refused`.
    pub state: String,
    /// Why, when refused.
    pub reason: Option<String>,
    /// Name of its pool.
    pub pool: String,
    /// 0..100.
    pub score: Option<f64>,
}

/// One epoch of a node's members: as senders `planned` .. `no_show`, as receivers `observed` .. `replied`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct EpochCounts {
    /// Epoch.
    pub epoch: u32,
    /// Pairs left by the conflict rule, golden seats included.
    pub planned: u32,
    /// Introductions that were answered.
    pub introduced: u32,
    /// Mails sent.
    pub sent: u32,
    /// Mails refused by a server.
    pub refused: u32,
    /// Pairs that were not sent.
    pub no_show: u32,
    /// Mails found.
    pub observed: u32,
    /// Of these in the inbox.
    pub inbox: u32,
    /// Of these in a tab.
    pub tab: u32,
    /// Of these in spam.
    pub spam: u32,
    /// Announced mails that were not found.
    pub missing: u32,
    /// Moved out of spam.
    pub rescued: u32,
    /// Marked as read.
    pub read: u32,
    /// Answered.
    pub replied: u32,
    /// Played without a record of the coordinator.
    pub degraded: bool,
}

/// Digests derived at one record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Closed {
    /// Epoch of the record.
    pub record: u32,
    /// Epoch that it closes.
    pub closes: Option<u32>,
    /// Ledger root, hex.
    pub ledger: String,
    /// Digest of trust, hex.
    pub trust: String,
    /// Digest of scores, hex.
    pub scores: String,
    /// Whether the record says the same.
    pub matches_record: bool,
}

/// A member of the network.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NetworkScore {
    /// Hex id.
    pub member: String,
    /// 0..100.
    pub score: f64,
    /// Name of its pool.
    pub pool: String,
}

/// What the ledger says of a closed epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Reconciled {
    /// Epoch.
    pub epoch: u32,
    /// Slots dealt.
    pub dealt: u32,
    /// Both sides agree: inbox or tab.
    pub delivered_inbox: u32,
    /// Both sides agree: spam.
    pub delivered_spam: u32,
    /// Sent, not found.
    pub unknown: u32,
    /// Both sides agree: refused.
    pub bounced: u32,
    /// Count nothing.
    pub void: u32,
    /// Slots that both sides agree were carried out.
    pub completed: u32,
}

/// One item of the health list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Health {
    /// Short code.
    pub code: String,
    /// `info`, `warn` or `error`.
    pub severity: String,
    /// What it is.
    pub text: String,
}

/// What the provider emulator counts, from its own delivery and IMAP logs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ProviderStats {
    /// Mails delivered.
    pub delivered: u64,
    /// Mails refused.
    pub rejected: u64,
    /// Bounces.
    pub bounced: u64,
    /// Warming mails delivered twice.
    pub doubled: u64,
    /// Ordinary mails delivered to members.
    pub foreign_delivered: u64,
    /// Acts of a member's client on ordinary mail.
    pub foreign_touched: u64,
    /// Labelled mail.
    pub warm: WarmStats,
    /// Cumulative counts per sending domain.
    pub by_domain: Vec<DomainStats>,
}

/// Labelled mail as delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct WarmStats {
    /// Mails delivered.
    pub delivered: u64,
    /// Into the inbox.
    pub inbox: u64,
    /// Into spam.
    pub spam: u64,
}

/// One sending domain.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct DomainStats {
    /// Name.
    pub domain: String,
    /// Mails delivered into an inbox so far.
    pub inbox: u64,
    /// Mails delivered into spam so far.
    pub spam: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_answer_is_read_with_zeros() {
        let status: Status = serde_json::from_str(r#"{"epoch":3,"epochs":[{"epoch":2,"planned":5}],"new_field":1}"#).expect("valid");
        assert_eq!(status.epoch, Some(3));
        assert_eq!((status.epochs[0].planned, status.epochs[0].sent), (5, 0));
        assert!(status.closed.is_empty());
    }
}
