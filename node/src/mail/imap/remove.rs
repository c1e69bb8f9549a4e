//! Removing our own mails for good: the end of retention and of a purge.

use super::{
    folders::Folders,
    headers::Row,
    session::{ImapError, ImapSession},
    shift::{self, Mail, Source},
    uidset::uid_sets,
};

/// Removes these mails of the selected folder. At Gmail, where taking a label off is no removal, they go through the
/// bin; the bin keeps them if it can't be emptied of just these. Returns how many are gone from this folder.
pub(super) async fn remove(session: &mut ImapSession, folders: &Folders, source: Source<'_>, rows: &[Row]) -> Result<usize, ImapError> {
    let bin = folders.trash.as_deref().filter(|bin| *bin != source.folder);
    if let Some(bin) = bin
        && session.able.mov
        && (session.able.gmail || !session.able.uidplus)
    {
        let mails: Vec<Mail<'_>> =
            rows.iter().filter_map(|row| Some(Mail { uid: row.uid, message_id: row.message_id.as_deref()?, size: row.size })).collect();
        let fates = shift::shift(session, source, bin, &mails).await?;
        return Ok(fates.iter().filter(|f| matches!(f, shift::Fate::Moved(_))).count());
    }
    let uids: Vec<u32> = rows.iter().map(|row| row.uid).collect();
    for set in uid_sets(&uids) {
        shift::expunge(session, &set).await?;
    }
    Ok(uids.len())
}
