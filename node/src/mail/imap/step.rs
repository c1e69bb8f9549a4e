//! One repeatable step over one folder: what is new, which of it is labelled, hand that over, remember how far.

use std::collections::{BTreeMap, BTreeSet};

use jiff::fmt::strtime;
use tokio::sync::mpsc::Sender;

use super::{
    Cursor, CursorStore, CursorStoreError, FolderRole, MailEvent,
    answer::Untagged,
    command::{self, search},
    cursor::{self, Plan, Selected},
    gmail,
    headers::{self, HEADER_BATCH, Row},
    known::Known,
    session::{ImapError, ImapSession},
    uidset::uid_sets,
};
use crate::mail::reports::Hint;

/// The most that is fetched of one mail, in bytes. Ours have a few KiB; what is longer is cut and says so.
const MAX_BODY: usize = 64 * 1024;
/// Bodies asked for in one FETCH.
const BODY_BATCH: usize = 32;
/// The response around a body.
const AROUND_BODY: usize = 1024;
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

impl Place {
    /// The same place in the folder it really is: a tab is a part of the inbox.
    pub(super) fn in_folder(self) -> Self {
        let folder = if self.folder == FolderRole::Tab { FolderRole::Inbox } else { self.folder };
        Self { folder, ..self }
    }
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

/// A mail that may be a report. It may be handed over more than once, as a labelled one may.
#[derive(Clone, Eq, PartialEq)]
pub struct FoundReport {
    /// With angle brackets; `None` when missing, doubled or no plain one.
    pub message_id: Option<String>,
    /// The message, cut at what [`Hint::limit`] allows.
    pub raw: Vec<u8>,
    /// When the server took it, in ms since 1970 (INTERNALDATE, resolution 1 s).
    pub internal_ms: Option<i64>,
}

// Somebody's mail.
impl std::fmt::Debug for FoundReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FoundReport({} bytes)", self.raw.len())
    }
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
    /// Whether the owner lets reports be read.
    pub(super) reports: bool,
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
    let plan = cursor::plan(stored, selected);
    let mut uids = match plan {
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
    // What the provider takes for spam is no report to believe.
    let reports = desk.reports && role == FolderRole::Inbox;
    for batch in uids.chunks(HEADER_BATCH) {
        let mut rows = headers::fetch_batch(session, batch, reports).await?;
        let arrives = matches!(role, FolderRole::Inbox | FolderRole::Tab | FolderRole::Junk);
        for row in rows.iter_mut().filter(|row| !row.labelled) {
            if arrives && !row.answers.is_empty() {
                let answers = std::mem::take(&mut row.answers);
                desk.events.send(MailEvent::Answered(answers)).await.map_err(|_| StepError::HostGone)?;
            } else if let Some(hint) = row.report.filter(|_| reports) {
                hand_over_report(session, row, hint, desk).await?;
            }
        }
        // In a folder seen anew, what is marked \Deleted was left behind by a move without UIDPLUS, or is the owner's waste.
        rows.retain(|row| row.labelled && !(row.deleted && matches!(plan, Plan::Newest(..))));
        hand_over(session, role, selected, &rows, desk).await?;
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
    rows: &[Row],
    desk: &mut Desk<'_>,
) -> Result<(), StepError> {
    let uids: Vec<u32> = rows.iter().map(|row| row.uid).collect();
    let tabbed = if role == FolderRole::Inbox && !rows.is_empty() { gmail::tabbed(session, &uids).await? } else { BTreeSet::new() };
    for chunk in rows.chunks(BODY_BATCH) {
        let uids: Vec<u32> = chunk.iter().map(|row| row.uid).collect();
        let mut bodies = bodies(session, &uids, MAX_BODY).await?;
        for row in chunk {
            // A mail that can't be named can't be acted on either; no member's node writes such a one.
            let Some(message_id) = row.message_id.clone() else { continue };
            // At Gmail the same message shows in other folders too; it counts where it arrived.
            if row.gmail_id.is_some_and(|id| !desk.known.is_first_at_gmail(id, role)) {
                continue;
            }
            let Some(raw) = bodies.remove(&row.uid) else { continue };
            let place = Place { folder: role, uid_validity: selected.uid_validity, uid: row.uid };
            let moved_by_us = desk.known.seen(&message_id, place);
            let found = FoundMail {
                place: if tabbed.contains(&row.uid) { Place { folder: FolderRole::Tab, ..place } } else { place },
                truncated: raw.len() >= MAX_BODY || row.size as usize > MAX_BODY,
                raw,
                internal_ms: row.internal.as_deref().and_then(internal_ms),
                moved_by_us,
                message_id,
            };
            desk.events.send(MailEvent::Found(found)).await.map_err(|_| StepError::HostGone)?;
        }
    }
    Ok(())
}

async fn hand_over_report(session: &mut ImapSession, row: &Row, hint: Hint, desk: &mut Desk<'_>) -> Result<(), StepError> {
    // The end of a bounce is the returned mail; an attachment without its end is worth nothing.
    if hint == Hint::Aggregate && row.size as usize > hint.limit() {
        return Ok(());
    }
    let Some(raw) = bodies(session, &[row.uid], hint.limit()).await?.remove(&row.uid) else { return Ok(()) };
    let found = FoundReport { message_id: row.message_id.clone(), raw, internal_ms: row.internal.as_deref().and_then(internal_ms) };
    desk.events.send(MailEvent::Report(found)).await.map_err(|_| StepError::HostGone)
}

/// The messages, cut at `most` bytes; those that are gone are left out.
async fn bodies(session: &mut ImapSession, uids: &[u32], most: usize) -> Result<BTreeMap<u32, Vec<u8>>, ImapError> {
    let mut bodies = BTreeMap::new();
    for set in uid_sets(uids) {
        let budget = uids.len() * (most + AROUND_BODY);
        let answer = session.run(&format!("UID FETCH {} (UID BODY.PEEK[]<0.{most}>)", set.text), budget).await?;
        bodies.extend(answer.untagged.into_iter().filter_map(|data| match data {
            Untagged::Fetch(fetched) => Some((fetched.uid?, fetched.body?)),
            _ => None,
        }));
    }
    Ok(bodies)
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
