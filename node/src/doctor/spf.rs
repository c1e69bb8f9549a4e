//! An SPF record and those it includes (RFC 7208): syntax, the limit of ten lookups, who it names.

use crate::discovery::Dns;
use crate::discovery::dns::{DnsFault, or_none};
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::spf::{Macro, Mechanism, Qualifier, Spf};

/// DNS lookups that a receiver makes at most (RFC 7208 section 4.6.4).
pub const MAX_LOOKUPS: usize = 10;

/// What was found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Findings {
    /// Lookups of a receiver that reaches the end; counting stops a little above the limit.
    pub lookups: usize,
    /// Domains whose records are part of it.
    pub includes: Vec<String>,
    /// How the record ends for everybody it doesn't name: `-`, `~`, `?` or `+`; `None` where it doesn't say.
    pub all: Option<char>,
}

/// What makes every receiver give up on the record (permerror), in plain words.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SpfFault {
    /// None at all.
    #[error("{0} has no SPF record")]
    Missing(String),
    /// More than one.
    #[error("{0} has several SPF records, which counts as none")]
    Several(String),
    /// Not to be read.
    #[error("the SPF record of {domain} can't be read{}", .term.as_ref().map(|t| format!(" at \"{t}\"")).unwrap_or_default())]
    Syntax {
        /// Whose.
        domain: String,
        /// The term that is wrong, where it can be told.
        term: Option<String>,
    },
    /// Too many lookups.
    #[error("the SPF record needs more than 10 DNS lookups, so receivers give up on it")]
    TooManyLookups,
    /// The DNS did not answer.
    #[error("the DNS did not answer for {0}")]
    NoAnswer(String),
}

/// Whether a TXT record is an SPF record (RFC 7208 section 4.5).
#[must_use]
pub fn is_spf(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower == "v=spf1" || lower.starts_with("v=spf1 ")
}

/// The one record of a domain.
async fn record(dns: &Dns, domain: &str) -> Result<Spf, SpfFault> {
    let texts = or_none(dns.txt(domain).await).map_err(|_: DnsFault| SpfFault::NoAnswer(domain.to_owned()))?;
    let mut found = texts.iter().filter(|t| is_spf(t));
    let text = found.next().ok_or_else(|| SpfFault::Missing(domain.to_owned()))?;
    if found.next().is_some() {
        return Err(SpfFault::Several(domain.to_owned()));
    }
    let fault = |term: Option<&str>| SpfFault::Syntax { domain: domain.to_owned(), term: term.map(str::to_owned) };
    if let Some(term) = strange_term(text) {
        return Err(fault(Some(term)));
    }
    Spf::parse(text.as_bytes()).map_err(|_| fault(None))
}

/// The first term that no receiver knows (RFC 7208 section 12). The library that reads records forgives wrong addresses; receivers don't.
fn strange_term(text: &str) -> Option<&str> {
    text.split(' ').skip(1).filter(|t| !t.is_empty()).find(|term| {
        let bare = term.trim_start_matches(['+', '-', '~', '?']);
        if term.len() - bare.len() > 1 {
            return true;
        }
        let end = bare.find([':', '/', '=']).unwrap_or(bare.len());
        let (name, rest) = (bare[..end].to_ascii_lowercase(), &bare[end..]);
        let value = rest.get(1..).unwrap_or_default();
        let (address, length) = value.split_once('/').map_or((value, None), |(a, l)| (a, Some(l)));
        let within = |most: u8| length.is_none_or(|l| l.parse::<u8>().is_ok_and(|l| l <= most));
        match (name.as_str(), rest.as_bytes().first()) {
            // A modifier; unknown ones are passed over.
            (_, Some(b'=')) => value.is_empty(),
            ("all", first) => first.is_some(),
            ("include" | "exists", first) => first != Some(&b':') || value.is_empty(),
            ("a" | "mx" | "ptr", first) => first == Some(&b':') && value.is_empty(),
            ("ip4", _) => address.parse::<std::net::Ipv4Addr>().is_err() || !within(32),
            ("ip6", _) => address.parse::<std::net::Ipv6Addr>().is_err() || !within(128),
            _ => true,
        }
    })
}

/// Walks the record of a domain and all it includes.
///
/// # Errors
/// [`SpfFault`].
pub async fn look(dns: &Dns, domain: &str) -> Result<Findings, SpfFault> {
    let mut findings = Findings::default();
    let first = record(dns, domain).await?;
    findings.all = all_of(&first);
    let mut open = vec![first];
    while let Some(spf) = open.pop() {
        let (lookups, named) = terms(&spf);
        findings.lookups += lookups;
        // Every included record is a lookup, so a loop of includes ends here as well.
        if findings.lookups > MAX_LOOKUPS {
            return Err(SpfFault::TooManyLookups);
        }
        for (name, is_redirect) in named {
            let next = record(dns, &name).await?;
            if is_redirect && findings.all.is_none() {
                findings.all = all_of(&next);
            }
            open.push(next);
            findings.includes.push(name);
        }
    }
    Ok(findings)
}

/// Lookups of one record's own terms, and the records it leads to. A name with macros depends on the mail and isn't followed.
fn terms(spf: &Spf) -> (usize, Vec<(String, bool)>) {
    let literal = |m: &Macro| match m {
        Macro::Literal(bytes) => Some(String::from_utf8_lossy(bytes).trim_end_matches('.').to_ascii_lowercase()),
        _ => None,
    };
    let mut lookups = 0;
    let mut named = Vec::new();
    for directive in &spf.directives {
        match &directive.mechanism {
            Mechanism::Include { macro_string } => {
                lookups += 1;
                named.extend(literal(macro_string).map(|n| (n, false)));
            }
            Mechanism::A { .. } | Mechanism::Mx { .. } | Mechanism::Ptr { .. } | Mechanism::Exists { .. } => lookups += 1,
            Mechanism::All | Mechanism::Ip4 { .. } | Mechanism::Ip6 { .. } => {}
        }
    }
    // A redirect counts only where no `all` decides before (RFC 7208 section 6.1).
    if let (Some(target), None) = (&spf.redirect, all_of(spf)) {
        lookups += 1;
        named.extend(literal(target).map(|n| (n, true)));
    }
    (lookups, named)
}

fn all_of(spf: &Spf) -> Option<char> {
    spf.directives.iter().find(|d| d.mechanism == Mechanism::All).map(|d| match d.qualifier {
        Qualifier::Pass => '+',
        Qualifier::Fail => '-',
        Qualifier::SoftFail => '~',
        Qualifier::Neutral => '?',
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::testbed::Zone;

    #[test]
    fn terms_are_read_as_receivers_read_them() {
        let fine =
            "v=spf1 +a mx/24 -mx:b.test/24//64 ?ptr include:_spf.b.test exists:%{i}.b.test ip4:192.0.2.0/24 ip6:2001:db8::/32 new=1 ~ALL";
        assert_eq!(strange_term(fine), None);
        for wrong in [
            "ip4:192.0.2.256",
            "ip4:192.0.2.1/33",
            "ip4",
            "ip6:192.0.2.1",
            "include",
            "include:",
            "all:x",
            "--all",
            "ip:192.0.2.1",
            "redirect=",
            "b.test",
        ] {
            assert_eq!(strange_term(&format!("v=spf1 mx {wrong} -all")), Some(wrong));
        }
    }

    async fn zone(records: &[(&str, &str)]) -> Dns {
        let zone = Zone::default();
        records.iter().for_each(|(name, text)| zone.txt(name, text));
        Dns::new(Some(zone.serve().await)).expect("resolver")
    }

    #[tokio::test]
    async fn includes_are_followed_and_lookups_counted() {
        let dns = zone(&[
            ("a.test", "google-site-verification=x"),
            ("a.test", "V=spf1 mx a:out.a.test ip4:192.0.2.1 include:_spf.p.test -all"),
            ("_spf.p.test", "v=spf1 include:one.p.test ip6:2001:db8::/32 ~all"),
            ("one.p.test", "v=spf1 exists:%{i}.x.p.test ?all"),
            ("r.test", "v=spf1 redirect=one.p.test"),
        ])
        .await;
        let got = look(&dns, "a.test").await.expect("fine");
        assert_eq!((got.lookups, got.all), (5, Some('-')));
        assert_eq!(got.includes, ["_spf.p.test", "one.p.test"]);
        let got = look(&dns, "r.test").await.expect("fine");
        assert_eq!((got.lookups, got.all), (2, Some('?')));
    }

    #[tokio::test]
    async fn what_receivers_give_up_on_is_told() {
        let ten: String = (0..10).map(|i| format!(" a:h{i}.test")).collect();
        let dns = zone(&[
            ("two.test", "v=spf1 -all"),
            ("two.test", "v=spf1 ~all"),
            ("bad.test", "v=spf1 ip4:999.1.1.1 -all"),
            ("other.test", "v=spf10 -all"),
            ("ten.test", &format!("v=spf1{ten} -all")),
            ("eleven.test", &format!("v=spf1{ten} mx -all")),
            ("loop.test", "v=spf1 include:loop.test -all"),
            ("dangling.test", "v=spf1 include:nothing.test -all"),
            ("deaf.test", "v=spf1 include:x.broken.test -all"),
        ])
        .await;
        assert_eq!(look(&dns, "ten.test").await.map(|f| f.lookups), Ok(10));
        for (domain, fault) in [
            ("none.test", SpfFault::Missing("none.test".into())),
            ("other.test", SpfFault::Missing("other.test".into())),
            ("two.test", SpfFault::Several("two.test".into())),
            ("bad.test", SpfFault::Syntax { domain: "bad.test".into(), term: Some("ip4:999.1.1.1".into()) }),
            ("eleven.test", SpfFault::TooManyLookups),
            ("loop.test", SpfFault::TooManyLookups),
            ("dangling.test", SpfFault::Missing("nothing.test".into())),
            ("deaf.test", SpfFault::NoAnswer("x.broken.test".into())),
        ] {
            assert_eq!(look(&dns, domain).await, Err(fault), "{domain}");
        }
    }
}
