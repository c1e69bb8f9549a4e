//! The undo: every labelled mail leaves the mailbox, and our own folder with it.

use super::{
    command::search,
    folders,
    headers::{self, Row},
    remove::remove,
    session::{ImapError, ImapSession, quoted},
    shift::Source,
};
use crate::mail::{
    settings::{Login, MailTimeouts, ServerSettings},
    stream::SHORT_BUDGET,
    tls::TlsClient,
};

/// Folders looked at; more than any person has, bounded so that a hostile list ends.
const MAX_FOLDERS: usize = 5000;

/// What a purge found, or did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PurgeReport {
    /// Labelled mails found.
    pub found: usize,
    /// Of them, removed.
    pub removed: usize,
    /// Folders they were in.
    pub folders: usize,
    /// What became of our own folder.
    pub own_folder: OwnFolder,
}

/// Our own folder after a purge.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OwnFolder {
    /// There is none.
    #[default]
    None,
    /// It is still there: nothing was asked to be removed, or it holds other mail, or the server refused.
    Kept,
    /// It was removed.
    Removed,
}

/// Looks through every folder for mail with a well-formed Warmnet label that fits its Message-ID; with `remove` it is
/// removed, and so is our own folder unless something else is in it. Safe to repeat after a failure.
///
/// # Errors
/// [`ImapError`]: what was done until then stays done.
pub async fn purge(
    server: &ServerSettings,
    login: &Login,
    tls: &TlsClient,
    timeouts: &MailTimeouts,
    remove_them: bool,
) -> Result<PurgeReport, ImapError> {
    let mut session = ImapSession::open(server, login, tls, timeouts).await?;
    let report = go_through(&mut session, remove_them).await;
    if !matches!(&report, Err(e) if e.is_fatal()) {
        session.close().await;
    }
    report
}

async fn go_through(session: &mut ImapSession, remove_them: bool) -> Result<PurgeReport, ImapError> {
    let listed = folders::list(session).await?;
    let known = folders::choose(&listed);
    let mut names: Vec<String> = listed.into_iter().filter(|l| l.selectable).map(|l| l.name).take(MAX_FOLDERS).collect();
    // Mails may pass through the bin, so it comes last.
    names.sort_by_key(|name| known.trash.as_ref() == Some(name));
    let mut report = PurgeReport::default();
    let mut seen = std::collections::BTreeSet::new();
    // Mails of other folders that may lie in the bin now.
    let mut binned = 0;
    for name in &names {
        let selected = match session.select(name).await {
            Ok(selected) => selected,
            // A folder that can't be opened (another user's, say) holds nothing of ours that we could reach.
            Err(e) if !e.is_fatal() => continue,
            Err(e) => return Err(e),
        };
        let rows = own_mail(session, selected.exists).await?;
        if rows.is_empty() {
            continue;
        }
        // At Gmail one message shows in several folders, and once more in the bin.
        let mut new = rows.iter().filter(|row| row.gmail_id.is_none_or(|id| seen.insert(id))).count();
        if !session.able.gmail && known.trash.as_ref() == Some(name) {
            new = new.saturating_sub(binned);
        }
        report.found += new;
        report.folders += usize::from(new > 0);
        if remove_them {
            let source = Source { folder: name, uid_validity: selected.uid_validity };
            let gone = remove(session, &known, source, &rows).await?;
            report.removed += gone.min(new);
            binned += gone;
        }
    }
    if known.warmnet_exists {
        report.own_folder = if remove_them && drop_own(session, &known).await? { OwnFolder::Removed } else { OwnFolder::Kept };
    }
    Ok(report)
}

/// Our own mails in the selected folder.
async fn own_mail(session: &mut ImapSession, exists: u32) -> Result<Vec<Row>, ImapError> {
    if exists == 0 {
        return Ok(Vec::new());
    }
    // An empty text fits every mail that has the field (RFC 3501 section 6.4.4). Gmail searches words, not fields.
    let keys = if session.able.gmail { "UNDELETED" } else { "UNDELETED OR HEADER Warmnet-Exchange \"\" HEADER Warmnet-Enrolment \"\"" };
    let uids = search(session, keys).await?;
    headers::fetch(session, &uids, |row| row.ours).await
}

/// Deletes our own folder if nothing but removed mail is in it.
async fn drop_own(session: &mut ImapSession, known: &folders::Folders) -> Result<bool, ImapError> {
    session.select(&known.warmnet).await?;
    let others = search(session, "UNDELETED").await?;
    if !others.is_empty() {
        return Ok(false);
    }
    // What the owner marked for removal is not ours to remove.
    for batch in search(session, "DELETED").await?.chunks(headers::HEADER_BATCH) {
        let rows = headers::fetch_batch(session, batch, false).await?;
        if rows.len() < batch.len() || rows.iter().any(|row| !row.ours) {
            return Ok(false);
        }
    }
    // Deleting the selected folder ends the connection at some servers.
    session.select(&known.inbox).await?;
    match session.run(&format!("DELETE {}", quoted(&known.warmnet)?), SHORT_BUDGET).await {
        Ok(_) => Ok(true),
        Err(ImapError::No { .. }) => Ok(false),
        Err(e) => Err(e),
    }
}
