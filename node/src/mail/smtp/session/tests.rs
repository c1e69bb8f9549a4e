//! A scripted server that fails at a chosen moment.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer},
};

use super::*;
use crate::mail::smtp::outcome::PauseReason;

/// The answers, by the command they answer; `""` answers the connection, `"."` the message. An empty answer
/// closes the connection.
type Script = &'static [(&'static str, &'static str)];

const FINE: Script = &[
    ("", "220 hi"),
    ("EHLO", "250-x\r\n250-PIPELINING\r\n250 AUTH PLAIN"),
    ("AUTH", "235 ok"),
    ("MAIL", "250 ok"),
    ("RCPT", "250 ok"),
    ("DATA", "354 go"),
    (".", "250 taken"),
];

struct Stub {
    server: ServerSettings,
    ca: tempfile::TempDir,
    /// What reached the server, known when the connection has ended.
    got: JoinHandle<Got>,
}

#[derive(Default)]
struct Got {
    /// Whole messages.
    taken: Vec<String>,
    /// What came of a message without its end.
    unfinished: String,
    /// Times that a command came before the answer to the one before.
    early: usize,
    /// QUIT.
    goodbyes: usize,
}

/// Serves `FINE` to one connection, with some answers replaced.
async fn stub(script: Vec<(&'static str, &'static str)>) -> Stub {
    let made = rcgen::generate_simple_self_signed(vec!["mx.a.test".to_owned()]).expect("certificate");
    let ca = tempfile::tempdir().expect("temporary folder");
    std::fs::write(ca.path().join("ca.pem"), made.cert.pem()).expect("write");
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .expect("server config");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let port = listener.local_addr().expect("address").port();
    let got = tokio::spawn(async move {
        let mut got = Got::default();
        let (tcp, _) = listener.accept().await.expect("accept");
        talk(acceptor.accept(tcp).await.expect("TLS"), &script, &mut got).await;
        got
    });
    let server = ServerSettings {
        host: "mx.a.test".into(),
        port,
        security: Security::Tls,
        address: Some(IpAddr::from([127, 0, 0, 1])),
        ca_file: Some(ca.path().join("ca.pem")),
    };
    Stub { server, ca, got }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin, script: &[(&str, &str)], got: &mut Got) {
    let mut stream = BufReader::new(stream);
    let (mut line, mut in_data) = (String::new(), false);
    let mut word = String::new();
    loop {
        if !in_data || word == "." {
            let say = script.iter().chain(FINE).find(|(w, _)| *w == word).map_or("250 ok", |(_, a)| *a);
            got.early += usize::from(!stream.buffer().is_empty());
            if say.is_empty() || stream.write_all(format!("{say}\r\n").as_bytes()).await.is_err() {
                return;
            }
            let _ = stream.flush().await;
            in_data = say.starts_with("354");
        }
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        if in_data && line != ".\r\n" {
            got.unfinished.push_str(&line);
            word.clear();
        } else if in_data {
            got.taken.push(std::mem::take(&mut got.unfinished));
            word = ".".to_owned();
        } else {
            word = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            got.goodbyes += usize::from(word == "QUIT");
        }
    }
}

#[derive(Default)]
struct Journal(Mutex<Vec<&'static str>>);

impl Marks for Journal {
    async fn intent(&self) -> Result<(), MarkError> {
        self.0.lock().expect("not poisoned").push("intent");
        Ok(())
    }
    async fn dot(&self) -> Result<(), MarkError> {
        self.0.lock().expect("not poisoned").push("dot");
        Ok(())
    }
}

/// One submission; the outcome, the marks and what the server took.
async fn run(at: &'static str, answer: &'static str) -> (SmtpOutcome, Vec<&'static str>, usize) {
    let (outcome, marks, got) = run_against(vec![(at, answer)]).await;
    (outcome, marks, got.taken.len())
}

async fn run_against(script: Vec<(&'static str, &'static str)>) -> (SmtpOutcome, Vec<&'static str>, Got) {
    let stub = stub(script).await;
    let tls = TlsClient::new(stub.server.ca_file.as_deref()).expect("root");
    let login = Login { user: "a@a.test".into(), password: "x".to_owned().into() };
    let timeouts = MailTimeouts { command_seconds: 1, data_seconds: 1, block_seconds: 1, final_dot_seconds: 0, ..MailTimeouts::default() };
    let journal = Journal::default();
    let outcome = match SmtpSession::open(&stub.server, &login, &tls, &timeouts).await {
        Ok(session) => {
            let mail = OutgoingMail { from: "a@a.test".into(), to: "b@b.test".into(), raw: "A: b\r\n\r\n.dot\r\n".into() };
            session.deliver(&mail, &journal).await.0
        }
        Err(e) => e.outcome(),
    };
    drop(stub.ca);
    let marks = journal.0.lock().expect("not poisoned").clone();
    (outcome, marks, stub.got.await.expect("the server ends with its connection"))
}

#[tokio::test]
async fn a_mail_is_taken_once() {
    let (outcome, marks, taken) = run("-", "").await;
    assert_eq!((outcome, marks, taken), (SmtpOutcome::Sent, vec!["intent", "dot"], 1));
}

#[tokio::test]
async fn sender_recipient_and_data_travel_together_where_the_server_takes_that() {
    let (outcome, _, got) = run_against(vec![("-", "")]).await;
    assert_eq!((outcome, got.early, got.taken.len()), (SmtpOutcome::Sent, 2, 1));
    // A word in the greeting line is no offer.
    let (outcome, _, got) = run_against(vec![("EHLO", "250-pipelining.test\r\n250 AUTH PLAIN")]).await;
    assert_eq!((outcome, got.early, got.taken.len()), (SmtpOutcome::Sent, 0, 1));
    for (at, stage) in [("MAIL", Stage::MailFrom), ("RCPT", Stage::Recipient)] {
        let (outcome, marks, got) = run_against(vec![(at, "550 5.1.1 no")]).await;
        assert_eq!(outcome, classify(stage, ReplyCode::parse(550, "5.1.1")), "{at}");
        // The server said 354 all the same: no dot mark, and not a byte for it to take for a message.
        assert_eq!((marks, got.early, got.taken.len()), (vec!["intent"], 2, 0), "{at}");
        assert_eq!(got.unfinished, "", "{at}");
    }
}

#[tokio::test]
async fn a_refusing_server_is_left_with_a_goodbye_unless_it_waits_for_a_message() {
    let refusing = |data: &'static str| async move {
        let (outcome, _, got) = run_against(vec![("RCPT", "550 5.1.1 no"), ("DATA", data)]).await;
        assert_eq!(outcome, classify(Stage::Recipient, ReplyCode::parse(550, "5.1.1")));
        got.goodbyes
    };
    assert_eq!(refusing("554 5.5.1 no valid recipients").await, 1);
    assert_eq!(refusing("354 go").await, 0);
}

#[tokio::test]
async fn a_close_before_the_dot_is_a_network_error() {
    let stages = [("AUTH", Stage::SignIn, 0), ("MAIL", Stage::MailFrom, 1), ("RCPT", Stage::Recipient, 1), ("DATA", Stage::Data, 1)];
    for (at, stage, marked) in stages {
        let (outcome, marks, taken) = run(at, "").await;
        assert_eq!(outcome, SmtpOutcome::NetworkError { stage, kind: ConnectError::Closed }, "{at}");
        assert_eq!((marks.len(), taken), (marked, 0), "{at}");
    }
    let (outcome, ..) = run("EHLO", "").await;
    assert!(matches!(outcome, SmtpOutcome::NetworkError { stage: Stage::Hello, .. }), "{outcome:?}");
}

#[tokio::test]
async fn after_the_dot_silence_and_closing_are_unknown() {
    // Closed, closing, nonsense: the message is there, its fate is not told.
    for answer in ["", "421 4.3.0 closing", "what?"] {
        let (outcome, marks, taken) = run(".", answer).await;
        assert_eq!(outcome, SmtpOutcome::UnknownAfterDot, "{answer:?}");
        assert_eq!((marks, taken), (vec!["intent", "dot"], 1));
    }
    // A continued reply that never ends: the wait is bounded.
    let (outcome, ..) = run(".", "250-more").await;
    assert_eq!(outcome, SmtpOutcome::UnknownAfterDot);
}

#[tokio::test]
async fn a_clear_refusal_after_the_dot_is_one() {
    let (outcome, ..) = run(".", "554 5.6.0 content").await;
    assert!(matches!(outcome, SmtpOutcome::RefusedHard { .. }), "{outcome:?}");
}

#[tokio::test]
async fn refusals_name_their_stage() {
    let (outcome, marks, _) = run("AUTH", "535 5.7.8 no").await;
    assert!(matches!(outcome, SmtpOutcome::SignInRefused { .. }), "{outcome:?}");
    assert!(marks.is_empty());
    let (outcome, ..) = run("", "421 busy").await;
    assert!(matches!(outcome, SmtpOutcome::PauseMailbox { reason: PauseReason::TooManyConnections, .. }), "{outcome:?}");
    let (outcome, ..) = run("DATA", "250 no go-ahead").await;
    assert!(matches!(outcome, SmtpOutcome::NetworkError { stage: Stage::Data, .. }), "{outcome:?}");
}
