//! The whole search against DNS, web and mail servers on loopback.

use super::testbed::{Certificate, Zone, imap, smtp, web};
use super::*;
use crate::discovery::https::HttpsError;
use crate::mail::{ServerSettings, TlsClient};
use std::time::Duration;

const NAMES: [&str; 8] =
    ["imap.a.test", "smtp.a.test", "mail.a.test", "mx.b.test", "autoconfig.a.test", "a.test", "ispdb.test", "imap.provider.test"];

struct World {
    zone: Zone,
    certificate: Certificate,
    finder: Finder,
    imap: u16,
    smtp: u16,
}

async fn world(table: &str) -> World {
    let zone = Zone::default();
    NAMES.iter().for_each(|n| zone.a(n));
    let certificate = Certificate::new(&NAMES);
    let dns = Dns::new(Some(zone.serve().await)).expect("resolver");
    let tls = TlsClient::new(Some(&certificate.ca_file())).expect("roots");
    let limit = Duration::from_secs(10);
    let https = Https { tls: tls.clone(), dns: dns.clone(), limit, max_body: autoconfig::MAX_BYTES, allow_private: true };
    let (imap, smtp) = (imap(&certificate, true).await, smtp(&certificate).await);
    let finder = Finder {
        table: Table::read(table).expect("readable"),
        dns,
        dial_by_dns: true,
        https: Some(https),
        https_port: 1,
        ispdb: None,
        tls,
        limit,
        guess_ports: [imap, smtp, 1],
    };
    World { zone, certificate, finder, imap, smtp }
}

const NOBODY: &str = "provider = []";

fn row(imap: u16, smtp: u16) -> String {
    format!(
        "[[provider]]\nid = \"p\"\nname = \"P\"\nchecked = \"2026-11-24\"\nsources = [\"a test\"]\nsign_in = [\"app-password\"]\n\
         automation = \"unknown\"\nrule = \"None.\"\n[[provider.site]]\ndomains = [\"p.test\"]\nmx = [\"provider.test\"]\nuser = \"local-part\"\n\
         imap = {{ host = \"imap.provider.test\", port = {imap}, security = \"tls\" }}\n\
         smtp = {{ host = \"smtp.a.test\", port = {smtp}, security = \"tls\" }}\n"
    )
}

async fn find(world: &World, address: &str) -> (Option<Found>, Vec<Step>) {
    let mut steps = Vec::new();
    let found = world.finder.find(address, &mut |s| steps.push(s)).await;
    (found, steps)
}

fn places(found: &Found) -> [(&str, u16); 2] {
    [(&found.imap.host, found.imap.port), (&found.smtp.host, found.smtp.port)].map(|(h, p)| (h.as_str(), p))
}

#[tokio::test]
async fn the_table_knows_domains_and_mail_exchangers() {
    let mut world = world(NOBODY).await;
    world.finder.table = Table::read(&row(world.imap, world.smtp)).expect("readable");
    world.zone.mx("hosted.test", "mx1.provider.test");
    for (address, source) in [("me@p.test", Source::Domain), ("me@hosted.test", Source::Mx)] {
        let found = find(&world, address).await.0.expect("found");
        assert_eq!((found.source, found.trust, found.user.as_str()), (source, Trust::Known, "me"));
        assert_eq!(places(&found), [("imap.provider.test", world.imap), ("smtp.a.test", world.smtp)]);
    }
    // A provider whose servers don't answer is not given out.
    world.zone.remove("imap.provider.test");
    assert_eq!(find(&world, "me@p.test").await.0, None);
}

#[tokio::test]
async fn srv_records_lead_to_other_ports_and_strange_hosts_need_a_yes() {
    let world = world(NOBODY).await;
    world.zone.srv("_imaps._tcp.a.test", world.imap, "imap.a.test");
    world.zone.srv("_submissions._tcp.a.test", world.smtp, "smtp.a.test");
    let (found, steps) = find(&world, "me@a.test").await;
    let found = found.expect("found");
    assert_eq!((found.source, found.trust), (Source::Srv, Trust::OwnDomain));
    assert_eq!(places(&found), [("imap.a.test", world.imap), ("smtp.a.test", world.smtp)]);
    assert!(steps.iter().any(|s| s.what == "SRV records" && s.result == "found"), "{steps:?}");
    assert_eq!((found.imap.address, found.smtp.address), (None, None), "a file names hosts, not what they resolved to today");

    world.zone.srv("_imaps._tcp.other.test", world.imap, "imap.a.test");
    world.zone.srv("_submissions._tcp.other.test", world.smtp, "smtp.a.test");
    let found = find(&world, "me@other.test").await.0.expect("found");
    assert_eq!(found.trust, Trust::Confirm);
    // "Not offered" (RFC 2782) is no server.
    world.zone.srv("_imaps._tcp.off.test", world.imap, ".");
    world.zone.srv("_submissions._tcp.off.test", world.smtp, "smtp.a.test");
    assert_eq!(find(&world, "me@off.test").await.0, None);
}

#[tokio::test]
async fn guesses_count_only_under_a_certificate_for_their_name() {
    let world = world(NOBODY).await;
    let found = find(&world, "me@a.test").await.0.expect("found");
    assert_eq!((found.source, found.trust), (Source::Guess, Trust::OwnDomain));
    assert_eq!(places(&found), [("imap.a.test", world.imap), ("smtp.a.test", world.smtp)]);
    // The domain's own mail exchanger is a usual name too.
    world.zone.mx("b.test", "mx.b.test");
    assert_eq!(places(&find(&world, "me@b.test").await.0.expect("found")).map(|p| p.0), ["mx.b.test", "mx.b.test"]);
    // c.test's names lead to the same servers, whose certificate is for others.
    ["imap.c.test", "smtp.c.test", "mail.c.test"].iter().for_each(|n| world.zone.a(n));
    let (found, steps) = find(&world, "me@c.test").await;
    assert_eq!(found, None);
    assert!(steps.iter().any(|s| s.what == "usual names" && s.result == "IMAP none, SMTP none"), "{steps:?}");
    drop(world.certificate);
}

fn file(imap: &str, imap_port: u16, smtp_port: u16) -> String {
    format!(
        "<clientConfig version=\"1.1\"><emailProvider id=\"a\"><incomingServer type=\"imap\"><hostname>{imap}</hostname><port>{imap_port}</port>\
         <socketType>SSL</socketType><username>%EMAILLOCALPART%</username><authentication>password-cleartext</authentication></incomingServer>\
         <outgoingServer type=\"smtp\"><hostname>smtp.a.test</hostname><port>{smtp_port}</port><socketType>SSL</socketType>\
         </outgoingServer></emailProvider></clientConfig>"
    )
}

#[tokio::test]
async fn autoconfig_is_read_over_https_and_the_address_stays_here() {
    let mut world = world(NOBODY).await;
    let (imap, smtp) = (world.imap, world.smtp);
    let big = "x".repeat(autoconfig::MAX_BYTES + 1);
    let pages = Box::leak(Box::new([
        ("autoconfig.a.test/mail/config-v1.1.xml", "200 OK", file("mail.a.test", imap, smtp)),
        ("ispdb.test/v1.1/elsewhere.test", "200 OK", file("imap.a.test", imap, smtp)),
        ("ispdb.test/v1.1/big.test", "200 OK", big),
        ("ispdb.test/v1.1/moved.test", "302 Found\r\nlocation: https://a.test/", String::new()),
        ("ispdb.test/v1.1/empty.test", "200 OK", "<html></html>".to_owned()),
    ]));
    let (port, asked) = web(&world.certificate, pages).await;
    world.finder.https_port = port;
    world.finder.ispdb = Some(format!("https://ispdb.test:{port}/v1.1/"));
    let found = find(&world, "me@a.test").await.0.expect("found");
    assert_eq!((found.source, found.trust, found.user.as_str()), (Source::Autoconfig, Trust::OwnDomain, "me"));
    assert_eq!(places(&found), [("mail.a.test", imap), ("smtp.a.test", smtp)]);
    let found = find(&world, "me@elsewhere.test").await.0.expect("found");
    assert_eq!((found.source, found.trust), (Source::Ispdb, Trust::Ispdb));
    for (address, why) in [("me@big.test", "too long"), ("me@moved.test", "points elsewhere"), ("me@empty.test", "no mail provider")] {
        let (found, steps) = find(&world, address).await;
        assert_eq!(found, None);
        assert!(steps.iter().any(|s| s.result.contains(why)), "{why}: {steps:?}");
    }
    let asked = asked.lock().expect("not poisoned").join(" ");
    assert!(!asked.contains('@') && !asked.contains("%40") && !asked.contains(" a.test/ "), "{asked}");
}

#[tokio::test]
async fn the_web_client_goes_nowhere_it_should_not() {
    let world = world(NOBODY).await;
    let pages = Box::leak(Box::new([("a.test/", "200 OK", "hello".to_owned())]));
    let (port, _) = web(&world.certificate, pages).await;
    let https = world.finder.https.clone().expect("a client");
    let reply = https.get(&format!("https://a.test:{port}/")).await.expect("an answer");
    assert_eq!((reply.status.as_u16(), reply.body.as_ref()), (200, b"hello".as_slice()));
    assert_eq!(https.get(&format!("https://a.test:{port}/none")).await.expect("an answer").status.as_u16(), 404);
    for url in [format!("http://a.test:{port}/"), format!("https://me@a.test:{port}/"), "/mail".to_owned(), "https://".to_owned()] {
        assert_eq!(https.get(&url).await.err(), Some(HttpsError::NotHttps), "{url}");
    }
    let public_only = Https { allow_private: false, ..https.clone() };
    for host in ["a.test", "127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254"] {
        let got = public_only.get(&format!("https://{host}:{port}/")).await.err();
        assert_eq!(got, Some(HttpsError::PrivateAddress), "{host}");
    }
    assert_eq!(https.get("https://nowhere.test/").await.err(), Some(HttpsError::Resolve));
    let short = Https { max_body: 3, ..https };
    assert_eq!(short.get(&format!("https://a.test:{port}/")).await.err(), Some(HttpsError::TooLong));
}

#[tokio::test]
async fn a_dns_that_fails_is_not_an_empty_one() {
    let world = world(NOBODY).await;
    let dns = &world.finder.dns;
    world.zone.txt("a.test", "v=spf1 -all");
    assert_eq!(dns.txt("a.test").await, Ok(vec!["v=spf1 -all".to_owned()]));
    assert_eq!(dns.mx("a.test").await, Ok(vec![]));
    assert_eq!(dns.mx("none.test").await, Err(DnsFault::NoSuchName));
    assert_eq!(dns.mx("broken.test").await, Err(DnsFault::NoAnswer));
    assert_eq!(dns.addresses("a.test").await.map(|a| a.len()), Ok(1));
    let (found, steps) = find(&world, "me@broken.test").await;
    assert_eq!((found, steps.len()), (None, 2), "no waiting for what would need the DNS as well: {steps:?}");
    let dialled = world.finder.dialled(&ServerSettings { address: None, ..world.certificate.server("none.test", 1) }).await;
    assert!(dialled.is_err());
}
