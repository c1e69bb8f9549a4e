//! The node's own submitter and watcher meet an emulator that fails on purpose.

use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use warmnet_node::mail::smtp::PauseReason;
use warmnet_node::mail::{
    ActError, ActReport, Cursor, CursorStore, CursorStoreError, Login, MailAct, MailCommand, MailEvent, MailTimeouts, MarkError, Marks,
    OutgoingMail, Security, ServerSettings, SmtpOutcome, SubmitLimits, Submitter, TlsClient, Watcher,
};
use warmnet_sim::provider::faults::Faults;

/// Any one event, on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

struct Emulator {
    dir: tempfile::TempDir,
    ports: Value,
}

impl Emulator {
    /// m01 sends, m02 receives; both live at alpha.
    async fn start(faults: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let config = json!({
            "dir": dir.path(), "seed": 7, "epoch_zero_ms": 0, "epoch_ms": 1, "civilians": 0,
            "providers": [{"name": "alpha", "flavor": "plain", "temper": "lenient"}],
            "domains": [{"domain": "m01.test", "provider": "alpha", "created_days_ago": 900}],
            "mailboxes": [
                {"address": "a@m01.test", "password": "pw", "kind": "member"},
                {"address": "b@m01.test", "password": "pw", "kind": "member"},
            ],
        });
        let config = serde_json::from_value(config).expect("a config");
        let faults = Faults::read(faults).expect("faults");
        tokio::spawn(async move { warmnet_sim::provider::run(config, faults).await.expect("it runs") });
        let ready = dir.path().join("ports.json");
        let wait = async {
            while !ready.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LIMIT, wait).await.expect("it starts");
        let ports = serde_json::from_slice(&std::fs::read(&ready).expect("read")).expect("JSON");
        Self { dir, ports }
    }

    fn server(&self, service: &str) -> ServerSettings {
        let port = self.ports["providers"]["alpha"][service].as_u64().and_then(|p| u16::try_from(p).ok()).expect("a port");
        ServerSettings {
            host: "mx.alpha.test".into(),
            port,
            security: Security::Tls,
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            ca_file: Some(self.ca_file()),
        }
    }

    fn ca_file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    fn tls(&self) -> TlsClient {
        TlsClient::new(Some(&self.ca_file())).expect("roots")
    }

    fn submitter(&self) -> Submitter {
        let limits = SubmitLimits { per_minute: 6_000.try_into().expect("not zero"), concurrency: 1.try_into().expect("not zero") };
        let timeouts = MailTimeouts { command_seconds: 1, ..MailTimeouts::default() };
        Submitter::new(self.server("smtps"), login("a@m01.test"), self.tls(), timeouts, limits)
    }

    async fn stats(&self) -> Value {
        let mut stream = BufReader::new(UnixStream::connect(self.dir.path().join("control.sock")).await.expect("connected"));
        stream.write_all(b"{\"cmd\": \"stats\"}\n").await.expect("sent");
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("read");
        serde_json::from_str(&line).expect("JSON")
    }
}

fn login(user: &str) -> Login {
    Login { user: user.to_owned(), password: "pw".to_owned().into() }
}

fn mail(id: &str) -> OutgoingMail {
    let raw = format!(
        "From: a@m01.test\r\nTo: b@m01.test\r\nSubject: A question\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <{id}@m01.test>\r\n\
         Warmnet-Exchange: v1; n=1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nShall we meet at ten?\r\n"
    );
    OutgoingMail { from: "a@m01.test".into(), to: "b@m01.test".into(), raw }
}

struct NoJournal;

impl Marks for NoJournal {
    async fn intent(&self) -> Result<(), MarkError> {
        Ok(())
    }
    async fn dot(&self) -> Result<(), MarkError> {
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Cursors(Mutex<HashMap<String, Cursor>>);

impl CursorStore for Cursors {
    fn load(&self, folder: &str) -> Option<Cursor> {
        self.0.lock().expect("whole").get(folder).copied()
    }
    fn save(&self, folder: &str, cursor: Cursor) -> Result<(), CursorStoreError> {
        self.0.lock().expect("whole").insert(folder.to_owned(), cursor);
        Ok(())
    }
}

#[tokio::test]
async fn the_submitter_reads_each_fault_as_it_is_meant() {
    let emulator = Emulator::start(
        r#"
        [[fault]]
        service = "smtp"
        step = "rcpt"
        mailbox = "a@m01.test"
        count = 1
        reply = "451 4.7.1 greylisted, try again later"

        [[fault]]
        service = "smtp"
        step = "mail"
        count = 1
        after = 1
        hang = true

        [[fault]]
        service = "smtp"
        step = "data"
        count = 1
        reply = "421 4.3.2 too many connections"
        close = true

        [[fault]]
        service = "smtp"
        step = "message"
        count = 1
        carried_out = true
        close = true

        [[fault]]
        service = "smtp"
        step = "auth"
        after = 4
        count = 1
        reply = "535 5.7.8 no"
        "#,
    )
    .await;
    let submitter = emulator.submitter();
    let mut seen = Vec::new();
    for n in 0..5 {
        seen.push(submitter.submit(&mail(&format!("{n}")), &NoJournal).await);
    }
    assert!(matches!(seen[0], SmtpOutcome::RefusedSoft { retry_minutes: Some(15..), .. }), "greylisted: {seen:?}");
    assert!(matches!(seen[1], SmtpOutcome::NetworkError { .. }), "hung: {seen:?}");
    assert!(matches!(seen[2], SmtpOutcome::PauseMailbox { reason: PauseReason::TooManyConnections, .. }), "busy: {seen:?}");
    assert_eq!(seen[3], SmtpOutcome::UnknownAfterDot, "{seen:?}");
    assert!(matches!(seen[4], SmtpOutcome::SignInRefused { .. }), "sign-in: {seen:?}");
    assert_eq!(submitter.submit(&mail("5"), &NoJournal).await, SmtpOutcome::Sent);
    let stats = emulator.stats().await;
    assert_eq!(
        (&stats["faults"], &stats["warm"]["delivered"], &stats["doubled"]),
        (&json!([1, 1, 1, 1, 1]), &json!(2), &json!(0)),
        "{stats}"
    );
}

#[tokio::test]
async fn the_watcher_outlives_refusals_and_lost_answers() {
    let emulator = Emulator::start(
        r#"
        [[fault]]
        service = "imap"
        step = "move"
        count = 1
        reply = "NO [OVERQUOTA] the folder is full"

        [[fault]]
        service = "imap"
        step = "move"
        count = 1
        carried_out = true
        close = true

        [[fault]]
        service = "imap"
        step = "fetch"
        after = 1
        count = 2
        truncate = 100

        [[fault]]
        service = "imap"
        step = "idle"
        count = 1
        reply = "NO not now"
        "#,
    )
    .await;
    assert_eq!(emulator.submitter().submit(&mail("1"), &NoJournal).await, SmtpOutcome::Sent);
    let (handle, mut events) = Watcher {
        server: emulator.server("imaps"),
        login: login("b@m01.test"),
        tls: emulator.tls(),
        timeouts: MailTimeouts::default(),
        poll: Duration::from_secs(60),
        look_everywhere: false,
        reports: false,
        cursors: Arc::new(Cursors::default()),
    }
    .start();
    let mut breaks = 0;
    let found = loop {
        match tokio::time::timeout(LIMIT, events.recv()).await.expect("in time").expect("it runs") {
            MailEvent::Found(found) => break found,
            MailEvent::Disconnected { .. } => breaks += 1,
            _ => {}
        }
    };
    let mut results = Vec::new();
    for ticket in 1..=3 {
        let command = MailCommand { ticket, act: MailAct::File, message_id: "<1@m01.test>".into(), found_at: Some(found.place) };
        handle.commands.send(command).await.expect("taken");
        loop {
            match tokio::time::timeout(LIMIT, events.recv()).await.expect("in time").expect("it runs") {
                MailEvent::ActDone { result, .. } => break results.push(result),
                MailEvent::Disconnected { .. } => breaks += 1,
                _ => {}
            }
        }
    }
    handle.stop().await;
    assert_eq!(results, [Err(ActError::Refused), Ok(ActReport::AlreadyThere), Ok(ActReport::AlreadyThere)]);
    assert_eq!(breaks, 3, "two cut answers and one lost one");
    let stats = emulator.stats().await;
    assert_eq!((&stats["faults"], &stats["foreign_touched"]), (&json!([1, 1, 2, 1]), &json!(0)), "{stats}");
}
