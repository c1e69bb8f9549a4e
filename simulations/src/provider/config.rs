//! What an emulator is told: providers, domains, mailboxes.

use super::oauth::OAuthEntry;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The configuration file (JSON); unknown keys are refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// Where ports.json, ca.pem and control.sock go.
    pub dir: PathBuf,
    /// Seed of the filter and of the civilian mail.
    pub seed: u64,
    /// Ages domains: an epoch is a day.
    pub epoch_zero_ms: i64,
    /// Wall milliseconds of an epoch.
    pub epoch_ms: u64,
    /// Whether the nodes of this run engage: written down for the reader, the filter is the same either way.
    #[serde(default = "yes")]
    pub engagement: bool,
    /// People outside the network that every provider has beside the mailboxes below.
    #[serde(default = "some_civilians")]
    pub civilians: u32,
    /// An authorization server, and sign-in by its tokens; absent: passwords only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OAuthEntry>,
    /// The providers.
    pub providers: Vec<ProviderEntry>,
    /// The domains.
    pub domains: Vec<DomainEntry>,
    /// The mailboxes.
    pub mailboxes: Vec<MailboxEntry>,
}

/// One provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderEntry {
    /// Short name; its host is `mx.<name>.test`.
    pub name: String,
    /// What its IMAP looks like.
    pub flavor: Flavor,
    /// How strict its filter is; absent: lenient, average, strict in turn.
    #[serde(default)]
    pub temper: Option<Temper>,
    /// What its IMAP server can do; absent: everything.
    #[serde(default)]
    pub imap: ImapLooks,
}

/// What an IMAP server lacks, of what ours has. Older servers have neither MOVE nor UIDPLUS, Courier and some hosts keep
/// all folders under the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImapLooks {
    /// MOVE (RFC 6851).
    #[serde(rename = "move")]
    pub moves: bool,
    /// UIDPLUS (RFC 4315): UID EXPUNGE, COPYUID, APPENDUID.
    pub uidplus: bool,
    /// IDLE (RFC 2177).
    pub idle: bool,
    /// Where folders live, and what separates their levels.
    pub namespace: Namespace,
}

impl Default for ImapLooks {
    fn default() -> Self {
        Self { moves: true, uidplus: true, idle: true, namespace: Namespace::Root }
    }
}

/// The personal namespace (RFC 2342).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Namespace {
    /// No prefix, `/` between levels.
    #[default]
    #[serde(rename = "")]
    Root,
    /// Every folder lives under the inbox: prefix `INBOX.`, `.` between levels.
    #[serde(rename = "INBOX.")]
    Inbox,
}

impl Namespace {
    /// What every folder's name but the inbox's begins with.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Inbox => "INBOX.",
        }
    }
    /// What separates levels.
    #[must_use]
    pub fn delimiter(self) -> char {
        match self {
            Self::Root => '/',
            Self::Inbox => '.',
        }
    }
}

fn yes() -> bool {
    true
}

fn some_civilians() -> u32 {
    20
}

/// Looks of an IMAP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavor {
    /// INBOX, Junk, Sent.
    Plain,
    /// `[Gmail]/Spam`, All Mail, X-GM items.
    Gmail,
}

/// Strictness of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Temper {
    /// Gives newcomers the benefit of the doubt.
    Lenient,
    /// In between.
    Average,
    /// Distrusts the young for long.
    Strict,
}

/// One domain.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainEntry {
    /// Its name.
    pub domain: String,
    /// Which provider hosts it.
    pub provider: String,
    /// Age in days at epoch zero.
    pub created_days_ago: u32,
}

/// One mailbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailboxEntry {
    /// Its address.
    pub address: String,
    /// Its password.
    pub password: String,
    /// Whose it is.
    pub kind: MailboxKind,
    /// What IMAP can do once its owner has signed in; absent: what its provider can.
    #[serde(default)]
    pub imap: Option<ImapLooks>,
}

/// Whose mailbox it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailboxKind {
    /// A member's.
    Member,
    /// A golden member's.
    Golden,
    /// Somebody who has nothing to do with Warmnet.
    Civilian,
}
