//! The ten dialogues: what lies in the mailbox, what the node remembers, what it is asked to do, what must be true in the end.

use std::sync::Arc;
use warmnet_node::mail::{Cursor, FolderRole, MailAct, Place};
use warmnet_sim::provider::config::{Flavor, ImapLooks, MailboxEntry, MailboxKind, Namespace};
use warmnet_sim::provider::store::{Mail, Mailbox, Origin, Role};

/// Whose mailbox it is.
pub(crate) const USER: &str = "post@m01.test";
/// The password.
pub(crate) const PASSWORD: &str = "pw";
/// UIDVALIDITY of all folders that are there from the start.
const VALIDITY: u32 = 1_000;

/// One labelled mail.
pub(crate) struct Ours {
    /// Message-ID without brackets.
    pub(crate) id: &'static str,
    /// Where the provider put it.
    pub(crate) lies: Role,
    /// What the node does with it, in this order, once it was found.
    pub(crate) acts: &'static [MailAct],
    /// Where it is in the end.
    pub(crate) ends: Role,
    /// Looked at before the dialogue begins.
    pub(crate) old: bool,
}

/// One dialogue.
pub(crate) struct Dialogue {
    pub(crate) name: &'static str,
    pub(crate) flavor: Flavor,
    pub(crate) imap: ImapLooks,
    pub(crate) look_everywhere: bool,
    /// Before it begins the folders were numbered otherwise.
    pub(crate) renumbered: bool,
    pub(crate) ours: Vec<Ours>,
    /// Arrives when the server goes idle.
    pub(crate) arrives: Option<Ours>,
}

fn new(id: &'static str, lies: Role, acts: &'static [MailAct], ends: Role) -> Ours {
    Ours { id, lies, acts, ends, old: false }
}

const NOTHING: &[MailAct] = &[];

/// All ten.
pub(crate) fn all() -> Vec<Dialogue> {
    use MailAct::{File, Locate, MarkSeen, Rescue};
    let quiet = ImapLooks { idle: false, ..ImapLooks::default() };
    let base =
        |name, ours| Dialogue { name, flavor: Flavor::Plain, imap: quiet, look_everywhere: false, renumbered: false, ours, arrives: None };
    let two = || {
        vec![new("j1@a.test", Role::Junk, &[MarkSeen, Rescue], Role::Inbox), new("j2@a.test", Role::Junk, &[Rescue, MarkSeen], Role::Inbox)]
    };
    vec![
        base("sign-in and list", vec![]),
        base(
            "first sync",
            vec![
                new("i1@a.test", Role::Inbox, NOTHING, Role::Inbox),
                new("j1@a.test", Role::Junk, NOTHING, Role::Junk),
                new("i2@a.test", Role::Inbox, NOTHING, Role::Inbox),
            ],
        ),
        base(
            "later sync",
            vec![
                Ours { id: "o1@a.test", lies: Role::Inbox, acts: NOTHING, ends: Role::Inbox, old: true },
                Ours { id: "o2@a.test", lies: Role::Junk, acts: NOTHING, ends: Role::Junk, old: true },
                new("i1@a.test", Role::Inbox, &[MarkSeen], Role::Inbox),
                new("j1@a.test", Role::Junk, NOTHING, Role::Junk),
            ],
        ),
        Dialogue {
            renumbered: true,
            ..base(
                "UIDVALIDITY change",
                vec![
                    Ours { id: "o1@a.test", lies: Role::Inbox, acts: &[MarkSeen], ends: Role::Inbox, old: true },
                    Ours { id: "o2@a.test", lies: Role::Junk, acts: &[Rescue], ends: Role::Inbox, old: true },
                    new("i1@a.test", Role::Inbox, NOTHING, Role::Inbox),
                ],
            )
        },
        base("rescue by MOVE", two()),
        Dialogue { imap: ImapLooks { moves: false, ..quiet }, ..base("rescue without MOVE", two()) },
        Dialogue {
            imap: ImapLooks { namespace: Namespace::Inbox, ..quiet },
            ..base(
                "filing, INBOX. namespace",
                vec![
                    new("i1@a.test", Role::Inbox, &[MarkSeen, File], Role::Other),
                    new("j1@a.test", Role::Junk, &[Rescue, File], Role::Other),
                ],
            )
        },
        Dialogue {
            look_everywhere: true,
            ..base(
                "reply copies",
                vec![
                    new("s1@m01.test", Role::Sent, &[Locate], Role::Sent),
                    new("i1@a.test", Role::Inbox, &[MarkSeen, File], Role::Other),
                    new("s2@m01.test", Role::Sent, &[Locate], Role::Sent),
                ],
            )
        },
        Dialogue {
            imap: ImapLooks::default(),
            arrives: Some(new("n1@a.test", Role::Inbox, &[MarkSeen, File], Role::Other)),
            ..base("IDLE", vec![])
        },
        Dialogue {
            flavor: Flavor::Gmail,
            ..base(
                "Gmail-like",
                vec![
                    new("i1@a.test", Role::Inbox, &[MarkSeen, File], Role::Other),
                    new("j1@a.test", Role::Junk, &[Rescue, MarkSeen, File], Role::Other),
                ],
            )
        },
    ]
}

/// A mail's bytes.
pub(crate) fn raw(id: &str, labelled: bool) -> Vec<u8> {
    let label = if labelled { "Warmnet-Exchange: v1; n=1; e=2; x=3; t=0; s=4\r\n" } else { "" };
    format!(
        "From: partner@a.test\r\nTo: {USER}\r\nSubject: A question\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <{id}>\r\n{label}\
         Content-Type: text/plain; charset=utf-8\r\n\r\nShall we meet at ten? {{9}}\r\n"
    )
    .into_bytes()
}

fn put(mailbox: &Mailbox, role: Role, id: &str, origin: Origin, flags: &[&str], n: u64) {
    let mail = Mail {
        uid: 0,
        gm_id: n,
        raw: Arc::new(raw(id, origin == Origin::Warm)),
        flags: flags.iter().map(|f| (*f).to_owned()).collect(),
        internal_ms: 1_795_507_200_000,
        origin,
        sender_domain: "a.test".to_owned(),
    };
    if role == Role::Inbox
        && let Some(all) = mailbox.folder_name(Role::All)
    {
        mailbox.append(&all, mail.clone());
    }
    mailbox.append(&mailbox.folder_name(role).expect("a folder"), mail).expect("appended");
}

impl Dialogue {
    /// The mailbox before the dialogue. Foreign mail lies between ours: in both folders one that its owner has marked for
    /// removal (a bare EXPUNGE would take it), and one that carries the Message-ID of a mail of ours.
    pub(crate) fn mailbox(&self) -> Mailbox {
        let entry = MailboxEntry { address: USER.to_owned(), password: PASSWORD.to_owned(), kind: MailboxKind::Member, imap: None };
        let mailbox = Mailbox::new(0, entry, 0, self.flavor, self.imap);
        let mut n = 100;
        let mut put = |role, id: &str, origin, flags: &[&str]| {
            n += 1;
            put(&mailbox, role, id, origin, flags, n);
        };
        for ours in self.ours.iter().filter(|o| o.old) {
            put(ours.lies, ours.id, Origin::Warm, &[]);
        }
        for role in [Role::Inbox, Role::Junk] {
            put(role, &format!("deleted-{role:?}@b.example"), Origin::Foreign, &[r"\Deleted"]);
        }
        for ours in self.ours.iter().filter(|o| !o.old) {
            put(ours.lies, ours.id, Origin::Warm, &[]);
            if ours.lies != Role::Sent {
                put(ours.lies, ours.id, Origin::Foreign, &[]);
            }
        }
        mailbox
    }

    /// Delivers what comes while the server is idle.
    pub(crate) fn deliver(&self, mailbox: &Mailbox) {
        if let Some(ours) = &self.arrives {
            put(mailbox, ours.lies, ours.id, Origin::Warm, &[], 99);
        }
    }

    /// Every labelled mail of the dialogue.
    pub(crate) fn labelled(&self) -> impl Iterator<Item = &Ours> {
        self.ours.iter().chain(&self.arrives)
    }

    /// The cursors that the node has from before.
    pub(crate) fn cursors(&self, mailbox: &Mailbox) -> Vec<(String, Cursor)> {
        if !self.ours.iter().any(|o| o.old) {
            return vec![];
        }
        let uid_validity = if self.renumbered { VALIDITY - 1 } else { VALIDITY };
        [Role::Inbox, Role::Junk]
            .map(|role| {
                let old = self.ours.iter().filter(|o| o.old && o.lies == role).count() as u32;
                // Before a renumbering everything had higher numbers.
                let uid_next = if self.renumbered { 70 } else { old + 1 };
                (mailbox.folder_name(role).expect("a folder"), Cursor { uid_validity, uid_next })
            })
            .to_vec()
    }

    /// Where the node saw the old ones, under the numbering of that time.
    pub(crate) fn old_place(&self, ours: &Ours) -> Place {
        let folder = if ours.lies == Role::Junk { FolderRole::Junk } else { FolderRole::Inbox };
        if self.renumbered {
            // The number of a foreign mail by now.
            return Place { folder, uid_validity: VALIDITY - 1, uid: 2 };
        }
        Place { folder, uid_validity: VALIDITY, uid: 1 }
    }
}
