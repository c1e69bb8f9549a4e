//! Finding our mails in the selected folder by their Message-IDs: one search for many, since a server reads the
//! whole folder for each.

use std::collections::BTreeMap;

use super::{
    command::search,
    headers::{self, HEADER_BATCH, Row},
    session::{ImapError, ImapSession, quoted},
};

/// Message-IDs in one search: 20 of at most 250 bytes stay below a line of 8,192 (RFC 7162 section 4).
const IDS_A_SEARCH: usize = 20;
/// Hits a Message-ID may have on average before each is searched for by itself.
const FLOOD: usize = 4;

/// The labelled, not deleted mails of exactly these Message-IDs.
pub(super) async fn find(session: &mut ImapSession, ids: &[&str]) -> Result<BTreeMap<String, Vec<Row>>, ImapError> {
    search_for(session, ids, false).await
}

/// The same among those that are marked \Deleted.
pub(super) async fn find_deleted(session: &mut ImapSession, ids: &[&str]) -> Result<BTreeMap<String, Vec<Row>>, ImapError> {
    search_for(session, ids, true).await
}

async fn search_for(session: &mut ImapSession, ids: &[&str], deleted: bool) -> Result<BTreeMap<String, Vec<Row>>, ImapError> {
    let mut found: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    for chunk in ids.chunks(IDS_A_SEARCH) {
        let uids = search(session, &any_of(chunk, deleted)?).await?;
        if uids.len() <= FLOOD * chunk.len() {
            collect(session, &uids, chunk, deleted, &mut found).await?;
            continue;
        }
        // Somebody floods the folder with copies of one: they must not crowd out the others.
        for id in chunk {
            let mut uids = search(session, &any_of(&[id], deleted)?).await?;
            // The newest; it is ambiguous after two anyway.
            let cut = uids.len().saturating_sub(HEADER_BATCH);
            uids.drain(..cut);
            collect(session, &uids, &[id], deleted, &mut found).await?;
        }
    }
    Ok(found)
}

async fn collect(
    session: &mut ImapSession,
    uids: &[u32],
    ids: &[&str],
    deleted: bool,
    found: &mut BTreeMap<String, Vec<Row>>,
) -> Result<(), ImapError> {
    for row in headers::check(session, uids).await? {
        let wanted = row.message_id.clone().filter(|id| ids.contains(&id.as_str()) && row.labelled && row.deleted == deleted);
        if let Some(id) = wanted {
            found.entry(id).or_default().push(row);
        }
    }
    Ok(())
}

fn any_of(ids: &[&str], deleted: bool) -> Result<String, ImapError> {
    let mut keys = String::from(if deleted { "DELETED " } else { "UNDELETED " });
    for (i, id) in ids.iter().enumerate() {
        if i + 1 < ids.len() {
            keys.push_str("OR ");
        }
        keys.push_str("HEADER Message-ID ");
        keys.push_str(&quoted(id)?);
        keys.push(' ');
    }
    keys.truncate(keys.trim_end().len());
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_ids_are_one_search() {
        assert_eq!(any_of(&["<a>"], false).expect("plain"), "UNDELETED HEADER Message-ID \"<a>\"");
        assert_eq!(
            any_of(&["<a>", "<b>", "<c>"], false).expect("plain"),
            "UNDELETED OR HEADER Message-ID \"<a>\" OR HEADER Message-ID \"<b>\" HEADER Message-ID \"<c>\""
        );
    }
}
