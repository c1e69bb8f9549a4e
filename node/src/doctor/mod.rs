//! Health checks with what to do: one [`Item`] for each check, also for those that pass.
//!
//! | file | looks at |
//! |---|---|
//! | `home` | configuration, permissions, secrets, clock, store |
//! | `network` | the peer-to-peer addresses |
//! | `mailbox` | sign-in, folders, consent, the provider's rule |
//! | `domain` | MX, SPF, DKIM, DMARC, PTR of a mail domain |
//! | `spf` | reading an SPF record and those it includes |
//!
//! Who did not answer is told as such and never as a finding.

pub mod domain;
pub mod home;
pub mod mailbox;
pub mod network;
pub mod spf;

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Good to know.
    Info,
    /// Works, but look at it; or it could not be checked.
    Warn,
    /// The mailbox can't take part until this is mended.
    Critical,
}

/// One finding.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Item {
    /// For programs.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The mailbox it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
    /// For people.
    pub text: String,
    /// What to do; none where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Item {
    fn new(code: &'static str, severity: Severity, text: impl Into<String>) -> Self {
        Self { code, severity, mailbox: None, text: plain(text.into()), fix: None }
    }
    /// All is well.
    #[must_use]
    pub fn ok(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(code, Severity::Ok, text)
    }
    /// Good to know.
    #[must_use]
    pub fn info(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(code, Severity::Info, text)
    }
    /// To be looked at.
    #[must_use]
    pub fn warn(code: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(plain(fix.into())), ..Self::new(code, Severity::Warn, text) }
    }
    /// To be mended.
    #[must_use]
    pub fn critical(code: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(plain(fix.into())), ..Self::new(code, Severity::Critical, text) }
    }
    /// The same about a mailbox.
    #[must_use]
    pub fn of(mut self, mailbox: &str) -> Self {
        self.mailbox = Some(mailbox.to_owned());
        self
    }
}

/// Longest text of a finding.
const MAX_CHARS: usize = 600;

/// A text that may hold what strangers published, without characters that a terminal obeys, and not longer than one reads.
fn plain(text: String) -> String {
    text.chars().take(MAX_CHARS).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// The worst finding.
#[must_use]
pub fn worst(items: &[Item]) -> Severity {
    items.iter().map(|i| i.severity).max().unwrap_or(Severity::Ok)
}

#[cfg(test)]
mod tests;
