//! The data of one exchange, its clock and its hub: what the commands do is in `sending.rs` and `engaging.rs`.
//!
//! Invariants (held by a property test): a turn's mail is asked for at most once after it was reported sent; an act is
//! asked for at most once at a time and never for a mail that was not found; the sender's outcome and the first
//! placement never change once set, but for a mail that was sent and came back as a bounce, and for a placement of foreign words
//! once the exchange's own mail is found.

use super::command::{Command, Found};
use super::deadlines;
use super::event::{Act, Event};
use crate::ids::{ExchangeId, MemberId, NodeId, Signature};
use crate::matching::Slot;
use crate::params::Params;
use crate::time::{Clock, Epoch, Timestamp};
use crate::wire::bundle::{AuthResult, Placement, SenderOutcome};
use serde::{Deserialize, Serialize};

/// Which part of the pair the hosted member plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// It writes the first mail.
    Sender,
    /// It observes the first mail.
    Receiver,
}

/// Progress of the introduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Introduction {
    /// To be asked at this time, after that many tries.
    Due(Timestamp, u8),
    /// Asked; the answer is awaited.
    Asked(u8),
    /// Done: the partner's address is known.
    Done,
    /// Declined for good.
    Declined,
}

/// What became of one turn's mail on its author's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outgoing {
    /// To be handed over at this time.
    Due(Timestamp),
    /// With the mailer.
    Queued,
    /// On its way for good.
    Sent,
    /// Not sent, for good.
    Ended,
}

/// An act still to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// On the mail of this turn.
    pub turn: u8,
    /// Which act.
    pub act: Act,
    /// When; `None` while the host is at it.
    pub at: Option<Timestamp>,
}

/// What the addressee saw of the first mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Where it lay.
    pub placement: Placement,
    /// SPF, DKIM, DMARC.
    pub auth: [AuthResult; 3],
    /// Signature of its label, for the evidence.
    pub label: Signature,
    /// Marked read.
    pub read: bool,
    /// Rescued.
    pub rescued: bool,
    /// Answered.
    pub replied: bool,
}

impl Seen {
    /// A mail just found.
    pub(super) fn of(found: &Found) -> Self {
        Self { placement: found.placement, auth: found.auth, label: found.label, read: false, rescued: false, replied: false }
    }
}

/// One dealt pair as one of its two nodes lives it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Its id.
    pub id: ExchangeId,
    /// Epoch that dealt it.
    pub epoch: Epoch,
    /// Ring and round.
    pub slot: Slot,
    /// Whether it was dealt on a spare round.
    pub spare: bool,
    /// The hosted member.
    pub me: MemberId,
    /// The other one.
    pub partner: MemberId,
    /// The other one's node.
    pub partner_node: NodeId,
    /// The hosted member's part.
    pub side: Side,
    /// Acts the hosted member's owner allows.
    pub acts: u8,
    /// Language code both have.
    pub language: u8,
    /// Which of the pair's meetings in this epoch it is, so that its text is another than theirs.
    pub meeting: u8,
    /// Replies this exchange owes.
    pub replies: u8,
    /// Introduction.
    pub introduction: Introduction,
    /// The partner's address once introduced.
    pub partner_address: Option<String>,
    /// The sender's word on turn 0, once known.
    pub outcome: Option<SenderOutcome>,
    /// Signature of the label this side sent with turn 0.
    pub sent_label: Option<Signature>,
    /// What this side saw of turn 0.
    pub seen: Option<Seen>,
    /// Mail of each turn this side writes.
    pub outgoing: Vec<(u8, Outgoing)>,
    /// Message-IDs of the thread in turn order.
    pub thread: Vec<String>,
    /// Highest turn found in this side's mailbox.
    pub found: Option<u8>,
    /// Acts to do.
    pub pending: Vec<Pending>,
    /// A person answered in this thread: it is theirs now, and nothing more is done in it.
    pub stopped: bool,
    /// Its sender wrote words of its own under a label of it: the receiver complains, once.
    pub complaint: bool,
}

/// Where an exchange stands among clock and rules when it is stepped.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The network's clock.
    pub clock: &'a Clock,
    /// Its parameters.
    pub params: &'a Params,
    /// Now.
    pub now: Timestamp,
}

impl Exchange {
    /// Steps the machine and returns what it asks for.
    pub fn handle(&mut self, ctx: Context<'_>, command: Command) -> Vec<Event> {
        match command {
            Command::Introduced { address } => self.introduced(address),
            Command::Declined(reason) => self.declined(ctx, reason),
            Command::Unreachable => self.unreachable(ctx),
            Command::SendResult { turn, result } => self.send_result(ctx, turn, result),
            Command::Bounced { turn, hard } => self.bounced(turn, hard),
            Command::Found(found) => self.on_found(ctx, found),
            Command::Foreign(found) => self.on_foreign(found),
            Command::ActDone { turn, act } => self.act_ended(turn, act, true),
            Command::ActFailed { turn, act } => self.act_ended(turn, act, false),
            Command::Answered => self.answered(),
            Command::Allowed { acts } => self.allowed(acts),
            Command::Tick => self.tick(ctx),
        }
    }

    /// When `Tick` is next useful.
    #[must_use]
    pub fn next_wake(&self, clock: &Clock) -> Option<Timestamp> {
        let mut wake = self.pending.iter().filter_map(|p| p.at).min();
        let mut consider = |t: Timestamp| wake = Some(wake.map_or(t, |w| w.min(t)));
        if let (Side::Sender, Introduction::Due(at, _), None) = (self.side, self.introduction, self.outcome) {
            consider(at);
        }
        for (_, o) in &self.outgoing {
            if let Outgoing::Due(at) = o {
                consider(*at);
            }
        }
        // With the mailer it is the mailer's answer that counts, however late.
        if self.side == Side::Sender && self.outcome.is_none() && !self.is_queued() {
            consider(deadlines::send_deadline(clock, self.epoch));
        }
        wake
    }

    fn tick(&mut self, ctx: Context<'_>) -> Vec<Event> {
        let mut events = Vec::new();
        // Again here: a retry or a restart may have made one due that was with the host when it was forbidden.
        self.drop_forbidden();
        if self.side == Side::Sender && self.outcome.is_none() {
            if ctx.now >= deadlines::send_deadline(ctx.clock, self.epoch) && !self.is_queued() {
                events.extend(self.end_without_mail(SenderOutcome::NoShow));
            } else if let Introduction::Due(at, tries) = self.introduction
                && at <= ctx.now
            {
                self.introduction = Introduction::Asked(tries);
                events.push(Event::Introduce);
            }
        }
        let act_deadline = deadlines::act_deadline(ctx.clock, self.epoch);
        let introduced = self.partner_address.is_some();
        for (turn, out) in &mut self.outgoing {
            let Outgoing::Due(at) = *out else { continue };
            if at > ctx.now {
                continue;
            }
            if *turn > 0 && ctx.now >= act_deadline {
                *out = Outgoing::Ended;
            } else if introduced {
                *out = Outgoing::Queued;
                events.push(Event::Send { turn: *turn });
            } else {
                // The introduction is still out: look again when it may have come back.
                *out = Outgoing::Due(ctx.clock.after(ctx.now, deadlines::MIN_GAP));
            }
        }
        let thread = &self.thread;
        for p in &mut self.pending {
            if p.at.is_some_and(|at| at <= ctx.now) {
                p.at = None;
                // Turn t is the t-th message of the thread, whoever wrote it.
                if let Some(message_id) = thread.get(usize::from(p.turn)).or(thread.last()) {
                    events.push(Event::Do { turn: p.turn, message_id: message_id.clone(), act: p.act });
                }
            }
        }
        if events.last().is_some_and(|e| *e != Event::Changed) {
            events.push(Event::Changed);
        }
        events
    }

    /// After a restart: what was with the host is due again. The host's journal decides whether a mail may still leave.
    pub fn resume(&mut self, now: Timestamp) {
        for p in &mut self.pending {
            p.at.get_or_insert(now);
        }
        for (_, o) in &mut self.outgoing {
            if *o == Outgoing::Queued {
                *o = Outgoing::Due(now);
            }
        }
        if let (Introduction::Asked(tries), Side::Sender) = (self.introduction, self.side) {
            self.introduction = Introduction::Due(now, tries);
        }
    }

    /// Whether nothing more can happen before the bundle is signed.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        let moving = |o: &Outgoing| matches!(o, Outgoing::Due(_) | Outgoing::Queued);
        self.pending.is_empty() && !self.outgoing.iter().any(|(_, o)| moving(o))
    }
}

// The partner's address must not reach a log.
impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Exchange({} {:?} {:?} {:?} outcome {:?})", self.id.to_hex(), self.epoch, self.slot, self.side, self.outcome)
    }
}
