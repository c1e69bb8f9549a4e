//! The checks against DNS and mail servers on loopback.

use super::Severity::{Critical, Info, Ok, Warn};
use super::domain::{Subject, check as check_domain};
use super::*;
use crate::config::{MailboxConfig, NodeConfig};
use crate::discovery::testbed::{Certificate, PASSWORD, Zone, imap, smtp};
use crate::discovery::{Dns, Finder, Table};
use crate::mail::{Login, MailTimeouts};
use std::net::{IpAddr, Ipv4Addr};

/// A documentation address: nobody dials it here, and resolvers answer for 127.0.0.1 by themselves (RFC 6761).
const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
/// A key that can be read: the one of RFC 8463 appendix A.2.
const ED25519: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

async fn look(zone: &Zone, domain: &str, provider: Option<&str>, selector: Option<&str>) -> Vec<Item> {
    let dns = Dns::new(Some(zone.serve().await)).expect("resolver");
    let table = Table::shipped();
    let provider = provider.map(|id| table.providers.iter().find(|p| p.id == id).expect("a row"));
    check_domain(&dns, &table, &Subject { domain, smtp_host: "mail.a.test", provider, selector }).await
}

fn of<'a>(items: &'a [Item], code: &str) -> &'a Item {
    items.iter().find(|i| i.code == code).unwrap_or_else(|| panic!("no {code} in {items:?}"))
}

fn good() -> Zone {
    let zone = Zone::default();
    zone.mx("a.test", "mail.a.test");
    zone.a_at("mail.a.test", HOST);
    zone.txt("a.test", "v=spf1 mx -all");
    zone.txt("s1._domainkey.a.test", ED25519);
    zone.txt("_dmarc.a.test", "v=DMARC1; p=reject");
    zone.ptr(HOST.into(), "mail.a.test");
    zone
}

#[test]
fn what_strangers_published_can_do_nothing_to_a_terminal() {
    let item = Item::warn("spf", format!("\u{1b}[2J{}", "x".repeat(10_000)), "a\nb");
    assert!(item.text.starts_with("?[2Jx") && item.text.len() == 600);
    assert_eq!(item.fix.as_deref(), Some("a?b"));
}

#[tokio::test]
async fn a_domain_in_order_has_nothing_to_mend() {
    let items = look(&good(), "a.test", None, None).await;
    assert!(items.iter().all(|i| i.severity == Ok && i.fix.is_none()), "{items:?}");
    assert_eq!(items.iter().map(|i| i.code).collect::<Vec<_>>(), ["mx", "spf", "dkim", "dmarc", "ptr"]);
}

#[tokio::test]
async fn a_bare_domain_gets_every_record_to_paste() {
    let zone = Zone::default();
    zone.a_at("mail.a.test", HOST);
    zone.txt("a.test", "hello");
    let items = look(&zone, "a.test", None, None).await;
    for (code, paste) in [
        ("mx", "a.test. MX 10 mail.a.test."),
        ("spf", "a.test. TXT \"v=spf1 mx a:mail.a.test -all\""),
        ("dkim", "<selector>._domainkey.a.test. TXT"),
        ("dmarc", "_dmarc.a.test. TXT \"v=DMARC1; p=none; rua=mailto:postmaster@a.test\""),
    ] {
        let item = of(&items, code);
        assert!(item.severity == Critical && item.fix.as_ref().is_some_and(|f| f.contains(paste)), "{item:?}");
    }
    let ptr = of(&items, "ptr");
    assert!(ptr.severity == Warn && ptr.fix.as_ref().is_some_and(|f| f.contains("7.2.0.192.in-addr.arpa. PTR mail.a.test.")), "{ptr:?}");
    let hosted = look(&zone, "a.test", Some("fastmail"), None).await;
    assert!(of(&hosted, "spf").fix.as_ref().is_some_and(|f| f.contains("v=spf1 include:spf.messagingengine.com -all")));
    assert!(!hosted.iter().any(|i| i.code == "ptr"), "a provider's PTR is the provider's");
}

/// A good domain with one name replaced.
async fn with(name: &str, texts: &[&str], code: &str) -> (Severity, String) {
    let zone = good();
    zone.remove(name);
    texts.iter().for_each(|t| zone.txt(name, t));
    let items = look(&zone, "a.test", None, None).await;
    let item = of(&items, code);
    (item.severity, item.text.clone())
}

#[tokio::test]
async fn wrong_records_are_told_apart() {
    let dmarc = "_dmarc.a.test";
    assert_eq!(with(dmarc, &["v=DMARC1; p=reject", "v=DMARC1; p=none"], "dmarc").await.0, Critical);
    assert_eq!(with(dmarc, &["v=DMARC1; p=maybe"], "dmarc").await.0, Critical);
    assert!(with(dmarc, &["v=DMARC1; p=none"], "dmarc").await.1.contains("only watches"));
    let dkim = "s1._domainkey.a.test";
    assert!(with(dkim, &["v=DKIM1; p="], "dkim").await.1.contains("withdrawn"));
    assert_eq!(with(dkim, &["v=DKIM1; k=rsa; p=!!!"], "dkim").await.0, Critical);
    assert_eq!(with(dkim, &[], "dkim").await.0, Critical, "nothing below _domainkey");
    let spf = |text: &'static str| async move {
        let zone = good();
        zone.remove("a.test");
        zone.mx("a.test", "mail.a.test");
        zone.txt("a.test", text);
        of(&look(&zone, "a.test", None, None).await, "spf").severity
    };
    assert_eq!(spf("v=spf1 +all").await, Critical);
    assert_eq!(spf("v=spf1 mx").await, Warn);
    assert_eq!(spf("v=spf1 mx ~all").await, Ok);
    assert_eq!(spf("v=spf1 mx include: -all").await, Critical);
    let (_, text) = with("_dmarc.a.test", &["v=DMARC1; p=none"], "spf").await;
    assert!(text.contains("1 of 10"), "{text}");
}

#[tokio::test]
async fn what_cant_be_known_is_not_called_missing() {
    let zone = good();
    zone.remove("s1._domainkey.a.test");
    zone.txt("odd._domainkey.a.test", ED25519);
    let dkim = of(&look(&zone, "a.test", None, None).await, "dkim").clone();
    assert!(dkim.severity == Warn && dkim.text.contains("can't list"), "{dkim:?}");
    assert_eq!(of(&look(&zone, "a.test", None, Some("odd")).await, "dkim").severity, Ok);
    assert_eq!(of(&look(&zone, "a.test", None, Some("none")).await, "dkim").severity, Critical);
    let items = look(&zone, "broken.test", None, None).await;
    assert_eq!(items.iter().map(|i| (i.code, i.severity)).collect::<Vec<_>>(), [("dns", Warn)]);
    let own = look(&zone, "gmail.com", None, None).await;
    assert_eq!(own.iter().map(|i| (i.code, i.severity)).collect::<Vec<_>>(), [("domain", Info)]);
}

#[tokio::test]
async fn mail_exchangers_pointers_and_subdomains() {
    let zone = good();
    zone.mx("null.test", ".");
    assert!(of(&look(&zone, "null.test", None, None).await, "mx").text.contains("null MX"));
    zone.mx("lost.test", "gone.test");
    assert_eq!(of(&look(&zone, "lost.test", None, None).await, "mx").severity, Warn);
    zone.mx("sub.a.test", "mail.a.test");
    assert!(of(&look(&zone, "sub.a.test", None, None).await, "dmarc").text.contains("DMARC of a.test"));
    let zone = good();
    zone.remove("7.2.0.192.in-addr.arpa");
    zone.ptr(HOST.into(), "other.test");
    let ptr = of(&look(&zone, "a.test", None, None).await, "ptr").clone();
    assert!(ptr.severity == Warn && ptr.text.contains("doesn't point back"), "{ptr:?}");
}

#[tokio::test]
async fn a_mailbox_is_signed_in_and_its_folders_are_looked_at() {
    let certificate = Certificate::new(&["mail.a.test"]);
    let zone = Zone::default();
    zone.a("mail.a.test");
    let dns = zone.serve().await;
    let mut config = NodeConfig::default();
    config.dns.server = Some(dns);
    let finder = Finder::of_config(&config, Some(&certificate.ca_file()), false).expect("a finder");
    let submission = smtp(&certificate).await;
    let mut mailbox = MailboxConfig::new(
        "me@a.test".into(),
        certificate.server("mail.a.test", submission),
        certificate.server("mail.a.test", imap(&certificate, true).await),
    );
    // Both are found by the DNS of the configuration, as the search finds them.
    (mailbox.smtp.address, mailbox.imap.address) = (None, None);
    let login = |password: &str| Some(Login { user: "me@a.test".into(), password: password.to_owned().into() });
    let timeouts = MailTimeouts::default();
    let items = mailbox::check(&mailbox, login(PASSWORD), &finder, &timeouts).await;
    assert!(items.iter().all(|i| i.mailbox.as_deref() == Some("me@a.test")));
    let severities = |items: &[Item]| items.iter().map(|i| (i.code, i.severity)).collect::<Vec<_>>();
    assert_eq!(
        severities(&items),
        [("smtp", Ok), ("imap", Ok), ("junk_folder", Ok), ("consent", Info), ("authserv_id", Warn)],
        "{items:?}"
    );
    let items = mailbox::check(&mailbox, login("wrong"), &finder, &timeouts).await;
    assert_eq!((of(&items, "smtp").severity, of(&items, "imap").severity), (Critical, Critical));
    assert!(of(&items, "imap").fix.as_ref().is_some_and(|f| f.contains("app password")), "{items:?}");
    assert_eq!(of(&mailbox::check(&mailbox, None, &finder, &timeouts).await, "password").severity, Critical);
    // No junk folder, and an SMTP port where nothing is.
    mailbox.imap.port = imap(&certificate, false).await;
    mailbox.smtp.port = 1;
    mailbox.authserv_id = Some("mail.a.test".into());
    let items = mailbox::check(&mailbox, login(PASSWORD), &finder, &timeouts).await;
    assert_eq!(severities(&items)[..3], [("smtp", Critical), ("imap", Ok), ("junk_folder", Warn)]);
    assert_eq!(of(&items, "authserv_id").severity, Ok);
    // A certificate for another name.
    mailbox.imap.host = "imap.a.test".into();
    mailbox.imap.address = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let items = mailbox::check(&mailbox, login(PASSWORD), &finder, &timeouts).await;
    assert!(of(&items, "imap").text.contains("another name"), "{items:?}");
}
