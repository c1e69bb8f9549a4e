//! From an address to its mail servers.
//!
//! ```text
//! table by domain -> table by MX -> autoconfig of the domain -> ISPDB -> SRV -> guesses
//!                                   (HTTPS only)
//! ```
//! Every finding is a suggestion: it is tried live under verified TLS, shown, and where its host lies outside
//! the mail domain and is known to nobody, its owner is asked ([`Trust`]) before a password goes there.

pub mod autoconfig;
pub mod dns;
mod find;
pub mod https;
pub mod provider;
mod trial;
mod trust;

pub use dns::{Dns, DnsFault};
pub use find::{Finder, Found, Source, Step};
pub use https::Https;
pub use provider::{NO_RULE, Provider, Table};
pub use trust::{Trust, judge};

#[cfg(test)]
pub(crate) mod testbed;
#[cfg(test)]
mod tests;
