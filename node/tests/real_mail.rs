//! The mail engine against real Postfix and Dovecot over TLS: what our own servers might forgive, these don't.

#[path = "real_mail/rig.rs"]
mod rig;

use std::sync::Arc;

use rig::{Cursors, Events, Journal, Rig, login, mail};
use warmnet_node::mail::{
    ActError, ActReport, ConnectError, FolderRole, MailAct, MailCommand, MailEvent, MailTimeouts, Place, SignInError, SmtpOutcome,
    WatcherHandle, check_mailbox, recognise,
    smtp::{Mark, PauseReason},
};

/// Asks for an act and returns its result and the mails found meanwhile.
async fn act(
    watcher: &WatcherHandle,
    events: &mut Events,
    act: MailAct,
    message_id: &str,
    found_at: Option<Place>,
) -> (Result<ActReport, ActError>, Vec<(FolderRole, bool)>) {
    let command = MailCommand { ticket: 7, act, message_id: message_id.into(), found_at };
    watcher.commands.send(command).await.expect("the watcher takes commands");
    let mut found = Vec::new();
    let result = events
        .until(|event| match event {
            MailEvent::Found(mail) => {
                found.push((mail.place.folder, mail.moved_by_us));
                None
            }
            MailEvent::ActDone { ticket: 7, result } => Some(result),
            _ => None,
        })
        .await;
    (result, found)
}

/// One exchange: sent, found in junk, read, rescued, answered, filed.
async fn whole_exchange(rig: &Rig, ports: [&str; 2], poll: f64, own_folder: &str) {
    let [smtp, imap] = ports;
    let (alice, bob) = ("alice@a.test", "junkbob@b.test");
    let journal = Journal::default();
    let cursors = Arc::new(Cursors::default());
    let (watcher, mut events) = rig.watch(imap, bob, poll, &cursors);
    events.until(|e| matches!(e, MailEvent::Connected { .. }).then_some(())).await;

    // The owner's other mail, which nothing may touch.
    let mut foreign = mail(alice, bob, "<foreign@a.test>", None);
    foreign.raw = foreign.raw.replace("Warmnet-", "X-Other-");
    assert_eq!(rig.submitter(smtp, alice).submit(&foreign, &Journal::default()).await, SmtpOutcome::Sent);

    let first = mail(alice, bob, "<1@a.test>", None);
    let submitter = rig.submitter(smtp, alice);
    assert_eq!(submitter.submit(&first, &journal).await, SmtpOutcome::Sent);
    assert_eq!(*journal.marks.lock().expect("marks"), ["intent", "dot"]);

    let found = events.found().await;
    assert_eq!((found.place.folder, found.message_id.as_str()), (FolderRole::Junk, "<1@a.test>"));
    assert!(!found.moved_by_us && !found.truncated && found.internal_ms.is_some());
    let read = recognise(&found.raw).expect("a mail");
    assert!(read.single_plain_text);
    assert_eq!(read.text, "Caf\u{e9} at ten?\n.\nBye\n");
    assert_eq!(read.label_header.as_deref(), Some("v1; n=1; e=2; x=3; t=0; s=4"));

    let place = Some(found.place);
    let (result, _) = act(&watcher, &mut events, MailAct::MarkSeen, "<1@a.test>", place).await;
    assert_eq!(result, Ok(ActReport::Done));
    let (result, mut seen) = act(&watcher, &mut events, MailAct::Rescue, "<1@a.test>", place).await;
    assert_eq!(result, Ok(ActReport::Done));
    let (result, more) = act(&watcher, &mut events, MailAct::Sync, "", None).await;
    assert_eq!(result, Ok(ActReport::Done));
    seen.extend(more);
    assert_eq!(seen, [(FolderRole::Inbox, true)], "our own move is told as such");
    let inbox = rig.files(bob, "");
    assert!(inbox.len() == 1 && inbox[0].contains(":2,") && inbox[0].ends_with('S'), "read and rescued: {inbox:?}");

    let reply = mail(bob, alice, "<2@b.test>", Some("<1@a.test>"));
    assert_eq!(rig.submitter(smtp, bob).submit(&reply, &Journal::default()).await, SmtpOutcome::Sent);
    let (alices, mut alices_events) = rig.watch(imap, alice, poll, &Arc::default());
    let got = alices_events.found().await;
    assert_eq!(got.place.folder, FolderRole::Inbox);
    assert_eq!(recognise(&got.raw).expect("a mail").in_reply_to.as_deref(), Some("<1@a.test>"));

    // Found again by itself after its move, and a second time there is nothing to do.
    let (result, _) = act(&watcher, &mut events, MailAct::File, "<1@a.test>", place).await;
    assert_eq!(result, Ok(ActReport::Done));
    let (result, _) = act(&watcher, &mut events, MailAct::File, "<1@a.test>", None).await;
    assert_eq!(result, Ok(ActReport::AlreadyThere));
    assert_eq!((rig.files(bob, "").len(), rig.files(bob, own_folder).len()), (0, 1));

    let (result, _) = act(&watcher, &mut events, MailAct::Locate, "<2@b.test>", None).await;
    assert_eq!(result, Ok(ActReport::Located { found: false }));
    for wrong in ["<foreign@a.test>", "<nowhere@a.test>", "no id"] {
        let (result, _) = act(&watcher, &mut events, MailAct::Rescue, wrong, place).await;
        assert_eq!(result, Err(ActError::NotFound), "{wrong}");
    }
    alices.stop().await;
    watcher.stop().await;

    // A restart finds nothing again.
    let (watcher, mut events) = rig.watch(imap, bob, poll, &cursors);
    let (_, found) = act(&watcher, &mut events, MailAct::Sync, "", None).await;
    assert_eq!(found, []);
    watcher.stop().await;
}

#[tokio::test]
async fn a_whole_exchange_over_tls() {
    let Some(rig) = Rig::start(&[]) else { return };
    whole_exchange(&rig, ["smtps", "imaps"], 0.2, ".Warmnet").await;
    assert_eq!(rig.files("junkbob@b.test", ".[Gmail].Spam").len(), 1, "the foreign mail stays where it was");
}

#[tokio::test]
async fn a_whole_exchange_over_starttls_with_idle_and_without_move() {
    let Some(rig) = Rig::start(&[("RIG_NO_MOVE", "1"), ("RIG_PREFIX", "INBOX.")]) else { return };
    whole_exchange(&rig, ["smtp", "imap"], 2.0, ".Warmnet").await;
    assert_eq!(rig.files("junkbob@b.test", ".Junk").len(), 1, "the foreign mail stays where it was");
}

#[tokio::test]
async fn refusals_and_failed_marks_are_told_apart() {
    let Some(rig) = Rig::start(&[]) else { return };
    let submitter = rig.submitter("smtps", "alice@a.test");
    let to = |to: &str| mail("alice@a.test", to, "<9@a.test>", None);
    let quiet = Journal::default();
    let refused = submitter.submit(&to("nobody@a.test"), &quiet).await;
    assert!(matches!(refused, SmtpOutcome::RefusedHard { .. }), "{refused:?}");
    assert_eq!(*quiet.marks.lock().expect("marks"), ["intent"], "refused before the dot");
    let full = submitter.submit(&to("full@a.test"), &quiet).await;
    assert!(matches!(full, SmtpOutcome::RefusedSoft { retry_minutes: Some(_), .. }), "{full:?}");
    let policy = submitter.submit(&to("policy@a.test"), &quiet).await;
    assert!(matches!(policy, SmtpOutcome::PauseMailbox { reason: PauseReason::Policy, .. }), "{policy:?}");

    for (fail, mark) in [("intent", Mark::Intent), ("dot", Mark::Dot)] {
        let journal = Journal { fail: Some(fail), ..Journal::default() };
        let outcome = submitter.submit(&to("carol@a.test"), &journal).await;
        assert_eq!(outcome, SmtpOutcome::MarkFailed { mark });
    }
    // Two more on one connection, then only they are there.
    for _ in 0..2 {
        assert_eq!(submitter.submit(&to("carol@a.test"), &quiet).await, SmtpOutcome::Sent);
    }
    let (watcher, mut events) = rig.watch("imaps", "carol@a.test", 0.2, &Arc::default());
    for _ in 0..2 {
        assert_eq!(events.found().await.message_id, "<9@a.test>");
    }
    let (_, found) = act(&watcher, &mut events, MailAct::Sync, "", None).await;
    assert_eq!(found, [], "a failed mark sends nothing");
    // Two mails of one Message-ID: without knowing which was found, none is touched; else just that one.
    watcher.stop().await;
    let (watcher, mut events) = rig.watch("imaps", "carol@a.test", 0.2, &Arc::default());
    let (first, second) = (events.found().await, events.found().await);
    assert_ne!(first.place, second.place);
    let (result, _) = act(&watcher, &mut events, MailAct::File, "<9@a.test>", Some(second.place)).await;
    assert_eq!(result, Ok(ActReport::Done));
    assert_eq!(rig.files("carol@a.test", "").len(), 1);
    watcher.stop().await;
    submitter.close().await;
}

#[tokio::test]
async fn a_failed_check_says_why() {
    let Some(rig) = Rig::start(&[]) else { return };
    let timeouts = MailTimeouts { connect_seconds: 5, imap_seconds: 10, ..MailTimeouts::default() };
    let good = login("alice@a.test", "test");
    let (smtp, imap) = (rig.server("smtps"), rig.server("imaps"));
    let fine = check_mailbox(&smtp, &imap, &good, &timeouts).await;
    assert_eq!(fine.exit_code(), 0, "{fine:?}");
    assert_eq!(fine.imap.expect("folders").junk.as_deref(), Some("[Gmail]/Spam"));

    let wrong = check_mailbox(&smtp, &imap, &login("alice@a.test", "no"), &timeouts).await;
    assert!(matches!(wrong.smtp, Err(SignInError::Refused { code: Some(_) })), "{wrong:?}");
    assert!(matches!(wrong.imap, Err(SignInError::Refused { .. })), "{wrong:?}");
    assert_eq!(wrong.exit_code(), 5);

    let cases = [
        (None, smtp.host.as_str(), smtp.port, ConnectError::UntrustedCertificate),
        (smtp.ca_file.clone(), "mx.c.test", smtp.port, ConnectError::WrongName),
        // The discard port, where nothing listens.
        (smtp.ca_file.clone(), smtp.host.as_str(), 9, ConnectError::PortClosed),
    ];
    for (ca_file, host, port, why) in cases {
        let mut server = smtp.clone();
        (server.ca_file, server.host, server.port) = (ca_file, host.to_owned(), port);
        let got = check_mailbox(&server, &imap, &good, &timeouts).await;
        assert_eq!(got.smtp, Err(SignInError::Connect(why)));
        assert_eq!(got.exit_code(), 6);
    }

    let (_watcher, mut events) = {
        let mut watcher_rig = rig.watch("imaps", "alice@a.test", 0.2, &Arc::default());
        watcher_rig.1.until(|e| matches!(e, MailEvent::Connected { .. }).then_some(())).await;
        watcher_rig
    };
    let (result, _) = act(&_watcher, &mut events, MailAct::Sync, "", None).await;
    assert_eq!(result, Ok(ActReport::Done));
}
