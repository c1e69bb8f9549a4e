//! A mail domain's records: what receivers and the network's admission look at, each with the record to paste.

use super::Item;
use super::spf::{self, SpfFault};
use crate::discovery::dns::{Dns, DnsFault, or_none};
use crate::discovery::provider::below;
use crate::discovery::{Provider, Table};
use futures::future::join_all;
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::DomainKey;
use mail_auth::dmarc::{Dmarc, Policy};
use std::net::IpAddr;

/// Selectors that many servers use, beside the provider's own; nobody can list a domain's selectors.
const SELECTORS: [&str; 12] = ["default", "dkim", "mail", "s1", "s2", "selector1", "selector2", "google", "k1", "key1", "2025", "2026"];
/// Addresses of a sending host that are looked at.
const MAX_ADDRESSES: usize = 4;

/// What a domain's check goes by.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The mail domain.
    pub domain: &'a str,
    /// Its submission server.
    pub smtp_host: &'a str,
    /// Who runs that, where it is known; `None`: an own server or an unknown provider.
    pub provider: Option<&'a Provider>,
    /// A DKIM selector that the owner knows.
    pub selector: Option<&'a str>,
}

/// Checks a domain.
pub async fn check(dns: &Dns, table: &Table, subject: &Subject<'_>) -> Vec<Item> {
    if let Some((provider, _)) = table.by_domain(subject.domain) {
        return vec![Item::info("domain", format!("{} belongs to {}, who keeps its records", subject.domain, provider.name))];
    }
    // One question first: where nobody answers, a list of nine unknowns helps no one.
    let mx = match or_none(dns.mx(subject.domain).await) {
        Err(_) => return vec![unknown("dns", "MX, SPF, DKIM, DMARC and PTR")],
        Ok(mx) => mx,
    };
    let (mx, spf, dkim, dmarc, ptr) = tokio::join!(
        check_mx(dns, subject, &mx),
        check_spf(dns, subject),
        check_dkim(dns, subject),
        check_dmarc(dns, subject.domain),
        check_ptr(dns, subject)
    );
    let mut items = vec![mx];
    items.extend(spf);
    items.extend([dkim, dmarc]);
    items.extend(ptr);
    items
}

fn unknown(code: &'static str, what: &str) -> Item {
    Item::warn(
        code,
        format!("the DNS did not answer, so {what} is unknown"),
        "try again later; `[dns] server` in node.toml names another resolver",
    )
}

async fn check_mx(dns: &Dns, subject: &Subject<'_>, mx: &[String]) -> Item {
    let domain = subject.domain;
    let paste = format!("publish: {domain}. MX 10 {}.", subject.smtp_host);
    match mx {
        [] => match or_none(dns.addresses(domain).await) {
            Ok(a) if a.is_empty() => Item::critical("mx", format!("{domain} has no MX record: no mail reaches it"), paste),
            Ok(_) => Item::warn("mx", format!("{domain} has no MX record; mail goes to its A record"), paste),
            Err(_) => unknown("mx", "the mail exchanger"),
        },
        [only] if only.is_empty() => {
            Item::critical("mx", format!("{domain} says that it takes no mail (null MX)"), format!("replace that MX record; {paste}"))
        }
        hosts => {
            let found = join_all(hosts.iter().take(MAX_ADDRESSES).map(|h| dns.addresses(h))).await;
            let lost =
                hosts.iter().zip(&found).find(|(_, a)| matches!(a, Ok(list) if list.is_empty()) || matches!(a, Err(DnsFault::NoSuchName)));
            match lost {
                Some((host, _)) => {
                    Item::warn("mx", format!("the MX host {host} has no address"), "correct the MX record or give that host an A record")
                }
                None => Item::ok("mx", format!("mail for {domain} goes to {}", hosts.join(", "))),
            }
        }
    }
}

/// The SPF record to paste: the provider's include, or the own server.
fn spf_record(subject: &Subject<'_>) -> String {
    let who = subject.provider.and_then(|p| p.spf_include.as_ref());
    let who = who.map_or_else(|| format!("mx a:{}", subject.smtp_host), |include| format!("include:{include}"));
    format!("{}. TXT \"v=spf1 {who} -all\"", subject.domain)
}

async fn check_spf(dns: &Dns, subject: &Subject<'_>) -> Vec<Item> {
    let domain = subject.domain;
    let found = match spf::look(dns, domain).await {
        Ok(found) => found,
        Err(SpfFault::NoAnswer(_)) => return vec![unknown("spf", "SPF")],
        Err(fault) => {
            let fix = match &fault {
                SpfFault::Missing(of) if of == domain => format!("publish: {}", spf_record(subject)),
                SpfFault::Missing(of) => format!("take `include:{of}` or `redirect={of}` out of the record of {domain}"),
                SpfFault::Several(_) => "merge them into one record, with one v=spf1 in front".to_owned(),
                SpfFault::TooManyLookups => "take includes out that you no longer send with, or name addresses by ip4: and ip6:".to_owned(),
                _ => format!("write it anew, such as {}", spf_record(subject)),
            };
            return vec![Item::critical("spf", fault.to_string(), fix)];
        }
    };
    let mut items = Vec::new();
    match found.all {
        Some('+') => items.push(Item::critical("spf", "the SPF record ends in +all: everybody may send as this domain", "end it in -all")),
        None | Some('?') => items.push(Item::warn("spf", "the SPF record doesn't say what of all other senders", "end it in -all or ~all")),
        Some(_) => items.push(Item::ok("spf", format!("SPF is published, {} of 10 lookups", found.lookups))),
    }
    if let Some(include) = subject.provider.and_then(|p| p.spf_include.as_ref())
        && !found.includes.iter().any(|i| below(i, include) || below(include, i))
    {
        let text = format!("the SPF record doesn't include {include}, by which this provider sends");
        items.push(Item::warn("spf_provider", text, format!("add include:{include} unless the addresses are listed in another way")));
    }
    items
}

async fn check_dkim(dns: &Dns, subject: &Subject<'_>) -> Item {
    let domain = subject.domain;
    let of_provider = subject.provider.map(|p| p.dkim_selectors.as_slice()).unwrap_or_default();
    let mut selectors: Vec<&str> = subject.selector.into_iter().chain(of_provider.iter().map(String::as_str)).chain(SELECTORS).collect();
    let mut seen = std::collections::BTreeSet::new();
    selectors.retain(|s| seen.insert(*s));
    let asked = join_all(selectors.iter().map(|s| async move { (*s, dns.txt(&format!("{s}._domainkey.{domain}")).await) })).await;
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (selector, answer) in &asked {
        for text in answer.iter().flatten().filter(|t| t.contains("p=")) {
            let list = if DomainKey::parse(text.as_bytes()).is_ok() { &mut good } else { &mut bad };
            list.push(*selector);
        }
    }
    if !good.is_empty() {
        return Item::ok("dkim", format!("DKIM keys are published under {}", good.join(", ")));
    }
    let fix = "switch on DKIM signing at your provider or server and publish the record it shows: <selector>._domainkey.".to_owned()
        + domain
        + ". TXT \"v=DKIM1; k=rsa; p=...\"; then `warmnet-node doctor --dkim-selector <selector>`";
    if !bad.is_empty() {
        return Item::critical("dkim", format!("the DKIM record under {} is withdrawn or can't be read", bad.join(", ")), fix);
    }
    if let Some(selector) = subject.selector {
        let own = asked.iter().find(|(s, _)| *s == selector).map(|(_, a)| a);
        if matches!(own, Some(Err(DnsFault::NoAnswer))) {
            return unknown("dkim", "DKIM");
        }
        return Item::critical("dkim", format!("there is no DKIM key under the selector {selector}"), fix);
    }
    match dns.txt(&format!("_domainkey.{domain}")).await {
        Err(DnsFault::NoSuchName) => Item::critical("dkim", "no DKIM key is published: nothing exists below _domainkey", fix),
        Err(DnsFault::NoAnswer) => unknown("dkim", "DKIM"),
        Ok(_) => Item::warn(
            "dkim",
            "no DKIM key under the usual selectors; there may be one under another name, which the DNS can't list",
            "look up the selector (s=) in the DKIM-Signature of a mail you sent, then `warmnet-node doctor --dkim-selector <selector>`",
        ),
    }
}

async fn check_dmarc(dns: &Dns, domain: &str) -> Item {
    let organisation = psl::domain_str(domain).unwrap_or(domain);
    // A subdomain without a record of its own takes that of its organisation (RFC 9989).
    let mut places = vec![domain];
    places.extend((organisation != domain).then_some(organisation));
    for place in places {
        let Ok(texts) = or_none(dns.txt(&format!("_dmarc.{place}")).await) else { return unknown("dmarc", "DMARC") };
        let found: Vec<&String> = texts.iter().filter(|t| t.trim_start().to_ascii_lowercase().starts_with("v=dmarc1")).collect();
        let paste = format!("publish exactly one: _dmarc.{place}. TXT \"v=DMARC1; p=none; rua=mailto:postmaster@{place}\"");
        match found.as_slice() {
            [] => {}
            [one] => {
                return match Dmarc::parse(one.as_bytes()) {
                    Err(_) => Item::critical("dmarc", format!("the DMARC record of {place} can't be read"), paste),
                    Ok(Dmarc { p: Policy::None | Policy::Unspecified, .. }) => {
                        Item::ok("dmarc", format!("DMARC of {place} is published; its policy only watches (p=none)"))
                    }
                    Ok(_) => Item::ok("dmarc", format!("DMARC of {place} is published")),
                };
            }
            _ => return Item::critical("dmarc", format!("{place} has several DMARC records, which counts as none"), paste),
        }
    }
    let paste = format!("publish: _dmarc.{domain}. TXT \"v=DMARC1; p=none; rua=mailto:postmaster@{domain}\"");
    Item::critical("dmarc", format!("{domain} has no DMARC record"), paste)
}

/// PTR of a server that isn't a known provider's, confirmed forward (RFC 8601 section 3, "iprev").
async fn check_ptr(dns: &Dns, subject: &Subject<'_>) -> Vec<Item> {
    let host = subject.smtp_host;
    if subject.provider.is_some() {
        return vec![];
    }
    let addresses = match or_none(dns.addresses(host).await) {
        Ok(all) if !all.is_empty() => all,
        _ => return vec![unknown("ptr", "the PTR record of your server")],
    };
    join_all(addresses.into_iter().take(MAX_ADDRESSES).map(|ip| one_ptr(dns, host, ip))).await
}

async fn one_ptr(dns: &Dns, host: &str, ip: IpAddr) -> Item {
    let fix = format!(
        "ask whoever gave you {ip} for the PTR record: {}. If your mail leaves by another address, that one needs it",
        reverse(ip, host)
    );
    let names = match or_none(dns.ptr(ip).await) {
        Err(_) => return unknown("ptr", "the PTR record of your server"),
        Ok(names) => names,
    };
    if names.is_empty() {
        return Item::warn("ptr", format!("{ip} ({host}) has no PTR record; large providers refuse mail from such addresses"), fix);
    }
    let forward = join_all(names.iter().take(MAX_ADDRESSES).map(|n| dns.addresses(n))).await;
    let confirmed = names.iter().zip(forward).find(|(_, a)| a.as_ref().is_ok_and(|a| a.contains(&ip)));
    match confirmed {
        Some((name, _)) => Item::ok("ptr", format!("{ip} is {name}, both ways")),
        None => Item::warn("ptr", format!("{ip} points to {}, which doesn't point back", names.join(", ")), fix),
    }
}

fn reverse(ip: IpAddr, host: &str) -> String {
    format!("{} PTR {host}.", hickory_resolver::proto::rr::Name::from(ip).to_ascii())
}
