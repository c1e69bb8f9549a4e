//! Mails: what an exchange wants sent, what was found, what was done.

use super::{Engine, FoundMail, MailTask, Output, Switch, ToStore};
use crate::exchange::command::Found;
use crate::exchange::recognise::{self, Desk, NotOurs};
use crate::exchange::state::Context;
use crate::exchange::{Act, Command, Event, SendResult, deadlines, text};
use crate::ids::{ExchangeId, MemberId};
use crate::time::Timestamp;
use crate::wire::bundle::{AuthResult, SelfReport};
use crate::wire::codec;
use crate::wire::label::{self, Label};

impl Engine {
    /// Steps one exchange and routes what it asks for.
    pub(super) fn step(&mut self, now: Timestamp, id: ExchangeId, command: Command) {
        let clock = self.chain.clock();
        let Some(x) = self.exchanges.get_mut(&id) else { return };
        let params = self.chain.params_at(x.epoch);
        let (epoch, member) = (x.epoch, x.me);
        let events = x.handle(Context { clock: &clock, params, now }, command);
        for event in events {
            match event {
                Event::Introduce => self.introduce(now, id),
                Event::Send { turn } => self.send(now, id, turn),
                Event::Do { turn, message_id, act } => self.emit(Output::Act { member, exchange: id, turn, message_id, act }),
                Event::NoShow => self.promote_spare(now, epoch, member),
                Event::Changed => self.store_exchange(id),
            }
        }
        self.reschedule(id);
    }

    pub(super) fn on_exchange_due(&mut self, now: Timestamp, id: ExchangeId) {
        self.step(now, id, Command::Tick);
    }

    pub(super) fn store_exchange(&mut self, id: ExchangeId) {
        let Some(x) = self.exchanges.get(&id) else { return };
        let output = Output::Store(ToStore::Exchange { member: x.me, epoch: x.epoch, exchange: id, bytes: codec::encode(x) });
        self.emit(output);
    }

    /// Builds, labels and hands over the mail of a turn, unless the mailbox's minimum gap says later.
    fn send(&mut self, now: Timestamp, id: ExchangeId, turn: u8) {
        let clock = self.chain.clock();
        let retry =
            |engine: &mut Self, retry_at| engine.step(now, id, Command::SendResult { turn, result: SendResult::NotSent { retry_at } });
        let Some(x) = self.exchanges.get(&id) else { return };
        let Some(hosted) = self.hosted.get(&x.me) else { return };
        if now < hosted.next_free {
            let at = hosted.next_free;
            return retry(self, at);
        }
        if hosted.config.switch != Switch::On || self.in_quarantine(x.epoch, &x.me) || self.in_quarantine(x.epoch, &x.partner) {
            return retry(self, clock.after(now, deadlines::INTRODUCTION_RETRY_MAX));
        }
        let (Some(to), Some(text)) = (x.partner_address.clone(), recognise::mail_text(x, turn)) else {
            return;
        };
        let domain = hosted.config.address.rsplit_once('@').map_or("", |(_, d)| d);
        let message_id = recognise::message_id(x, turn, domain);
        let signature = label::Signed {
            network: &self.chain.network(),
            exchange: &x.id,
            turn,
            message_id: &message_id,
            author: &x.me,
            addressee: &x.partner,
            text: &label::text_digest(&text::normalise(&text.body)),
        }
        .sign(&self.key);
        let label =
            Label { network: Label::network_prefix(&self.chain.network()), epoch: x.epoch, slot: x.slot, exchange: x.id, turn, signature };
        let references = x.thread[..usize::from(turn).min(x.thread.len())].to_vec();
        let task = MailTask {
            exchange: id,
            turn,
            from: x.me,
            to,
            subject: text.subject,
            text: text.body,
            message_id: message_id.clone(),
            references,
            label: label.header_value(),
        };
        let member = x.me;
        if let Some(x) = self.exchanges.get_mut(&id) {
            if turn == 0 {
                x.sent_label = Some(signature);
            }
            if x.thread.len() == usize::from(turn) {
                x.thread.push(message_id);
            }
        }
        if let Some(hosted) = self.hosted.get_mut(&member) {
            hosted.next_free = clock.after(now, deadlines::MIN_GAP);
        }
        // Stored before it leaves: the label's signature is this side's evidence.
        self.store_exchange(id);
        self.emit(Output::Send(Box::new(task)));
    }

    pub(super) fn on_mail_sent(&mut self, now: Timestamp, id: ExchangeId, turn: u8, result: SendResult) {
        self.step(now, id, Command::SendResult { turn, result });
    }

    pub(super) fn on_acted(&mut self, now: Timestamp, id: ExchangeId, turn: u8, act: Act, done: bool) {
        let command = if done { Command::ActDone { turn, act } } else { Command::ActFailed { turn, act } };
        self.step(now, id, command);
    }

    pub(super) fn on_mail_found(&mut self, now: Timestamp, mail: FoundMail) {
        if self.hosted.get(&mail.member).is_some_and(|h| h.config.switch == Switch::Left) {
            // Read before the owner left; it is nobody's business any more.
            return;
        }
        match self.recognise(now, &mail) {
            Ok((id, found)) => self.step(now, id, Command::Found(found)),
            Err(reason) => {
                // A label that fails doesn't hide a person's answer; a second copy of our own mail is none.
                if reason != NotOurs::Replay {
                    self.on_answered(now, mail.member, &mail.answers);
                }
                if matches!(reason, NotOurs::Content | NotOurs::Foreign) {
                    self.content_faults = self.content_faults.saturating_add(1);
                }
                if reason == NotOurs::Foreign {
                    self.complain(now, &mail);
                }
                self.emit(Output::LeftAlone { member: mail.member, reason: reason.to_string() });
            }
        }
    }

    /// Complains of foreign words, unless somebody else may have put them under the label: whose From is forged (DMARC failed) is not
    /// known to be the sender's.
    fn complain(&mut self, now: Timestamp, mail: &FoundMail) {
        let [_, _, dmarc] = mail.auth;
        if let (Ok(label), true) = (Label::parse(&mail.label), dmarc != AuthResult::Fail) {
            self.step(now, label.exchange, Command::Foreign(found(&label, mail)));
        }
    }

    /// A person answered mails with these Message-IDs: the threads that hold one of them stop.
    pub(super) fn on_answered(&mut self, now: Timestamp, member: MemberId, answers: &[String]) {
        let mine = self.exchanges.values().filter(|x| x.me == member && x.thread.iter().any(|id| answers.contains(id)));
        let stopped: Vec<ExchangeId> = mine.map(|x| x.id).collect();
        for id in stopped {
            self.step(now, id, Command::Answered);
        }
    }

    fn recognise(&mut self, now: Timestamp, mail: &FoundMail) -> Result<(ExchangeId, Found), NotOurs> {
        let label = Label::parse(&mail.label)?;
        // A mail can overtake this node's own planning of the epoch.
        self.plan(now, label.epoch);
        let hosted = self.hosted.get(&mail.member).ok_or(NotOurs::Unknown)?;
        let desk = Desk {
            network: &self.chain.network(),
            clock: &self.chain.clock(),
            now,
            exchanges: &self.exchanges,
            me: &mail.member,
            address: &hosted.config.address,
        };
        recognise::check(&desk, &label, &mail.candidate())?;
        Ok((label.exchange, found(&label, mail)))
    }

    pub(super) fn on_external(&mut self, now: Timestamp, member: MemberId, add: SelfReport) {
        let Some(epoch) = self.epoch(now) else { return };
        if !self.hosted.contains_key(&member) {
            return;
        }
        let report = self.reports.entry((epoch, member)).or_default();
        report.sent = report.sent.saturating_add(add.sent);
        report.hard = report.hard.saturating_add(add.hard);
        report.soft = report.soft.saturating_add(add.soft);
        report.complaints = report.complaints.saturating_add(add.complaints);
        report.replies = report.replies.saturating_add(add.replies);
        let report = *report;
        self.emit(Output::Store(ToStore::Report { epoch, member, report }));
    }
}

/// A labelled mail as its exchange takes it.
fn found(label: &Label, mail: &FoundMail) -> Found {
    Found { turn: label.turn, message_id: mail.message_id.clone(), placement: mail.placement, auth: mail.auth, label: label.signature }
}
