//! Filed warming mail is not kept for ever: what is older than the owner wants goes.
//!
//! Looked at are only mails in our own folder, removed only those whose label is well formed and fits their Message-ID.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    FolderRole,
    command::search,
    folders::Folders,
    headers,
    remove::remove,
    session::{ImapError, ImapSession},
    shift::Source,
};

/// Mails removed in one go; the rest waits for the next.
const MAX_REMOVED: usize = 1000;

/// Removes filed mails that arrived more than `keep` before `now`. Returns how many.
pub(super) async fn run(session: &mut ImapSession, folders: &Folders, keep: Duration, now: Timestamp) -> Result<usize, ImapError> {
    let Some(folder) = folders.name(FolderRole::Warmnet) else { return Ok(0) };
    let Some(day) = last_day(keep, now) else { return Ok(0) };
    let selected = session.select(folder).await?;
    let mut uids = search(session, &format!("UNDELETED BEFORE {day}")).await?;
    uids.truncate(MAX_REMOVED);
    let old = headers::fetch(session, &uids, |row| row.ours).await?;
    if old.is_empty() {
        return Ok(0);
    }
    remove(session, folders, Source { folder, uid_validity: selected.uid_validity }, &old).await
}

/// The first day that is still kept, as SEARCH takes it. Servers compare days in a zone of their own, so one more day
/// is kept.
fn last_day(keep: Duration, now: Timestamp) -> Option<String> {
    let keep = keep.saturating_add(Duration::from_secs(86_400));
    let day = now.checked_sub(jiff::SignedDuration::try_from(keep).ok()?).ok()?;
    Some(day.strftime("%-d-%b-%Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_search_takes_them() {
        let now: Timestamp = "2026-03-02T00:10:00Z".parse().expect("a time");
        assert_eq!(last_day(Duration::from_secs(30 * 86_400), now).as_deref(), Some("30-Jan-2026"));
        assert_eq!(last_day(Duration::MAX, now), None, "older than time itself");
    }
}
