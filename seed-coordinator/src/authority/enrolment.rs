//! Admission inside the coordinator: decide, save, answer.

use super::Coordinator;
use crate::admission::{Command, Context, Event};
use crate::quarantine::Subject;
use std::collections::BTreeMap;
use std::sync::Arc;
use warmnet_protocol::identity::signed;
use warmnet_protocol::ids::NodeId;
use warmnet_protocol::limits::REASON_BYTES;
use warmnet_protocol::time::Timestamp;
use warmnet_protocol::wire::bundle::AuthResult;
use warmnet_protocol::wire::enrolment::{EnrolAnswer, Token};
use warmnet_protocol::wire::roster::Roster;
use warmnet_protocol::wire::sync::Request;

impl Coordinator {
    fn decide(&mut self, now: Timestamp, command: Command) -> Event {
        let context = Context {
            network: self.genesis.network_id(),
            params: &self.genesis.params,
            epoch: self.epoch(now),
            next_record: self.seen.next_record,
            roster_len: self.seen.roster_len,
            golden: &self.golden,
            rules: &self.rules,
            secret: &self.keys.enrolment,
            tag_key: &self.keys.tag,
        };
        let event = self.admission.handle(&context, command);
        self.unsaved |= match &event {
            Event::Challenged { new, .. } | Event::Admitted { new, .. } => *new,
            Event::Heard { .. } | Event::NotAuthenticated { .. } | Event::Refused(_) => true,
            Event::Left { new } => *new,
            // A later departure of the same member may know its row better.
            Event::Leaving { .. } => true,
            Event::Waiting | Event::Ignored => false,
        };
        event
    }

    /// Whether the state is on disk.
    fn saved(&mut self) -> bool {
        if self.unsaved {
            match self.admission_file.save(&self.admission) {
                Ok(()) => self.unsaved = false,
                Err(error) => tracing::error!(%error, "the admission file could not be saved; applicants are told to wait"),
            }
        }
        !self.unsaved
    }

    pub(super) fn answer(&mut self, now: Timestamp, from: NodeId, request: Request) -> EnrolAnswer {
        let command = match request {
            Request::Apply(apply) => Command::Apply { from, apply },
            Request::Confirm { member, code } => Command::Confirm { from, member, code },
            Request::Leave(envelope) => match signed::open(&envelope, &self.genesis.network_id()) {
                Ok(departure) => Command::Leave { departure },
                Err(e) => return EnrolAnswer::Refused { reason: e.to_string() },
            },
            _ => return EnrolAnswer::Refused { reason: "this is no enrolment request".into() },
        };
        let event = self.decide(now, command);
        if !self.saved() {
            return EnrolAnswer::Pending;
        }
        match event {
            Event::Challenged { golden, token, .. } => EnrolAnswer::Challenge { golden, token },
            Event::Admitted { passport, new } => {
                if new {
                    tracing::info!(member = %passport.member.short(), from = %passport.from, "admitted");
                    self.note(now, "admit", &passport.member.to_hex());
                    self.tell_subjects();
                }
                let passport = signed::sign(&self.keys.issuing, &self.genesis.network_id(), passport);
                EnrolAnswer::Admitted { passport: passport.bytes }
            }
            Event::Left { new } => {
                if new {
                    self.tell_subjects();
                }
                EnrolAnswer::Left
            }
            Event::Leaving { member, new } => {
                if new {
                    tracing::info!(member = %member.short(), "leaves with the next record");
                    self.note(now, "leave", &member.to_hex());
                }
                EnrolAnswer::Pending
            }
            Event::Refused(refusal) => {
                let mut reason = refusal.to_string();
                // Reasons are ASCII, so this cuts no character.
                reason.truncate(REASON_BYTES);
                EnrolAnswer::Refused { reason }
            }
            Event::Waiting | Event::Ignored | Event::Heard { .. } | Event::NotAuthenticated { .. } => EnrolAnswer::Pending,
        }
    }

    /// Forgets who left by the newest roster.
    pub(super) fn settle_departures(&mut self, now: Timestamp, roster: &Roster) {
        if !self.admission.settle(roster, self.epoch(now)).is_empty() {
            self.unsaved = true;
            self.saved();
            self.tell_subjects();
        }
    }

    pub(super) fn token_mail(&mut self, now: Timestamp, from: &str, token: Token, auth: [AuthResult; 3]) -> Option<Token> {
        let event = self.decide(now, Command::TokenMail { from: from.to_owned(), token, auth });
        let saved = self.saved();
        match event {
            Event::Heard { member, code, .. } if saved => {
                tracing::info!(member = %member.short(), "an applicant's mail arrived and passed");
                Some(code)
            }
            Event::NotAuthenticated { member } => {
                tracing::info!(member = %member.short(), "an applicant's mail did not pass SPF, DKIM and DMARC");
                self.note(now, "refuse-authentication", &member.to_hex());
                None
            }
            _ => None,
        }
    }

    /// Tells the poller whom to look up: one entry a tag, never a provider that strangers share.
    pub(super) fn tell_subjects(&mut self) {
        let own = self.admission.admitted().values().filter(|a| !a.shared);
        let by_tag: BTreeMap<_, _> = own.map(|a| (a.tag, a.domain.clone())).collect();
        let subjects = by_tag.into_iter().map(|(tag, domain)| Subject { tag, domain, addresses: vec![] }).collect();
        self.subjects.send_replace(Arc::new(subjects));
    }
}
