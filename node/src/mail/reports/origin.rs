//! Who wrote a report, as far as the owner's provider proves it.

use crate::mail::fields;
use std::net::IpAddr;

/// Where a report comes from.
#[derive(Clone, Eq, PartialEq)]
pub enum Origin {
    /// Written inside the owner's own mail system: no hop took it from a public address.
    Local,
    /// Domains that vouch for it.
    Proven {
        /// Lower case; of passing DKIM signatures, and of From when DMARC passed.
        domains: Vec<String>,
        /// Whether From is a mail system's address (`mailer-daemon@`, `postmaster@`), which no user of a provider has.
        system: bool,
    },
    /// Anybody may have written it.
    Unproven,
}

// Holds domains of the owner's correspondents.
impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Local => "Local",
            Self::Proven { .. } => "Proven",
            Self::Unproven => "Unproven",
        })
    }
}

impl Origin {
    /// Of a raw mail. `domains`: those that vouch for it ([`Authentic`](crate::mail::Authentic)).
    #[must_use]
    pub fn of(raw: &[u8], domains: Vec<String>) -> Self {
        let all = fields::fields(raw);
        if is_local(&all) {
            return Self::Local;
        }
        if domains.is_empty() {
            return Self::Unproven;
        }
        Self::Proven { domains, system: fields::only(&all, "From").is_some_and(|from| is_system(&from)) }
    }
}

fn is_system(from: &str) -> bool {
    let address = from.rsplit_once('<').map_or(from, |(_, a)| a).trim().trim_end_matches('>');
    let local = address.split('@').next().unwrap_or_default().to_ascii_lowercase();
    local == "mailer-daemon" || local == "postmaster" || local.starts_with("microsoftexchange")
}

/// Whether every hop is inside one mail system. The topmost Received fields are the owner's servers' own; what a stranger
/// writes below them can only make this false.
fn is_local(all: &[(String, String)]) -> bool {
    let mut hops = all.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Received")).map(|(_, value)| value).peekable();
    hops.peek().is_some() && hops.all(|hop| is_inner(hop))
}

/// Whether a Received field tells of no sender outside: none at all, one without a public address, LMTP, or a program on the
/// server itself.
fn is_inner(hop: &str) -> bool {
    let text = hop.to_ascii_lowercase();
    let Some(rest) = text.trim_start().strip_prefix("from ") else { return true };
    let Some((from, by)) = rest.split_once(" by ") else { return false };
    let from = from.replace("ipv6:", " ");
    let words = from.split(|c: char| !(c.is_ascii_hexdigit() || c == '.' || c == ':'));
    let mut addresses = words.filter_map(|w| w.parse::<IpAddr>().ok()).peekable();
    if addresses.peek().is_none() {
        return by.contains(" with lmtp") || by.contains(" with local ");
    }
    addresses.all(|ip| match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::auth_results::passing;

    fn of(header: &str) -> Origin {
        let raw = format!("{header}\r\n\r\nx\r\n");
        Origin::of(raw.as_bytes(), passing(raw.as_bytes(), "mx.a.test"))
    }

    #[test]
    fn a_report_of_the_own_system_is_local() {
        assert_eq!(of("Received: by mx.a.test (Postfix) id 4D2; Tue, 24 Nov 2026 08:00:00 +0000 (UTC)"), Origin::Local);
        assert_eq!(of("Received: from mx.a.test by store.a.test with LMTP id x; d\r\nReceived: by mx.a.test (Postfix); d"), Origin::Local);
        assert_eq!(of("Received: from Debian-exim by mx.a.test with local (Exim 4.96) id 1tF; d"), Origin::Local);
        assert_eq!(of("Received: from out ([10.1.2.3]) by mx.a.test with ESMTP; d\r\nReceived: by out; d"), Origin::Local);
        assert_eq!(of("Received: from out (IPv6:::1) by mx.a.test; d"), Origin::Local);
    }

    #[test]
    fn a_stranger_can_not_look_local() {
        for hop in [
            "from mx.a.test (unknown [203.0.113.9]) by mx.a.test (Postfix) with ESMTP",
            "from [127.0.0.1] (evil.test [203.0.113.9]) by mx.a.test",
            "from unknown (HELO mx.a.test) (203.0.113.9) by mx.a.test with SMTP",
            "from mx.a.test ([IPv6:2001:db8::9]) by mx.a.test with ESMTP",
            "from mx.a.test by mx.a.test with ESMTP",
            "from x",
        ] {
            let forged = format!("Received: {hop}; d\r\nReceived: by mx.a.test (Postfix); d");
            assert_eq!(of(&forged), Origin::Unproven, "{hop}");
        }
        assert_eq!(of("From: MAILER-DAEMON@a.test"), Origin::Unproven, "no hop at all proves nothing");
    }

    #[test]
    fn only_the_providers_word_proves_a_domain() {
        let hop = "Received: from out.b.test (out.b.test [203.0.113.9]) by mx.a.test; d\r\nFrom: Mail <MAILER-DAEMON@b.test>";
        let said = format!("Authentication-Results: mx.a.test; dkim=pass header.d=b.test; dmarc=fail header.from=b.test\r\n{hop}");
        assert_eq!(of(&said), Origin::Proven { domains: vec!["b.test".into()], system: true });
        assert_eq!(of(&said.replace("mx.a.test; dkim", "mx.evil.test; dkim")), Origin::Unproven);
        assert_eq!(Origin::of(said.as_bytes(), vec![]), Origin::Unproven, "no provider is believed");
    }
}
