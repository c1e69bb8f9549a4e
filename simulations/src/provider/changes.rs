//! What a client may change in a mailbox: flags, copies, moves, removals. Each returns what it touched, so that the
//! accounting and the filter learn of every act at one place.

use super::config::Flavor;
use super::imap::Act;
use super::store::{Folder, Mail, Mailbox, Role};
use std::collections::{BTreeMap, BTreeSet};

/// One mail that an act changed.
#[derive(Clone, Debug)]
pub struct Touched {
    /// What was done.
    pub act: Act,
    /// The mail as it is now.
    pub mail: Mail,
    /// The folder it was in.
    pub from: Role,
    /// The folder it came into.
    pub to: Option<Role>,
}

/// How flags change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagChange {
    /// These and no others.
    Replace,
    /// These too.
    Add,
    /// Not these.
    Remove,
}

/// UIDs before and after a copy or move, in the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// UIDVALIDITY of the folder they came into.
    pub uid_validity: u32,
    /// UIDs where they came from.
    pub from: Vec<u32>,
    /// UIDs where they are now.
    pub to: Vec<u32>,
}

impl Mailbox {
    /// Changes flags; only mails that really changed are returned.
    pub fn change_flags(&self, folder: &str, uids: &[u32], change: FlagChange, flags: &BTreeSet<String>) -> Vec<Touched> {
        let mut touched = Vec::new();
        let mut folders = self.folders();
        let Some(f) = folders.get_mut(folder) else { return touched };
        let role = f.role;
        for uid in uids {
            let Some(at) = f.index_of(*uid) else { continue };
            let mail = &mut f.mails[at];
            let before = mail.flags.clone();
            match change {
                FlagChange::Replace => mail.flags = flags.clone(),
                FlagChange::Add => mail.flags.extend(flags.iter().cloned()),
                FlagChange::Remove => mail.flags.retain(|x| !flags.contains(x)),
            }
            if mail.flags == before {
                continue;
            }
            let seen = r"\Seen";
            let act = if mail.flags.contains(seen) && !before.contains(seen) { Act::Seen } else { Act::Flag };
            touched.push(Touched { act, mail: mail.clone(), from: role, to: None });
        }
        if !touched.is_empty() {
            f.version += 1;
        }
        if self.flavor == Flavor::Gmail {
            for t in &touched {
                share_flags(&mut folders, t.mail.gm_id, &t.mail.flags);
            }
        }
        drop(folders);
        self.tell(&touched);
        touched
    }

    /// Copies or moves; `None`: no folder is called `to`.
    pub fn transfer(&self, from: &str, to: &str, uids: &[u32], moving: bool) -> Option<(Transferred, Vec<Touched>)> {
        let mut touched = Vec::new();
        let mut done = Transferred::default();
        let mut folders = self.folders();
        let (target, validity) = folders.get(to).map(|f| (f.role, f.uid_validity))?;
        done.uid_validity = validity;
        let source = folders.get(from)?.role;
        for uid in uids {
            let Some(f) = folders.get_mut(from) else { break };
            let Some(at) = f.index_of(*uid) else { continue };
            let mail = if moving { f.remove(at) } else { f.mails[at].clone() };
            let Some(f) = folders.get_mut(to) else { break };
            done.from.push(*uid);
            done.to.push(f.append(mail.clone()));
            if self.flavor == Flavor::Gmail {
                show_in_all_mail(&mut folders, &mail, target);
            }
            let act = if moving { Act::Move } else { Act::Copy };
            touched.push(Touched { act, mail, from: source, to: Some(target) });
        }
        drop(folders);
        self.tell(&touched);
        Some((done, touched))
    }

    /// Removes the mails with `\Deleted`, of these UIDs only where some are given.
    pub fn expunge(&self, folder: &str, only: Option<&[u32]>) -> Vec<Touched> {
        let mut touched = Vec::new();
        let mut folders = self.folders();
        let Some(f) = folders.get_mut(folder) else { return touched };
        let role = f.role;
        let mut at = 0;
        while at < f.mails.len() {
            let m = &f.mails[at];
            if m.flags.contains(r"\Deleted") && only.is_none_or(|o| o.contains(&m.uid)) {
                touched.push(Touched { act: Act::Expunge, mail: f.remove(at), from: role, to: None });
            } else {
                at += 1;
            }
        }
        drop(folders);
        self.tell(&touched);
        touched
    }

    fn tell(&self, touched: &[Touched]) {
        if !touched.is_empty() {
            self.changed.notify_waiters();
        }
    }
}

/// Gmail keeps one mail under several labels: its flags are the same everywhere.
fn share_flags(folders: &mut BTreeMap<String, Folder>, gm_id: u64, flags: &BTreeSet<String>) {
    for f in folders.values_mut() {
        for m in f.mails.iter_mut().filter(|m| m.gm_id == gm_id && m.flags != *flags) {
            m.flags.clone_from(flags);
            f.version += 1;
        }
    }
}

/// Gmail shows in All Mail whatever is neither spam nor trash.
fn show_in_all_mail(folders: &mut BTreeMap<String, Folder>, mail: &Mail, target: Role) {
    let Some(all) = folders.values_mut().find(|f| f.role == Role::All) else { return };
    let there = all.mails.iter().position(|m| m.gm_id == mail.gm_id);
    match (target, there) {
        (Role::Junk | Role::Trash, Some(at)) => {
            all.remove(at);
        }
        (Role::Junk | Role::Trash | Role::All, _) | (_, Some(_)) => {}
        (_, None) => {
            all.append(mail.clone());
        }
    }
}
