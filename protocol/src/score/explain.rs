//! A score taken apart: what each figure earns or costs, the entries behind it, and what would raise it. Nothing is computed
//! a second way: `rates.rs` counts, `formula.rs` evaluates, and a change is the same formula over changed counts.

use super::evidence::{Entry, Evidence, InRow, Told, Weighed, in_row, told};
use super::formula::{self, bounce_rates, complaint_rates, shares};
use super::rates::{Counted, Raters, Rates};
use super::wilson::ONE;
use super::{Bounces, Hurdle, Score, barriers};
use crate::ids::MemberId;
use crate::ledger::Window;
use crate::matching::Slot;
use crate::params::Params;
use crate::policy::complaints::{self, Complaints};
use crate::policy::rehabilitation::paid_until;
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
    /// What locks it, with what is missing.
    pub barriers: Vec<Hurdle>,
    /// A, R, O, B, S, and the inbox share.
    pub parts: Vec<Part>,
    /// Dealt slots of its own that it did not complete: no mail, or none that anybody saw. Spares may have made up for some.
    pub uncompleted: Evidence,
    /// The sums behind B and S, in mails.
    pub bounces: Bounces,
    /// Hard bounces that are refusals for now in a row.
    pub in_row: Vec<InRow>,
    /// Self reports behind the external figures, oldest first.
    pub reports: Vec<Told>,
    /// All raters' complaints: of them only golden mailboxes' count in S.
    pub complaints: Complaints,
    /// The mails complained of that count as such.
    pub complained: Evidence,
    /// Those that don't, since not both sides say that they were delivered.
    pub unconfirmed: Evidence,
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
    let worst = all.iter().rev().find(|x| x.bounced == Some(true)).map(|x| Entry::sent(window, x.epoch, &x.exchange));
    let without = worst.zip(index).map(|(worst, i)| {
        let step = Step::WithoutBounce { epoch: worst.epoch, slot: worst.slot, partner: worst.partner };
        (step, raters.rate(params, window, i, row, |epoch, x| (epoch, x.slot) != (worst.epoch, worst.slot), |_| ()))
    });
    let change = |(step, rates): (Step, Rates)| {
        let then = formula::score(params, &rates);
        let gain = i64::from(then.value) - i64::from(score.value);
        Change { step, value: then.value, gain, provisional: then.provisional, locked: then.locked }
    };
    let paid = paid_until(params, row);
    let [complained, unconfirmed] = complaints::entries(window, index, row.tag);
    Some(Explanation {
        member: *member,
        score,
        barriers: barriers(params, &score),
        parts: Parts { params, window, trust, score: &score, rates: &rates, all: &all }.all(),
        uncompleted: Evidence::of(all.iter().filter(|x| !x.exchange.completed).map(|x| Entry::sent(window, x.epoch, &x.exchange))),
        bounces: rates.bounces,
        in_row: index.map(|i| in_row(window, i, paid)).unwrap_or_default(),
        reports: index.map(|i| told(window, i, paid)).unwrap_or_default(),
        complaints: Complaints::of(params, window, index, row.tag),
        complained,
        unconfirmed,
        changes: changes(&rates).into_iter().chain(without).map(change).collect(),
    })
}

/// What the parts of a score are taken from.
struct Parts<'a> {
    params: &'a Params,
    window: &'a Window,
    trust: &'a Trust,
    score: &'a Score,
    rates: &'a Rates,
    all: &'a [Counted],
}

impl Parts<'_> {
    /// An entry that counts by its rater's weight.
    fn weighed(&self, x: &Counted) -> Entry {
        let entry = Entry::sent(self.window, x.epoch, &x.exchange);
        let (rater, trust) = (&entry.partner, self.trust);
        let (mass, credibility, word) = (trust.mass(rater), trust.credibility(rater), trust.weight(rater));
        let parts = Some(Weighed { mass, credibility, word, group: x.group, golden: x.units });
        Entry { weight: x.weight, parts, ..entry }
    }

    fn part(&self, figure: Figure, ppm: u32, points: i64, hit: fn(&Counted) -> Option<bool>, weighed: bool) -> Part {
        let entry = |x: &Counted| if weighed { self.weighed(x) } else { Entry::sent(self.window, x.epoch, &x.exchange) };
        let side = |wanted| Evidence::of(self.all.iter().filter(|x| hit(x) == Some(wanted)).map(entry));
        let (hits, misses) = (side(true), side(false));
        Part { figure, ppm, points, hits, misses, external: None, external_leads: false }
    }

    fn all(&self) -> Vec<Part> {
        let (score, x) = (self.score, &self.rates.bounces);
        let [a, r, o, b, s] = shares(score.a, score.r, score.o, score.b, score.s);
        let outside =
            |part, external, [inside, outside]: [u32; 2]| Part { external: Some(external), external_leads: outside > inside, ..part };
        let bounced = self.part(Figure::Bounced, score.b, b, |x| x.bounced, false);
        let complained = self.part(Figure::Complained, score.s, s, |x| x.complained, false);
        vec![
            self.part(Figure::Authenticated, score.a, a, |x| x.auth, true),
            self.part(Figure::Replied, score.r, r, |x| x.replied, true),
            self.part(Figure::Read, score.o, o, |x| x.read, true),
            outside(bounced, (x.external_hard, x.external_sent), bounce_rates(self.params, x)),
            outside(complained, (x.external_complaints, x.complaint_sent), complaint_rates(self.params, x)),
            self.part(Figure::Inbox, score.inbox_lower, 0, |x| x.inbox, true),
        ]
    }
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
