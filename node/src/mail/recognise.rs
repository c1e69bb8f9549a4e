//! What a raw mail is, as far as the network's rules ask. Nothing here decides whether it is genuine.

use mail_parser::{Address, HeaderName, HeaderValue, Message, MessageParser, MimeHeaders as _, PartType};

use super::fields;
use warmnet_protocol::engine::FoundMail;
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::wire::bundle::{AuthResult, Placement};

/// References kept of one mail; threads of the network have at most 5 turns.
const MAX_REFERENCES: usize = 32;

/// A mail, read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recognised {
    /// With angle brackets.
    pub message_id: Option<String>,
    /// With angle brackets, first one.
    pub in_reply_to: Option<String>,
    /// With angle brackets, oldest first, at most 32.
    pub references: Vec<String>,
    /// The only address of From, lower case as written; `None` when there is none or more than one.
    pub from: Option<String>,
    /// The only address of To.
    pub to: Option<String>,
    /// Decoded.
    pub subject: String,
    /// `Warmnet-Exchange`, unfolded; `None` when missing or there twice.
    pub label_header: Option<String>,
    /// `Warmnet-Enrolment`, likewise.
    pub enrolment_header: Option<String>,
    /// The first text part, decoded, lines ended by LF.
    pub text: String,
    /// MIME parts, containers counted.
    pub parts: usize,
    /// Whether any part is an attachment or no text.
    pub has_attachment: bool,
    /// Whether any part is HTML.
    pub has_html: bool,
    /// `Auto-Submitted` as written.
    pub auto_submitted: Option<String>,
    /// Exactly one text/plain part and nothing else.
    pub single_plain_text: bool,
}

impl Recognised {
    /// What the engine judges: a mail with a label, found in `member`'s mailbox; `None` when it has no label to judge.
    #[must_use]
    pub fn labelled(self, member: MemberId, placement: Placement, auth: [AuthResult; 3], answers: Vec<String>) -> Option<FoundMail> {
        Some(FoundMail {
            member,
            placement,
            from: self.from,
            to: self.to,
            label: self.label_header?,
            message_id: self.message_id?.trim_start_matches('<').trim_end_matches('>').to_owned(),
            text: self.text,
            single_plain_part: self.single_plain_text,
            auth,
            answers,
        })
    }
}

/// Reads a raw mail; `None` when it is none at all.
pub fn recognise(raw: &[u8]) -> Option<Recognised> {
    let message = MessageParser::default().parse(raw)?;
    let top = fields::fields(raw);
    let root = message.root_part();
    let is_plain = root
        .content_type()
        .is_none_or(|t| t.ctype().eq_ignore_ascii_case("text") && t.subtype().is_some_and(|s| s.eq_ignore_ascii_case("plain")));
    let named = root.attachment_name().is_some() || root.content_disposition().is_some_and(|d| d.is_attachment());
    let single = message.parts.len() == 1 && is_plain && !named && matches!(root.body, PartType::Text(_));
    let has_html = message.parts.iter().any(|p| matches!(p.body, PartType::Html(_)));
    Some(Recognised {
        message_id: message.message_id().map(bracketed),
        in_reply_to: ids(message.in_reply_to()).into_iter().next(),
        references: ids(message.references()),
        from: only_address(&message, HeaderName::From),
        to: only_address(&message, HeaderName::To),
        subject: message.subject().unwrap_or_default().to_owned(),
        label_header: fields::only(&top, "Warmnet-Exchange"),
        enrolment_header: fields::only(&top, "Warmnet-Enrolment"),
        text: message.body_text(0).unwrap_or_default().replace("\r\n", "\n"),
        parts: message.parts.len(),
        has_attachment: named || !message.attachments.is_empty(),
        has_html,
        auto_submitted: fields::only(&top, "Auto-Submitted"),
        single_plain_text: single,
    })
}

fn bracketed(id: &str) -> String {
    format!("<{id}>")
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(id) => vec![bracketed(id)],
        HeaderValue::TextList(list) => list.iter().take(MAX_REFERENCES).map(|id| bracketed(id)).collect(),
        _ => Vec::new(),
    }
}

/// The address of a field that is there once and holds one address.
fn only_address(message: &Message<'_>, name: HeaderName<'static>) -> Option<String> {
    let mut values = message.header_values(name);
    let (first, None) = (values.next()?, values.next()) else { return None };
    let HeaderValue::Address(Address::List(list)) = first else { return None };
    match list.as_slice() {
        [one] => one.address.as_ref().map(|a| a.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "From: \"A\" <a@a.test>\r\nTo: b@b.test\r\nMessage-ID: <1@a.test>\r\nReferences: <x@y> <z@y>\r\n\
        In-Reply-To: <z@y>\r\nWarmnet-Exchange: v1;\r\n n=1\r\nAuto-Submitted: auto-generated\r\nContent-Type: text/plain; charset=utf-8\r\n\
        \r\nHello\r\nthere\r\n";

    #[test]
    fn a_plain_mail_is_read() {
        let got = recognise(OURS.as_bytes()).expect("a mail");
        assert_eq!(got.from.as_deref(), Some("a@a.test"));
        assert_eq!(got.to.as_deref(), Some("b@b.test"));
        assert_eq!(got.message_id.as_deref(), Some("<1@a.test>"));
        assert_eq!(got.in_reply_to.as_deref(), Some("<z@y>"));
        assert_eq!(got.references, ["<x@y>", "<z@y>"]);
        assert_eq!(got.label_header.as_deref(), Some("v1; n=1"));
        assert_eq!(got.text, "Hello\nthere\n");
        assert!(got.single_plain_text && !got.has_html && !got.has_attachment);
    }

    #[test]
    fn a_doubled_label_or_sender_counts_as_none() {
        let twice = format!("Warmnet-Exchange: v1; other\r\nFrom: c@c.test\r\n{OURS}");
        let got = recognise(twice.as_bytes()).expect("a mail");
        assert_eq!((got.label_header, got.from), (None, None));
        let two = OURS.replace("To: b@b.test", "To: b@b.test, c@c.test");
        assert_eq!(recognise(two.as_bytes()).expect("a mail").to, None);
    }

    #[test]
    fn html_and_attachments_are_told() {
        let html = OURS.replace("text/plain", "text/html");
        let got = recognise(html.as_bytes()).expect("a mail");
        assert!(got.has_html && !got.single_plain_text);
        let mixed = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\n\
            Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=x.pdf\r\n\r\nx\r\n--b--\r\n";
        let got = recognise(mixed.as_bytes()).expect("a mail");
        assert!(got.has_attachment && !got.single_plain_text && got.parts == 3);
        let named = OURS.replace("charset=utf-8\r\n", "charset=utf-8\r\nContent-Disposition: attachment\r\n");
        let got = recognise(named.as_bytes()).expect("a mail");
        assert!(got.has_attachment && !got.single_plain_text);
    }

    #[test]
    fn a_nested_label_is_none_of_the_outer_mail() {
        let outer = format!("From: x@x.test\r\nContent-Type: message/rfc822\r\n\r\n{OURS}");
        let got = recognise(outer.as_bytes()).expect("a mail");
        assert_eq!(got.label_header, None);
        assert!(!got.single_plain_text);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_do_no_harm(raw in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            let _ = recognise(&raw);
        }
    }
}
