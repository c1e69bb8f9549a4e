use super::{super::scripted, *};

const SOURCE: Source<'static> = Source { folder: "INBOX", uid_validity: 1 };

#[tokio::test]
async fn tabs_are_told_by_gmails_own_search() {
    const TURNS: &[(&str, &str)] = &[
        (
            "UID SEARCH UID 3:5 X-GM-RAW \"category:promotions OR category:social OR category:updates OR category:forums\"",
            // The last is none of those asked for.
            "* SEARCH 4 77\r\nTAG OK\r\n",
        ),
        (
            "UID SEARCH UID 6 X-GM-RAW \"category:promotions OR category:social OR category:updates OR category:forums\"",
            "TAG BAD what?\r\n",
        ),
    ];
    let (mut session, script) = scripted::session("X-GM-EXT-1", TURNS).await;
    assert_eq!(tabbed(&mut session, &[5, 3, 4]).await.expect("told"), BTreeSet::from([4]));
    assert!(tabbed(&mut session, &[6]).await.expect("not told").is_empty());
    assert!(tabbed(&mut session, &[7]).await.expect("not asked again").is_empty());
    assert_eq!(script.left(), 0);
}

#[tokio::test]
async fn other_servers_are_not_asked_for_tabs() {
    let (mut session, _script) = scripted::session("MOVE", &[]).await;
    assert!(tabbed(&mut session, &[1]).await.expect("nothing asked").is_empty());
}

#[tokio::test]
async fn the_inboxs_label_goes_from_filed_mails_that_carry_it() {
    const TURNS: &[(&str, &str)] = &[
        ("SELECT \"Warmnet\"", "* OK [UIDVALIDITY 7] x\r\nTAG OK\r\n"),
        (
            "UID FETCH 20:22 (UID X-GM-LABELS)",
            "* 1 FETCH (UID 20 X-GM-LABELS (\\Inbox \\Important \"Entw&APw-rfe\"))\r\n* 2 FETCH (UID 21 X-GM-LABELS ())\r\n\
             * 9 FETCH (UID 99 X-GM-LABELS (\\Inbox))\r\nTAG OK\r\n",
        ),
        ("UID STORE 20 -X-GM-LABELS.SILENT (\\Inbox)", "TAG OK\r\n"),
        ("SELECT \"INBOX\"", "* OK [UIDVALIDITY 1] x\r\nTAG OK\r\n"),
    ];
    let (mut session, script) = scripted::session("X-GM-EXT-1", TURNS).await;
    out_of_inbox(&mut session, SOURCE, "Warmnet", 7, &[20, 21, 22]).await.expect("done");
    assert_eq!(script.left(), 0);
}
