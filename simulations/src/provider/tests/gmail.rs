//! The Gmail-like provider.

use super::rig::Rig;
use async_imap::imap_proto::Response;
use futures::TryStreamExt as _;
use serde_json::json;

async fn answer(imap: &mut super::rig::Imap, command: &str) -> String {
    let id = imap.run_command(command).await.expect("sent");
    let mut text = String::new();
    loop {
        let answer = imap.read_response().await.expect("read").expect("an answer");
        text.push_str(&format!("{:?}\n", answer.parsed()));
        if matches!(answer.parsed(), Response::Done { tag, .. } if *tag == id) {
            return text;
        }
    }
}

async fn count(imap: &mut super::rig::Imap, folder: &str) -> usize {
    imap.select(folder).await.expect("selected");
    imap.uid_search("ALL").await.expect("found").len()
}

#[tokio::test]
async fn one_mail_under_labels() {
    use base64::Engine as _;
    let rig = Rig::start().await;
    let raw = base64::engine::general_purpose::STANDARD.encode("From: a@b.example\r\nMessage-ID: <g@y>\r\n\r\nx\r\n");
    rig.control(json!({"cmd": "inject", "to": "post@m02.test", "raw_base64": raw, "folder": "spam"})).await;
    let mut imap = rig.imap("bravo", "post@m02.test").await;
    assert!(imap.capabilities().await.expect("capabilities").has_str("X-GM-EXT-1"));
    let special: Vec<_> = imap.list(Some(""), Some("[Gmail]/%")).await.expect("listed").try_collect().await.expect("read");
    assert_eq!(special.len(), 4);
    assert_eq!(count(&mut imap, "[Gmail]/All Mail").await, 0);
    assert_eq!(count(&mut imap, "[Gmail]/Spam").await, 1);
    imap.uid_mv("1", "INBOX").await.expect("moved");
    assert_eq!(count(&mut imap, "[Gmail]/All Mail").await, 1);
    let all = answer(&mut imap, "UID FETCH 1 (UID X-GM-MSGID X-GM-LABELS)").await;
    let listed = answer(&mut imap, "LIST (SPECIAL-USE) \"\" \"*\" RETURN (SPECIAL-USE)").await;
    assert!(listed.contains("Junk") && !listed.contains("INBOX"), "{listed}");
    imap.select("INBOX").await.expect("selected");
    let inbox = answer(&mut imap, "UID FETCH 1 (X-GM-MSGID)").await;
    let id = |text: &str| text.split("GmailMsgId(").nth(1).map(|t| t.chars().take_while(char::is_ascii_digit).collect::<String>());
    assert!(id(&all).is_some_and(|i| !i.is_empty()) && id(&all) == id(&inbox), "{all}\n{inbox}");
    assert!(all.contains("Inbox"), "{all}");
    // Flags belong to the mail, not to the folder.
    let _stored: Vec<_> = imap.uid_store("1", "+FLAGS (\\Seen)").await.expect("stored").try_collect().await.expect("read");
    imap.select("[Gmail]/All Mail").await.expect("selected");
    assert_eq!(imap.uid_search("SEEN").await.expect("found").len(), 1);
    imap.select("INBOX").await.expect("selected");
    imap.uid_mv("1", "[Gmail]/Spam").await.expect("moved");
    assert_eq!(count(&mut imap, "[Gmail]/All Mail").await, 0);
}
