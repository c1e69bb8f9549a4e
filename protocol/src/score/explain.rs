//! A score taken apart: what each figure earns or costs, the entries behind it, and what would raise it. Nothing is computed
//! a second way: `rates.rs` counts, `formula.rs` evaluates, and a change is the same formula over changed counts.

use super::formula::{self, bounce_rates, complaint_rates, shares};
use super::rates::{Counted, Raters, Rates};
use super::wilson::ONE;
use super::{Barrier, Bounces, Score, barriers};
use crate::ids::MemberId;
use crate::ledger::{Outcome, Window};
use crate::limits::EXPLAINED_ENTRIES;
use crate::matching::Slot;
use crate::params::Params;
use crate::policy::complaints::Complaints;
use crate::time::Epoch;
use crate::trust::Trust;
use crate::wire::roster::Roster;
use serde::{Deserialize, Serialize};

/// The figures of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// A: mails with SPF, DKIM and DMARC passing.
    Authenticated,
    /// R: mails replied to.
    Replied,
    /// O: mails read.
    Read,
    /// B: hard bounces.
    Bounced,
    /// S: complaints.
    Complained,
    /// Inbox share: it earns no points, but locks when it is low.
    Inbox,
}

/// A ledger entry behind a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The epoch it was dealt in.
    pub epoch: Epoch,
    /// Ring and round.
    pub slot: Slot,
    /// Who received, and so rates.
    pub partner: MemberId,
    /// What became of it.
    pub outcome: Outcome,
    /// What it counts in this figure, Q16.16: the rater's weight; 65,536 where whole mails are counted.
    pub weight: u64,
}

/// Entries that count the same way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// All of them.
    pub mails: u32,
    /// Their summed weight, Q16.16.
    pub weight: u64,
    /// The heaviest, the latest of equal ones first, at most [`EXPLAINED_ENTRIES`].
    pub shown: Vec<Entry>,
}

impl Evidence {
    fn of(mut all: Vec<Entry>) -> Self {
        let (mails, weight) = (all.len() as u32, all.iter().map(|e| e.weight).sum());
        all.sort_by_key(|e| (std::cmp::Reverse((e.weight, e.epoch)), e.slot));
        all.truncate(EXPLAINED_ENTRIES);
        Self { mails, weight, shown: all }
    }
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which one.
    pub figure: Figure,
    /// Its value, ppm.
    pub ppm: u32,
    /// What it earns, or costs when negative, in millionths of a point. All parts together, cut to 0..=100 points, are the score.
    pub points: i64,
    /// Entries of what the figure names.
    pub hits: Evidence,
    /// Entries that count in it and are not that.
    pub misses: Evidence,
    /// Events and mails by the self reports, where they count.
    pub external: Option<(u64, u64)>,
    /// The self reports' rate is the larger one, and counts.
    pub external_leads: bool,
}

/// A change, and what the score would be with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What would be otherwise.
    pub step: Step,
    /// The score then, millionths of a point.
    pub value: u32,
    /// Above the score now; below it when negative.
    pub gain: i64,
    /// Still provisional.
    pub provisional: bool,
    /// Still locked by the score.
    pub locked: bool,
}

/// Something that could be otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// So many more mails to fully believed partners, authenticated, in the inbox, read and replied to.
    MoreMails(u32),
    /// Every mail authenticated.
    AllAuthenticated,
    /// Every slot that was dealt completed.
    AllCompleted,
    /// Every mail in spam had reached the inbox (unread and unanswered there).
    SpamInInbox,
    /// Without the latest hard bounce in the ledger.
    WithoutBounce {
        /// When.
        epoch: Epoch,
        /// Ring and round.
        slot: Slot,
        /// At whom.
        partner: MemberId,
    },
    /// Without a hard bounce, reconciled or external.
    NoBounces,
    /// Without a complaint, a golden mailbox's or an external one.
    NoComplaints,
}

/// A score taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The member.
    pub member: MemberId,
    /// Its score.
    pub score: Score,
    /// What locks it.
    pub barriers: Vec<Barrier>,
    /// A, R, O, B, S, and the inbox share.
    pub parts: Vec<Part>,
    /// The sums behind B and S, in mails.
    pub bounces: Bounces,
    /// All raters' complaints: of them only golden mailboxes' count in S.
    pub complaints: Complaints,
    /// What would change it.
    pub changes: Vec<Change>,
}

/// Explains one member's score: `window`, `trust` and `roster` are those it was computed from ([`crate::chain::Derived`]). `None`
/// for who is not in that roster.
#[must_use]
pub fn explain(params: &Params, window: &Window, trust: &Trust, roster: &Roster, member: &MemberId) -> Option<Explanation> {
    let row = roster.row(member)?;
    let mut raters = Raters::new(window, trust, roster);
    let index = window.index(member);
    let mut all: Vec<Counted> = Vec::new();
    let rates = index.map(|i| raters.rate(params, window, i, row, |_, _| true, |x| all.push(*x))).unwrap_or_default();
    let score = formula::score(params, &rates);
    let worst = all.iter().rev().find(|x| x.bounced == Some(true)).map(|x| entry(window, x, ONE));
    let without = worst.zip(index).map(|(worst, i)| {
        let step = Step::WithoutBounce { epoch: worst.epoch, slot: worst.slot, partner: worst.partner };
        (step, raters.rate(params, window, i, row, |epoch, x| (epoch, x.slot) != (worst.epoch, worst.slot), |_| ()))
    });
    let change = |(step, rates): (Step, Rates)| {
        let then = formula::score(params, &rates);
        let gain = i64::from(then.value) - i64::from(score.value);
        Change { step, value: then.value, gain, provisional: then.provisional, locked: then.locked }
    };
    Some(Explanation {
        member: *member,
        score,
        barriers: barriers(params, &score),
        parts: parts(params, window, &score, &rates, &all),
        bounces: rates.bounces,
        complaints: Complaints::of(params, window, index, row.tag),
        changes: changes(&rates).into_iter().chain(without).map(change).collect(),
    })
}

fn entry(window: &Window, x: &Counted, weight: u64) -> Entry {
    let partner = window.members()[x.exchange.receiver as usize].member;
    Entry { epoch: x.epoch, slot: x.exchange.slot, partner, outcome: x.exchange.outcome, weight }
}

fn parts(params: &Params, window: &Window, score: &Score, rates: &Rates, all: &[Counted]) -> Vec<Part> {
    let [a, r, o, b, s] = shares(score.a, score.r, score.o, score.b, score.s);
    let part = |figure, ppm, points, hit: fn(&Counted) -> Option<bool>, weigh: fn(&Counted) -> u64| {
        let side = |wanted| all.iter().filter(|x| hit(x) == Some(wanted)).map(|x| entry(window, x, weigh(x))).collect();
        let (hits, misses) = (Evidence::of(side(true)), Evidence::of(side(false)));
        Part { figure, ppm, points, hits, misses, external: None, external_leads: false }
    };
    let outside = |part, external, [inside, outside]: [u32; 2]| Part { external: Some(external), external_leads: outside > inside, ..part };
    let x = &rates.bounces;
    let bounced = part(Figure::Bounced, score.b, b, |x| x.bounced, |_| ONE);
    let complained = part(Figure::Complained, score.s, s, |x| x.complained, |_| ONE);
    vec![
        part(Figure::Authenticated, score.a, a, |x| x.auth, |x| x.weight),
        part(Figure::Replied, score.r, r, |x| x.replied, |x| x.weight),
        part(Figure::Read, score.o, o, |x| x.read, |x| x.weight),
        outside(bounced, (x.external_hard, x.external_sent), bounce_rates(params, x)),
        outside(complained, (x.external_complaints, x.complaint_sent), complaint_rates(params, x)),
        part(Figure::Inbox, score.inbox_lower, 0, |x| x.inbox, |x| x.weight),
    ]
}

/// The changes that say something here, each with the counts it leads to.
fn changes(now: &Rates) -> Vec<(Step, Rates)> {
    let with = |change: &dyn Fn(&mut Rates)| {
        let mut then = *now;
        change(&mut then);
        then
    };
    let more = |n: u32| {
        with(&|x: &mut Rates| {
            let weight = u64::from(n) * ONE;
            for sum in [&mut x.auth, &mut x.replied, &mut x.read, &mut x.inbox] {
                *sum = (sum.0 + weight, sum.1 + weight);
            }
            x.bounces.attempts += u64::from(n);
            x.delivered += n;
            x.dealt += n;
            x.completed += n;
        })
    };
    let mut out = vec![(Step::MoreMails(1), more(1)), (Step::MoreMails(10), more(10))];
    let mut when = |says: bool, step, change: &dyn Fn(&mut Rates)| {
        if says {
            out.push((step, with(change)));
        }
    };
    when(now.auth.0 < now.auth.1, Step::AllAuthenticated, &|x| x.auth.0 = x.auth.1);
    when(now.completed < now.dealt, Step::AllCompleted, &|x| x.completed = x.dealt);
    when(now.inbox.0 < now.inbox.1, Step::SpamInInbox, &|x| x.inbox.0 = x.inbox.1);
    when(now.bounces.hard + now.bounces.external_hard > 0, Step::NoBounces, &|x| (x.bounces.hard, x.bounces.external_hard) = (0, 0));
    when(now.bounces.golden_complaints + now.bounces.external_complaints > 0, Step::NoComplaints, &|x| {
        (x.bounces.golden_complaints, x.bounces.external_complaints) = (0, 0);
    });
    out
}
