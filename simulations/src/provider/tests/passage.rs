//! From submission to the reader's client.

use super::rig::Rig;
use crate::provider::smtp::{Client, RelayError};
use futures::TryStreamExt as _;
use hickory_resolver::Resolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;
use serde_json::json;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

fn refused(result: Result<String, RelayError>) -> String {
    match result {
        Err(RelayError::Refused(line)) => line,
        other => panic!("not refused: {other:?}"),
    }
}

/// Folder and bytes of the only mail of a plain mailbox.
async fn only_mail(imap: &mut super::rig::Imap) -> (&'static str, String) {
    for folder in ["INBOX", "Junk"] {
        imap.select(folder).await.expect("selected");
        let mails: Vec<_> = imap.uid_fetch("1:*", "(UID FLAGS BODY.PEEK[])").await.expect("fetched").try_collect().await.expect("read");
        if let Some(mail) = mails.first() {
            return (folder, String::from_utf8_lossy(mail.body().expect("a body")).into_owned());
        }
    }
    panic!("no mail");
}

#[tokio::test]
async fn a_mail_is_signed_checked_and_delivered_byte_for_byte() {
    let rig = Rig::start().await;
    rig.warm("alpha", "post@m01.test", "post@m03.test", "one", "Authentication-Results: mx.charlie.test; dkim=fail\r\n")
        .await
        .expect("taken");
    let (_, text) = only_mail(&mut rig.imap("charlie", "post@m03.test").await).await;
    assert!(text.starts_with("Authentication-Results: mx.charlie.test"), "{text}");
    let results = text.split("Received:").next().expect("results");
    for wanted in ["spf=pass", "dkim=pass", "dmarc=pass"] {
        assert!(results.contains(wanted), "{wanted} in {results}");
    }
    assert!(!text.contains("dkim=fail"), "a forged field survived");
    assert!(text.contains("Received: from mx.alpha.test by mx.charlie.test"), "{text}");
    assert!(text.ends_with("Hello one.\r\n.dots stay\r\n"), "{text}");
    let stats = rig.control(json!({"cmd": "stats"})).await;
    assert_eq!((&stats["ok"], &stats["warm"]["delivered"], &stats["doubled"]), (&json!(true), &json!(1), &json!(0)));
    let captured = rig.control(json!({"cmd": "captured", "mailbox": "post@m03.test"})).await;
    assert_eq!(captured["mails"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn wrong_doors_stay_shut() {
    let rig = Rig::start().await;
    let mut client = Client::start(rig.tls("alpha", "smtps").await, "c").await.expect("greeted");
    assert!(refused(client.sign_in("post@m01.test", "wrong").await).starts_with("535 5.7.8"));
    assert!(refused(client.ask("MAIL FROM:<post@m01.test>\r\n").await).starts_with("530"));
    // A user of another provider.
    assert!(refused(client.sign_in("post@m02.test", "pw").await).starts_with("535"));
    let mut client = rig.smtp("alpha", "post@m01.test").await;
    assert!(refused(client.ask("MAIL FROM:<post@m04.test>\r\n").await).starts_with("553"));
    assert!(refused(client.ask("MAIL FROM:<post@m01.test> SIZE=99999999\r\n").await).starts_with("552"));
    assert!(refused(client.mail("post@m01.test", "gone@m03.test", b"x").await).starts_with("550 5.1.1"));
    assert!(refused(client.mail("post@m01.test", "a@nowhere.test", b"x").await).starts_with("550 5.1.2"));
    // A stranger without TLS is not let in, by SMTP or IMAP.
    let mut client = Client::start(rig.plain("alpha", "submission").await, "c").await.expect("greeted");
    assert!(refused(client.sign_in("post@m01.test", "pw").await).starts_with("538"));
    let mut imap = async_imap::Client::new(rig.plain("alpha", "imap").await);
    imap.read_response().await.expect("a greeting");
    assert!(imap.login("post@m01.test", "pw").await.is_err());
    let mut imap = async_imap::Client::new(rig.tls("alpha", "imaps").await);
    imap.read_response().await.expect("a greeting");
    let why = imap.login("post@m01.test", "wrong").await.map_err(|e| e.0.to_string()).expect_err("refused");
    assert!(why.contains("AUTHENTICATIONFAILED"), "{why}");
    let stats = rig.control(json!({"cmd": "stats"})).await;
    assert_eq!(stats["by_domain"][0]["bounces"], json!(1), "{stats}");
}

#[tokio::test]
async fn starttls_on_both_ports() {
    let rig = Rig::start().await;
    let mut plain = BufReader::new(rig.plain("charlie", "submission").await);
    let mut line = String::new();
    plain.read_line(&mut line).await.expect("a greeting");
    plain.write_all(b"STARTTLS\r\n").await.expect("sent");
    line.clear();
    plain.read_line(&mut line).await.expect("an answer");
    assert!(line.starts_with("220"), "{line}");
    let mut secure = rig.secure("charlie", plain.into_inner()).await;
    secure.write_all(b"EHLO c\r\nAUTH LOGIN\r\n").await.expect("sent");
    let mut seen = String::new();
    while !seen.contains("334 ") {
        let mut buffer = [0u8; 512];
        let n = secure.read(&mut buffer).await.expect("read");
        assert!(n > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..n]));
    }
    secure.write_all(b"cG9zdEBtMDMudGVzdA==\r\ncHc=\r\n").await.expect("sent");
    while !seen.contains("235 ") {
        let mut buffer = [0u8; 512];
        let n = secure.read(&mut buffer).await.expect("read");
        assert!(n > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..n]));
    }

    let mut client = async_imap::Client::new(rig.plain("charlie", "imap").await);
    client.read_response().await.expect("a greeting");
    client.run_command_and_check_ok("STARTTLS", None).await.expect("ready for TLS");
    let stream = rig.secure("charlie", client.into_inner()).await;
    let mut session = async_imap::Client::new(stream).login("post@m03.test", "pw").await.map_err(|e| e.0).expect("signed in");
    let capabilities = session.capabilities().await.expect("capabilities");
    for wanted in ["MOVE", "UIDPLUS", "IDLE", "SPECIAL-USE"] {
        assert!(capabilities.has_str(wanted), "{wanted}");
    }
}

#[tokio::test]
async fn dns_answers() {
    let rig = Rig::start().await;
    let address: SocketAddr = rig.ports["dns"].as_str().expect("text").parse().expect("an address");
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for c in &mut server.connections {
        c.port = address.port();
    }
    let config = ResolverConfig::from_name_servers(vec![server]);
    let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::default()).build().expect("a resolver");
    let found = async |name: &str, kind| match resolver.lookup(name, kind).await {
        Ok(answer) => answer.answers().iter().map(|r| r.data.to_string()).collect::<Vec<_>>().join(" "),
        Err(error) if error.is_no_records_found() => String::new(),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(found("m01.test.", RecordType::MX).await, "10 mx.alpha.test.");
    assert_eq!(found("mx.charlie.test.", RecordType::A).await, "127.0.0.4");
    assert!(found("m01.test.", RecordType::TXT).await.contains("v=spf1 ip4:127.0.0.2 -all"));
    assert!(found("_dmarc.m01.test.", RecordType::TXT).await.contains("v=DMARC1"));
    assert!(found("wn._domainkey.m01.test.", RecordType::TXT).await.contains("k=ed25519"));
    assert_eq!(found("dbltest.com.dbl.test.", RecordType::A).await, "127.0.1.2");
    assert_eq!(found("INVALID.dbl.test.", RecordType::A).await, "");
    assert_eq!(found("m02.test.dbl.test.", RecordType::A).await, "");
    assert_eq!(rig.control(json!({"cmd": "list", "domain": "M03.test"})).await["ok"], json!(true));
    assert_eq!(found("m03.test.dbl.test.", RecordType::A).await, "127.0.1.2");
}
