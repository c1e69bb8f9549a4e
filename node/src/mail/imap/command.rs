//! The few commands that several rooms use.

use super::{
    answer::Untagged,
    cursor::Selected,
    session::{ImapError, ImapSession, quoted},
};
use crate::mail::stream::SHORT_BUDGET;

/// A SEARCH answer: about 100,000 UIDs.
const SEARCH_BUDGET: usize = 1024 * 1024;

/// The UIDs that a search finds in the selected folder, ascending, each once.
pub(super) async fn search(session: &mut ImapSession, keys: &str) -> Result<Vec<u32>, ImapError> {
    let answer = session.run(&format!("UID SEARCH {keys}"), SEARCH_BUDGET).await?;
    let mut uids = Vec::new();
    for data in answer.untagged {
        if let Untagged::Search(found) = data {
            uids.extend(found);
        }
    }
    uids.sort_unstable();
    uids.dedup();
    Ok(uids)
}

/// UIDVALIDITY and UIDNEXT of a folder that is not selected; `None` when the server leaves one out.
pub(super) async fn status(session: &mut ImapSession, folder: &str) -> Result<Option<Selected>, ImapError> {
    let command = format!("STATUS {} (UIDNEXT UIDVALIDITY)", quoted(folder)?);
    let answer = session.run(&command, SHORT_BUDGET).await?;
    Ok(answer.untagged.into_iter().find_map(|data| match data {
        Untagged::Status { uid_validity: Some(uid_validity), uid_next: Some(next) } => {
            Some(Selected { uid_validity, uid_next: Some(next), exists: 0 })
        }
        _ => None,
    }))
}
