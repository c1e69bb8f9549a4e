//! Three mailbox providers on loopback: real SMTP, IMAP and DNS sockets with TLS, and a filter that learns.
//!
//! ```text
//!  client ──smtps/submission──> [provider A] ──SMTP from A's address──> [provider B's MX] ──filter──> inbox | junk
//!                                   │ DKIM signs                            │ checks SPF, DKIM, DMARC      ▲
//!                                   └────────────── DNS ────────────────────┘            IMAP acts teach ──┘
//! ```
//! `world` holds what all of them share; `accounting` counts what must never happen.

pub mod accounting;
pub mod authentication;
pub mod changes;
pub mod civilians;
pub mod config;
pub mod control;
pub mod delivery;
pub mod dkim;
pub mod dns;
pub mod external;
pub mod faults;
pub mod imap;
pub mod message;
pub mod oauth;
pub mod serve;
pub mod smtp;
pub mod store;
#[cfg(test)]
mod tests;
pub mod tls;
pub mod world;

pub use serve::{ProviderError, run};
