//! What would raise quota or allowance, or takes a lock away: the same functions over a changed row, score or credits.

use super::Sources;
use crate::params::{MILLION, Params};
use crate::policy::credits::Credits;
use crate::policy::ramp::Still;
use crate::policy::rehabilitation::exit;
use crate::policy::triggers::{Level, level};
use crate::policy::{allowance, quota};
use crate::score::{Barrier, Bounces, Hurdle, Score, barriers};
use crate::wire::roster::{Pool, Role, RosterRow};
use serde::{Deserialize, Serialize};

/// What could be otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The next day of the ramp.
    NextRampDay,
    /// Nothing cut.
    NoCut,
    /// Full service.
    FullService,
    /// Ten points more.
    TenPoints,
    /// One more inbound exchange processed: its credits.
    OneMoreInbound,
    /// So many millionths of a point more: the score at the lock line.
    Points(u32),
    /// So many more mails delivered: enough to be judged.
    Deliver(u32),
    /// So many more dealt slots, all completed: enough to be judged.
    Complete(u32),
    /// So many ppm more of the mail surely in the inbox.
    Inbox(u32),
    /// So many clean mails: the debt paid.
    PayDebt(u32),
    /// Rates below those that send to rehab.
    Calm,
    /// The domain off the blocklists, and so out of quarantine.
    Released,
    /// A golden mailbox gets a mail of the member: its own takes mail again.
    GoldenMail,
    /// All of the above that are needed to take every lock away.
    AllNeeded,
}

/// A change, and quota and allowance with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raise {
    /// What would be otherwise.
    pub step: Step,
    /// Ring mails an epoch then.
    pub quota: u16,
    /// External mails a day then.
    pub allowance: u32,
    /// Locks that stand then.
    pub locks: u32,
}

/// What quota and allowance are computed from.
#[derive(Clone)]
struct State<'a> {
    from: &'a Sources<'a>,
    row: RosterRow,
    score: Option<Score>,
    credits: Credits,
    /// Bounces that no debt holds or held, and complaints.
    sums: &'a Bounces,
    /// A trigger sends to rehab.
    triggered: bool,
}

impl State<'_> {
    fn scored(&mut self, change: impl FnOnce(&Params, &mut Score)) {
        if let Some(score) = &mut self.score {
            change(self.from.params, score);
            *score = score.judged(self.from.params);
        }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::NextRampDay => self.row.ramp_day = self.row.ramp_day.saturating_add(1),
            Step::NoCut => self.row.cut = 1_000,
            Step::FullService => self.row.service = 1_000,
            Step::TenPoints => self.scored(|_, s| s.value = s.value.saturating_add(10 * MILLION as u32).min(100 * MILLION as u32)),
            Step::OneMoreInbound => self.credits.left = self.credits.left.saturating_add(self.credits.each),
            // Not by so many more: another step may have brought a part of them.
            Step::Points(_) => self.scored(|p, s| s.value = s.value.max(p.lock_below)),
            Step::Deliver(more) | Step::Complete(more) => self.scored(|_, s| {
                let counts = [&mut s.dealt, &mut s.completed];
                counts
                    .into_iter()
                    .chain((step == Step::Deliver(more)).then_some(&mut s.delivered))
                    .for_each(|n| *n = n.saturating_add(more));
            }),
            Step::Inbox(_) => self.scored(|p, s| s.inbox_lower = s.inbox_lower.max(p.inbox_gate)),
            Step::PayDebt(_) => {
                self.row.debt = 0;
                // What is paid leaves the score too.
                self.score = self.score.map(|s| s.with_bounces(self.from.params, self.sums));
            }
            Step::Calm => self.triggered = false,
            // What follows is decided a record later.
            Step::Released => return self.row.pool = Pool::Rehab,
            Step::GoldenMail => self.row.dead = false,
            Step::AllNeeded => {}
        }
        if self.row.pool == Pool::Rehab {
            self.row.pool = exit(self.from.params, &self.row, self.score.as_ref(), self.triggered);
        }
    }

    fn tell(&self, step: Step) -> Raise {
        let Sources { params, ceilings, .. } = *self.from;
        let daily = allowance::daily(params, Some(&self.row), self.score.as_ref(), &self.credits, ceilings.iter().copied());
        Raise { step, quota: quota::of(params, &self.row).mails, allowance: daily.mails, locks: daily.locks.len() as u32 }
    }

    fn with(&self, steps: &[Step], name: Step) -> Raise {
        let mut then = self.clone();
        steps.iter().for_each(|step| then.apply(*step));
        then.tell(name)
    }
}

/// What a hurdle asks for. `None` where no number of mails is enough.
fn over(h: &Hurdle, score: &Score) -> Option<Step> {
    let missing = h.need.saturating_sub(h.have);
    Some(match h.barrier {
        Barrier::FewDelivered => Step::Deliver(missing),
        Barrier::LowScore => Step::Points(missing),
        Barrier::LowInbox => Step::Inbox(missing),
        Barrier::Incomplete => {
            // The fewest n with (completed + n) / (dealt + n) at the share needed.
            let (need, million) = (u64::from(h.need), MILLION);
            let short = (need * u64::from(score.dealt)).saturating_sub(million * u64::from(score.completed));
            Step::Complete(u32::try_from(short.div_ceil(million.checked_sub(need).filter(|rest| *rest > 0)?)).unwrap_or(u32::MAX))
        }
    })
}

/// What must be otherwise before every lock is gone, and a dead mailbox is dealt mail again.
fn needed(params: &Params, now: &State<'_>) -> Vec<Step> {
    let (row, mut out) = (&now.row, Vec::new());
    if row.pool == Pool::Quarantined {
        out.push(Step::Released);
    }
    if row.debt > 0 {
        out.push(Step::PayDebt(row.debt));
    }
    if row.pool == Pool::Rehab && now.triggered {
        out.push(Step::Calm);
    }
    if row.dead {
        out.push(Step::GoldenMail);
    }
    if let Some(score) = &now.score {
        out.extend(barriers(params, score).iter().filter_map(|h| over(h, score)));
    }
    out
}

/// Everything that is needed while something locks, and of the other steps those that raise something.
pub(super) fn all(from: &Sources<'_>, row: &RosterRow, sums: &Bounces, credits: &Credits, still: Option<Still>) -> Vec<Raise> {
    let triggered = level(from.params, sums) == Level::Rehab;
    let now = State { from, row: row.clone(), score: from.score.copied(), credits: credits.clone(), sums, triggered };
    let told = now.tell(Step::NoCut);
    let needed = if row.role == Role::Member { needed(from.params, &now) } else { vec![] };
    let mut out: Vec<Raise> = needed.iter().map(|step| now.with(&[*step], *step)).collect();
    if needed.len() > 1 {
        out.push(now.with(&needed, Step::AllNeeded));
    }
    let mut steps = vec![Step::NoCut, Step::FullService, Step::TenPoints, Step::OneMoreInbound];
    if still.is_none_or(|s| s == Still::Joined) {
        steps.insert(0, Step::NextRampDay);
    }
    let others = steps.into_iter().map(|step| now.with(&[step], step));
    out.extend(others.filter(|r| r.quota > told.quota || r.allowance > told.allowance));
    out
}
