//! What Gmail does in its own way (developers.google.com/gmail/imap/imap-extensions): folders are labels of one and the
//! same message, and the tabs of the inbox show up in searches only.

use std::collections::BTreeSet;

use super::{
    answer::Untagged,
    session::{ImapError, ImapSession},
    shift::Source,
    uidset::uid_sets,
};
use crate::mail::{connect::ConnectError, stream::SHORT_BUDGET};

/// Every tab but the primary one.
const TABS: &str = "category:promotions OR category:social OR category:updates OR category:forums";
/// Labels of a batch of our own mails.
const LABEL_BUDGET: usize = 256 * 1024;
/// The inbox as X-GM-LABELS writes it.
const INBOX: &str = "\\Inbox";

/// Those of these mails of the selected inbox that lie in a tab. None where the server refuses to say; then it isn't
/// asked again on this connection.
pub(super) async fn tabbed(session: &mut ImapSession, uids: &[u32]) -> Result<BTreeSet<u32>, ImapError> {
    let mut found = BTreeSet::new();
    if !session.able.gmail_raw {
        return Ok(found);
    }
    for set in uid_sets(uids) {
        let command = format!("UID SEARCH UID {} X-GM-RAW \"{TABS}\"", set.text);
        match session.run(&command, SHORT_BUDGET).await {
            Ok(answer) => {
                for data in answer.untagged {
                    if let Untagged::Search(uids) = data {
                        found.extend(uids.into_iter().filter(|uid| set.uids.contains(uid)));
                    }
                }
            }
            Err(ImapError::No { .. } | ImapError::Bad { .. }) => {
                session.able.gmail_raw = false;
                break;
            }
            Err(e) => return Err(e),
        }
    }
    Ok(found)
}

/// Takes the inbox's label off filed mails, should they still carry it (COPY leaves it on, and so may a MOVE that
/// met a filter). `uids` are UIDs of `target` under `uid_validity`. Comes back to the source folder.
pub(super) async fn out_of_inbox(
    session: &mut ImapSession,
    source: Source<'_>,
    target: &str,
    uid_validity: u32,
    uids: &[u32],
) -> Result<(), ImapError> {
    if uids.is_empty() {
        return Ok(());
    }
    if session.select(target).await?.uid_validity == uid_validity {
        let mut labelled: Vec<u32> = Vec::new();
        for set in uid_sets(uids) {
            let answer = session.run(&format!("UID FETCH {} (UID X-GM-LABELS)", set.text), LABEL_BUDGET).await?;
            labelled.extend(answer.untagged.into_iter().filter_map(|data| match data {
                Untagged::Fetch(f) if f.gmail_labels.iter().any(|l| l.eq_ignore_ascii_case(INBOX)) => {
                    f.uid.filter(|uid| set.uids.contains(uid))
                }
                _ => None,
            }));
        }
        for set in uid_sets(&labelled) {
            match session.run(&format!("UID STORE {} -X-GM-LABELS.SILENT ({INBOX})", set.text), SHORT_BUDGET).await {
                Ok(_) | Err(ImapError::No { .. } | ImapError::Bad { .. }) => {}
                Err(e) => return Err(e),
            }
        }
    }
    if session.select(source.folder).await?.uid_validity != source.uid_validity {
        return Err(ConnectError::Protocol.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
