//! Faults on purpose, as a client meets them.

use super::super::faults::Faults;
use super::super::smtp::{Client, RelayError};
use super::rig::Rig;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

async fn rig(faults: &str) -> Rig {
    Rig::start_with(Faults::read(faults).expect("faults")).await
}

/// Everything until the server closes.
async fn rest(stream: &mut TlsStream<TcpStream>) -> String {
    let mut seen = Vec::new();
    // It closes without TLS's good-bye, as a broken connection does.
    let _end = tokio::time::timeout(super::rig::LIMIT, stream.read_to_end(&mut seen)).await.expect("closed in time");
    String::from_utf8_lossy(&seen).into_owned()
}

#[tokio::test]
async fn smtp_fails_at_every_step() {
    let steps = ["greeting", "ehlo", "auth", "mail", "rcpt", "data", "message", "quit"];
    let fault = |step: &&str| {
        format!("[[fault]]\nservice = \"smtp\"\nstep = \"{step}\"\ncount = 1\nreply = \"421-4.3.2 at\\n421 4.3.2 {step}\"\nclose = true\n")
    };
    let rig = rig(&steps.iter().map(fault).collect::<String>()).await;
    for step in steps {
        let talk = async {
            let mut client = Client::start(rig.tls("alpha", "smtps").await, "c").await?;
            client.sign_in("post@m01.test", "pw").await?;
            client.mail("post@m01.test", "post@m03.test", b"From: post@m01.test\r\nMessage-ID: <1@x>\r\n\r\nHi\r\n").await?;
            client.quit().await
        };
        match talk.await {
            Err(RelayError::Refused(line)) => assert_eq!(line, format!("421 4.3.2 {step}")),
            other => panic!("{step}: {other:?}"),
        }
    }
    let stats = rig.control(json!({"cmd": "stats"})).await;
    assert_eq!(stats["faults"], json!([1, 1, 1, 1, 1, 1, 1, 1]));
    assert_eq!(stats["delivered"], json!(1), "only the mail before QUIT was taken: {stats}");
}

#[tokio::test]
async fn the_final_dot_may_hide_what_became_of_the_mail() {
    let rig = rig(
        "[[fault]]\nservice = \"smtp\"\nstep = \"message\"\ncount = 1\ncarried_out = true\nclose = true\n\
         [[fault]]\nservice = \"smtp\"\nstep = \"message\"\ncount = 1\nclose = true\n\
         [[fault]]\nservice = \"mx\"\nstep = \"rcpt\"\nmailbox = \"post@m03.test\"\nreply = \"451 4.7.1 greylisted\"\nafter = 5\ncount = 1\n",
    )
    .await;
    for id in ["taken", "lost"] {
        let told = rig.warm("alpha", "post@m01.test", "post@m03.test", id, "").await;
        assert!(matches!(told, Err(RelayError::Io(_))), "{told:?}");
        assert_eq!(rig.control(json!({"cmd": "stats"})).await["warm"]["delivered"], json!(1), "{id}");
    }
    // The submission asks ahead, then hands over if it may: the other provider sees two RCPTs, one, and two; the sixth fails.
    rig.warm("alpha", "post@m01.test", "post@m03.test", "fine", "").await.expect("taken");
    match rig.warm("alpha", "post@m01.test", "post@m03.test", "grey", "").await {
        Err(RelayError::Refused(line)) => assert_eq!(line, "451 4.7.1 greylisted"),
        other => panic!("{other:?}"),
    }
    rig.warm("alpha", "post@m01.test", "post@m03.test", "again", "").await.expect("taken");
}

#[tokio::test]
async fn imap_answers_are_replaced_cut_and_lost() {
    use base64::Engine as _;
    let rig = rig(
        "[[fault]]\nservice = \"imap\"\nstep = \"select\"\nmailbox = \"post@m01.test\"\ncount = 1\nreply = \"* OK busy\\nNO [INUSE] later\"\n\
         [[fault]]\nservice = \"imap\"\nstep = \"fetch\"\nmailbox = \"post@m01.test\"\ncount = 1\ntruncate = 20\n\
         [[fault]]\nservice = \"imap\"\nstep = \"move\"\nmailbox = \"post@m01.test\"\ncount = 1\ncarried_out = true\nclose = true\n\
         [[fault]]\nservice = \"imap\"\nstep = \"login\"\nmailbox = \"post@m04.test\"\nreply = \"NO [UNAVAILABLE] no\"\n",
    )
    .await;
    let raw = base64::engine::general_purpose::STANDARD.encode("From: a@b.example\r\nMessage-ID: <g@y>\r\n\r\nx\r\n");
    rig.control(json!({"cmd": "inject", "to": "post@m01.test", "raw_base64": raw, "folder": "inbox"})).await;
    let mut stream = rig.tls("alpha", "imaps").await;
    let say = b"a LOGIN post@m01.test pw\r\nb SELECT INBOX\r\nc SELECT INBOX\r\nd UID FETCH 1 (UID BODY.PEEK[])\r\n";
    stream.write_all(say).await.expect("sent");
    let seen = rest(&mut stream).await;
    assert!(seen.contains("* OK busy\r\nb NO [INUSE] later\r\n") && seen.contains("c OK [READ-WRITE]"), "{seen}");
    let cut = seen.split("c OK [READ-WRITE] done\r\n").nth(1).expect("an answer");
    assert_eq!((cut.len(), &cut[..9]), (20, "* 1 FETCH"));
    let mut stream = rig.tls("alpha", "imaps").await;
    stream.write_all(b"a LOGIN post@m01.test pw\r\nb SELECT INBOX\r\nc UID MOVE 1 Trash\r\n").await.expect("sent");
    let seen = rest(&mut stream).await;
    assert!(seen.ends_with("b OK [READ-WRITE] done\r\n"), "{seen}");
    let mut imap = rig.imap("alpha", "post@m01.test").await;
    imap.select("Trash").await.expect("selected");
    assert_eq!(imap.uid_search("ALL").await.expect("found").len(), 1, "moved, and nobody was told");
    let mut other = async_imap::Client::new(rig.tls("alpha", "imaps").await);
    other.read_response().await.expect("a greeting");
    assert!(other.login("post@m04.test", "pw").await.is_err());
}

#[tokio::test]
async fn slow_and_silent_servers() {
    let rig = rig("[[fault]]\nservice = \"imap\"\nstep = \"greeting\"\nprovider = \"alpha\"\ncount = 1\ndelay_ms = 150\n\
                   [[fault]]\nservice = \"imap\"\nstep = \"noop\"\nprovider = \"alpha\"\ntruncate = 4\nhang = true\n")
    .await;
    let mut stream = rig.tls("alpha", "imaps").await;
    let begun = Instant::now();
    let mut buffer = [0u8; 256];
    let n = stream.read(&mut buffer).await.expect("a greeting");
    assert!(begun.elapsed() >= Duration::from_millis(150) && buffer[..n].starts_with(b"* OK"));
    stream.write_all(b"a NOOP\r\n").await.expect("sent");
    stream.read_exact(&mut buffer[..4]).await.expect("a piece");
    assert_eq!(&buffer[..4], b"a OK");
    let more = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut buffer)).await;
    assert!(more.is_err(), "it neither speaks nor closes: {more:?}");
    // Another provider's server has no such fault.
    let mut imap = rig.imap("charlie", "post@m03.test").await;
    imap.noop().await.expect("answered");
}
