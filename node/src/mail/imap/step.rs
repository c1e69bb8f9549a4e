//! One repeatable step over one folder: what is new, which of it is labelled, hand that over, remember how far.

use jiff::fmt::strtime;
use tokio::sync::mpsc::Sender;

use super::{
    Cursor, CursorStore, CursorStoreError, FolderRole, MailEvent,
    answer::Untagged,
    command::{self, search},
    cursor::{self, Plan, Selected},
    headers::{self, HEADER_BATCH, Row},
    known::Known,
    session::{ImapError, ImapSession},
};

/// The most that is fetched of one mail, in bytes. Ours have a few KiB; what is longer is cut and says so.
const MAX_BODY: usize = 64 * 1024;
/// The body and the response around it.
const BODY_BUDGET: usize = MAX_BODY + 16 * 1024;
/// New mails looked at in one step; the rest waits for the next one.
const MAX_STEP: usize = 1000;

/// Where a mail is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// Which folder.
    pub folder: FolderRole,
    /// The folder's numbering.
    pub uid_validity: u32,
    /// The mail's number in it.
    pub uid: u32,
}

/// A labelled mail. It may be handed over more than once (after a crash or a renumbering): the caller tells
/// repeats by Message-ID and place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FoundMail {
    /// Where it was found.
    pub place: Place,
    /// With angle brackets.
    pub message_id: String,
    /// The message, cut at 64 KiB.
    pub raw: Vec<u8>,
    /// Whether it was cut.
    pub truncated: bool,
    /// When the server took it, in ms since 1970 (INTERNALDATE, resolution 1 s).
    pub internal_ms: Option<i64>,
    /// Our own act put it here: no placement by the provider.
    pub moved_by_us: bool,
}

/// Why a step stopped.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    #[error(transparent)]
    Imap(#[from] ImapError),
    #[error(transparent)]
    Cursor(#[from] CursorStoreError),
    /// Nobody reads events any more.
    #[error("the receiver of mail events is gone")]
    HostGone,
}

/// What a step needs beside the connection.
pub(super) struct Desk<'a> {
    pub(super) cursors: &'a dyn CursorStore,
    pub(super) known: &'a mut Known,
    pub(super) events: &'a Sender<MailEvent>,
}

/// Whether a folder that is not selected has anything new, by STATUS. In doubt: yes.
pub(super) async fn has_news(session: &mut ImapSession, folder: &str, cursors: &dyn CursorStore) -> Result<bool, ImapError> {
    match command::status(session, folder).await? {
        Some(status) => Ok(match cursors.load(folder) {
            Some(cursor) => cursor::plan(Some(cursor), status) != Plan::Nothing,
            None => true,
        }),
        None => Ok(true),
    }
}

/// Selects `folder` for a wait and says whether anything came since the last step: what arrived before IDLE
/// began is announced by nobody.
pub(super) async fn has_arrived(session: &mut ImapSession, folder: &str, cursors: &dyn CursorStore) -> Result<bool, ImapError> {
    let selected = session.select(folder).await?;
    let stored = cursors.load(folder);
    // Without UIDNEXT the next step would look for itself, over and over; the poll interval bounds that.
    Ok(selected.uid_next.is_some() && cursor::plan(stored, selected) != Plan::Nothing)
}

/// Looks at what is new in `folder` and hands over the labelled mails. Returns whether more waits.
pub(super) async fn step(session: &mut ImapSession, role: FolderRole, folder: &str, desk: &mut Desk<'_>) -> Result<bool, StepError> {
    let selected = session.select(folder).await?;
    let stored = desk.cursors.load(folder);
    if stored.is_some_and(|c| c.uid_validity != selected.uid_validity) {
        desk.known.forget_folder(role, selected.uid_validity);
    }
    let mut uids = match cursor::plan(stored, selected) {
        Plan::Nothing => Vec::new(),
        Plan::From(first) => {
            let mut uids = search(session, &format!("UID {first}:*")).await?;
            // `*` is the last mail even where its UID is below the first one asked for.
            uids.retain(|uid| *uid >= first);
            uids
        }
        Plan::Newest(first, last) => search(session, &format!("{first}:{last}")).await?,
    };
    let more = uids.len() > MAX_STEP;
    uids.truncate(MAX_STEP);
    for batch in uids.chunks(HEADER_BATCH) {
        for row in headers::fetch(session, batch).await? {
            if row.labelled {
                hand_over(session, role, selected, row, desk).await?;
            } else if !row.answers.is_empty() && matches!(role, FolderRole::Inbox | FolderRole::Tab | FolderRole::Junk) {
                desk.events.send(MailEvent::Answered(row.answers)).await.map_err(|_| StepError::HostGone)?;
            }
        }
        // Saved only now: a mail handed over twice is harmless, a lost one is not.
        if let Some(last) = batch.last() {
            let uid_next = last.saturating_add(1);
            desk.cursors.save(folder, Cursor { uid_validity: selected.uid_validity, uid_next })?;
        }
    }
    if !more {
        let end = cursor::after(stored, selected, uids.last().copied());
        if stored != Some(end) {
            desk.cursors.save(folder, end)?;
        }
    }
    Ok(more)
}

async fn hand_over(
    session: &mut ImapSession,
    role: FolderRole,
    selected: Selected,
    row: Row,
    desk: &mut Desk<'_>,
) -> Result<(), StepError> {
    // A mail that can't be named can't be acted on either; no member's node writes such a one.
    let Some(message_id) = row.message_id else { return Ok(()) };
    let Some(raw) = body(session, row.uid).await? else { return Ok(()) };
    let place = Place { folder: role, uid_validity: selected.uid_validity, uid: row.uid };
    let found = FoundMail {
        place,
        truncated: raw.len() >= MAX_BODY || row.size as usize > MAX_BODY,
        raw,
        internal_ms: row.internal.as_deref().and_then(internal_ms),
        moved_by_us: desk.known.seen(&message_id, place),
        message_id,
    };
    desk.events.send(MailEvent::Found(found)).await.map_err(|_| StepError::HostGone)
}

/// The message, cut; `None` when it is gone.
async fn body(session: &mut ImapSession, uid: u32) -> Result<Option<Vec<u8>>, ImapError> {
    let command = format!("UID FETCH {uid} (UID BODY.PEEK[]<0.{MAX_BODY}>)");
    let answer = session.run(&command, BODY_BUDGET).await?;
    Ok(answer.untagged.into_iter().find_map(|data| match data {
        Untagged::Fetch(fetched) if fetched.uid == Some(uid) => fetched.body,
        _ => None,
    }))
}

/// `24-Nov-2026 08:00:00 +0000` (RFC 3501 date-time) in ms since 1970.
fn internal_ms(text: &str) -> Option<i64> {
    let parsed = strtime::parse("%d-%b-%Y %H:%M:%S %z", text.trim()).ok()?;
    Some(parsed.to_timestamp().ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_dates_are_read() {
        assert_eq!(internal_ms("01-Jan-1970 01:00:05 +0100"), Some(5000));
        assert_eq!(internal_ms(" 1-Jan-1970 00:00:05 +0000"), Some(5000));
        assert_eq!(internal_ms("yesterday"), None);
    }
}
