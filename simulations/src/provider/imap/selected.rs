//! Commands on the selected folder.

use super::super::changes::{FlagChange, Touched};
use super::super::store::{Mail, Mailbox};
use super::gmail::Asked;
use super::listing::named;
use super::quote::uid_set;
use super::session::{Answer, Session, no};
use super::view::flag_list;
use super::{fetch, search};
use imap_codec::imap_types::command::CommandBody;
use imap_codec::imap_types::fetch::{MacroOrMessageDataItemNames, MessageDataItemName};
use imap_codec::imap_types::flag::{StoreResponse, StoreType};
use imap_codec::imap_types::search::SearchKey;
use imap_codec::imap_types::sequence::SequenceSet;
use std::sync::Arc;

impl Session {
    fn report(&self, user: &Mailbox, touched: &[Touched]) {
        for t in touched {
            self.service.events.act(user, t.act, &t.mail, t.from, t.to);
        }
    }

    /// Commands that need a selected folder.
    pub(super) fn selected(&mut self, user: &Arc<Mailbox>, body: CommandBody<'_>, asked: Asked, out: &mut Vec<u8>) -> Answer {
        let Some(view) = &self.view else { return Err(("BAD", "select a folder first".to_owned())) };
        let writes =
            matches!(body, CommandBody::Store { .. } | CommandBody::Move { .. } | CommandBody::Expunge | CommandBody::ExpungeUid { .. });
        if writes && view.read_only {
            return no("[READ-ONLY] the folder was opened to read only");
        }
        let folder = view.folder.clone();
        match body {
            CommandBody::Check => {
                self.sync(user, true, out);
                Ok("done".to_owned())
            }
            CommandBody::Close | CommandBody::Unselect => {
                if matches!(body, CommandBody::Close) && !view.read_only {
                    self.report(user, &user.expunge(&folder, None));
                }
                self.view = None;
                Ok("done".to_owned())
            }
            CommandBody::Expunge => {
                self.report(user, &user.expunge(&folder, None));
                self.sync(user, true, out);
                Ok("done".to_owned())
            }
            CommandBody::ExpungeUid { sequence_set } if self.looks().uidplus => {
                let uids = view.uids(&sequence_set, true);
                self.report(user, &user.expunge(&folder, Some(&uids)));
                self.sync(user, true, out);
                Ok("done".to_owned())
            }
            CommandBody::Search { criteria, uid, .. } => self.search(user, &folder, criteria.as_ref(), uid, out),
            CommandBody::Fetch { sequence_set, macro_or_item_names, uid, .. } => {
                let items = match &macro_or_item_names {
                    MacroOrMessageDataItemNames::Macro(m) => m.expand(),
                    MacroOrMessageDataItemNames::MessageDataItemNames(i) => i.clone(),
                };
                self.fetch(user, &folder, &sequence_set, &items, asked, uid, out)
            }
            CommandBody::Store { sequence_set, kind, response, flags, uid, .. } => {
                let uids = view.uids(&sequence_set, uid);
                let change = match kind {
                    StoreType::Replace => FlagChange::Replace,
                    StoreType::Add => FlagChange::Add,
                    StoreType::Remove => FlagChange::Remove,
                };
                let flags = flags.iter().map(ToString::to_string).collect();
                let touched = user.change_flags(&folder, &uids, change, &flags);
                self.report(user, &touched);
                self.stored(user, &folder, &uids, response == StoreResponse::Silent, out);
                self.sync(user, uid, out);
                Ok("done".to_owned())
            }
            CommandBody::Copy { sequence_set, mailbox, uid } => {
                let uids = view.uids(&sequence_set, uid);
                self.transfer(user, &folder, &named(&mailbox), &uids, false, out)
            }
            CommandBody::Move { sequence_set, mailbox, uid } if self.looks().moves => {
                let uids = view.uids(&sequence_set, uid);
                self.transfer(user, &folder, &named(&mailbox), &uids, true, out)
            }
            _ => Err(("BAD", "not here".to_owned())),
        }
    }

    fn stored(&mut self, user: &Mailbox, folder: &str, uids: &[u32], silent: bool, out: &mut Vec<u8>) {
        let Some(view) = &mut self.view else { return };
        let folders = user.folders();
        let Some(f) = folders.get(folder) else { return };
        for uid in uids {
            let (Some(number), Some(at)) = (view.number(*uid), f.index_of(*uid)) else { continue };
            let flags = &f.mails[at].flags;
            view.told(*uid, flags);
            if !silent {
                out.extend_from_slice(format!("* {number} FETCH (UID {uid} FLAGS ({}))\r\n", flag_list(flags)).as_bytes());
            }
        }
    }

    fn transfer(&mut self, user: &Mailbox, folder: &str, to: &str, uids: &[u32], moving: bool, out: &mut Vec<u8>) -> Answer {
        let Some((done, touched)) = user.transfer(folder, to, uids, moving) else { return no("[TRYCREATE] no such folder") };
        self.report(user, &touched);
        if done.from.is_empty() {
            return Ok("nothing to do".to_owned());
        }
        let uidplus = self.looks().uidplus;
        let code = format!("[COPYUID {} {} {}]", done.uid_validity, uid_set(&done.from), uid_set(&done.to));
        if moving && uidplus {
            // RFC 6851 section 4.3: the code goes out before the removals.
            out.extend_from_slice(format!("* OK {code} moved\r\n").as_bytes());
        }
        self.sync(user, true, out);
        Ok(if moving || !uidplus { "done".to_owned() } else { format!("{code} done") })
    }

    fn search(&mut self, user: &Mailbox, folder: &str, criteria: &[SearchKey<'_>], uid: bool, out: &mut Vec<u8>) -> Answer {
        self.sync(user, uid, out);
        let Some(view) = &self.view else { return no("no folder") };
        let mut found = String::new();
        for mail in mails(user, folder, view.known.iter().map(|k| k.0)) {
            let all = criteria.iter().all(|key| search::fits(key, view, &mail));
            if let Some(number) = view.number(mail.uid).filter(|_| all) {
                found.push_str(&format!(" {}", if uid { mail.uid as usize } else { number }));
            }
        }
        out.extend_from_slice(format!("* SEARCH{found}\r\n").as_bytes());
        Ok("done".to_owned())
    }

    #[expect(clippy::too_many_arguments, reason = "a FETCH has that many parts")]
    fn fetch(
        &mut self,
        user: &Mailbox,
        folder: &str,
        set: &SequenceSet,
        items: &[MessageDataItemName<'_>],
        asked: Asked,
        uid: bool,
        out: &mut Vec<u8>,
    ) -> Answer {
        self.sync(user, uid, out);
        let Some(view) = &self.view else { return no("no folder") };
        let uids = view.uids(set, uid);
        let mut items = items.to_vec();
        if !view.read_only && items.iter().any(fetch::reads) {
            let touched = user.change_flags(folder, &uids, FlagChange::Add, &[r"\Seen".to_owned()].into());
            self.report(user, &touched);
            if !touched.is_empty() && !items.contains(&MessageDataItemName::Flags) {
                items.push(MessageDataItemName::Flags);
            }
        }
        let Some(view) = &mut self.view else { return no("no folder") };
        for mail in mails(user, folder, uids.into_iter()) {
            let Some(number) = view.number(mail.uid) else { continue };
            if items.contains(&MessageDataItemName::Flags) {
                view.told(mail.uid, &mail.flags);
            }
            fetch::write(user, folder, number, &mail, &items, asked, out);
        }
        Ok("done".to_owned())
    }
}

/// Copies of these mails (their bytes are shared), so that the mailbox is not locked while they are looked at.
fn mails(user: &Mailbox, folder: &str, uids: impl Iterator<Item = u32>) -> Vec<Mail> {
    let folders = user.folders();
    let Some(f) = folders.get(folder) else { return vec![] };
    uids.filter_map(|u| f.index_of(u).map(|i| f.mails[i].clone())).collect()
}
