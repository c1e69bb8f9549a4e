use super::{super::scripted, *};

const SOURCE: Source<'static> = Source { folder: "INBOX", uid_validity: 1 };
const MAILS: [Mail<'static>; 3] = [
    Mail { uid: 4, message_id: "<a@x>", size: 100 },
    Mail { uid: 5, message_id: "<b@x>", size: 200 },
    Mail { uid: 9, message_id: "<c@x>", size: 300 },
];
const INBOX: (&str, &str) = ("SELECT \"INBOX\"", "* OK [UIDVALIDITY 1] x\r\nTAG OK\r\n");
const TARGET: (&str, &str) = ("SELECT \"Warmnet\"", "* OK [UIDVALIDITY 7] x\r\nTAG OK\r\n");
const SEARCH: &str = "UID SEARCH UNDELETED OR HEADER Message-ID \"<a@x>\" OR HEADER Message-ID \"<b@x>\" HEADER Message-ID \"<c@x>\"";
/// Two of the three, one of them of another length.
const FETCH: &str =
    "UID FETCH 20:21 (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID WARMNET-ENROLMENT WARMNET-EXCHANGE)]<0.2048>)";
const TWO: &str = "* 1 FETCH (UID 20 FLAGS () RFC822.SIZE 100 BODY[HEADER.FIELDS (MESSAGE-ID WARMNET-EXCHANGE WARMNET-ENROLMENT)]<0> \
    {42}\r\nMessage-ID: <a@x>\r\nWarmnet-Exchange: v\r\n\r\n)\r\n\
    * 2 FETCH (UID 21 FLAGS () RFC822.SIZE 999 BODY[HEADER.FIELDS (MESSAGE-ID WARMNET-EXCHANGE WARMNET-ENROLMENT)]<0> \
    {42}\r\nMessage-ID: <b@x>\r\nWarmnet-Exchange: v\r\n\r\n)\r\nTAG OK\r\n";

#[tokio::test]
async fn many_are_moved_by_one_command_and_copyuid_says_where_and_whether() {
    const TURNS: &[(&str, &str)] =
        &[("UID MOVE 4:5,9 \"Warmnet\"", "* OK [COPYUID 7 4,9 20,21] x\r\n* 4 EXPUNGE\r\n* 8 EXPUNGE\r\nTAG OK\r\n")];
    let (mut session, script) = scripted::session("MOVE UIDPLUS", TURNS).await;
    let fates = shift(&mut session, SOURCE, "Warmnet", &MAILS).await.expect("moved");
    assert_eq!(fates, [Fate::Moved(Some((7, 20))), Fate::Gone, Fate::Moved(Some((7, 21)))]);
    assert_eq!(script.left(), 0);
}

#[tokio::test]
async fn without_copyuid_the_moved_mails_are_found_again_by_message_id() {
    const TURNS: &[(&str, &str)] =
        &[("UID MOVE 4:5,9 \"Warmnet\"", "TAG OK\r\n"), TARGET, (SEARCH, "* SEARCH 20 21\r\nTAG OK\r\n"), (FETCH, TWO), INBOX];
    let (mut session, script) = scripted::session("MOVE", TURNS).await;
    let fates = shift(&mut session, SOURCE, "Warmnet", &MAILS).await.expect("moved");
    assert_eq!(fates, [Fate::Moved(Some((7, 20))), Fate::Gone, Fate::Gone], "another length is another mail");
    assert_eq!(script.left(), 0);
}

#[tokio::test]
async fn without_move_and_uidplus_only_seen_copies_are_marked_and_nothing_is_expunged() {
    const TURNS: &[(&str, &str)] = &[
        TARGET,
        (SEARCH, "* SEARCH\r\nTAG OK\r\n"),
        INBOX,
        ("UID COPY 4:5,9 \"Warmnet\"", "TAG OK\r\n"),
        TARGET,
        (SEARCH, "* SEARCH 20 21\r\nTAG OK\r\n"),
        (FETCH, TWO),
        INBOX,
        // Of the three one copy was seen: the server lost the others, their originals stay as they are.
        ("UID STORE 4 +FLAGS.SILENT (\\Deleted)", "TAG OK\r\n"),
    ];
    let (mut session, script) = scripted::session("IDLE", TURNS).await;
    let fates = shift(&mut session, SOURCE, "Warmnet", &MAILS).await.expect("copied");
    assert_eq!(fates, [Fate::Moved(Some((7, 20))), Fate::Gone, Fate::Gone]);
    assert_eq!(script.left(), 0);
}

#[tokio::test]
async fn an_earlier_copy_is_not_made_again_and_a_refusal_removes_nothing() {
    const TURNS: &[(&str, &str)] = &[
        TARGET,
        (SEARCH, "* SEARCH 20 21\r\nTAG OK\r\n"),
        (FETCH, TWO),
        INBOX,
        ("UID COPY 5,9 \"Warmnet\"", "TAG NO [OVERQUOTA] full\r\n"),
        ("UID STORE 4 +FLAGS.SILENT (\\Deleted)", "TAG OK\r\n"),
        ("UID EXPUNGE 4", "* 1 EXPUNGE\r\nTAG OK\r\n"),
    ];
    let (mut session, script) = scripted::session("UIDPLUS", TURNS).await;
    let fates = shift(&mut session, SOURCE, "Warmnet", &MAILS).await.expect("copied in part");
    assert_eq!(fates, [Fate::Moved(Some((7, 20))), Fate::Refused, Fate::Refused]);
    assert_eq!(script.left(), 0);
}

#[tokio::test]
async fn a_folder_renumbered_meanwhile_ends_the_connection() {
    const TURNS: &[(&str, &str)] =
        &[TARGET, (SEARCH, "* SEARCH\r\nTAG OK\r\n"), ("SELECT \"INBOX\"", "* OK [UIDVALIDITY 2] x\r\nTAG OK\r\n")];
    let (mut session, script) = scripted::session("UIDPLUS", TURNS).await;
    assert!(shift(&mut session, SOURCE, "Warmnet", &MAILS).await.expect_err("nothing is certain").is_fatal());
    assert_eq!(script.left(), 0, "nothing was copied or marked");
}
