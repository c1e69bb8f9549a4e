//! Counted from the emulator's own delivery and IMAP logs: what happened, and what must never happen.

use super::imap::Act;
use super::message::header;
use crate::isp::Event;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Foreign acts shown.
const SHOWN_ACTS: usize = 100;
/// Message-IDs remembered for doubled mail and replies; the demo has a few thousand.
const REMEMBERED: usize = 200_000;
/// Raw warm mails kept for replays.
const CAPTURED: usize = 200;

/// Where a delivered mail came from, for its replies.
#[derive(Clone, Debug)]
pub struct Known {
    /// Domain of its sender.
    pub sender_domain: String,
    /// Whether it was foreign.
    pub foreign: bool,
}

/// A domain's figures.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DomainCount {
    /// Delivered into an inbox.
    pub inbox: u64,
    /// Delivered into junk.
    pub spam: u64,
    /// To unknown users.
    pub bounces: u64,
    /// Complaints.
    pub complaints: u64,
    /// Replies.
    pub replies: u64,
    /// Reads.
    pub reads: u64,
    /// Rescues.
    pub rescues: u64,
}

/// A touched foreign mail.
#[derive(Clone, Debug, Serialize)]
pub struct ForeignAct {
    /// Whose mailbox.
    pub mailbox_index: usize,
    /// What was done.
    pub act: String,
    /// Hash of its Message-ID.
    pub message_id_hash: String,
}

/// All counters.
#[derive(Debug, Default)]
pub struct Accounting {
    /// Mails delivered.
    pub delivered: u64,
    /// Mails refused at RCPT.
    pub rejected: u64,
    /// Bounce messages made.
    pub bounced: u64,
    /// The same Message-ID completed twice to one mailbox.
    pub doubled: u64,
    /// Foreign mails put into members' mailboxes.
    pub foreign_delivered: u64,
    /// Acts of members' clients on foreign mail, replies to it included.
    pub foreign_touched: u64,
    /// The last of them.
    pub foreign_acts: VecDeque<ForeignAct>,
    /// Warm mails: delivered, inbox, spam.
    pub warm: [u64; 3],
    /// Per sending domain.
    pub by_domain: BTreeMap<String, DomainCount>,
    arrivals: BTreeMap<(usize, String), u32>,
    known: BTreeMap<(usize, String), Known>,
    announced: BTreeSet<[u8; 32]>,
    /// Raw warm mails with the mailbox they went to.
    pub captured: VecDeque<(usize, Vec<u8>)>,
}

impl Accounting {
    /// A client touched a foreign mail.
    pub fn foreign_touched(&mut self, mailbox_index: usize, act: Act, message_id: &str) {
        self.note_foreign(mailbox_index, format!("{act:?}"), message_id);
    }

    fn note_foreign(&mut self, mailbox_index: usize, act: String, message_id: &str) {
        let message_id_hash = blake3::hash(message_id.as_bytes()).to_hex()[..16].to_owned();
        self.foreign_touched += 1;
        self.foreign_acts.push_back(ForeignAct { mailbox_index, act, message_id_hash });
        if self.foreign_acts.len() > SHOWN_ACTS {
            self.foreign_acts.pop_front();
        }
    }

    /// The filter learned something of a domain.
    pub fn learned(&mut self, domain: &str, event: Event) {
        let d = self.by_domain.entry(domain.to_owned()).or_default();
        match event {
            Event::Read => d.reads += 1,
            Event::Replied => d.replies += 1,
            Event::Rescued => d.rescues += 1,
            Event::Complained => d.complaints += 1,
            Event::Bounced => d.bounces += 1,
            Event::Delivered => {}
        }
    }

    /// An SMTP transaction to a mailbox was completed.
    pub fn arrived(&mut self, mailbox: usize, message_id: &str) {
        if self.arrivals.len() >= REMEMBERED {
            self.arrivals.pop_first();
        }
        let n = self.arrivals.entry((mailbox, message_id.to_owned())).or_default();
        *n += 1;
        if *n > 1 {
            self.doubled += 1;
        }
    }

    /// Remembers a delivered mail for the replies to it.
    pub fn remember(&mut self, mailbox: usize, message_id: &str, known: Known) {
        if self.known.len() >= REMEMBERED {
            self.known.pop_first();
        }
        self.known.insert((mailbox, message_id.to_owned()), known);
    }

    /// A mailbox's owner answers a mail: what is known of it. An answer to a foreign one by a member is a touch.
    pub fn answered(&mut self, mailbox: usize, member: bool, message_id: &str) -> Option<Known> {
        let known = self.known.get(&(mailbox, message_id.to_owned())).cloned()?;
        if known.foreign && member {
            self.note_foreign(mailbox, "Reply".to_owned(), message_id);
        }
        Some(known)
    }

    /// Tells that this mail is going to arrive by SMTP and is foreign, whatever labels it carries.
    pub fn announce(&mut self, to: &str, raw: &[u8]) {
        if self.announced.len() >= REMEMBERED {
            self.announced.pop_first();
        }
        self.announced.insert(mark(to, raw));
    }

    /// Whether an arriving mail was announced as foreign.
    pub fn was_announced(&mut self, to: &str, raw: &[u8]) -> bool {
        self.announced.remove(&mark(to, raw))
    }

    /// Keeps a warm mail for replays.
    pub fn capture(&mut self, mailbox: usize, raw: Vec<u8>) {
        self.captured.push_back((mailbox, raw));
        if self.captured.len() > CAPTURED {
            self.captured.pop_front();
        }
    }
}

/// A mail is known again by its recipient, Message-ID and body: headers grow on the way.
fn mark(to: &str, raw: &[u8]) -> [u8; 32] {
    let body = raw.windows(4).position(|w| w == b"\r\n\r\n").map_or(raw, |i| &raw[i..]);
    let mut h = blake3::Hasher::new();
    h.update(to.to_ascii_lowercase().as_bytes()).update(&[0]).update(message_id(raw).as_bytes()).update(&[0]).update(body);
    *h.finalize().as_bytes()
}

/// Message-ID of a mail, empty where it has none.
#[must_use]
pub fn message_id(raw: &[u8]) -> String {
    header(raw, "Message-ID").unwrap_or_default()
}
