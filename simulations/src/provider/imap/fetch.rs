//! FETCH: one mail's items.

use super::super::store::{Mail, Mailbox};
use super::gmail::Asked;
use super::quote::{literal, nstring, string};
use super::view::flag_list;
use imap_codec::imap_types::core::AString;
use imap_codec::imap_types::fetch::{MessageDataItemName, Section};

/// Header (its blank line included) and body.
pub(super) fn split(raw: &[u8]) -> (&[u8], &[u8]) {
    let end = raw.windows(4).position(|w| w == b"\r\n\r\n").map_or(raw.len(), |i| i + 4);
    raw.split_at(end)
}

/// Whether an item marks a mail as read.
pub(super) fn reads(item: &MessageDataItemName<'_>) -> bool {
    matches!(item, MessageDataItemName::BodyExt { peek: false, .. } | MessageDataItemName::Rfc822 | MessageDataItemName::Rfc822Text)
}

/// Writes `* n FETCH (...)`.
pub(super) fn write(
    mailbox: &Mailbox,
    folder: &str,
    number: usize,
    mail: &Mail,
    items: &[MessageDataItemName<'_>],
    asked: Asked,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(format!("* {number} FETCH (UID {}", mail.uid).as_bytes());
    for item in items {
        if matches!(item, MessageDataItemName::Uid) {
            continue;
        }
        out.push(b' ');
        write_item(mail, item, out);
    }
    asked.write(mailbox, folder, mail, out);
    out.extend_from_slice(b")\r\n");
}

fn write_item(mail: &Mail, item: &MessageDataItemName<'_>, out: &mut Vec<u8>) {
    let (head, body) = split(&mail.raw);
    match item {
        MessageDataItemName::Flags => out.extend_from_slice(format!("FLAGS ({})", flag_list(&mail.flags)).as_bytes()),
        MessageDataItemName::InternalDate => {
            out.extend_from_slice(format!("INTERNALDATE \"{}\"", internal_date(mail.internal_ms)).as_bytes())
        }
        MessageDataItemName::Rfc822Size => out.extend_from_slice(format!("RFC822.SIZE {}", mail.raw.len()).as_bytes()),
        MessageDataItemName::Envelope => {
            out.extend_from_slice(b"ENVELOPE ");
            envelope(&mail.raw, out);
        }
        MessageDataItemName::Rfc822 => {
            out.extend_from_slice(b"RFC822 ");
            literal(out, &mail.raw);
        }
        MessageDataItemName::Rfc822Header => {
            out.extend_from_slice(b"RFC822.HEADER ");
            literal(out, head);
        }
        MessageDataItemName::Rfc822Text => {
            out.extend_from_slice(b"RFC822.TEXT ");
            literal(out, body);
        }
        MessageDataItemName::Body | MessageDataItemName::BodyStructure => {
            let name = if matches!(item, MessageDataItemName::Body) { "BODY" } else { "BODYSTRUCTURE" };
            // Everything is shown as one plain text: mail here is not structured.
            let lines = body.split(|b| *b == b'\n').count().saturating_sub(1);
            let shape = format!("{name} (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL NIL \"8BIT\" {} {lines})", body.len());
            out.extend_from_slice(shape.as_bytes());
        }
        MessageDataItemName::BodyExt { section, partial, .. } => {
            let (name, bytes) = cut(&mail.raw, section.as_ref());
            out.extend_from_slice(format!("BODY[{name}]").as_bytes());
            let bytes = match partial {
                None => bytes,
                Some((from, count)) => {
                    out.extend_from_slice(format!("<{from}>").as_bytes());
                    let bytes = bytes.unwrap_or_default();
                    let from = (*from as usize).min(bytes.len());
                    let to = from.saturating_add(count.get() as usize).min(bytes.len());
                    Some(bytes[from..to].to_vec())
                }
            };
            out.push(b' ');
            match bytes {
                Some(b) => literal(out, &b),
                None => out.extend_from_slice(b"NIL"),
            }
        }
        _ => out.extend_from_slice(b"UID 0"),
    }
}

/// A section's name and bytes; no bytes: there is no such part.
fn cut(raw: &[u8], section: Option<&Section<'_>>) -> (String, Option<Vec<u8>>) {
    let (head, body) = split(raw);
    let names = |fields: &[AString<'_>]| fields.iter().map(|f| String::from_utf8_lossy(f.as_ref()).into_owned()).collect::<Vec<_>>();
    match section {
        None => (String::new(), Some(raw.to_vec())),
        Some(Section::Header(None)) => ("HEADER".to_owned(), Some(head.to_vec())),
        Some(Section::Text(None)) => ("TEXT".to_owned(), Some(body.to_vec())),
        Some(Section::HeaderFields(None, fields)) => {
            let fields = names(fields.as_ref());
            (format!("HEADER.FIELDS ({})", fields.join(" ")), Some(some_fields(head, &fields, true)))
        }
        Some(Section::HeaderFieldsNot(None, fields)) => {
            let fields = names(fields.as_ref());
            (format!("HEADER.FIELDS.NOT ({})", fields.join(" ")), Some(some_fields(head, &fields, false)))
        }
        Some(Section::Part(part)) => {
            let numbers: Vec<String> = part.0.as_ref().iter().map(ToString::to_string).collect();
            let only = numbers.len() == 1 && numbers[0] == "1";
            (numbers.join("."), only.then(|| body.to_vec()))
        }
        Some(_) => ("1.HEADER".to_owned(), None),
    }
}

/// The named header fields (or all others) with their folded lines, and the blank line.
fn some_fields(head: &[u8], fields: &[String], wanted: bool) -> Vec<u8> {
    let (mut out, mut taking) = (Vec::new(), false);
    for line in head.split_inclusive(|b| *b == b'\n') {
        if line == b"\r\n" || line == b"\n" {
            break;
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|b| *b == b':').next().unwrap_or_default();
            taking = fields.iter().any(|f| f.as_bytes().eq_ignore_ascii_case(name)) == wanted;
        }
        if taking {
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

fn internal_date(ms: i64) -> String {
    let d = mail_parser::DateTime::from_timestamp(ms / 1_000);
    let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = month.get(usize::from(d.month).saturating_sub(1)).copied().unwrap_or("Jan");
    format!("{:02}-{month}-{:04} {:02}:{:02}:{:02} +0000", d.day, d.year, d.hour, d.minute, d.second)
}

fn envelope(raw: &[u8], out: &mut Vec<u8>) {
    let field = |name: &str| super::super::message::header(raw, name);
    out.push(b'(');
    nstring(out, field("Date").as_deref());
    out.push(b' ');
    nstring(out, field("Subject").as_deref());
    let parsed = mail_parser::MessageParser::default().parse(raw);
    let lists = parsed.as_ref().map(|p| [p.from(), p.sender().or(p.from()), p.reply_to().or(p.from()), p.to(), p.cc(), p.bcc()]);
    for list in lists.unwrap_or_default() {
        out.push(b' ');
        addresses(list, out);
    }
    for name in ["In-Reply-To", "Message-ID"] {
        out.push(b' ');
        nstring(out, field(name).as_deref());
    }
    out.push(b')');
}

fn addresses(list: Option<&mail_parser::Address<'_>>, out: &mut Vec<u8>) {
    let Some(list) = list.filter(|l| l.iter().next().is_some()) else { return out.extend_from_slice(b"NIL") };
    out.push(b'(');
    for a in list.iter() {
        let (local, host) = a.address.as_deref().unwrap_or_default().rsplit_once('@').unwrap_or_default();
        out.push(b'(');
        nstring(out, a.name.as_deref());
        out.extend_from_slice(b" NIL ");
        string(out, local.as_bytes());
        out.push(b' ');
        string(out, host.as_bytes());
        out.push(b')');
    }
    out.push(b')');
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &[u8] = b"From: A <a@b.test>\r\nX-Long: one\r\n two\r\nTo: c@d.test\r\nSubject: hi\r\n\r\nbody\r\n";

    #[test]
    fn header_fields_keep_their_folds() {
        let (head, body) = split(RAW);
        assert_eq!(body, b"body\r\n");
        assert_eq!(some_fields(head, &["x-long".to_owned()], true), b"X-Long: one\r\n two\r\n\r\n");
        assert!(!some_fields(head, &["x-long".to_owned()], false).windows(3).any(|w| w == b"two"));
    }

    #[test]
    fn an_envelope() {
        let mut out = Vec::new();
        envelope(RAW, &mut out);
        let from = "((\"A\" NIL \"a\" \"b.test\"))";
        assert_eq!(
            String::from_utf8_lossy(&out),
            format!("(NIL \"hi\" {from} {from} {from} ((NIL NIL \"c\" \"d.test\")) NIL NIL NIL NIL)")
        );
    }
}
