//! The mails this side writes: the introduction before the first one, what became of each.

use super::command::SendResult;
use super::deadlines;
use super::event::{Act, Event};
use super::state::{Context, Exchange, Introduction, Outgoing, Pending, Side};
use crate::wire::bundle::SenderOutcome;
use crate::wire::introduction::Decline;
use crate::wire::roster::acts;

impl Exchange {
    pub(super) fn introduced(&mut self, address: String) -> Vec<Event> {
        if self.partner_address.is_some() {
            return vec![];
        }
        self.partner_address = Some(address);
        self.introduction = Introduction::Done;
        vec![Event::Changed]
    }

    pub(super) fn declined(&mut self, ctx: Context<'_>, reason: Decline) -> Vec<Event> {
        if reason == Decline::NotReady {
            return self.unreachable(ctx);
        }
        if self.partner_address.is_some() || self.side == Side::Receiver {
            return vec![];
        }
        self.introduction = Introduction::Declined;
        self.end_without_mail(SenderOutcome::NoShow)
    }

    pub(super) fn unreachable(&mut self, ctx: Context<'_>) -> Vec<Event> {
        if let (Introduction::Asked(tries), Side::Sender) = (self.introduction, self.side) {
            let pause = deadlines::introduction_retry(tries);
            self.introduction = Introduction::Due(ctx.clock.after(ctx.now, pause), tries.saturating_add(1));
        }
        vec![]
    }

    pub(super) fn end_without_mail(&mut self, outcome: SenderOutcome) -> Vec<Event> {
        if self.outcome.is_some() {
            return vec![];
        }
        self.outcome = Some(outcome);
        self.outgoing.clear();
        vec![Event::NoShow, Event::Changed]
    }

    pub(super) fn is_queued(&self) -> bool {
        self.outgoing.iter().any(|(turn, o)| *turn == 0 && *o == Outgoing::Queued)
    }

    pub(super) fn outgoing_mut(&mut self, turn: u8) -> Option<&mut Outgoing> {
        self.outgoing.iter_mut().find(|(t, _)| *t == turn).map(|(_, o)| o)
    }

    pub(super) fn send_result(&mut self, ctx: Context<'_>, turn: u8, result: SendResult) -> Vec<Event> {
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
    pub(super) fn bounced(&mut self, turn: u8, hard: bool) -> Vec<Event> {
        if turn != 0 || self.outcome != Some(SenderOutcome::Sent) || self.found.is_some() {
            return vec![];
        }
        self.outcome = Some(if hard { SenderOutcome::RefusedHard } else { SenderOutcome::RefusedSoft });
        vec![Event::Changed]
    }

    /// The sender's own copy is filed as the partner's mails are: some providers keep one by themselves.
    pub(super) fn file_own_copy(&mut self, ctx: Context<'_>, turn: u8) {
        if self.acts & acts::FILE != 0 && !self.stopped && self.thread.len() > usize::from(turn) {
            let at = deadlines::act_plan(ctx.clock, ctx.params, &self.id, turn, ctx.now).file;
            self.pending.push(Pending { turn, act: Act::File, at: Some(at) });
        }
    }
}
