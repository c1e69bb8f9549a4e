//! Canonical mailbox addresses, so that one mailbox can't enrol under many spellings.

use std::fmt;

/// Domains at which dots in the local part mean nothing, with the domain they are canonically known by.
const DOTLESS: &[(&str, &str)] = &[("gmail.com", "gmail.com"), ("googlemail.com", "gmail.com")];

/// A mailbox address in canonical form: lower-case A-label domain; lower-case local part without `+suffix`,
/// and without dots where the provider ignores them. Never printed by `Debug`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CanonicalAddress {
    text: String,
    at: usize,
}

/// Why a text is no mailbox address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    /// There is not exactly one usable `local@domain`.
    #[error("an address is written name@domain (R-ID-2)")]
    Shape,
    /// A character that an address may not hold here, or a domain that is not an ASCII A-label.
    #[error("the address holds a character that is not allowed (write international domains as xn--; R-ID-2)")]
    Character,
    /// RFC 5321 4.5.3.1: local part 64, whole path 254 octets.
    #[error("the address is longer than 254 characters (R-ID-2)")]
    TooLong,
}

impl CanonicalAddress {
    /// Canonicalises `address`.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(address: &str) -> Result<Self, AddressError> {
        let address = address.trim();
        if address.len() > 254 {
            return Err(AddressError::TooLong);
        }
        let (local, domain) = address.rsplit_once('@').ok_or(AddressError::Shape)?;
        if local.is_empty() || local.len() > 64 || !domain.contains('.') || domain.split('.').any(|l| l.is_empty() || l.len() > 63) {
            return Err(AddressError::Shape);
        }
        let local_ok = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let domain_ok = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if !local.chars().all(local_ok) || !domain.chars().all(domain_ok) {
            return Err(AddressError::Character);
        }
        let mut domain = domain.to_ascii_lowercase();
        let mut local = local.to_ascii_lowercase();
        if let Some(plus) = local.find('+').filter(|i| *i > 0) {
            local.truncate(plus);
        }
        if let Some((_, canonical)) = DOTLESS.iter().find(|(d, _)| *d == domain) {
            local.retain(|c| c != '.');
            domain = (*canonical).to_owned();
        }
        if local.is_empty() {
            return Err(AddressError::Shape);
        }
        let at = local.len();
        Ok(Self { text: format!("{local}@{domain}"), at })
    }
    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// Its domain.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }
    /// The registrable domain by the Public Suffix List; the domain itself where the list knows none.
    #[must_use]
    pub fn registrable_domain(&self) -> &str {
        psl::domain_str(self.domain()).unwrap_or_else(|| self.domain())
    }
}

impl fmt::Debug for CanonicalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CanonicalAddress(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_one_form() {
        let same = ["Jo.Doe+x@GoogleMail.com", "jodoe@gmail.com", "j.o.d.o.e@gmail.com"];
        for a in same {
            assert_eq!(CanonicalAddress::parse(a).unwrap().as_str(), "jodoe@gmail.com");
        }
        assert_eq!(CanonicalAddress::parse("A.b@Example.ORG").unwrap().as_str(), "a.b@example.org");
        assert_eq!(CanonicalAddress::parse("x@mail.example.co.uk").unwrap().registrable_domain(), "example.co.uk");
    }

    #[test]
    fn nonsense_is_refused() {
        for a in ["", "a", "@b.c", "a@", "a@b", "a b@c.d", "a@b..c", "a@bü.de", "\"a\"@b.c"] {
            assert!(CanonicalAddress::parse(a).is_err(), "{a}");
        }
    }
}
