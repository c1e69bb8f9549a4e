//! Acts on labelled mail: mark read, rescue, file. Batched by folder, each mail checked again right before.
//!
//! ```text
//! where it was found -> check there -> act
//! not there          -> search by Message-ID in the folders the act may start from -> check -> act
//! nowhere            -> already in the target folder? done : not found
//! ```
//! The check: the mail under that UID carries this very Message-ID and a Warmnet field. So a foreign mail is
//! never touched, however UIDs or server answers are mixed up. How mails are moved is `shift.rs`. Where two labelled mails carry the same
//! Message-ID (a replay) and it is not known which was found, none is touched.

use std::collections::BTreeMap;

use super::{
    FolderRole,
    find::{find, find_deleted},
    folders::{self, Folders},
    gmail,
    headers::{self, is_message_id},
    known::Known,
    session::{ImapError, ImapSession},
    shift::{self, Fate, Mail, Source},
    step::Place,
    uidset::uid_sets,
};
use crate::mail::stream::SHORT_BUDGET;

/// What to do with a mail.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum MailAct {
    /// Set \Seen.
    MarkSeen,
    /// Move from junk to the inbox.
    Rescue,
    /// Move to our own folder, which is created when missing.
    File,
    /// Say whether the mail is among the owner's sent mail.
    Locate,
    /// Only look: done when everything that had arrived before was handed over.
    Sync,
}

impl MailAct {
    /// Where the mail may be before the act, in order of likelihood.
    fn sources(self) -> &'static [FolderRole] {
        match self {
            Self::MarkSeen => &[FolderRole::Inbox, FolderRole::Warmnet, FolderRole::Junk],
            Self::Rescue => &[FolderRole::Junk],
            // The owner's own copy of a warming mail too.
            Self::File => &[FolderRole::Inbox, FolderRole::Junk, FolderRole::Sent],
            Self::Locate => &[FolderRole::Sent],
            Self::Sync => &[],
        }
    }

    /// Whether the mail lies elsewhere afterwards.
    pub(super) fn moves(self) -> bool {
        self.target().is_some()
    }

    fn target(self) -> Option<FolderRole> {
        match self {
            Self::Rescue => Some(FolderRole::Inbox),
            Self::File => Some(FolderRole::Warmnet),
            Self::MarkSeen | Self::Locate | Self::Sync => None,
        }
    }
}

/// How an act ended well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ActReport {
    /// Done now.
    Done,
    /// Nothing to do: the mail was there already.
    AlreadyThere,
    /// Answer to [`MailAct::Locate`].
    Located {
        /// Whether the mail is among the sent mail.
        found: bool,
    },
}

/// Why an act was not done.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ActError {
    /// The mail is in no folder the act may start from.
    #[error("the mail was not found")]
    NotFound,
    /// Two mails carry this Message-ID; neither was touched.
    #[error("more than one mail carries this Message-ID")]
    Ambiguous,
    /// The mailbox has no folder of that role.
    #[error("the mailbox has no such folder")]
    NoFolder,
    /// The server said no.
    #[error("the server refused the act")]
    Refused,
    /// The connection failed again and again, or the sign-in is refused.
    #[error("the mailbox can't be reached: {0}")]
    Unreachable(String),
}

/// One act asked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) act: MailAct,
    pub(super) message_id: String,
    pub(super) found_at: Option<Place>,
}

/// How each act ended, by index into the batch.
pub(super) type Results = BTreeMap<usize, Result<ActReport, ActError>>;

/// Does a batch. Results are complete unless the connection fails; then what was decided is in `results`.
pub(super) async fn perform(
    session: &mut ImapSession,
    folders: &mut Folders,
    known: &mut Known,
    batch: &[Wanted],
    results: &mut Results,
) -> Result<(), ImapError> {
    for (i, wanted) in batch.iter().enumerate() {
        if wanted.act == MailAct::Sync {
            results.insert(i, Ok(ActReport::Done));
        } else if !is_message_id(&wanted.message_id) {
            results.insert(i, Err(ActError::NotFound));
        }
    }
    if batch.iter().any(|w| w.act == MailAct::File) {
        folders::ensure_own(session, folders).await?;
    }
    for by_place in [true, false] {
        for role in [FolderRole::Inbox, FolderRole::Junk, FolderRole::Warmnet, FolderRole::Sent] {
            let mut here: Vec<usize> = Vec::new();
            for (i, wanted) in batch.iter().enumerate() {
                let place = known.place(&wanted.message_id, wanted.found_at);
                if !results.contains_key(&i)
                    && wanted.act.sources().contains(&role)
                    && (!by_place || place.is_some_and(|p| p.folder == role))
                {
                    here.push(i);
                }
            }
            let Some(folder) = folders.name(role).map(ToOwned::to_owned) else { continue };
            if here.is_empty() {
                continue;
            }
            // A search is to meet what came since, so the folder is read anew for it.
            let selected = if by_place { session.enter(&folder).await? } else { session.select(&folder).await? };
            let source = Source { folder: &folder, uid_validity: selected.uid_validity };
            let mut room = Room { source, session, known, role };
            let hits = if by_place { room.at_their_place(batch, &here).await? } else { room.by_search(batch, &here, results).await? };
            room.act(folders, batch, &hits, results).await?;
        }
    }
    already_there(session, folders, batch, results).await
}

/// A mail to act on, found and checked.
#[derive(Clone, Copy, Debug)]
struct Hit {
    /// Into the batch.
    index: usize,
    uid: u32,
    size: u32,
}

/// A selected folder.
struct Room<'a> {
    source: Source<'a>,
    session: &'a mut ImapSession,
    known: &'a mut Known,
    role: FolderRole,
}

impl Room<'_> {
    /// Where the mail of an act lies in this very folder, as far as known.
    fn place(&self, wanted: &Wanted) -> Option<Place> {
        let here = |p: &Place| p.folder == self.role && p.uid_validity == self.source.uid_validity;
        self.known.place(&wanted.message_id, wanted.found_at).filter(here)
    }

    /// The mails that are where they were found.
    async fn at_their_place(&mut self, batch: &[Wanted], here: &[usize]) -> Result<Vec<Hit>, ImapError> {
        let places: Vec<(usize, u32)> = here.iter().filter_map(|i| Some((*i, self.place(&batch[*i])?.uid))).collect();
        let rows = headers::check(self.session, &places.iter().map(|p| p.1).collect::<Vec<_>>()).await?;
        let row_of = |uid: u32| rows.binary_search_by_key(&uid, |r| r.uid).ok().and_then(|at| rows.get(at));
        let hit = |&(index, uid): &(usize, u32)| {
            row_of(uid).filter(|r| r.is(&batch[index].message_id)).map(|row| Hit { index, uid, size: row.size })
        };
        Ok(places.iter().filter_map(hit).collect())
    }

    /// The mails that a search finds, one each.
    async fn by_search(&mut self, batch: &[Wanted], here: &[usize], results: &mut Results) -> Result<Vec<Hit>, ImapError> {
        // What was known to be here is gone; whatever else carries its Message-ID here is another mail.
        let looked: Vec<usize> = here.iter().copied().filter(|i| self.place(&batch[*i]).is_none()).collect();
        let ids: Vec<&str> = looked.iter().map(|i| batch[*i].message_id.as_str()).collect();
        let found = find(self.session, &ids).await?;
        let mut hits = Vec::new();
        for index in looked {
            let rows = found.get(&batch[index].message_id).map(Vec::as_slice).unwrap_or_default();
            match rows {
                [] => {}
                [row] => hits.push(Hit { index, uid: row.uid, size: row.size }),
                // The owner's sent copy is only looked at, so two of them are no danger.
                [row, ..] if batch[index].act == MailAct::Locate => hits.push(Hit { index, uid: row.uid, size: row.size }),
                _ => {
                    results.insert(index, Err(ActError::Ambiguous));
                }
            }
        }
        Ok(hits)
    }

    /// Does the acts on checked mails, one command for as many of a kind as a line holds.
    async fn act(&mut self, folders: &mut Folders, batch: &[Wanted], hits: &[Hit], results: &mut Results) -> Result<(), ImapError> {
        for act in [MailAct::MarkSeen, MailAct::Rescue, MailAct::File, MailAct::Locate] {
            let mine: Vec<Hit> = hits.iter().copied().filter(|h| batch[h.index].act == act && !results.contains_key(&h.index)).collect();
            if mine.is_empty() {
                continue;
            }
            match act.target() {
                None if act == MailAct::MarkSeen => self.mark_seen(&mine, results).await?,
                None => results.extend(mine.iter().map(|h| (h.index, Ok(ActReport::Located { found: true })))),
                Some(target) => self.shift(folders, batch, &mine, target, results).await?,
            }
        }
        Ok(())
    }

    async fn mark_seen(&mut self, mine: &[Hit], results: &mut Results) -> Result<(), ImapError> {
        for set in uid_sets(&mine.iter().map(|h| h.uid).collect::<Vec<_>>()) {
            let done = match self.session.run(&format!("UID STORE {} +FLAGS.SILENT (\\Seen)", set.text), SHORT_BUDGET).await {
                Ok(_) => Ok(ActReport::Done),
                Err(e) if e.is_fatal() => return Err(e),
                Err(_) => Err(ActError::Refused),
            };
            let of_set = mine.iter().filter(|h| set.uids.binary_search(&h.uid).is_ok());
            results.extend(of_set.map(|h| (h.index, done.clone())));
        }
        Ok(())
    }

    /// Moves checked mails. What vanished meanwhile stays without a result and is looked for elsewhere.
    async fn shift(
        &mut self,
        folders: &mut Folders,
        batch: &[Wanted],
        mine: &[Hit],
        target: FolderRole,
        results: &mut Results,
    ) -> Result<(), ImapError> {
        let Some(name) = folders.name(target).map(ToOwned::to_owned) else {
            results.extend(mine.iter().map(|h| (h.index, Err(ActError::NoFolder))));
            return Ok(());
        };
        let mails: Vec<Mail<'_>> = mine.iter().map(|h| Mail { uid: h.uid, message_id: &batch[h.index].message_id, size: h.size }).collect();
        let mut fates = shift::shift(self.session, self.source, &name, &mails).await?;
        if target == FolderRole::Warmnet && fates.iter().all(|f| *f == Fate::Refused) && folders::create_own(self.session, &name).await? {
            // The owner had removed the folder.
            fates = shift::shift(self.session, self.source, &name, &mails).await?;
        }
        let mut spots = Vec::new();
        for (hit, fate) in mine.iter().zip(fates) {
            let result = match fate {
                Fate::Gone => continue,
                Fate::Refused => Err(ActError::Refused),
                Fate::Moved(spot) => {
                    let place = spot.map(|(uid_validity, uid)| Place { folder: target, uid_validity, uid });
                    self.known.moved(&batch[hit.index].message_id, target, place);
                    spots.extend(spot);
                    Ok(ActReport::Done)
                }
            };
            results.insert(hit.index, result);
        }
        if self.session.able.gmail
            && target == FolderRole::Warmnet
            && let Some((uid_validity, _)) = spots.first()
        {
            let uids: Vec<u32> = spots.iter().map(|s| s.1).collect();
            gmail::out_of_inbox(self.session, self.source, &name, *uid_validity, &uids).await?;
        }
        Ok(())
    }
}

/// What was found nowhere: done before (a move whose answer was lost), or not there at all.
async fn already_there(session: &mut ImapSession, folders: &Folders, batch: &[Wanted], results: &mut Results) -> Result<(), ImapError> {
    for target in [FolderRole::Inbox, FolderRole::Warmnet] {
        let open: Vec<usize> = (0..batch.len()).filter(|i| batch[*i].act.target() == Some(target) && !results.contains_key(i)).collect();
        if open.is_empty() {
            continue;
        }
        let Some(name) = folders.name(target) else {
            results.extend(open.into_iter().map(|i| (i, Err(ActError::NoFolder))));
            continue;
        };
        session.select(name).await?;
        let ids: Vec<&str> = open.iter().map(|i| batch[*i].message_id.as_str()).collect();
        let found = find(session, &ids).await?;
        let there = |i: &usize| found.contains_key(&batch[*i].message_id);
        tidy_up(session, folders, batch, &open.iter().copied().filter(there).collect::<Vec<_>>()).await?;
        for i in open {
            let there = there(&i);
            results.insert(i, if there { Ok(ActReport::AlreadyThere) } else { Err(ActError::NotFound) });
        }
    }
    for (i, wanted) in batch.iter().enumerate() {
        results.entry(i).or_insert_with(|| match folders.name(FolderRole::Sent) {
            Some(_) if wanted.act == MailAct::Locate => Ok(ActReport::Located { found: false }),
            None if wanted.act == MailAct::Locate => Err(ActError::NoFolder),
            _ => Err(ActError::NotFound),
        });
    }
    Ok(())
}

/// Ends what a move without MOVE left half done: copied and marked \Deleted, but cut before it was removed. Only mails
/// that lie in the target too, and only where they can be removed one by one.
async fn tidy_up(session: &mut ImapSession, folders: &Folders, batch: &[Wanted], moved: &[usize]) -> Result<(), ImapError> {
    if session.able.mov || !session.able.uidplus {
        return Ok(());
    }
    for role in [FolderRole::Inbox, FolderRole::Junk, FolderRole::Sent] {
        let ids: Vec<&str> =
            moved.iter().filter(|i| batch[**i].act.sources().contains(&role)).map(|i| batch[*i].message_id.as_str()).collect();
        let Some(name) = folders.name(role).filter(|_| !ids.is_empty()) else { continue };
        session.select(name).await?;
        let left: Vec<u32> = find_deleted(session, &ids).await?.into_values().flatten().map(|row| row.uid).collect();
        for set in uid_sets(&left) {
            shift::expunge(session, &set).await?;
        }
    }
    Ok(())
}
