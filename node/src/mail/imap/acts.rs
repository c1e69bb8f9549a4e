//! Acts on labelled mail: mark read, rescue, file. Batched by folder, each mail checked again right before.
//!
//! ```text
//! where it was found -> check there -> act
//! not there          -> search by Message-ID in the folders the act may start from -> check -> act
//! nowhere            -> already in the target folder? done : not found
//! ```
//! The check: the mail under that UID carries this very Message-ID and a Warmnet field. So a foreign mail is
//! never touched, however UIDs or server answers are mixed up. Where two labelled mails carry the same
//! Message-ID (a replay) and it is not known which was found, none is touched.

use std::collections::BTreeMap;

use super::{
    FolderRole,
    command::{search, uid_set},
    folders::{self, Folders},
    headers::{self, HEADER_BATCH, is_message_id},
    known::Known,
    session::{Answer, ImapError, ImapSession, quoted},
    step::Place,
};
use crate::mail::{connect::ConnectError, stream::SHORT_BUDGET};

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
    /// The server has neither MOVE nor UIDPLUS: a move would endanger other mail.
    #[error("the server can't move single mails safely")]
    CantMove,
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
            let selected = session.select(&folder).await?;
            let mut room = Room { folder: &folder, session, known, role, uid_validity: selected.uid_validity };
            let mut hits: Vec<(usize, u32)> = Vec::new();
            for chunk in here.chunks(HEADER_BATCH) {
                hits.extend(if by_place {
                    room.at_their_place(batch, chunk).await?
                } else {
                    room.by_search(batch, chunk, results).await?
                });
            }
            room.act(folders, batch, &hits, results).await?;
        }
    }
    already_there(session, folders, batch, results).await
}

/// A selected folder.
struct Room<'a> {
    folder: &'a str,
    session: &'a mut ImapSession,
    known: &'a mut Known,
    role: FolderRole,
    uid_validity: u32,
}

impl Room<'_> {
    /// The mails that are where they were found.
    async fn at_their_place(&mut self, batch: &[Wanted], here: &[usize]) -> Result<Vec<(usize, u32)>, ImapError> {
        let places: Vec<(usize, u32)> = here
            .iter()
            .filter_map(|i| {
                let place = self.known.place(&batch[*i].message_id, batch[*i].found_at)?;
                (place.uid_validity == self.uid_validity && place.folder == self.role).then_some((*i, place.uid))
            })
            .collect();
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let uids: Vec<u32> = places.iter().map(|p| p.1).collect();
        let rows = headers::fetch(self.session, &uids).await?;
        Ok(places.into_iter().filter(|(i, uid)| rows.iter().any(|r| r.uid == *uid && is_it(r, &batch[*i].message_id))).collect())
    }

    /// The mails that a search finds, one each.
    async fn by_search(&mut self, batch: &[Wanted], here: &[usize], results: &mut Results) -> Result<Vec<(usize, u32)>, ImapError> {
        let mut hits = Vec::new();
        for i in here {
            let place = self.known.place(&batch[*i].message_id, batch[*i].found_at);
            if place.is_some_and(|p| p.folder == self.role && p.uid_validity == self.uid_validity) {
                // It was here and is gone; whatever else carries its Message-ID here is another mail.
                continue;
            }
            let mine = find(self.session, &batch[*i].message_id).await?;
            match mine.as_slice() {
                [] => {}
                [uid] => hits.push((*i, *uid)),
                // The owner's sent copy is only looked at, so two of them are no danger.
                [uid, ..] if batch[*i].act == MailAct::Locate => hits.push((*i, *uid)),
                _ => {
                    results.insert(*i, Err(ActError::Ambiguous));
                }
            }
        }
        Ok(hits)
    }

    /// Does the acts on checked mails, one command for all of a kind.
    async fn act(&mut self, folders: &Folders, batch: &[Wanted], hits: &[(usize, u32)], results: &mut Results) -> Result<(), ImapError> {
        for act in [MailAct::MarkSeen, MailAct::Rescue, MailAct::File, MailAct::Locate] {
            let mut mine: Vec<(usize, u32)> = hits.iter().copied().filter(|(i, _)| batch[*i].act == act).collect();
            // A mail that another act of this batch has moved away is met again on the next attempt.
            mine.retain(|(i, _)| !results.contains_key(i));
            if mine.is_empty() {
                continue;
            }
            let mut uids: Vec<u32> = mine.iter().map(|m| m.1).collect();
            uids.sort_unstable();
            uids.dedup();
            let done = match act.target() {
                None if act == MailAct::MarkSeen => self.run(&format!("UID STORE {} +FLAGS.SILENT (\\Seen)", uid_set(&uids))).await,
                None => Ok(Ok(())),
                Some(target) => match folders.name(target) {
                    None => Ok(Err(ActError::NoFolder)),
                    Some(name) => self.shift(&uids, &mine, batch, target, name).await,
                },
            }?;
            for (i, _) in mine {
                let report = match act {
                    MailAct::Locate => ActReport::Located { found: true },
                    _ => ActReport::Done,
                };
                results.insert(i, done.clone().map(|()| report));
            }
        }
        Ok(())
    }

    /// Moves checked mails. Without MOVE: copy, then remove just these by UIDPLUS; never a bare EXPUNGE, which
    /// would remove what the owner had marked.
    async fn shift(
        &mut self,
        uids: &[u32],
        mine: &[(usize, u32)],
        batch: &[Wanted],
        target: FolderRole,
        name: &str,
    ) -> Result<Result<(), ActError>, ImapError> {
        let set = uid_set(uids);
        let answer = if self.session.able.mov {
            self.session.run(&format!("UID MOVE {set} {}", quoted(name)?), SHORT_BUDGET).await
        } else if self.session.able.uidplus {
            let fresh = self.not_copied(uids, mine, batch, name).await?;
            let copied = if fresh.is_empty() {
                Ok(Answer::default())
            } else {
                let copy = format!("UID COPY {} {}", uid_set(&fresh), quoted(name)?);
                self.session.run(&copy, SHORT_BUDGET).await
            };
            if copied.is_ok() {
                self.session.run(&format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)"), SHORT_BUDGET).await?;
                self.session.run(&format!("UID EXPUNGE {set}"), SHORT_BUDGET).await?;
            }
            copied
        } else {
            return Ok(Err(ActError::CantMove));
        };
        match answer {
            Ok(answer) => {
                let uid_validity = answer.copied.uid_validity;
                for (i, uid) in mine {
                    let place = answer.copied.pairs.iter().find(|(from, _)| from == uid).map(|(_, to)| Place {
                        folder: target,
                        uid_validity,
                        uid: *to,
                    });
                    self.known.moved(&batch[*i].message_id, target, place);
                }
                Ok(Ok(()))
            }
            Err(e) if e.is_fatal() => Err(e),
            Err(_) => Ok(Err(ActError::Refused)),
        }
    }

    /// Those whose copy is not in the target yet: an earlier attempt may have ended between copy and removal.
    async fn not_copied(&mut self, uids: &[u32], mine: &[(usize, u32)], batch: &[Wanted], target: &str) -> Result<Vec<u32>, ImapError> {
        self.session.select(target).await?;
        let mut fresh = uids.to_vec();
        for (i, uid) in mine {
            if !find(self.session, &batch[*i].message_id).await?.is_empty() {
                fresh.retain(|u| u != uid);
            }
        }
        let again = self.session.select(self.folder).await?;
        if again.uid_validity != self.uid_validity {
            return Err(ConnectError::Protocol.into());
        }
        Ok(fresh)
    }

    async fn run(&mut self, command: &str) -> Result<Result<(), ActError>, ImapError> {
        match self.session.run(command, SHORT_BUDGET).await {
            Ok(_) => Ok(Ok(())),
            Err(e) if e.is_fatal() => Err(e),
            Err(_) => Ok(Err(ActError::Refused)),
        }
    }
}

/// What was found nowhere: done before (a move whose answer was lost), or not there at all.
async fn already_there(session: &mut ImapSession, folders: &Folders, batch: &[Wanted], results: &mut Results) -> Result<(), ImapError> {
    for (i, wanted) in batch.iter().enumerate() {
        if results.contains_key(&i) {
            continue;
        }
        let result = match wanted.act.target() {
            Some(target) => match folders.name(target) {
                Some(name) => {
                    session.select(name).await?;
                    let there = !find(session, &wanted.message_id).await?.is_empty();
                    if there { Ok(ActReport::AlreadyThere) } else { Err(ActError::NotFound) }
                }
                None => Err(ActError::NoFolder),
            },
            None if wanted.act == MailAct::Locate => match folders.name(FolderRole::Sent) {
                Some(_) => Ok(ActReport::Located { found: false }),
                None => Err(ActError::NoFolder),
            },
            None => Err(ActError::NotFound),
        };
        results.insert(i, result);
    }
    Ok(())
}

/// The labelled mails of the selected folder with exactly this Message-ID.
async fn find(session: &mut ImapSession, message_id: &str) -> Result<Vec<u32>, ImapError> {
    let mut uids = search(session, &format!("HEADER Message-ID {}", quoted(message_id)?)).await?;
    // The newest; a flood of copies is ambiguous after two anyway.
    let cut = uids.len().saturating_sub(HEADER_BATCH);
    uids.drain(..cut);
    if uids.is_empty() {
        return Ok(uids);
    }
    let rows = headers::fetch(session, &uids).await?;
    Ok(rows.iter().filter(|r| is_it(r, message_id)).map(|r| r.uid).collect())
}

fn is_it(row: &headers::Row, message_id: &str) -> bool {
    row.labelled && row.message_id.as_deref() == Some(message_id)
}
