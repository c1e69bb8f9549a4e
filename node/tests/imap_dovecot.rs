//! Many mails at once, retention and the purge, against a real Dovecot. The mails are put into its Maildir by hand, with
//! the age they need.

#[path = "real_mail/rig.rs"]
#[allow(dead_code, reason = "the rig of the exchange tests; these need a part of it")]
mod rig;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use rig::{Cursors, Journal, Rig, login, mail};
use warmnet_node::mail::{
    ActReport, FolderRole, MailAct, MailCommand, MailEvent, MailTimeouts, OwnFolder, PurgeReport, SmtpOutcome, Upkeep, Watcher, purge,
};

/// Debian's nobody and nogroup, as whom the rig's Dovecot reads mail.
const NOBODY: u32 = 65_534;
const DAY: Duration = Duration::from_secs(86_400);

/// The Maildir of a user, made by the server itself with a first, foreign mail in it.
async fn maildir(rig: &Rig, user: &str, cursors: &Arc<Cursors>) -> PathBuf {
    let mut foreign = mail("bob@b.test", user, "<foreign@b.test>", None);
    foreign.raw = foreign.raw.replace("Warmnet-", "X-Other-");
    assert_eq!(rig.submitter("smtps", "bob@b.test").submit(&foreign, &Journal::default()).await, SmtpOutcome::Sent);
    let (watcher, mut events) = rig.watch("imaps", user, 0.1, cursors);
    let command = MailCommand { ticket: 1, act: MailAct::Sync, message_id: String::new(), found_at: None };
    while rig.files(user, "").is_empty() {
        watcher.commands.send(command.clone()).await.expect("sent");
        events.until(|e| matches!(e, MailEvent::ActDone { .. }).then_some(())).await;
    }
    watcher.stop().await;
    // The root certificate lies in DIR/tls.
    let ca = rig.server("imaps").ca_file.expect("a root");
    ca.parent().and_then(|tls| tls.parent()).expect("the rig's folder").join("mail").join(user)
}

/// The Message-ID of the mail of exchange `n`.
fn id(n: u32) -> String {
    format!("<{n:032x}.0.0011223344556677@b.test>")
}

/// A mail with a whole label that fits its Message-ID.
fn labelled(n: u32) -> String {
    let label = format!("v1; n=0102030405060708; e=3; r=0.1; x={n:032x}; t=0; s={}==", "A".repeat(86));
    format!("From: bob@b.test\r\nTo: x@a.test\r\nSubject: s\r\nMessage-ID: {}\r\nWarmnet-Exchange: {label}\r\n\r\nHello {n}\r\n", id(n))
}

/// Puts a mail into a folder of a Maildir (`""` is the inbox), as if it had come `age` ago.
fn put(maildir: &std::path::Path, folder: &str, name: &str, text: &str, age: Duration) {
    let base = maildir.join(folder);
    if !base.exists() {
        for part in ["", "cur", "new", "tmp"] {
            fs::create_dir(base.join(part)).expect("a folder");
            std::os::unix::fs::chown(base.join(part), Some(NOBODY), Some(NOBODY)).expect("given to the server");
        }
    }
    let path = base.join("new").join(format!("1700000000.{name}.host"));
    fs::write(&path, text).expect("written");
    std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).expect("given to the server");
    let time = SystemTime::now() - age;
    File::options().write(true).open(&path).expect("open").set_modified(time).expect("aged");
}

/// Files `mails` mails at once and says where everything is then.
async fn file_many(rig: &Rig, user: &str, own_folder: &str, mails: u32) {
    // With cursors from before, all of them are new; a folder never seen is read from its newest mails.
    let cursors = Arc::new(Cursors::default());
    let maildir = maildir(rig, user, &cursors).await;
    for n in 0..mails {
        put(&maildir, "", &format!("m{n}"), &labelled(n), Duration::ZERO);
    }
    let (watcher, mut events) = rig.watch("imaps", user, 0.5, &cursors);
    let mut found = BTreeSet::new();
    while found.len() < mails as usize {
        let mail = events.found().await;
        assert_eq!(mail.place.folder, FolderRole::Inbox);
        assert!(found.insert(mail.message_id), "handed over once");
    }
    for n in 0..mails {
        let command = MailCommand { ticket: u64::from(n), act: MailAct::File, message_id: id(n), found_at: None };
        watcher.commands.send(command).await.expect("sent");
    }
    let mut done = BTreeSet::new();
    while done.len() < mails as usize {
        let (ticket, result) = events
            .until(|event| match event {
                MailEvent::ActDone { ticket, result } => Some((ticket, result)),
                _ => None,
            })
            .await;
        assert_eq!(result, Ok(ActReport::Done), "mail {ticket}");
        assert!(done.insert(ticket), "answered once");
    }
    assert_eq!((rig.files(user, "").len(), rig.files(user, own_folder).len()), (1, mails as usize));
    watcher.stop().await;
}

#[tokio::test]
async fn many_mails_are_filed_at_once() {
    let Some(rig) = Rig::start(&[]) else { return };
    file_many(&rig, "many@a.test", ".Warmnet", 500).await;
}

#[tokio::test]
async fn many_mails_are_filed_at_once_without_move_below_the_inbox() {
    let Some(rig) = Rig::start(&[("RIG_NO_MOVE", "1"), ("RIG_PREFIX", "INBOX.")]) else { return };
    file_many(&rig, "many@a.test", ".Warmnet", 120).await;
}

#[tokio::test]
async fn old_filed_mails_go_and_nothing_else() {
    let Some(rig) = Rig::start(&[]) else { return };
    let user = "keep@a.test";
    let maildir = maildir(&rig, user, &Arc::default()).await;
    put(&maildir, ".Warmnet", "old", &labelled(1), DAY * 40);
    put(&maildir, ".Warmnet", "young", &labelled(2), DAY * 20);
    put(&maildir, ".Warmnet", "foreign", "Message-ID: <o@a.test>\r\n\r\nThe owner's own, kept here\r\n", DAY * 40);
    // A true label under a Message-ID that isn't its own.
    put(&maildir, ".Warmnet", "forged", &labelled(3).replace(&id(3), "<other@b.test>"), DAY * 40);
    put(&maildir, "", "inbox", &labelled(4), DAY * 40);
    let watcher = Watcher {
        server: rig.server("imaps"),
        login: login(user, "test"),
        tls: rig.tls(),
        timeouts: MailTimeouts::default(),
        poll: Duration::from_millis(200),
        look_everywhere: false,
        reports: false,
        cursors: Arc::new(Cursors::default()),
    };
    let (watcher, mut events) = watcher.start_with(Upkeep { keep_filed: Some(DAY * 30) });
    let expired = async {
        loop {
            if let MailEvent::Expired { mails } = events.recv().await.expect("the watcher runs") {
                return mails;
            }
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(30), expired).await.expect("in time"), 1);
    watcher.stop().await;
    assert_eq!((rig.files(user, ".Warmnet").len(), rig.files(user, "").len()), (3, 2));
}

#[tokio::test]
async fn a_purge_takes_all_labelled_mail_and_the_folder() {
    let Some(rig) = Rig::start(&[]) else { return };
    let (user, timeouts) = ("purge@a.test", MailTimeouts::default());
    let maildir = maildir(&rig, user, &Arc::default()).await;
    put(&maildir, "", "a", &labelled(1), Duration::ZERO);
    put(&maildir, ".[Gmail].Spam", "b", &labelled(2), DAY);
    put(&maildir, ".Warmnet", "c", &labelled(3), DAY);
    put(&maildir, ".Mine", "d", &labelled(4), DAY);
    put(&maildir, ".Warmnet", "foreign", "Message-ID: <o@a.test>\r\n\r\nThe owner's own\r\n", DAY);
    let clean =
        async |yes| purge(&rig.server("imaps"), &login(user, "test"), &rig.tls(), &timeouts, yes).await.expect("the server answers");
    let counted = PurgeReport { found: 4, removed: 0, folders: 4, own_folder: OwnFolder::Kept };
    assert_eq!(clean(false).await, counted);
    // The owner's mail keeps the folder.
    assert_eq!(clean(true).await, PurgeReport { removed: 4, ..counted });
    assert_eq!(rig.files(user, "").len(), 1, "the foreign mail stays");
    assert_eq!([".[Gmail].Spam", ".Warmnet", ".Mine"].map(|folder| rig.files(user, folder).len()), [0, 1, 0]);
    for part in ["new", "cur"] {
        for entry in fs::read_dir(maildir.join(".Warmnet").join(part)).expect("a folder") {
            fs::remove_file(entry.expect("an entry").path()).expect("taken out by its owner");
        }
    }
    assert_eq!(clean(true).await, PurgeReport { own_folder: OwnFolder::Removed, ..PurgeReport::default() });
    assert!(!maildir.join(".Warmnet").exists());
    assert_eq!(clean(true).await, PurgeReport::default(), "nothing is left");
}
