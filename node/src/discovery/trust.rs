//! Whether a server that somebody names for a domain may be given the mailbox's password.
//!
//! A name found by unsigned DNS or in a file of the domain may be forged, so a verified certificate alone proves
//! nothing: the forger has one for his own host. Hence the rule of RFC 6186 section 6: inside the mail domain, or a
//! server that this program knows, or the owner says yes.

use super::provider::{Table, below};

/// How far a server is trusted.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Trust {
    /// In the provider table.
    Known,
    /// Inside the mail domain's own organisation.
    OwnDomain,
    /// In Mozilla's database of providers, fetched over verified TLS.
    Ispdb,
    /// Elsewhere: its owner must say yes first.
    Confirm,
}

/// Judges a host.
#[must_use]
pub fn judge(host: &str, domain: &str, table: &Table) -> Trust {
    if table.by_server(host, domain).is_some() {
        return Trust::Known;
    }
    let organisation = psl::domain_str(domain).unwrap_or(domain);
    if below(host, organisation) { Trust::OwnDomain } else { Trust::Confirm }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_host_needs_a_yes() {
        let table = Table::shipped();
        let judge = |host| judge(host, "mail.example.co.uk", &table);
        assert_eq!(judge("imap.gmail.com"), Trust::Known);
        assert_eq!(judge("mx.example.co.uk"), Trust::OwnDomain);
        for stranger in ["other.co.uk", "co.uk", "badexample.co.uk", "example.co.uk.evil.test", "gmail.com"] {
            assert_eq!(judge(stranger), Trust::Confirm, "{stranger}");
        }
    }
}
