//! Fetching the markers of mails: a few named header fields and nothing else.

use super::{
    answer::{Fetched, Untagged},
    command::uid_set,
    session::{ImapError, ImapSession},
};
use crate::mail::{answer, fields};

/// Mails asked for in one FETCH.
pub(super) const HEADER_BATCH: usize = 50;
/// What one FETCH of markers may bring: nine fields a mail, 20 KiB together.
const HEADER_BUDGET: usize = 1024 * 1024;
/// What marks a mail as the network's. These, and what tells that a person answers one of ours ([`answer::FIELDS`]), are
/// all that is read of other mail.
const MARKERS: [&str; 2] = ["Warmnet-Exchange", "Warmnet-Enrolment"];
/// A longer Message-ID is none of ours (RFC 5322 lines have at most 998 characters).
const MAX_MESSAGE_ID: usize = 250;

/// The markers of one mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Row {
    pub(super) uid: u32,
    /// In bytes, RFC822.SIZE.
    pub(super) size: u32,
    /// As the server wrote it.
    pub(super) internal: Option<String>,
    /// With its angle brackets; `None` when missing, doubled or too long.
    pub(super) message_id: Option<String>,
    /// Whether any Warmnet field is there.
    pub(super) labelled: bool,
    /// Mails of ours that a person answers with it.
    pub(super) answers: Vec<String>,
}

/// The markers of these UIDs in the selected folder; UIDs that are gone are left out.
pub(super) async fn fetch(session: &mut ImapSession, uids: &[u32]) -> Result<Vec<Row>, ImapError> {
    let command = format!(
        "UID FETCH {} (UID RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID {} {})])",
        uid_set(uids),
        answer::FIELDS.map(str::to_ascii_uppercase).join(" "),
        MARKERS.map(str::to_ascii_uppercase).join(" "),
    );
    let answer = session.run(&command, HEADER_BUDGET).await?;
    let mut rows: Vec<Row> = answer
        .untagged
        .into_iter()
        .filter_map(|data| match data {
            Untagged::Fetch(fetched) => row(fetched),
            _ => None,
        })
        .collect();
    // A server may send news of other mails in between.
    rows.retain(|row| uids.contains(&row.uid));
    rows.sort_by_key(|row| row.uid);
    rows.dedup_by_key(|row| row.uid);
    Ok(rows)
}

fn row(fetched: Fetched) -> Option<Row> {
    let block = fields::fields(&fetched.header?);
    Some(Row {
        uid: fetched.uid?,
        size: fetched.size,
        internal: fetched.internal,
        message_id: fields::only(&block, "Message-ID").filter(|id| is_message_id(id)),
        answers: answer::answers(&block),
        labelled: MARKERS.iter().any(|marker| block.iter().any(|(name, _)| name.eq_ignore_ascii_case(marker))),
    })
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
        assert_eq!((ours.uid, ours.size, ours.labelled), (17, 900, true));
        assert_eq!(ours.message_id.as_deref(), Some("<a@b>"));
        let other = read("Message-ID: <a@b>\r\n\r\n").expect("row");
        assert!(!other.labelled);
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
