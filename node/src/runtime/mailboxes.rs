//! The hosted mailboxes' mail tasks: submitting, watching, acting.

use super::feedback::{ActTicket, Feedback};
use super::gate::MailboxGate;
use super::outbox;
use super::persist::Persist;
use crate::mail::reports::Arrived;
use crate::mail::{self, FolderRole, Judge, MailAct, MailCommand, MailEvent, Place, Submitter, WatcherHandle};
use crate::store::Journal;
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use warmnet_protocol::engine::{FoundMail, Input, MailTask};
use warmnet_protocol::exchange::{Act, SendResult};
use warmnet_protocol::ids::{ExchangeId, MemberId};
use warmnet_protocol::policy::allowance::{Ceiling, CeilingOf};
use warmnet_protocol::wire::bundle::{AuthResult, Placement};
use warmnet_protocol::wire::enrolment::{EnrolmentMail, Token};

/// Open acts of all mailboxes; beyond it an act fails and the mail stays as it is.
const OPEN_ACTS: usize = 10_000;

/// Something of ours was found in a mailbox.
pub(super) enum MailFound {
    /// A mail with a label; the engine decides whether it is ours.
    Labelled(FoundMail, Place),
    /// A person answered mails of ours; the mail itself is not looked at.
    Answered { member: MemberId, answers: Vec<String> },
    /// The golden mailbox's code.
    Code { member: MemberId, code: Token },
    /// An applicant's token in a golden mailbox.
    Token { golden: MemberId, from: String, token: Token, auth: [AuthResult; 3] },
    /// A report; it counts only by the mailbox's book.
    Report { member: MemberId, arrived: Box<Arrived> },
}

/// One mailbox's handles.
pub(super) struct Mailbox {
    pub address: String,
    pub submitter: Submitter,
    pub gate: MailboxGate,
    pub watcher: WatcherHandle,
}

impl Mailbox {
    async fn close(self) {
        self.submitter.close().await;
        self.watcher.stop().await;
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Mailboxes {
    boxes: BTreeMap<MemberId, Mailbox>,
    tickets: BTreeMap<u64, ActTicket>,
    next_ticket: u64,
    places: BTreeMap<(MemberId, String), Place>,
}

impl Mailboxes {
    pub(super) fn insert(&mut self, member: MemberId, mailbox: Mailbox) {
        self.boxes.insert(member, mailbox);
    }

    /// What the caps of a hosted mailbox and of its provider let through a day; nothing is known of others.
    pub(super) fn ceilings(&self, member: &MemberId) -> Vec<Ceiling> {
        let of = [CeilingOf::Mailbox, CeilingOf::Provider];
        let caps = self.boxes.get(member).map(|b| b.gate.ceilings());
        caps.into_iter().flatten().zip(of).map(|(mails, of)| Ceiling { of, mails }).collect()
    }

    pub(super) fn member_of(&self, address: &str) -> Option<MemberId> {
        let canonical = warmnet_protocol::identity::CanonicalAddress::parse(address).ok()?;
        self.boxes.iter().find(|(_, b)| b.address == canonical.as_str()).map(|(m, _)| *m)
    }

    pub(super) fn take_ticket(&mut self, ticket: u64) -> Option<ActTicket> {
        self.tickets.remove(&ticket)
    }

    /// Says goodbye to all servers.
    pub(super) async fn close(&mut self) {
        for (_, mailbox) in std::mem::take(&mut self.boxes) {
            mailbox.close().await;
        }
    }

    /// Lets go of one mailbox: nothing of it is sent, read or touched from now on.
    pub(super) fn let_go(&mut self, member: MemberId, tasks: &mut JoinSet<()>) {
        self.places.retain(|(m, _), _| *m != member);
        if let Some(mailbox) = self.boxes.remove(&member) {
            tasks.spawn(mailbox.close());
        }
    }

    /// Remembers where a mail lay, so that an act meets that very mail and no other of the same Message-ID.
    pub(super) fn remember(&mut self, member: MemberId, message_id: String, place: Place) {
        if self.places.len() >= OPEN_ACTS {
            self.places.pop_first();
        }
        self.places.insert((member, message_id), place);
    }

    /// Sends a warming mail in a task; its end comes back as `Input::MailSent`.
    pub(super) fn send(&mut self, task: MailTask, persist: &Persist, feedback: &mpsc::Sender<Feedback>, tasks: &mut JoinSet<()>) {
        let Some(mailbox) = self.boxes.get(&task.from) else { return };
        let (member, exchange, turn) = (task.from, task.exchange, task.turn);
        let outgoing = outbox::warming(task, &mailbox.address);
        deliver(member, outgoing, mailbox, persist.journal(), feedback, tasks, move |result| {
            Some(Input::MailSent { exchange, turn, result })
        });
    }

    /// Mails an enrolment token to a golden mailbox.
    pub(super) fn send_token(
        &mut self,
        member: MemberId,
        golden: String,
        token: Token,
        persist: &Persist,
        feedback: &mpsc::Sender<Feedback>,
        tasks: &mut JoinSet<()>,
    ) {
        let Some(mailbox) = self.boxes.get(&member) else { return };
        let outgoing = outbox::enrolment(EnrolmentMail::Token(token), &mailbox.address, &golden);
        deliver(member, outgoing, mailbox, persist.journal(), feedback, tasks, move |result| {
            (result == SendResult::Sent).then_some(Input::EnrolmentMailed { member })
        });
    }

    /// Mails the code back to an applicant.
    pub(super) fn send_code(
        &mut self,
        golden: MemberId,
        to: String,
        code: Token,
        persist: &Persist,
        feedback: &mpsc::Sender<Feedback>,
        tasks: &mut JoinSet<()>,
    ) {
        let Some(mailbox) = self.boxes.get(&golden) else { return };
        let outgoing = outbox::enrolment(EnrolmentMail::Code(code), &mailbox.address, &to);
        deliver(golden, outgoing, mailbox, persist.journal(), feedback, tasks, |_| None);
    }

    /// Hands an act to the mailbox's watcher.
    pub(super) fn act(&mut self, member: MemberId, exchange: ExchangeId, turn: u8, message_id: String, act: Act) -> bool {
        let Some(mailbox) = self.boxes.get(&member) else { return false };
        if self.tickets.len() >= OPEN_ACTS {
            return false;
        }
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        let mail_act = match act {
            Act::Read => MailAct::MarkSeen,
            Act::Rescue => MailAct::Rescue,
            Act::File => MailAct::File,
        };
        let found_at = self.places.get(&(member, message_id.clone())).copied();
        let command = MailCommand { ticket, act: mail_act, message_id: format!("<{message_id}>"), found_at };
        if mailbox.watcher.commands.try_send(command).is_err() {
            return false;
        }
        self.tickets.insert(ticket, ActTicket { exchange, turn, act });
        true
    }
}

fn deliver(
    member: MemberId,
    outgoing: outbox::Outgoing,
    mailbox: &Mailbox,
    journal: Journal,
    feedback: &mpsc::Sender<Feedback>,
    tasks: &mut JoinSet<()>,
    into: impl FnOnce(SendResult) -> Option<Input> + Send + 'static,
) {
    let (submitter, gate, feedback) = (mailbox.submitter.clone(), mailbox.gate.clone(), feedback.clone());
    tasks.spawn(async move {
        let message = match outbox::deliver(&journal, &gate, &submitter, outgoing).await {
            Err(why) => Some(Feedback::StoreFailed(why)),
            Ok(delivered) => {
                if delivered.sign_in_refused {
                    let _stopped = feedback.send(Feedback::SignInRefused(member)).await;
                } else if delivered.alarm.is_some() || delivered.result == SendResult::Sent {
                    let _stopped = feedback.send(Feedback::Alarm(member, delivered.alarm)).await;
                }
                into(delivered.result).map(|input| Feedback::Engine(Box::new(input)))
            }
        };
        if let Some(message) = message {
            // The driver is gone only when the node stops.
            let _stopped = feedback.send(message).await;
        }
    });
}

/// Turns a mailbox's events into what the driver takes, until either side ends.
pub(super) async fn pump(
    member: MemberId,
    golden: bool,
    judge: Judge,
    mut events: mpsc::Receiver<MailEvent>,
    found: mpsc::Sender<MailFound>,
    feedback: mpsc::Sender<Feedback>,
) {
    while let Some(event) = events.recv().await {
        let sent = match event {
            MailEvent::Found(mail) => match read(member, golden, &judge, &mail).await {
                Some(message) => found.send(message).await.is_ok(),
                None => true,
            },
            MailEvent::Report(report) => match super::reports::read(&report, &judge).await {
                Some(arrived) => found.send(MailFound::Report { member, arrived: Box::new(arrived) }).await.is_ok(),
                None => true,
            },
            MailEvent::Answered(answers) => found.send(MailFound::Answered { member, answers }).await.is_ok(),
            MailEvent::ActDone { ticket, result } => {
                if let Err(error) = &result {
                    tracing::debug!(member = %member.short(), %error, "an act was not done");
                }
                feedback.send(Feedback::Acted { ticket, done: result.is_ok() }).await.is_ok()
            }
            MailEvent::Connected { .. } => {
                tracing::debug!(member = %member.short(), "a mailbox is connected");
                feedback.send(Feedback::Mailbox(member, Ok(()))).await.is_ok()
            }
            MailEvent::Disconnected { error } => feedback.send(Feedback::Mailbox(member, Err(error.to_string()))).await.is_ok(),
            MailEvent::SignInRefused => feedback.send(Feedback::SignInRefused(member)).await.is_ok(),
            MailEvent::Quota { percent, high } => feedback.send(Feedback::Quota(member, high.then_some(percent))).await.is_ok(),
            MailEvent::Expired { mails } => {
                tracing::info!(member = %member.short(), mails, "removed old warming mail from the folder Warmnet");
                true
            }
            MailEvent::StoreFailed => {
                feedback.send(Feedback::StoreFailed("a folder's cursor could not be stored".to_owned())).await.is_ok()
            }
        };
        if !sent {
            break;
        }
    }
}

/// Reads a found mail into what it may be of ours; `None`: nothing.
async fn read(member: MemberId, golden: bool, judge: &Judge, mail: &mail::FoundMail) -> Option<MailFound> {
    if mail.truncated || mail.moved_by_us {
        return None;
    }
    let recognised = mail::recognise(&mail.raw)?;
    let auth = judge.judge(&mail.raw).await.results;
    let auth = [auth.spf, auth.dkim, auth.dmarc].map(|v| match v {
        mail::Verdict::Pass => AuthResult::Pass,
        mail::Verdict::Fail => AuthResult::Fail,
        mail::Verdict::Unknown => AuthResult::Unknown,
    });
    if let Some(value) = &recognised.enrolment_header {
        return match (EnrolmentMail::parse(value)?, golden) {
            (EnrolmentMail::Token(token), true) => Some(MailFound::Token { golden: member, from: recognised.from?, token, auth }),
            (EnrolmentMail::Code(code), false) => Some(MailFound::Code { member, code }),
            _ => None,
        };
    }
    let placement = match mail.place.folder {
        FolderRole::Inbox => Placement::Inbox,
        FolderRole::Tab => Placement::Tab,
        FolderRole::Junk => Placement::Spam,
        _ => return None,
    };
    let found = recognised.labelled(member, placement, auth, mail::answer::answers_of(&mail.raw))?;
    Some(MailFound::Labelled(found, mail.place))
}
