//! Moving mails from the selected folder to another, one command for as many as a line holds.
//!
//! ```text
//! MOVE                      UID MOVE; where they went: COPYUID, else found again by Message-ID
//! no MOVE, but UIDPLUS      look who is there already -> COPY -> see them there -> \Deleted -> UID EXPUNGE of just these
//! neither                   the same, but they stay behind marked \Deleted until the owner's program tidies up
//! ```
//! Never a bare EXPUNGE: it would remove what the owner had marked. A mail is marked only after its copy was seen
//! in the target folder, so that a server that loses a copy loses no mail.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    find::find,
    session::{Answer, ImapError, ImapSession, quoted},
    uidset::{UidSet, uid_sets},
};
use crate::mail::connect::ConnectError;

/// An EXPUNGE and a share of a COPYUID for each of some thousand mails.
const MOVE_BUDGET: usize = 256 * 1024;

/// The selected folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) folder: &'a str,
    pub(super) uid_validity: u32,
}

/// A mail to be moved, checked to be ours a moment ago.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mail<'a> {
    pub(super) uid: u32,
    pub(super) message_id: &'a str,
    /// RFC822.SIZE.
    pub(super) size: u32,
}

/// A UIDVALIDITY and a UID of the target folder.
pub(super) type Spot = (u32, u32);

/// How it went for one mail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    /// In the target folder; where in it, if that is known.
    Moved(Option<Spot>),
    /// Neither here nor there: somebody else was quicker.
    Gone,
    /// The server said no.
    Refused,
}

/// Moves mails; the fates stand in the order of `mails`. The source is selected again at the end.
pub(super) async fn shift(session: &mut ImapSession, source: Source<'_>, target: &str, mails: &[Mail<'_>]) -> Result<Vec<Fate>, ImapError> {
    let fates =
        if session.able.mov { by_move(session, source, target, mails).await? } else { by_copy(session, source, target, mails).await? };
    Ok(mails.iter().map(|m| fates.get(&m.uid).copied().unwrap_or(Fate::Gone)).collect())
}

type Fates = BTreeMap<u32, Fate>;

async fn by_move(session: &mut ImapSession, source: Source<'_>, target: &str, mails: &[Mail<'_>]) -> Result<Fates, ImapError> {
    let mut fates = Fates::new();
    let done = transfer(session, "UID MOVE", target, mails, &mut fates).await?;
    see(session, source, target, mails, &done, &mut fates).await?;
    Ok(fates)
}

async fn by_copy(session: &mut ImapSession, source: Source<'_>, target: &str, mails: &[Mail<'_>]) -> Result<Fates, ImapError> {
    let mut fates = Fates::new();
    // An earlier attempt may have ended between copy and removal.
    let all: BTreeSet<u32> = mails.iter().map(|m| m.uid).collect();
    see(session, source, target, mails, &all, &mut fates).await?;
    let there = |fates: &Fates, uid: u32| matches!(fates.get(&uid), Some(Fate::Moved(_)));
    let fresh: Vec<Mail<'_>> = mails.iter().copied().filter(|m| !there(&fates, m.uid)).collect();
    if !fresh.is_empty() {
        let copied = transfer(session, "UID COPY", target, &fresh, &mut fates).await?;
        see(session, source, target, &fresh, &copied, &mut fates).await?;
    }
    let remove: Vec<u32> = mails.iter().map(|m| m.uid).filter(|uid| there(&fates, *uid)).collect();
    for set in uid_sets(&remove) {
        expunge(session, &set).await?;
    }
    Ok(fates)
}

/// Marks mails \Deleted and, where it can be done to just these, removes them.
pub(super) async fn expunge(session: &mut ImapSession, set: &UidSet) -> Result<(), ImapError> {
    session.run(&format!("UID STORE {} +FLAGS.SILENT (\\Deleted)", set.text), MOVE_BUDGET).await?;
    if session.able.uidplus {
        session.run(&format!("UID EXPUNGE {}", set.text), MOVE_BUDGET).await?;
    }
    Ok(())
}

/// Runs a MOVE or COPY. Returns the UIDs whose place in the target the server did not tell; those it told, and the
/// refused ones, are in `fates`.
async fn transfer(
    session: &mut ImapSession,
    verb: &str,
    target: &str,
    mails: &[Mail<'_>],
    fates: &mut Fates,
) -> Result<BTreeSet<u32>, ImapError> {
    let mut untold = BTreeSet::new();
    let uids: Vec<u32> = mails.iter().map(|m| m.uid).collect();
    for set in uid_sets(&uids) {
        let answer: Answer = match session.run(&format!("{verb} {} {}", set.text, quoted(target)?), MOVE_BUDGET).await {
            Ok(answer) => answer,
            Err(e) if e.is_fatal() => return Err(e),
            Err(_) => {
                fates.extend(set.uids.iter().map(|uid| (*uid, Fate::Refused)));
                continue;
            }
        };
        let told: BTreeMap<u32, u32> = answer.copied.pairs.iter().copied().collect();
        for uid in set.uids {
            match told.get(&uid) {
                Some(to) => {
                    fates.insert(uid, Fate::Moved(Some((answer.copied.uid_validity, *to))));
                }
                // Named others but not this one: it was not there any more.
                None if !told.is_empty() => {
                    fates.insert(uid, Fate::Gone);
                }
                None => {
                    untold.insert(uid);
                }
            }
        }
    }
    Ok(untold)
}

/// Looks for mails in the target folder by Message-ID and size, then comes back. What isn't there is [`Fate::Gone`].
async fn see(
    session: &mut ImapSession,
    source: Source<'_>,
    target: &str,
    mails: &[Mail<'_>],
    wanted: &BTreeSet<u32>,
    fates: &mut Fates,
) -> Result<(), ImapError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let selected = session.select(target).await?;
    let looked: Vec<Mail<'_>> = mails.iter().copied().filter(|m| wanted.contains(&m.uid)).collect();
    let ids: Vec<&str> = looked.iter().map(|m| m.message_id).collect();
    let found = find(session, &ids).await?;
    for mail in looked {
        let there: Vec<u32> = found
            .get(mail.message_id)
            .into_iter()
            .flatten()
            // A replay of another length is no copy of this mail.
            .filter(|row| row.size == mail.size)
            .map(|row| row.uid)
            .collect();
        let fate = match there.as_slice() {
            [] => Fate::Gone,
            [uid] => Fate::Moved(Some((selected.uid_validity, *uid))),
            _ => Fate::Moved(None),
        };
        fates.insert(mail.uid, fate);
    }
    let again = session.select(source.folder).await?;
    if again.uid_validity != source.uid_validity {
        // Renumbered meanwhile: none of our UIDs means anything.
        return Err(ConnectError::Protocol.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
