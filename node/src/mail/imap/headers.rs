//! Fetching the markers of mails: a few named header fields and nothing else.

use std::collections::BTreeSet;

use warmnet_protocol::wire::{enrolment::EnrolmentMail, label::Label};

use super::{
    answer::{Fetched, Untagged},
    session::{ImapError, ImapSession},
    uidset::uid_sets,
};
use crate::mail::{answer, fields, reports::Hint};

/// Mails asked for in one FETCH; any set of so few fits one command.
pub(super) const HEADER_BATCH: usize = 200;
/// Bytes of markers read of one mail. Ours have about 600; a longer block is none of ours, and must not use up what
/// the others may bring.
const MAX_BLOCK: usize = 8192;
/// What one FETCH of markers may bring.
const HEADER_BUDGET: usize = HEADER_BATCH * (MAX_BLOCK + 1024);
/// Mails asked for in one FETCH of a check.
const CHECK_BATCH: usize = 1000;
/// Bytes read of one mail in a check: its Message-ID and label have about 400.
const CHECK_BLOCK: usize = 2048;
/// What one FETCH of a check may bring.
const CHECK_BUDGET: usize = CHECK_BATCH * (CHECK_BLOCK + 1024);
/// What marks a mail as the network's. Of other mail nothing else is read but what tells that a person answers one of
/// ours ([`answer::FIELDS`]), and Content-Type, Subject and X-Failed-Recipients where the owner lets reports be counted.
const MARKERS: [&str; 2] = ["Warmnet-Exchange", "Warmnet-Enrolment"];
/// A longer Message-ID is none of ours (RFC 5322 lines have at most 998 characters).
const MAX_MESSAGE_ID: usize = 250;

/// The markers of one mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Row {
    pub(super) uid: u32,
    /// In bytes, RFC822.SIZE.
    pub(super) size: u32,
    /// As the server wrote it; not asked for in a check.
    pub(super) internal: Option<String>,
    /// With its angle brackets; `None` when missing, doubled or too long.
    pub(super) message_id: Option<String>,
    /// Whether any Warmnet field is there.
    pub(super) labelled: bool,
    /// Whether it may be a report; never told where reports were not asked for.
    pub(super) report: Option<Hint>,
    /// Mails of ours that a person answers with it.
    pub(super) answers: Vec<String>,
    /// Whether the label is well formed and fits the Message-ID: what may be removed. Its signature was checked before
    /// the mail was filed; keys of years ago are not kept.
    pub(super) ours: bool,
    /// Marked \Deleted.
    pub(super) deleted: bool,
    /// X-GM-MSGID.
    pub(super) gmail_id: Option<u64>,
}

impl Row {
    /// Whether this is the labelled mail of that Message-ID, and not on its way out.
    pub(super) fn is(&self, message_id: &str) -> bool {
        self.labelled && !self.deleted && self.message_id.as_deref() == Some(message_id)
    }
}

/// The markers of those of these UIDs in the selected folder that `keep` wants, any number of them; UIDs that are gone
/// are left out. Never more is held than what is kept and one batch.
pub(super) async fn fetch(session: &mut ImapSession, uids: &[u32], keep: impl Fn(&Row) -> bool) -> Result<Vec<Row>, ImapError> {
    let items = items(session, &[]);
    let mut kept = Vec::new();
    for uids in uids.chunks(HEADER_BATCH) {
        kept.extend(rows(session, uids, &items, HEADER_BUDGET).await?.into_iter().filter(&keep));
    }
    Ok(kept)
}

/// The markers of a batch of UIDs, at most [`HEADER_BATCH`], with hints at reports if wanted.
pub(super) async fn fetch_batch(session: &mut ImapSession, uids: &[u32], reports: bool) -> Result<Vec<Row>, ImapError> {
    let items = items(session, if reports { &Hint::FIELDS } else { &[] });
    rows(session, uids, &items, HEADER_BUDGET).await
}

/// A second look, as short as can be: which of these UIDs are what mail of ours, and how long it is. Any number of them.
pub(super) async fn check(session: &mut ImapSession, uids: &[u32]) -> Result<Vec<Row>, ImapError> {
    let items = format!("UID FLAGS RFC822.SIZE {}", block(&MARKERS, CHECK_BLOCK));
    let mut found = Vec::new();
    for uids in uids.chunks(CHECK_BATCH) {
        found.extend(rows(session, uids, &items, CHECK_BUDGET).await?);
    }
    Ok(found)
}

/// What is asked for of each mail: the markers, and `more` header fields.
fn items(session: &ImapSession, more: &[&str]) -> String {
    let names: Vec<&str> = MARKERS.iter().chain(&answer::FIELDS).chain(more).copied().collect();
    let gmail = if session.able.gmail { "X-GM-MSGID " } else { "" };
    format!("UID FLAGS RFC822.SIZE INTERNALDATE {gmail}{}", block(&names, MAX_BLOCK))
}

/// Message-ID and these header fields, at most so many bytes.
fn block(names: &[&str], limit: usize) -> String {
    let names: BTreeSet<String> = names.iter().map(|name| name.to_ascii_uppercase()).collect();
    let names: Vec<String> = names.into_iter().collect();
    format!("BODY.PEEK[HEADER.FIELDS (MESSAGE-ID {})]<0.{limit}>", names.join(" "))
}

/// One FETCH, which may bring so many bytes.
async fn rows(session: &mut ImapSession, uids: &[u32], items: &str, budget: usize) -> Result<Vec<Row>, ImapError> {
    let mut untagged = Vec::new();
    for set in uid_sets(uids) {
        untagged.extend(session.run(&format!("UID FETCH {} ({items})", set.text), budget).await?.untagged);
    }
    let mut rows: Vec<Row> = untagged
        .into_iter()
        .filter_map(|data| match data {
            Untagged::Fetch(fetched) => row(fetched),
            _ => None,
        })
        .collect();
    // A server may send news of other mails in between.
    let asked: BTreeSet<u32> = uids.iter().copied().collect();
    rows.retain(|row| asked.contains(&row.uid));
    rows.sort_by_key(|row| row.uid);
    rows.dedup_by_key(|row| row.uid);
    Ok(rows)
}

fn row(fetched: Fetched) -> Option<Row> {
    let block = fields::fields(&fetched.header?);
    let message_id = fields::only(&block, "Message-ID").filter(|id| is_message_id(id));
    Some(Row {
        uid: fetched.uid?,
        size: fetched.size,
        internal: fetched.internal,
        report: Hint::read(&block),
        answers: answer::answers(&block),
        labelled: MARKERS.iter().any(|marker| block.iter().any(|(name, _)| name.eq_ignore_ascii_case(marker))),
        ours: message_id.as_deref().is_some_and(|id| fits(&block, id)),
        message_id,
        deleted: fetched.deleted,
        gmail_id: fetched.gmail_id,
    })
}

/// Whether the one label is well formed and the Message-ID is the one that such a mail has.
fn fits(block: &[(String, String)], message_id: &str) -> bool {
    let [exchange, enrolment] = MARKERS.map(|marker| fields::only(block, marker));
    match (exchange, enrolment) {
        (Some(value), None) => {
            Label::parse(&value).is_ok_and(|label| message_id.starts_with(&format!("<{}.{}.", label.exchange, label.turn)))
        }
        (None, Some(value)) => EnrolmentMail::parse(&value).is_some() && message_id.contains(".enrolment@"),
        _ => false,
    }
}

/// Whether the text can be one of our Message-IDs: bracketed, printable, without blanks or quotes.
pub(super) fn is_message_id(id: &str) -> bool {
    id.len() <= MAX_MESSAGE_ID
        && id.starts_with('<')
        && id.ends_with('>')
        && id.bytes().all(|b| (b'!'..=b'~').contains(&b) && b != b'"' && b != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Option<Row> {
        row(Fetched { uid: Some(17), size: 900, header: Some(header.as_bytes().to_vec()), ..Fetched::default() })
    }

    #[test]
    fn a_labelled_mail_is_told_from_others() {
        let ours = read("Message-ID: <a@b>\r\nWarmnet-Exchange: v1;\r\n n=1\r\n\r\n").expect("row");
        assert_eq!((ours.uid, ours.size, ours.labelled, ours.ours), (17, 900, true, false));
        assert_eq!(ours.message_id.as_deref(), Some("<a@b>"));
        let other = read("Message-ID: <a@b>\r\n\r\n").expect("row");
        assert!(!other.labelled);
    }

    #[test]
    fn only_a_whole_label_that_fits_its_mail_may_be_removed() {
        let (exchange, signature) = ("ab".repeat(16), format!("{}==", "A".repeat(86)));
        let label = format!("v1; n=0102030405060708; e=3; r=0.1; x={exchange}; t=1; s={signature}");
        assert!(Label::parse(&label).is_ok(), "{:?}", Label::parse(&label));
        let with = |id: &str| read(&format!("Message-ID: {id}\r\nWarmnet-Exchange: {label}\r\n\r\n")).expect("row").ours;
        assert!(with(&format!("<{exchange}.1.0011@a.test>")));
        for wrong in [format!("<{exchange}.2.0011@a.test>"), format!("<x{exchange}.1.0011@a.test>"), "<a@b>".to_owned()] {
            assert!(!with(&wrong), "{wrong}");
        }
        let twice = format!("Message-ID: <{exchange}.1.0011@a.test>\r\nWarmnet-Exchange: {label}\r\nWarmnet-Exchange: {label}\r\n\r\n");
        assert!(!read(&twice).expect("row").ours);
    }

    #[test]
    fn a_persons_answer_is_told_and_a_programs_is_not() {
        let id = "00112233445566778899aabbccddeeff.0.m@a.test";
        let person = read(&format!("Message-ID: <a@b>\r\nIn-Reply-To: <{id}>\r\n\r\n")).expect("row");
        assert_eq!((person.labelled, person.answers), (false, vec![id.to_owned()]));
        let program = read(&format!("In-Reply-To: <{id}>\r\nAuto-Submitted: auto-replied\r\n\r\n")).expect("row");
        assert!(program.answers.is_empty());
    }

    #[test]
    fn two_message_ids_count_as_none() {
        let row = read("Message-ID: <a@b>\r\nMessage-ID: <c@d>\r\n\r\n").expect("row");
        assert_eq!(row.message_id, None);
    }

    #[test]
    fn only_plain_message_ids_are_used() {
        assert!(is_message_id("<a.b-1@c.test>"));
        for bad in ["a@b", "<a b@c>", "<a\"@c>", "<a\r\n@c>", "<\u{e9}@c>"] {
            assert!(!is_message_id(bad), "{bad:?}");
        }
    }
}
