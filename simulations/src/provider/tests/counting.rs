//! What must never happen is counted when it does.

use super::rig::{Rig, wait_for};
use futures::TryStreamExt as _;
use serde_json::{Value, json};

async fn stats(rig: &Rig) -> Value {
    rig.control(json!({"cmd": "stats"})).await
}

#[tokio::test]
async fn a_wrong_client_is_seen() {
    use base64::Engine as _;
    let rig = Rig::start().await;
    for _ in 0..2 {
        rig.warm("alpha", "post@m01.test", "post@m03.test", "twice", "").await.expect("taken");
    }
    let raw = base64::engine::general_purpose::STANDARD
        .encode("From: a@b.example\r\nMessage-ID: <f@y>\r\nWarmnet-Exchange: v1; forged\r\n\r\nx\r\n");
    rig.control(json!({"cmd": "inject", "to": "post@m01.test", "raw_base64": raw, "folder": "inbox"})).await;
    let before = stats(&rig).await;
    assert_eq!(
        (&before["doubled"], &before["foreign_delivered"], &before["foreign_touched"]),
        (&json!(1), &json!(1), &json!(0)),
        "{before}"
    );
    let mut imap = rig.imap("alpha", "post@m01.test").await;
    imap.select("INBOX").await.expect("selected");
    let _peeked: Vec<_> = imap.uid_fetch("1", "(FLAGS BODY.PEEK[])").await.expect("fetched").try_collect().await.expect("read");
    assert_eq!(stats(&rig).await["foreign_touched"], json!(0));
    let _flagged: Vec<_> = imap.uid_store("1", "+FLAGS (\\Flagged)").await.expect("stored").try_collect().await.expect("read");
    let _read: Vec<_> = imap.uid_fetch("1", "BODY[]").await.expect("fetched").try_collect().await.expect("read");
    imap.uid_copy("1", "Trash").await.expect("copied");
    imap.uid_mv("1", "Junk").await.expect("moved");
    rig.warm("alpha", "post@m01.test", "post@m03.test", "answer", "In-Reply-To: <f@y>\r\n").await.expect("taken");
    let after = stats(&rig).await;
    assert_eq!(after["foreign_touched"], json!(5), "{after}");
    assert_eq!(after["foreign_acts"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn acts_on_warm_mail_teach_the_filter_and_touch_nothing() {
    let rig = Rig::start().await;
    for n in 0..8 {
        rig.warm("alpha", "post@m01.test", "post@m03.test", &format!("w{n}"), "").await.expect("taken");
    }
    let mut imap = rig.imap("charlie", "post@m03.test").await;
    imap.select("Junk").await.expect("selected");
    let spam = imap.uid_search("ALL").await.expect("found").len();
    assert!(spam > 0, "the filter took everything");
    imap.uid_mv("1:*", "INBOX").await.expect("moved");
    imap.select("INBOX").await.expect("selected");
    let _read: Vec<_> = imap.uid_store("1:*", "+FLAGS (\\Seen)").await.expect("stored").try_collect().await.expect("read");
    rig.warm("charlie", "post@m03.test", "post@m01.test", "reply", "In-Reply-To: <w1@x>\r\nReferences: <w1@x>\r\n").await.expect("taken");
    let s = stats(&rig).await;
    let row = s["by_domain"].as_array().and_then(|d| d.iter().find(|d| d["domain"] == "m01.test")).expect("a row").clone();
    assert_eq!((&row["rescues"], &row["reads"], &row["replies"]), (&json!(spam), &json!(8), &json!(1)), "{s}");
    assert_eq!((&s["foreign_touched"], &s["doubled"]), (&json!(0), &json!(0)));
    assert!(row["reputation"].as_f64() > Some(0.0));
}

#[tokio::test]
async fn owners_mail_and_ordinary_mail() {
    let rig = Rig::start().await;
    rig.warm("alpha", "post@m01.test", "post@m03.test", "real", "").await.expect("taken");
    let fared = rig.control(json!({"cmd": "external", "from": "post@m02.test", "good": 10, "dead": 4, "complaints": 3})).await;
    assert_eq!(
        (&fared["sent"], &fared["hard"], &fared["soft"], &fared["complaints"]),
        (&json!(14), &json!(4), &json!(0), &json!(3)),
        "{fared}"
    );
    let done = rig.control(json!({"cmd": "civilians", "count": 40, "forged": 12})).await;
    assert_eq!((&done["delivered"], &done["forged"]), (&json!(40), &json!(12)), "{done}");
    let s = stats(&rig).await;
    let row = s["by_domain"].as_array().and_then(|d| d.iter().find(|d| d["domain"] == "m02.test")).expect("a row").clone();
    assert_eq!((&row["bounces"], &row["complaints"]), (&json!(4), &json!(3)), "{s}");
    assert_eq!((&s["foreign_delivered"], &s["foreign_touched"], &s["doubled"]), (&json!(40), &json!(0), &json!(0)), "{s}");
    assert_eq!(s["warm"]["delivered"], json!(1));
    assert_eq!(rig.control(json!({"cmd": "nonsense"})).await["ok"], json!(false));
    assert_eq!(rig.control(json!({"cmd": "stop"})).await["ok"], json!(true));
    let socket = rig.dir.path().join("control.sock");
    wait_for("end", || !socket.exists()).await;
}
