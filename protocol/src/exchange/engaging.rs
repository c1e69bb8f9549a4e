//! The mails this side finds: what is seen of them, which acts are planned, what the owner or a person in the thread forbids.

use super::command::Found;
use super::deadlines;
use super::event::{Act, Event};
use super::state::{Context, Exchange, Outgoing, Pending, Seen, Side};
use crate::limits::TURNS;
use crate::wire::bundle::Placement;
use crate::wire::roster::acts;

impl Exchange {
    /// A person wrote into this thread: no more replies, and what is not begun on its mails is left undone.
    pub(super) fn answered(&mut self) -> Vec<Event> {
        if self.stopped {
            return vec![];
        }
        self.stopped = true;
        self.drop_forbidden();
        vec![Event::Changed]
    }

    /// The owner allows these acts and no others from now on; what was planned and is no longer allowed is dropped.
    pub(super) fn allowed(&mut self, allowed: u8) -> Vec<Event> {
        if self.acts == allowed {
            return vec![];
        }
        self.acts = allowed;
        self.drop_forbidden();
        vec![Event::Changed]
    }

    /// Drops acts and replies that the owner, or a person in the thread, no longer lets happen. What the host is at
    /// stays until its answer comes.
    pub(super) fn drop_forbidden(&mut self) {
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

    pub(super) fn on_found(&mut self, ctx: Context<'_>, found: Found) -> Vec<Event> {
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
    pub(super) fn on_foreign(&mut self, found: Found) -> Vec<Event> {
        if self.side == Side::Sender || !found.turn.is_multiple_of(2) || self.complaint {
            return vec![];
        }
        self.complaint = true;
        if found.turn == 0 && self.found.is_none() {
            self.seen = Some(Seen::of(&found));
        }
        vec![Event::Changed]
    }

    pub(super) fn plan_acts(&mut self, ctx: Context<'_>, turn: u8, placement: Placement) {
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

    pub(super) fn act_ended(&mut self, turn: u8, act: Act, done: bool) -> Vec<Event> {
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
}
