//! The data of one exchange and its transitions.
//!
//! Invariants (held by a property test): a turn's mail is asked for at most once after it was reported sent; an act is
//! asked for at most once at a time and never for a mail that was not found; the sender's outcome and the first
//! placement never change once set, but for a mail that was sent and came back as a bounce, and for a placement of foreign words
//! once the exchange's own mail is found.

use super::command::{Command, Found, SendResult};
use super::deadlines;
use super::event::{Act, Event};
use crate::ids::{ExchangeId, MemberId, NodeId, Signature};
use crate::limits::TURNS;
use crate::matching::Slot;
use crate::params::Params;
use crate::time::{Clock, Epoch, Timestamp};
use crate::wire::bundle::{AuthResult, Placement, SenderOutcome};
use crate::wire::introduction::Decline;
use crate::wire::roster::acts;
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
    fn of(found: &Found) -> Self {
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

    fn introduced(&mut self, address: String) -> Vec<Event> {
        if self.partner_address.is_some() {
            return vec![];
        }
        self.partner_address = Some(address);
        self.introduction = Introduction::Done;
        vec![Event::Changed]
    }

    fn declined(&mut self, ctx: Context<'_>, reason: Decline) -> Vec<Event> {
        if reason == Decline::NotReady {
            return self.unreachable(ctx);
        }
        if self.partner_address.is_some() || self.side == Side::Receiver {
            return vec![];
        }
        self.introduction = Introduction::Declined;
        self.end_without_mail(SenderOutcome::NoShow)
    }

    fn unreachable(&mut self, ctx: Context<'_>) -> Vec<Event> {
        if let (Introduction::Asked(tries), Side::Sender) = (self.introduction, self.side) {
            let pause = deadlines::introduction_retry(tries);
            self.introduction = Introduction::Due(ctx.clock.after(ctx.now, pause), tries.saturating_add(1));
        }
        vec![]
    }

    fn end_without_mail(&mut self, outcome: SenderOutcome) -> Vec<Event> {
        if self.outcome.is_some() {
            return vec![];
        }
        self.outcome = Some(outcome);
        self.outgoing.clear();
        vec![Event::NoShow, Event::Changed]
    }

    fn is_queued(&self) -> bool {
        self.outgoing.iter().any(|(turn, o)| *turn == 0 && *o == Outgoing::Queued)
    }

    fn outgoing_mut(&mut self, turn: u8) -> Option<&mut Outgoing> {
        self.outgoing.iter_mut().find(|(t, _)| *t == turn).map(|(_, o)| o)
    }

    fn send_result(&mut self, ctx: Context<'_>, turn: u8, result: SendResult) -> Vec<Event> {
        let last_chance = match turn {
            0 => deadlines::send_deadline(ctx.clock, self.epoch),
            _ => deadlines::act_deadline(ctx.clock, self.epoch),
        };
        let Some(out) = self.outgoing_mut(turn) else { return vec![] };
        if matches!(out, Outgoing::Sent | Outgoing::Ended) {
            return vec![];
        }
        let outcome = match result {
            SendResult::Sent => {
                *out = Outgoing::Sent;
                Some(SenderOutcome::Sent)
            }
            SendResult::RefusedHard => {
                *out = Outgoing::Ended;
                Some(SenderOutcome::RefusedHard)
            }
            SendResult::RefusedSoft { retry_at } | SendResult::NotSent { retry_at } if retry_at < last_chance => {
                *out = Outgoing::Due(retry_at);
                None
            }
            SendResult::RefusedSoft { .. } => {
                *out = Outgoing::Ended;
                Some(SenderOutcome::RefusedSoft)
            }
            SendResult::NotSent { .. } => {
                *out = Outgoing::Ended;
                Some(SenderOutcome::NoShow)
            }
        };
        let Some(outcome) = outcome else { return vec![Event::Changed] };
        if turn == 0 {
            if outcome == SenderOutcome::NoShow {
                return self.end_without_mail(outcome);
            }
            self.outcome.get_or_insert(outcome);
        }
        if outcome == SenderOutcome::Sent {
            self.file_own_copy(ctx, turn);
        }
        if turn == 1
            && outcome == SenderOutcome::Sent
            && let Some(seen) = &mut self.seen
        {
            seen.replied = true;
        }
        vec![Event::Changed]
    }

    /// The server took the first mail and another one could not deliver it. An answered mail did not bounce, whatever a
    /// report says; of later turns the ledger asks nothing.
    fn bounced(&mut self, turn: u8, hard: bool) -> Vec<Event> {
        if turn != 0 || self.outcome != Some(SenderOutcome::Sent) || self.found.is_some() {
            return vec![];
        }
        self.outcome = Some(if hard { SenderOutcome::RefusedHard } else { SenderOutcome::RefusedSoft });
        vec![Event::Changed]
    }

    /// The sender's own copy is filed as the partner's mails are: some providers keep one by themselves.
    fn file_own_copy(&mut self, ctx: Context<'_>, turn: u8) {
        if self.acts & acts::FILE != 0 && !self.stopped && self.thread.len() > usize::from(turn) {
            let at = deadlines::act_plan(ctx.clock, ctx.params, &self.id, turn, ctx.now).file;
            self.pending.push(Pending { turn, act: Act::File, at: Some(at) });
        }
    }

    /// A person wrote into this thread: no more replies, and what is not begun on its mails is left undone.
    fn answered(&mut self) -> Vec<Event> {
        if self.stopped {
            return vec![];
        }
        self.stopped = true;
        self.drop_forbidden();
        vec![Event::Changed]
    }

    /// The owner allows these acts and no others from now on; what was planned and is no longer allowed is dropped.
    fn allowed(&mut self, allowed: u8) -> Vec<Event> {
        if self.acts == allowed {
            return vec![];
        }
        self.acts = allowed;
        self.drop_forbidden();
        vec![Event::Changed]
    }

    /// Drops acts and replies that the owner, or a person in the thread, no longer lets happen. What the host is at
    /// stays until its answer comes.
    fn drop_forbidden(&mut self) {
        let allowed = if self.stopped { 0 } else { self.acts };
        let bit = |act: Act| match act {
            Act::Read => acts::READ,
            Act::Rescue => acts::RESCUE,
            Act::File => acts::FILE,
        };
        self.pending.retain(|p| p.at.is_none() || allowed & bit(p.act) != 0);
        if allowed & acts::REPLY == 0 {
            for (_, out) in self.outgoing.iter_mut().filter(|(turn, o)| *turn > 0 && matches!(o, Outgoing::Due(_))) {
                *out = Outgoing::Ended;
            }
        }
    }

    fn on_found(&mut self, ctx: Context<'_>, found: Found) -> Vec<Event> {
        let expected = u8::from(self.side == Side::Sender);
        if found.turn % 2 != expected || self.found.is_some_and(|t| t >= found.turn) {
            return vec![];
        }
        self.found = Some(found.turn);
        if found.turn == 0 {
            // Foreign words may have come before it: what is reported is the exchange's own mail.
            self.seen = Some(Seen::of(&found));
        }
        self.thread.push(found.message_id);
        self.plan_acts(ctx, found.turn, found.placement);
        vec![Event::Changed]
    }

    /// Foreign words: told in this side's entry, and not touched. Of replies no side files an entry.
    fn on_foreign(&mut self, found: Found) -> Vec<Event> {
        if self.side == Side::Sender || !found.turn.is_multiple_of(2) || self.complaint {
            return vec![];
        }
        self.complaint = true;
        if found.turn == 0 && self.found.is_none() {
            self.seen = Some(Seen::of(&found));
        }
        vec![Event::Changed]
    }

    fn plan_acts(&mut self, ctx: Context<'_>, turn: u8, placement: Placement) {
        if self.stopped {
            return;
        }
        let plan = deadlines::act_plan(ctx.clock, ctx.params, &self.id, turn, ctx.now);
        let allowed = |bit: u8| self.acts & bit != 0;
        let mut todo = Vec::new();
        if placement == Placement::Spam && allowed(acts::RESCUE) {
            todo.push((Act::Rescue, plan.rescue));
        }
        if let (Some(at), true) = (plan.read, allowed(acts::READ)) {
            todo.push((Act::Read, at));
        }
        if allowed(acts::FILE) {
            todo.push((Act::File, plan.file));
        }
        self.pending.extend(todo.into_iter().map(|(act, at)| Pending { turn, act, at: Some(at) }));
        let next = turn + 1;
        if next <= self.replies && next < TURNS && allowed(acts::REPLY) && self.outgoing_mut(next).is_none() {
            self.outgoing.push((next, Outgoing::Due(plan.reply)));
        }
    }

    fn act_ended(&mut self, turn: u8, act: Act, done: bool) -> Vec<Event> {
        let before = self.pending.len();
        self.pending.retain(|p| !(p.turn == turn && p.act == act));
        if self.pending.len() == before {
            return vec![];
        }
        if let (true, 0, Some(seen)) = (done, turn, &mut self.seen) {
            match act {
                Act::Read => seen.read = true,
                Act::Rescue => seen.rescued = true,
                Act::File => {}
            }
        }
        vec![Event::Changed]
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
