//! Delivery status notifications (RFC 3464), as real servers write them.

use super::original::{Original, bare};
use crate::mail::fields;
use crate::mail::smtp::{ReplyCode, SmtpOutcome, Stage, classify};
use mail_parser::{Message, MessagePart, MimeHeaders as _};

/// Recipients read of one report; our mail has one, an owner's mail to more says enough with so many.
const MAX_RECIPIENTS: usize = 64;

/// What became of the mail for one recipient.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// Never: the address is wrong or refuses.
    Hard,
    /// Not this mail: full, expired, policy, size or rate; the address is not condemned.
    Soft,
    /// Still being tried.
    Delayed,
    /// Delivered or passed on.
    Delivered,
}

/// One recipient of a report.
#[derive(Clone, Eq, PartialEq)]
pub struct Recipient {
    /// Its address, lower case; empty where the report names none.
    pub address: String,
    /// What became of it.
    pub fate: Fate,
    /// The enhanced status code (RFC 3463), the most precise one found.
    pub status: Option<(u8, u16, u16)>,
}

// Holds an address.
impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recipient({:?} {:?})", self.fate, self.status)
    }
}

/// A bounce, a delay or a receipt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeliveryReport {
    /// At least one, at most 64.
    pub recipients: Vec<Recipient>,
    /// The mail it is about.
    pub original: Original,
}

/// Reads a message with a delivery-status part.
pub(super) fn read(message: &Message<'_>) -> Option<DeliveryReport> {
    let status = message.parts.iter().find(|p| is_status(p))?;
    let groups = groups(status.contents());
    let mut recipients: Vec<Recipient> = groups.iter().filter_map(recipient).collect();
    recipients.truncate(MAX_RECIPIENTS);
    if recipients.is_empty() {
        return None;
    }
    let mut original = Original::of(message).unwrap_or_default();
    if original.message_id.is_none() {
        // Google repeats it here when it returns less.
        original.message_id = groups.iter().find_map(|g| value(g, "X-Original-Message-ID")).and_then(bare);
    }
    Some(DeliveryReport { recipients, original })
}

fn is_status(part: &MessagePart<'_>) -> bool {
    part.content_type().is_some_and(|t| {
        t.ctype().eq_ignore_ascii_case("message")
            && t.subtype().is_some_and(|s| s.eq_ignore_ascii_case("delivery-status") || s.eq_ignore_ascii_case("global-delivery-status"))
    })
}

type Group = Vec<(String, String)>;

/// Groups of fields: a blank line begins a new one, and so does a recipient field that is there already, because some
/// servers leave the blank line out.
fn groups(bytes: &[u8]) -> Vec<Group> {
    let mut out: Vec<Group> = vec![];
    let mut rest = bytes;
    while !rest.is_empty() && out.len() <= MAX_RECIPIENTS {
        let block = fields::fields(rest);
        rest = after_blank_line(rest);
        let mut group = Group::new();
        for (name, value) in block {
            let recipient_field = ["Final-Recipient", "Action", "Status"].iter().any(|n| name.eq_ignore_ascii_case(n));
            if recipient_field && group.iter().any(|(n, _)| n.eq_ignore_ascii_case(&name)) && out.len() < MAX_RECIPIENTS {
                out.push(std::mem::take(&mut group));
            }
            group.push((name, value));
        }
        if !group.is_empty() {
            out.push(group);
        }
    }
    out
}

/// What follows the first empty line.
fn after_blank_line(bytes: &[u8]) -> &[u8] {
    let mut at = 0;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        at += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            break;
        }
    }
    bytes.get(at..).unwrap_or_default()
}

fn value<'a>(group: &'a Group, name: &str) -> Option<&'a str> {
    group.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
}

/// The value behind its type: `rfc822; a@b` -> `a@b`.
fn typed(value: &str) -> &str {
    value.split_once(';').map_or(value, |(_, v)| v).trim()
}

fn recipient(group: &Group) -> Option<Recipient> {
    let action = value(group, "Action").map(|a| a.split_whitespace().next().unwrap_or_default().to_ascii_lowercase());
    let status = value(group, "Status").and_then(code_in);
    if action.is_none() && status.is_none() {
        return None;
    }
    let said = value(group, "Diagnostic-Code").and_then(code_in);
    // Exim and others write x.0.0 and leave the reason to the server's own words.
    let status = match (status, said) {
        (Some((class, 0, 0)), Some(precise)) if precise.0 == class => Some(precise),
        (None, said) => said,
        (status, _) => status,
    };
    let fate = match action.as_deref() {
        Some("delayed") => Fate::Delayed,
        Some("delivered" | "relayed" | "expanded") => Fate::Delivered,
        Some("failed") => failed(status),
        _ => match status?.0 {
            2 => Fate::Delivered,
            4 | 5 => failed(status),
            _ => return None,
        },
    };
    let address = value(group, "Final-Recipient").or_else(|| value(group, "Original-Recipient")).map_or("", typed);
    let address = address.trim_matches(['<', '>', ' ']).to_ascii_lowercase();
    Some(Recipient { address, fate, status })
}

/// Whether a failure condemns the address: by the same table that judges a server's reply to RCPT.
pub(super) fn failed(status: Option<(u8, u16, u16)>) -> Fate {
    let Some((class @ (4 | 5), ..)) = status else { return Fate::Soft };
    let code = ReplyCode { basic: u16::from(class) * 100 + 50, enhanced: status, hint: None };
    match classify(Stage::Recipient, code) {
        SmtpOutcome::RefusedHard { .. } => Fate::Hard,
        _ => Fate::Soft,
    }
}

/// The first enhanced status code in a text: class 2, 4 or 5, and two numbers of up to three digits.
pub(super) fn code_in(text: &str) -> Option<(u8, u16, u16)> {
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    words
        .filter_map(|word| {
            let mut parts = word.trim_matches('.').split('.');
            let (class, subject, detail, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
            if !matches!(class, "2" | "4" | "5") || subject.len() > 3 || detail.len() > 3 {
                return None;
            }
            Some((class.parse().ok()?, subject.parse().ok()?, detail.parse().ok()?))
        })
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_among_words() {
        assert_eq!(code_in("smtp; 550-5.1.1 The account"), Some((5, 1, 1)));
        assert_eq!(code_in("5.0.0 (permanent)"), Some((5, 0, 0)));
        assert_eq!(code_in("user unknown (#5.1.1)."), Some((5, 1, 1)));
        for none in ["550 no", "192.0.2.1 refused", "1.2.3", "5.1", "5.1111.1", ""] {
            assert_eq!(code_in(none), None, "{none}");
        }
    }

    #[test]
    fn what_condemns_an_address() {
        for hard in [(5, 1, 1), (5, 1, 10), (5, 4, 4), (5, 2, 1)] {
            assert_eq!(failed(Some(hard)), Fate::Hard, "{hard:?}");
        }
        // 5.0.0 says nothing of the address.
        for soft in [(5, 0, 0), (5, 2, 2), (4, 4, 7), (4, 2, 2), (5, 7, 1), (5, 7, 515), (5, 4, 5), (5, 3, 4), (2, 0, 0)] {
            assert_eq!(failed(Some(soft)), Fate::Soft, "{soft:?}");
        }
        assert_eq!(failed(None), Fate::Soft);
    }

    #[test]
    fn groups_without_blank_lines_and_in_any_order() {
        let text = b"Reporting-MTA: dns; a\r\nAction: failed\r\nFinal-Recipient: rfc822;<A@b.test>\r\nStatus: 5.1.1\r\n\
            Action: delayed\r\nFinal-Recipient: rfc822; c@d.test\r\nStatus: 4.4.1\r\n";
        let got: Vec<Recipient> = groups(text).iter().filter_map(recipient).collect();
        assert_eq!(
            got.iter().map(|r| (r.address.as_str(), r.fate)).collect::<Vec<_>>(),
            [("a@b.test", Fate::Hard), ("c@d.test", Fate::Delayed)]
        );
    }
}
