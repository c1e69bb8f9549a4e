//! Servers that lack something.

use super::rig::Rig;
use futures::TryStreamExt as _;
use serde_json::json;

/// Words of a capability line.
async fn has(imap: &mut super::rig::Imap, names: [&str; 3]) -> [bool; 3] {
    let all = imap.capabilities().await.expect("capabilities");
    names.map(|name| all.has_str(name))
}

#[tokio::test]
async fn what_is_missing_is_neither_offered_nor_done() {
    let rig = Rig::configured(|config| {
        config["providers"][0]["imap"] = json!({"move": false, "uidplus": false, "idle": false});
        config["mailboxes"][3]["imap"] = json!({"move": false});
    })
    .await;
    let names = ["MOVE", "UIDPLUS", "IDLE"];
    let mut imap = rig.imap("alpha", "post@m01.test").await;
    assert_eq!(has(&mut imap, names).await, [false; 3]);
    imap.append("INBOX", None, None, b"Subject: own\r\n\r\nx\r\n").await.expect("appended");
    imap.select("INBOX").await.expect("selected");
    for command in ["UID MOVE 1 Trash", "UID EXPUNGE 1", "IDLE"] {
        let refused = imap.run_command_and_check_ok(command).await;
        assert!(matches!(refused, Err(async_imap::error::Error::Bad(_))), "{command}: {refused:?}");
    }
    imap.uid_copy("1", "Trash").await.expect("copied");
    assert_eq!(imap.uid_search("ALL").await.expect("found").len(), 1);
    // A mailbox of the same provider with settings of its own.
    let mut imap = rig.imap("alpha", "post@m04.test").await;
    assert_eq!(has(&mut imap, names).await, [false, true, true]);
    let mut imap = rig.imap("charlie", "post@m03.test").await;
    assert_eq!(has(&mut imap, names).await, [true; 3]);
}

#[tokio::test]
async fn folders_under_the_inbox() {
    let rig = Rig::configured(|config| config["providers"][0]["imap"] = json!({"namespace": "INBOX."})).await;
    let mut imap = rig.imap("alpha", "post@m01.test").await;
    let listed: Vec<_> = imap.list(Some(""), Some("*")).await.expect("listed").try_collect().await.expect("read");
    let names: Vec<&str> = listed.iter().map(|l| l.name()).collect();
    assert_eq!(names, ["INBOX", "INBOX.Drafts", "INBOX.Junk", "INBOX.Sent", "INBOX.Trash"]);
    assert!(listed.iter().all(|l| l.delimiter() == Some(".")));
    let top: Vec<_> = imap.list(Some(""), Some("%")).await.expect("listed").try_collect().await.expect("read");
    assert_eq!(top.len(), 1, "only the inbox is at the top");
    assert!(imap.create("Warmnet").await.is_err());
    imap.create("INBOX.Warmnet").await.expect("made");
    imap.select("INBOX.Warmnet").await.expect("selected");
}

#[tokio::test]
async fn gmail_keeps_its_own_folders() {
    let config = json!({
        "dir": "/nowhere", "seed": 7, "epoch_zero_ms": 0, "epoch_ms": 12_000,
        "providers": [{"name": "bravo", "flavor": "gmail", "imap": {"namespace": "INBOX."}}],
        "domains": [{"domain": "m02.test", "provider": "bravo", "created_days_ago": 3}],
        "mailboxes": [{"address": "post@m02.test", "password": "pw", "kind": "member"}],
    });
    let config: super::super::config::ProviderConfig = serde_json::from_value(config).expect("readable");
    let made = super::super::tls::make(vec![]).expect("certificates");
    let checker = super::super::authentication::Checker::new("127.0.0.1:53".parse().expect("an address")).expect("a checker");
    let local = vec!["127.0.0.2:1".parse().expect("an address")];
    let net = super::super::world::Net { mx: local.clone(), smtps: local, checker, connector: made.connector, faults: Default::default() };
    let why = super::super::world::World::new(&config, net).err().expect("refused");
    assert!(why.contains("post@m02.test") && why.contains("leave `namespace` out"), "{why}");
}
