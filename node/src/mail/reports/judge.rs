//! What is believed of reports about the owner's external mail, which carries no label of ours.

use super::origin::Origin;
use super::original::Original;
use warmnet_protocol::identity::CanonicalAddress;

/// Domains whose mailboxes belong to strangers (checked 2026-11-24): there the owner is one address, not the domain.
const SHARED: &[&str] = &[
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "msn.com",
    "yahoo.com",
    "aol.com",
    "icloud.com",
    "me.com",
    "mac.com",
    "zoho.com",
    "zohomail.com",
    "fastmail.com",
    "gmx.net",
    "gmx.de",
    "gmx.com",
    "web.de",
    "mail.com",
    "proton.me",
    "protonmail.com",
];
/// Providers whose bounces come from another domain than their Authentication-Results (checked 2026-11-24).
const ALIASES: &[(&str, &str)] = &[("google.com", "googlemail.com")];

/// The owner of a mailbox, as reports may name it.
#[derive(Clone)]
pub struct Owner {
    address: CanonicalAddress,
    /// Of the provider, as the config has it.
    authserv_id: Option<String>,
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Owner")
    }
}

fn organisation(domain: &str) -> String {
    let domain = domain.trim().trim_end_matches('.').to_ascii_lowercase();
    psl::domain_str(&domain).unwrap_or(&domain).to_owned()
}

fn is_shared(organisation: &str) -> bool {
    SHARED.contains(&organisation)
}

impl Owner {
    /// The owner of `address`.
    #[must_use]
    pub fn new(address: CanonicalAddress, authserv_id: Option<String>) -> Self {
        Self { address, authserv_id }
    }

    /// Whether the domain, or one below it, is the owner's alone.
    #[must_use]
    pub fn owns(&self, domain: &str) -> bool {
        let own = organisation(self.address.domain());
        !is_shared(&own) && organisation(domain) == own
    }

    /// Whether a returned mail says that the owner wrote it.
    #[must_use]
    pub fn wrote(&self, original: &Original) -> bool {
        let Some(from) = original.from.as_deref() else { return false };
        let same = CanonicalAddress::parse(from).is_ok_and(|a| a == self.address);
        same || from.rsplit_once('@').is_some_and(|(_, domain)| self.owns(domain))
    }

    /// Whether the author of a report would know what became of a mail to `recipient`: it is the owner's own mail system, or the
    /// recipient's.
    #[must_use]
    pub fn believes(&self, origin: &Origin, recipient: &str) -> bool {
        let (domains, system) = match origin {
            Origin::Local => return true,
            Origin::Unproven => return false,
            Origin::Proven { domains, system } => (domains, *system),
        };
        let mut knowing = vec![];
        knowing.extend(recipient.rsplit_once('@').map(|(_, d)| organisation(d)));
        if let Some(provider) = self.authserv_id.as_deref().map(organisation) {
            knowing.extend(ALIASES.iter().filter(|(id, _)| *id == provider).map(|(_, alias)| (*alias).to_owned()));
            knowing.push(provider);
        }
        let own = organisation(self.address.domain());
        if !is_shared(&own) {
            knowing.push(own);
        }
        // At a shared provider any user's mail is signed with the provider's domain.
        domains.iter().map(|d| organisation(d)).any(|d| knowing.contains(&d) && (system || !is_shared(&d)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(address: &str, id: &str) -> Owner {
        Owner::new(CanonicalAddress::parse(address).expect("an address"), Some(id.to_owned()))
    }

    fn proven(domain: &str, system: bool) -> Origin {
        Origin::Proven { domains: vec![domain.to_owned()], system }
    }

    fn from(address: &str) -> Original {
        Original { from: Some(address.to_owned()), ..Original::default() }
    }

    #[test]
    fn the_owner_is_a_domain_or_at_shared_providers_an_address() {
        let own = owner("me@a.test", "mx.a.test");
        assert!(own.wrote(&from("sales@news.A.test")) && own.owns("a.test"));
        assert!(!own.wrote(&from("me@b.test")) && !own.wrote(&Original::default()));
        let shared = owner("my.name@gmail.com", "mx.google.com");
        assert!(shared.wrote(&from("MyName+x@googlemail.com")));
        assert!(!shared.wrote(&from("other@gmail.com")) && !shared.owns("gmail.com"));
    }

    #[test]
    fn only_those_who_would_know_are_believed() {
        let own = owner("me@a.test", "mx.provider.test");
        assert!(own.believes(&Origin::Local, "x@b.test"));
        assert!(own.believes(&proven("mail.b.test", false), "x@b.test"));
        assert!(own.believes(&proven("provider.test", false), "x@b.test"));
        assert!(own.believes(&proven("a.test", false), "x@b.test"));
        assert!(!own.believes(&proven("evil.test", true), "x@b.test"));
        assert!(!own.believes(&proven("evil.test", true), ""));
        assert!(!own.believes(&Origin::Unproven, "x@b.test"));
    }

    #[test]
    fn a_user_of_a_shared_provider_is_not_the_provider() {
        let own = owner("me@gmail.com", "mx.google.com");
        assert!(own.believes(&proven("googlemail.com", true), "x@b.test"));
        assert!(!own.believes(&proven("gmail.com", false), "x@gmail.com"));
        assert!(own.believes(&proven("gmail.com", true), "x@gmail.com"));
    }
}
