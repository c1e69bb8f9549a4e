//! What a reader's client does: finds, moves, flags, waits.

use super::rig::{LIMIT, Rig};
use async_imap::extensions::idle::IdleResponse;
use async_imap::imap_proto::{Response, Status};
use async_imap::types::UnsolicitedResponse;
use futures::TryStreamExt as _;
use serde_json::json;

fn mail(id: &str) -> String {
    use base64::Engine as _;
    let raw = format!("From: a@letters.example\r\nTo: post@m01.test\r\nSubject: {id}\r\nMessage-ID: <{id}@y>\r\n\r\nHello\r\n");
    base64::engine::general_purpose::STANDARD.encode(raw)
}

#[tokio::test]
async fn idle_tells_of_a_mail_at_once() {
    let rig = Rig::start().await;
    let mut imap = rig.imap("alpha", "post@m01.test").await;
    imap.select("INBOX").await.expect("selected");
    let mut idle = imap.idle();
    idle.init().await.expect("idling");
    let (wait, _stop) = idle.wait_with_timeout(LIMIT);
    let sent = rig.control(json!({"cmd": "inject", "to": "post@m01.test", "raw_base64": mail("i"), "folder": "inbox"}));
    let (answer, told) = tokio::join!(sent, wait);
    assert_eq!(answer["ok"], json!(true), "{answer}");
    let IdleResponse::NewData(data) = told.expect("told") else { panic!("only a time-out") };
    assert!(matches!(data.parsed(), Response::MailboxData(_)), "{:?}", data.parsed());
    let mut imap = idle.done().await.expect("done");
    assert_eq!(imap.uid_search("ALL").await.expect("found").len(), 1);
}

#[tokio::test]
async fn search_move_store_and_append() {
    let rig = Rig::start().await;
    for id in ["a", "b", "c"] {
        rig.control(json!({"cmd": "inject", "to": "post@m01.test", "raw_base64": mail(id), "folder": "spam"})).await;
    }
    let mut imap = rig.imap("alpha", "post@m01.test").await;
    let folders: Vec<_> = imap.list(Some(""), Some("*")).await.expect("listed").try_collect().await.expect("read");
    let junk = folders.iter().find(|f| f.attributes().iter().any(|a| format!("{a:?}").contains("Junk"))).expect("a junk folder");
    assert_eq!(junk.name(), "Junk");
    let status = imap.status("Junk", "(MESSAGES UIDNEXT UNSEEN UIDVALIDITY)").await.expect("status");
    assert_eq!((status.exists, status.uid_next, status.unseen), (3, Some(4), Some(3)));
    let junk = imap.select("Junk").await.expect("selected");
    assert_eq!((junk.exists, junk.uid_next), (3, Some(4)));
    let found = imap.uid_search("UNSEEN UID 2:3 HEADER Message-ID \"<b@y>\" SINCE 1-Jan-2020").await.expect("found");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [2]);
    let items = "(UID FLAGS RFC822.SIZE INTERNALDATE ENVELOPE BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[TEXT]<0.3>)";
    let fetched: Vec<_> = imap.uid_fetch("2", items).await.expect("fetched").try_collect().await.expect("read");
    let envelope = fetched[0].envelope().expect("an envelope");
    assert_eq!(envelope.subject.as_deref(), Some(b"b".as_slice()));
    assert!(fetched[0].internal_date().is_some() && fetched[0].size.is_some() && fetched[0].flags().count() == 0);

    // MOVE tells COPYUID; the mail is gone here and new there.
    let id = imap.run_command("UID MOVE 2:3 INBOX").await.expect("sent");
    let mut code = String::new();
    loop {
        let answer = imap.read_response().await.expect("read").expect("an answer");
        code.push_str(&format!("{:?}", answer.parsed()));
        if let Response::Done { tag, status, .. } = answer.parsed()
            && *tag == id
        {
            assert_eq!(*status, Status::Ok);
            break;
        }
    }
    assert!(code.contains("CopyUid"), "{code}");
    assert_eq!(imap.uid_search("ALL").await.expect("found").len(), 1);
    let inbox = imap.select("INBOX").await.expect("selected");
    assert_eq!(inbox.exists, 2);
    let changed: Vec<_> = imap.uid_store("1", "+FLAGS (\\Seen $Seen)").await.expect("stored").try_collect().await.expect("read");
    assert_eq!(changed[0].flags().count(), 2);
    imap.uid_copy("1", "Trash").await.expect("copied");
    let _changed: Vec<_> = imap.uid_store("2", "+FLAGS.SILENT (\\Deleted)").await.expect("stored").try_collect().await.expect("read");
    let gone: Vec<u32> = imap.uid_expunge("2").await.expect("expunged").try_collect().await.expect("read");
    assert_eq!(gone, [2]);
    imap.append("INBOX", Some("(\\Flagged)"), None, b"Subject: own\r\n\r\nx\r\n").await.expect("appended");
    imap.noop().await.expect("noop");
    assert_eq!(imap.uid_search("FLAGGED").await.expect("found").into_iter().collect::<Vec<_>>(), [3]);
    imap.create("Warm").await.expect("made");
    imap.subscribe("Warm").await.expect("subscribed");
    imap.uid_mv("3", "Warm").await.expect("moved");
    while let Ok(told) = imap.unsolicited_responses.try_recv() {
        assert!(!matches!(told, UnsolicitedResponse::Recent(n) if n > 0));
    }
    // EXAMINE changes nothing, and a FETCH without PEEK reads.
    imap.examine("Junk").await.expect("opened");
    let seen: Vec<_> = imap.uid_fetch("1", "BODY[]").await.expect("fetched").try_collect().await.expect("read");
    assert_eq!(seen.len(), 1);
    assert_eq!(imap.uid_search("SEEN").await.expect("found").len(), 0);
    imap.select("Junk").await.expect("opened");
    let _seen: Vec<_> = imap.uid_fetch("1", "BODY[]").await.expect("fetched").try_collect().await.expect("read");
    assert_eq!(imap.uid_search("SEEN").await.expect("found").len(), 1);
    imap.logout().await.expect("bye");
}
