//! Admission: an applicant's mailbox proves that it can send and receive, then a row is made for it.
//!
//! ```text
//!  Apply ──checks──> Challenged ──mail with token, SPF + DKIM + DMARC pass──> Heard ──Confirm(code)──> Admitted
//!     └─ Refused          │ └── authentication failed ──> Failed ──next Apply──> Refused   │
//!                         └──────────── after EXPIRY epochs: forgotten ───────────────────┘ (cap reached: Waiting)
//! ```
//! A member leaves by its node's signed departure, which the next record lists; its address may apply again a window later, so
//! that nobody sheds a history by leaving.
//!
//! Pure: [`Admission::handle`] takes a [`Command`] and a [`Context`] and returns an [`Event`]. Tokens and codes are a
//! function of the applicant and the coordinator's secret, so asking again gives the same one. The host saves the state
//! ([`store`]) before it answers. An application that asks again a day later gets a new token: mails get lost.

mod command;
mod departure;
mod event;
mod state;
pub mod store;
#[cfg(test)]
mod tests;

pub use command::{Command, Context};
pub use event::{Event, Refusal};
pub use state::{Admission, Admitted, Pending, Stage};

use serde::{Deserialize, Serialize};

/// Applications open at once, over all nodes: each is a few hundred bytes and one challenge mail.
pub const PENDING: usize = 4_096;
/// Applications of one node open at once: an agency's batch; the rest is told to ask again.
pub const PENDING_PER_NODE: usize = 128;
/// Epochs after which an open application is forgotten: a weekend and a day to repair DNS.
pub const EXPIRY_EPOCHS: u32 = 3;
/// Code mails for one application: a lost one may be asked for again, nobody is flooded.
pub const CODE_MAILS: u8 = 5;
/// Epochs a domain must be known before it may enrol unsponsored (PROTOCOL.md section 10: 30 days).
pub const DOMAIN_AGE_EPOCHS: u32 = 30;
/// Epochs before an address that left may apply again: its old exchanges have left the window.
pub const RETURN_EPOCHS: u32 = 30;
/// Unsponsored domains whose first application is remembered.
pub const FIRST_SEEN: usize = 100_000;
/// Share of the roster that shared providers may have, percent (PROTOCOL.md section 10).
pub const SHARED_PERCENT: usize = 20;

/// Providers at which a domain says nothing about its user.
const SHARED_DOMAINS: [&str; 18] = [
    "aol.com",
    "fastmail.com",
    "gmail.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "web.de",
    "yahoo.com",
    "yandex.ru",
];

/// The operator's rules: `[admission]` of coordinator.toml.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdmissionRules {
    /// Every domain is sponsored: for private networks and rehearsals.
    pub sponsor_all: bool,
    /// Domains that may enrol at once.
    pub sponsored_domains: Vec<String>,
    /// Further providers whose domain many strangers share.
    pub shared_domains: Vec<String>,
}

impl AdmissionRules {
    /// Whether strangers share this registrable domain.
    #[must_use]
    pub fn shared(&self, registrable: &str) -> bool {
        SHARED_DOMAINS.contains(&registrable) || self.shared_domains.iter().any(|d| d.eq_ignore_ascii_case(registrable))
    }
    /// Whether this registrable domain may enrol without a known age.
    #[must_use]
    pub fn sponsored(&self, registrable: &str) -> bool {
        self.sponsor_all || self.sponsored_domains.iter().any(|d| d.eq_ignore_ascii_case(registrable))
    }
}
