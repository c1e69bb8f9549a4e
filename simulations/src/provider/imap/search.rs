//! SEARCH: which mails fit.

use super::super::message::header;
use super::super::store::Mail;
use super::view::View;
use imap_codec::imap_types::search::SearchKey;

/// Whether a mail fits a key.
pub(super) fn fits(key: &SearchKey<'_>, view: &View, mail: &Mail) -> bool {
    let flag = |f: &str| mail.flags.contains(f);
    let field = |name: &str, text: &[u8]| {
        let text = String::from_utf8_lossy(text).to_ascii_lowercase();
        header(&mail.raw, name).is_some_and(|v| v.to_ascii_lowercase().contains(&text))
    };
    let contains = |bytes: &[u8], text: &[u8]| {
        let text = String::from_utf8_lossy(text).to_ascii_lowercase();
        String::from_utf8_lossy(bytes).to_ascii_lowercase().contains(&text)
    };
    let keyword = |a: &str| mail.flags.iter().any(|f| f.eq_ignore_ascii_case(a));
    match key {
        SearchKey::And(keys) => keys.as_ref().iter().all(|k| fits(k, view, mail)),
        SearchKey::Or(a, b) => fits(a, view, mail) || fits(b, view, mail),
        SearchKey::Not(k) => !fits(k, view, mail),
        SearchKey::All | SearchKey::Old => true,
        SearchKey::New | SearchKey::Recent => false,
        SearchKey::SequenceSet(set) => view.uids(set, false).contains(&mail.uid),
        SearchKey::Uid(set) => view.uids(set, true).contains(&mail.uid),
        SearchKey::Seen => flag(r"\Seen"),
        SearchKey::Unseen => !flag(r"\Seen"),
        SearchKey::Answered => flag(r"\Answered"),
        SearchKey::Unanswered => !flag(r"\Answered"),
        SearchKey::Deleted => flag(r"\Deleted"),
        SearchKey::Undeleted => !flag(r"\Deleted"),
        SearchKey::Flagged => flag(r"\Flagged"),
        SearchKey::Unflagged => !flag(r"\Flagged"),
        SearchKey::Draft => flag(r"\Draft"),
        SearchKey::Undraft => !flag(r"\Draft"),
        SearchKey::Keyword(a) => keyword(a.as_ref()),
        SearchKey::Unkeyword(a) => !keyword(a.as_ref()),
        SearchKey::Header(name, text) => field(&String::from_utf8_lossy(name.as_ref()), text.as_ref()),
        SearchKey::From(t) => field("From", t.as_ref()),
        SearchKey::To(t) => field("To", t.as_ref()),
        SearchKey::Cc(t) => field("Cc", t.as_ref()),
        SearchKey::Bcc(t) => field("Bcc", t.as_ref()),
        SearchKey::Subject(t) => field("Subject", t.as_ref()),
        SearchKey::Text(t) => contains(&mail.raw, t.as_ref()),
        SearchKey::Body(t) => contains(super::fetch::split(&mail.raw).1, t.as_ref()),
        SearchKey::Larger(n) => mail.raw.len() > *n as usize,
        SearchKey::Smaller(n) => mail.raw.len() < *n as usize,
        // A NaiveDate prints as ISO 8601, which sorts like the dates.
        SearchKey::Since(d) | SearchKey::SentSince(d) => day(mail) >= d.as_ref().to_string(),
        SearchKey::Before(d) | SearchKey::SentBefore(d) => day(mail) < d.as_ref().to_string(),
        SearchKey::On(d) | SearchKey::SentOn(d) => day(mail) == d.as_ref().to_string(),
    }
}

/// Day of a mail's arrival, ISO 8601.
fn day(mail: &Mail) -> String {
    let d = mail_parser::DateTime::from_timestamp(mail.internal_ms / 1_000);
    format!("{:04}-{:02}-{:02}", d.year, d.month, d.day)
}
