use mail_parser::MessageParser;
use proptest::prelude::*;

use super::*;

fn draft<'a>(subject: &'a str, text: &'a str) -> Draft<'a> {
    Draft {
        from: "a@a.test",
        to: "b@b.test",
        subject,
        date_ms: 1_795_507_200_000,
        utc_offset_minutes: 60,
        message_id: "<1.2@a.test>",
        in_reply_to: Some("<0@b.test>"),
        references: &["<x@b.test>", "<0@b.test>"],
        extra: &[],
        auto_submitted: "auto-replied",
        text,
    }
}

#[test]
fn the_parts_come_back() {
    let label = format!("v1; n=abc; e=1; r=2; x=33; t=0; s={}", "k".repeat(88));
    let extra = [("Warmnet-Exchange", label.as_str())];
    let raw =
        Draft { extra: &extra, ..draft("Gr\u{fc}\u{df}e aus K\u{f6}ln", "Caf\u{e9} = gut\n.\nFrom here\n") }.compose().expect("composes");
    assert!(raw.is_ascii());
    assert!(raw.split("\r\n").all(|line| line.len() <= 98), "{raw}");
    assert!(!raw.replace("\r\n", "").contains(['\r', '\n']));
    let got = MessageParser::default().parse(&raw).expect("parses");
    assert_eq!(got.subject(), Some("Gr\u{fc}\u{df}e aus K\u{f6}ln"));
    assert_eq!(got.message_id(), Some("1.2@a.test"));
    assert_eq!(got.date().map(|d| d.to_timestamp()), Some(1_795_507_200));
    assert_eq!(got.body_text(0).as_deref().map(|t| t.replace("\r\n", "\n")), Some("Caf\u{e9} = gut\n.\nFrom here\n".into()));
    let fields = crate::mail::fields::fields(raw.as_bytes());
    assert_eq!(crate::mail::fields::only(&fields, "Warmnet-Exchange"), Some(label));
    assert_eq!(crate::mail::fields::only(&fields, "Auto-Submitted").as_deref(), Some("auto-replied"));
}

#[test]
fn nothing_breaks_out_of_a_field() {
    let bad = [
        Draft { from: "a@a.test>\r\nBcc: <x@y.test", ..draft("s", "t") },
        Draft { to: "b", ..draft("s", "t") },
        Draft { message_id: "<1@a>\r\nX: y", ..draft("s", "t") },
        Draft { extra: &[("X\r\nY", "z")], ..draft("s", "t") },
        Draft { extra: &[("X", "z\nBcc: q")], ..draft("s", "t") },
        draft("s\r\nBcc: x@y.test", "t"),
    ];
    for draft in bad {
        assert!(matches!(draft.compose(), Err(ComposeError::Field(_))), "{draft:?}");
    }
}

proptest! {
    #[test]
    fn any_text_comes_back(subject in "[^\\p{C}]{1,120}", text in "([^\\p{C}]{0,200}\n){0,6}") {
        let raw = draft(&subject, &text).compose().expect("composes");
        let got = MessageParser::default().parse(&raw).expect("parses");
        let body = got.body_text(0).unwrap_or_default().replace("\r\n", "\n");
        prop_assert_eq!(body.trim_end_matches('\n'), text.trim_end_matches('\n'));
        prop_assert_eq!(got.subject().unwrap_or_default(), subject.as_str());
    }
}
