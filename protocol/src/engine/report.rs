//! Figures for people.

use super::Engine;
use super::hosted::{Application, Switch};
use crate::chain::RecordRefusal;
use crate::exchange::state::Outgoing;
use crate::exchange::{Exchange, Side};
use crate::ids::MemberId;
use crate::score::Score;
use crate::time::{Epoch, Timestamp};
use crate::wire::bundle::{Placement, SenderOutcome};
use crate::wire::roster::{Pool, RosterRow};
use std::collections::BTreeMap;

/// This node's exchanges of one epoch, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochCounts {
    /// The epoch.
    pub epoch: Epoch,
    /// Dealt to a hosted sender (spares only once used).
    pub planned: u32,
    /// Introduced.
    pub introduced: u32,
    /// First mails on their way.
    pub sent: u32,
    /// Refused, hard or soft.
    pub refused: u32,
    /// No mail by the deadline.
    pub no_show: u32,
    /// First mails found by a hosted receiver.
    pub observed: u32,
    /// ... in the inbox.
    pub inbox: u32,
    /// ... in a tab.
    pub tab: u32,
    /// ... in spam.
    pub spam: u32,
    /// Introduced to a hosted receiver and not found.
    pub missing: u32,
    /// Moved out of spam.
    pub rescued: u32,
    /// Marked read.
    pub read: u32,
    /// Answered.
    pub replied: u32,
}

impl EpochCounts {
    pub(super) fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            planned: 0,
            introduced: 0,
            sent: 0,
            refused: 0,
            no_show: 0,
            observed: 0,
            inbox: 0,
            tab: 0,
            spam: 0,
            missing: 0,
            rescued: 0,
            read: 0,
            replied: 0,
        }
    }

    pub(super) fn add(&mut self, x: &Exchange) {
        match x.side {
            Side::Sender => {
                if x.spare && x.outgoing.is_empty() && x.outcome.is_none_or(|o| o == SenderOutcome::NoShow) {
                    return;
                }
                self.planned += 1;
                self.introduced += u32::from(x.partner_address.is_some());
                match x.outcome {
                    Some(SenderOutcome::Sent) => self.sent += 1,
                    Some(SenderOutcome::RefusedHard | SenderOutcome::RefusedSoft) => self.refused += 1,
                    Some(SenderOutcome::NoShow) => self.no_show += 1,
                    None => {}
                }
            }
            Side::Receiver => match &x.seen {
                None => self.missing += u32::from(x.partner_address.is_some()),
                Some(seen) => {
                    self.observed += 1;
                    match seen.placement {
                        Placement::Inbox => self.inbox += 1,
                        Placement::Tab => self.tab += 1,
                        Placement::Spam | Placement::Missing => self.spam += 1,
                    }
                    self.rescued += u32::from(seen.rescued);
                    self.read += u32::from(seen.read);
                    self.replied += u32::from(seen.replied || x.outgoing.iter().any(|(_, o)| *o == Outgoing::Sent));
                }
            },
        }
    }
}

/// A hosted member as its owner sees it.
#[derive(Clone, Debug)]
pub struct MemberState {
    /// The member.
    pub member: MemberId,
    /// Its application.
    pub application: Application,
    /// Its row in the roster being played, if it is in one.
    pub row: Option<RosterRow>,
    /// Its score by the last derived record.
    pub score: Option<Score>,
    /// Why it isn't sending now, if so, in plain words.
    pub reason: Option<String>,
}

impl Engine {
    /// Counts per epoch, oldest first.
    #[must_use]
    pub fn counts(&self) -> Vec<EpochCounts> {
        let mut all: BTreeMap<Epoch, EpochCounts> = self.counts.clone();
        for x in self.exchanges.values() {
            all.entry(x.epoch).or_insert_with(|| EpochCounts::new(x.epoch)).add(x);
        }
        all.into_values().collect()
    }

    /// The hosted members' state.
    #[must_use]
    pub fn member_states(&self, now: Timestamp) -> Vec<MemberState> {
        let epoch = self.epoch(now);
        let play = epoch.and_then(|e| self.chain.play(e));
        let scores = self.chain.derived().map(|d| d.scores.clone());
        let state = |(member, hosted): (&MemberId, &super::Hosted)| {
            let row = play.as_ref().and_then(|p| p.roster.row(member)).cloned();
            let reason = match (&hosted.application, &row) {
                (Application::Leaving, _) => Some("it leaves: the coordinator takes it out of the next roster".to_owned()),
                (Application::Left, _) => Some("it has left the network".to_owned()),
                _ if hosted.config.switch != Switch::On => Some("paused by its owner".to_owned()),
                (Application::Refused { reason }, _) => Some(reason.clone()),
                (Application::New, _) => Some("the coordinator has not answered the application yet".to_owned()),
                (Application::Challenged { mailed: false, .. }, _) => Some("the enrolment mail is waiting to be sent".to_owned()),
                (Application::Challenged { .. }, _) => Some("waiting for the golden mailbox's answer by mail".to_owned()),
                (Application::Confirming { .. }, _) => Some("the enrolment code is being confirmed".to_owned()),
                (Application::Admitted { from }, None) => Some(format!("enrolled from epoch {from} on")),
                (_, Some(r)) if r.pool == Pool::Quarantined => {
                    Some("its domain is on a blocklist: quarantined until it is delisted".to_owned())
                }
                (_, Some(r)) if r.dead => Some("its mailbox refused mail from several senders".to_owned()),
                _ => None,
            };
            MemberState {
                member: *member,
                application: hosted.application.clone(),
                score: scores.as_ref().and_then(|s| s.get(member)).cloned(),
                row,
                reason,
            }
        };
        self.hosted.iter().map(state).collect()
    }

    /// External mails of a hosted member that its owner reported, by epoch, oldest first.
    #[must_use]
    pub fn reported(&self, member: &MemberId) -> Vec<(Epoch, u32)> {
        self.reports.iter().filter(|((_, m), _)| m == member).map(|((epoch, _), r)| (*epoch, r.sent)).collect()
    }

    /// Whether the running epoch is played, and degraded; `None` when it isn't.
    #[must_use]
    pub fn running_degraded(&self, now: Timestamp) -> Option<bool> {
        self.epoch(now).and_then(|e| self.planned.get(&e)).copied()
    }

    /// Content faults seen since the start.
    #[must_use]
    pub fn content_faults(&self) -> u32 {
        self.content_faults
    }

    /// Threads of the last days in which a person answered, of one member: they are left alone.
    #[must_use]
    pub fn answered_threads(&self, member: &MemberId) -> usize {
        self.exchanges.values().filter(|x| x.me == *member && x.stopped).count()
    }

    /// Records that were refused though their signer is certified, oldest first: their epoch, why, and the signed envelope.
    pub fn refused_records(&self) -> impl Iterator<Item = (Epoch, RecordRefusal, &[u8])> {
        self.refused_records.iter().map(|(epoch, refusal, bytes)| (*epoch, *refusal, bytes.as_slice()))
    }

    /// The layout of records that the coordinator writes and this program doesn't know.
    #[must_use]
    pub fn newer_layout(&self) -> Option<u8> {
        self.newer_layout
    }
}
