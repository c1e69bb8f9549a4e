//! Whatever a submission server does at whatever stage: the verdict is the table's, and nothing is sent twice.

use crate::server::{Fault, Script, Sender, Server, Step};
use futures::StreamExt as _;
use warmnet_node::mail::{ConnectError, MailTimeouts, MarkError, Marks, OutgoingMail, Security, SmtpOutcome, smtp::Stage};
use warmnet_protocol::exchange::SendResult;

/// Marks that are always durable: the verdict is asked for, not the journal.
struct NoJournal;

impl Marks for NoJournal {
    async fn intent(&self) -> Result<(), MarkError> {
        Ok(())
    }
    async fn dot(&self) -> Result<(), MarkError> {
        Ok(())
    }
}

/// One second for the stage that is to hang; a busy machine must not end another one.
fn timeouts(stage: Stage) -> MailTimeouts {
    let mut t = MailTimeouts::default();
    match stage {
        Stage::Connect => t.connect_seconds = 1,
        Stage::Greeting => t.greeting_seconds = 1,
        Stage::Hello => t.hello_seconds = Some(1),
        Stage::StartTls => t.starttls_seconds = Some(1),
        Stage::SignIn => t.sign_in_seconds = Some(1),
        Stage::MailFrom => t.mail_seconds = Some(1),
        Stage::Recipient => t.recipient_seconds = Some(1),
        Stage::Data => t.data_seconds = 1,
        Stage::Body => t.block_seconds = 1,
        Stage::FinalDot => t.final_dot_seconds = 1,
    }
    t
}

fn verdict(outcome: &SmtpOutcome) -> String {
    match outcome {
        SmtpOutcome::Sent => "sent".to_owned(),
        SmtpOutcome::UnknownAfterDot => "unknown, never again".to_owned(),
        SmtpOutcome::RefusedHard { .. } => "refused".to_owned(),
        SmtpOutcome::RefusedSoft { retry_minutes: Some(minutes), .. } => format!("again in {minutes} min"),
        SmtpOutcome::RefusedSoft { retry_minutes: None, .. } => "refused for now, never again".to_owned(),
        SmtpOutcome::PauseMailbox { reason, minutes, resend, .. } => format!("pause {minutes} min, {reason:?}, again {resend}"),
        SmtpOutcome::SignInRefused { .. } => "ask the owner".to_owned(),
        SmtpOutcome::NetworkError { stage, kind } => format!("{stage:?} {kind:?}, again"),
        other => format!("{other:?}"),
    }
}

/// A short mail; one that no buffer holds where the server stops reading.
fn raw(step: Step) -> String {
    let lines = if step == Step::Body { 16 * 1024 * 1024 / 64 } else { 1 };
    format!("Message-ID: <1@a.test>\r\n\r\n.dot\r\n{}", format!("{}\r\n", "x".repeat(62)).repeat(lines))
}

async fn run(security: Security, step: Step, stage: Stage, fault: Fault, pipelining: bool) -> (SmtpOutcome, usize) {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path(), security).await;
    server.set(Script { fault: Some((step, fault)), pipelining, ..Script::default() });
    let limits = if matches!(fault, Fault::Hang | Fault::Drip) { timeouts(stage) } else { MailTimeouts::default() };
    let sender = Sender::open(&dir.path().join("store"), server.port, &server.ca, security, limits);
    let mail = OutgoingMail { from: "a@a.test".into(), to: "b@b.test".into(), raw: raw(step) };
    let outcome = sender.submitter.submit(&mail, &NoJournal).await;
    (outcome, server.counts().0)
}

#[tokio::test]
async fn every_fault_at_every_stage_has_its_verdict() {
    let tls = Security::Tls;
    let stages = [
        (tls, Step::Connect, Stage::Connect, ["-", "-", "-"]),
        (
            tls,
            Step::Greeting,
            Stage::Greeting,
            [
                "pause 15 min, TooManyConnections, again true",
                "pause 1440 min, SenderRefused, again true",
                "pause 15 min, TooManyConnections, again true",
            ],
        ),
        (
            tls,
            Step::Command("EHLO"),
            Stage::Hello,
            [
                "pause 15 min, TooManyConnections, again true",
                "pause 1440 min, SenderRefused, again true",
                "pause 15 min, TooManyConnections, again true",
            ],
        ),
        (
            Security::StartTls,
            Step::Command("STARTTLS"),
            Stage::StartTls,
            [
                "pause 15 min, TooManyConnections, again true",
                "pause 1440 min, OurMistake, again false",
                "pause 15 min, TooManyConnections, again true",
            ],
        ),
        (
            tls,
            Step::Command("AUTH"),
            Stage::SignIn,
            ["pause 15 min, SignInUnavailable, again true", "ask the owner", "pause 15 min, TooManyConnections, again true"],
        ),
        (
            tls,
            Step::Command("MAIL"),
            Stage::MailFrom,
            [
                "pause 15 min, TooManyConnections, again true",
                "pause 1440 min, SenderRefused, again true",
                "pause 15 min, TooManyConnections, again true",
            ],
        ),
        (tls, Step::Command("RCPT"), Stage::Recipient, ["again in 15 min", "refused", "pause 15 min, TooManyConnections, again true"]),
        (tls, Step::Command("DATA"), Stage::Data, ["again in 15 min", "refused", "pause 15 min, TooManyConnections, again true"]),
        (tls, Step::Dot, Stage::FinalDot, ["refused for now, never again", "refused", "unknown, never again"]),
    ];
    let says = [("4xx", "451 4.4.0 not now"), ("5xx", "550 5.1.1 no"), ("421", "421 4.3.0 closing")];
    let mut rows = Vec::new();
    for (security, step, stage, wants) in stages {
        for ((name, text), want) in says.into_iter().zip(wants) {
            if want != "-" {
                rows.push((security, step, stage, name, Fault::Say(text), want.to_owned()));
            }
        }
        let past_dot = stage.past_dot_mark();
        for (name, fault, kind) in [("hang", Fault::Hang, ConnectError::TimedOut), ("close", Fault::Close, ConnectError::Closed)] {
            let want = if past_dot { "unknown, never again".to_owned() } else { format!("{stage:?} {kind:?}, again") };
            rows.push((security, step, stage, name, fault, want));
        }
    }
    for (security, step, stage) in [
        (tls, Step::Greeting, Stage::Greeting),
        (tls, Step::Command("EHLO"), Stage::Hello),
        (Security::StartTls, Step::Command("STARTTLS"), Stage::StartTls),
        (tls, Step::Command("AUTH"), Stage::SignIn),
        (tls, Step::Command("MAIL"), Stage::MailFrom),
        (tls, Step::Command("RCPT"), Stage::Recipient),
        (tls, Step::Command("DATA"), Stage::Data),
        (tls, Step::Dot, Stage::FinalDot),
    ] {
        // The time-out is the stage's, however many bytes came meanwhile.
        let want = if stage.past_dot_mark() { "unknown, never again".to_owned() } else { format!("{stage:?} TimedOut, again") };
        rows.push((security, step, stage, "drip", Fault::Drip, want));
    }
    rows.push((tls, Step::Body, Stage::Body, "hang", Fault::Hang, "unknown, never again".to_owned()));
    rows.push((tls, Step::Dot, Stage::FinalDot, "reset", Fault::Reset, "sent".to_owned()));
    // The same whether commands go one by one or together.
    let both = rows.into_iter().flat_map(|row| [false, true].map(|pipelining| (row.clone(), pipelining)));
    let done = futures::stream::iter(both).map(|((security, step, stage, name, fault, want), pipelining)| async move {
        let (outcome, taken) = run(security, step, stage, fault, pipelining).await;
        let stage_shown = format!("{stage:?}{}", if pipelining { " +" } else { "" });
        (stage_shown, name, verdict(&outcome), want, outcome, taken, stage)
    });
    let done: Vec<_> = done.buffered(8).collect().await;
    println!("{:<12} {:<6} {:<50} taken   (+: with PIPELINING)", "stage", "fault", "verdict");
    for (stage, fault, got, _, _, taken, _) in &done {
        println!("{stage:<12} {fault:<6} {got:<50} {taken}");
    }
    for (stage, fault, got, want, outcome, taken, at) in done {
        assert_eq!(got, want, "{stage} {fault}");
        assert_eq!(taken, usize::from(at == Stage::FinalDot), "{stage} {fault}: messages at the server");
        assert!(!(at.past_dot_mark() && outcome.may_resend()), "{stage} {fault}: would be sent again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_after_the_final_dot_is_never_sent_again() {
    const MAILS: u32 = 500;
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path(), Security::Tls).await;
    server.set(Script { fault: Some((Step::Dot, Fault::Close)), ..Script::default() });
    let open = || Sender::open(&dir.path().join("store"), server.port, &server.ca, Security::Tls, MailTimeouts::default());
    for round in 0..3 {
        // The second round asks the running node again, the third one after a restart.
        let sender = open();
        for again in 0..2 {
            let sender = &sender;
            let told: Vec<_> = futures::stream::iter(0..MAILS).map(|n| sender.deliver(n)).buffer_unordered(16).collect().await;
            assert!(told.iter().all(|d| d.result == SendResult::Sent), "told as sent: it may have been");
            assert_eq!(server.counts(), (MAILS as usize, 0), "round {round}, asked {again} times before");
        }
        if round == 0 {
            server.set(Script::default());
        }
    }
    println!("{MAILS} mails whose final dot was never answered, each asked for 6 times: 0 sent again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_costs_two_syncs_and_many_share_them() {
    const MAILS: u32 = 64;
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path(), Security::Tls).await;
    let sender = Sender::open(&dir.path().join("store"), server.port, &server.ca, Security::Tls, MailTimeouts::default());
    for number in 0..5 {
        let before = sender.journal.syncs();
        assert_eq!(sender.deliver(number).await.result, SendResult::Sent);
        assert_eq!(sender.journal.syncs() - before, 2, "intent and dot; neither the count before nor the end after has one of its own");
    }
    let before = sender.journal.syncs();
    let sender = &sender;
    let told: Vec<_> = futures::stream::iter(100..100 + MAILS).map(|n| sender.deliver(n)).buffer_unordered(16).collect().await;
    assert!(told.iter().all(|d| d.result == SendResult::Sent));
    let shared = sender.journal.syncs() - before;
    println!("{MAILS} mails over 16 connections: {shared} syncs, {} without sharing", 2 * MAILS);
    assert!(shared < u64::from(2 * MAILS), "{shared} syncs for {MAILS} mails");
}
