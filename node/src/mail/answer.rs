//! "Does a person answer one of our mails with this?" Asked of mail without a valid label, by its header alone.
//!
//! Such a mail is the owner's: it is never touched, and the thread it stands in stops. Mail that a program wrote (an
//! absence note, a bounce, a list) stops nothing, and is not answered either, because only labelled mail ever is.

use super::fields;

/// Fields that are looked at, beside those that mark a mail as the network's.
pub const FIELDS: [&str; 6] = ["In-Reply-To", "References", "Auto-Submitted", "Precedence", "Return-Path", "Content-Type"];
/// Message-IDs kept of one mail: a thread of the network has at most 5.
const MAX_IDS: usize = 8;

/// The network's Message-IDs that a person answers with the mail of this header, without angle brackets; none when a
/// program wrote it.
#[must_use]
pub fn answers(header: &[(String, String)]) -> Vec<String> {
    if is_automatic(header) {
        return Vec::new();
    }
    let threading = header.iter().filter(|(n, _)| n.eq_ignore_ascii_case("In-Reply-To") || n.eq_ignore_ascii_case("References"));
    let mut ids: Vec<String> = Vec::new();
    for word in threading.flat_map(|(_, value)| value.split(['<', '>', ' ', '\t', ','])) {
        if ids.len() < MAX_IDS && is_ours(word) && !ids.iter().any(|id| id == word) {
            ids.push(word.to_owned());
        }
    }
    ids
}

/// Whether a program wrote it: RFC 3834 (Auto-Submitted), an empty Return-Path (RFC 5321 section 4.5.5), a report
/// (RFC 6522), or one of the values of Precedence that absence notes and lists carry.
#[must_use]
pub fn is_automatic(header: &[(String, String)]) -> bool {
    header.iter().any(|(name, value)| {
        let value = value.trim().to_ascii_lowercase();
        match name.to_ascii_lowercase().as_str() {
            "auto-submitted" => value.split([';', ' ', '(']).next() != Some("no"),
            "return-path" => value == "<>",
            "content-type" => value.starts_with("multipart/report"),
            "precedence" => ["bulk", "list", "junk", "auto_reply"].contains(&value.as_str()),
            _ => false,
        }
    })
}

/// As [`answers`], of a raw mail.
#[must_use]
pub fn answers_of(raw: &[u8]) -> Vec<String> {
    answers(&fields::fields(raw))
}

/// Whether it has the shape of a warming mail's Message-ID: `<exchange, 32 hex>.<turn>.<member>@<domain>`.
fn is_ours(id: &str) -> bool {
    let mut parts = id.splitn(3, '.');
    let exchange = parts.next().is_some_and(|x| x.len() == 32 && x.bytes().all(|b| b.is_ascii_hexdigit()));
    let turn = parts.next().is_some_and(|t| t.len() == 1 && t.bytes().all(|b| b.is_ascii_digit()));
    exchange && turn && parts.next().is_some_and(|rest| rest.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00112233445566778899aabbccddeeff.1.0a0b0c0d@a.test";

    fn read(header: &str) -> Vec<String> {
        answers_of(format!("{header}\r\n\r\nHello").as_bytes())
    }

    #[test]
    fn a_persons_answer_names_our_mail_once() {
        assert_eq!(read(&format!("In-Reply-To: <{ID}>\r\nReferences: <x@y>\r\n <{ID}>")), [ID]);
        assert_eq!(read(&format!("References: <x@y><{ID}>")), [ID]);
        assert_eq!(read(&format!("Auto-Submitted: no\r\nReturn-Path: <p@a.test>\r\nIn-Reply-To: <{ID}>")), [ID]);
    }

    #[test]
    fn what_a_program_wrote_answers_nothing() {
        for mark in [
            "Auto-Submitted: auto-replied",
            "auto-submitted: auto-generated; owner-email=x",
            "Return-Path: <>",
            "Content-Type: multipart/report; report-type=delivery-status",
            "Precedence: auto_reply",
            "Precedence: Bulk",
        ] {
            assert!(read(&format!("In-Reply-To: <{ID}>\r\n{mark}")).is_empty(), "{mark}");
        }
    }

    #[test]
    fn other_threads_are_none_of_ours() {
        let near = [ID.replace('0', "x"), ID.replace(".1.", ".12."), ID.replace('@', "."), ID[1..].to_owned(), String::new()];
        for id in near {
            assert!(read(&format!("In-Reply-To: <{id}>")).is_empty(), "{id}");
        }
        assert!(read("Subject: Re: hello").is_empty());
    }

    #[test]
    fn a_flood_of_ids_is_cut() {
        let flood: String = (0..40).map(|i| format!(" <{:032x}.0.m@a.test>", i)).collect();
        assert_eq!(read(&format!("References:{flood}")).len(), MAX_IDS);
    }
}
