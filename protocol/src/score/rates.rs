//! What the window says of one sender.

use crate::ledger::{Exchange, Outcome, Window};
use crate::params::Params;
use crate::time::Epoch;
use crate::trust::Trust;
use crate::wire::roster::{Roster, RosterRow, acts};
use serde::{Deserialize, Serialize};

/// 1.0 in Q16.16.
const ONE: u64 = 1 << 16;

/// Bounces and complaints of one sender, in mails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounces {
    /// Exchanges delivered, or refused for good by the sender's fault. Refused for now is a claim that costs nothing, so it thins
    /// out nothing.
    pub attempts: u64,
    /// Hard ones of them, fifth soft ones in a row included.
    pub hard: u64,
    /// External mails by the self reports.
    pub external_sent: u64,
    /// ... hard bounces.
    pub external_hard: u64,
    /// External mails behind the complaints: a debt clears bounces, never complaints, so this counts every epoch.
    pub complaint_sent: u64,
    /// ... complaints.
    pub external_complaints: u64,
    /// Delivered to golden mailboxes.
    pub golden_delivered: u64,
    /// ... and complained of.
    pub golden_complaints: u64,
}

impl Bounces {
    /// Counts the window's exchanges and reports of one sender; bounces only after `after`.
    /// `roster` says who is golden.
    #[must_use]
    pub fn of(window: &Window, roster: &Roster, index: u32, after: Option<Epoch>) -> Self {
        let mut out = Self::default();
        for (epoch, x) in window.sends(index) {
            out.add(&x, after.is_none_or(|a| epoch > a), window.observed_by_golden(roster, &x));
        }
        for (epoch, report) in window.reports(index) {
            out.add_report(&report, after.is_none_or(|a| epoch > a));
        }
        out
    }
    fn add(&mut self, x: &Exchange, fresh: bool, golden: bool) {
        let bounced = bounced(x).filter(|_| fresh);
        self.attempts += u64::from(bounced.is_some());
        self.hard += u64::from(bounced == Some(true));
        let complained = complained(x, golden);
        self.golden_delivered += u64::from(complained.is_some());
        self.golden_complaints += u64::from(complained == Some(true));
    }
    fn add_report(&mut self, report: &crate::wire::bundle::SelfReport, fresh: bool) {
        self.external_sent += if fresh { u64::from(report.sent) } else { 0 };
        self.external_hard += if fresh { u64::from(report.hard) } else { 0 };
        self.complaint_sent += u64::from(report.sent);
        self.external_complaints += u64::from(report.complaints);
    }
}

/// Whether a mail bounced for good; `None` when it counts in no bounce rate.
pub(crate) fn bounced(x: &Exchange) -> Option<bool> {
    let hard = x.outcome == Outcome::HardBounce;
    (x.outcome.delivered() || hard).then_some(hard)
}

/// Whether a golden mailbox complained; `None` when the mail reached none.
fn complained(x: &Exchange, golden: bool) -> Option<bool> {
    (golden && x.outcome.delivered()).then_some(x.complaint)
}

/// One exchange as the figures count it: a hit, a miss, or `None` where it doesn't count.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    pub(super) epoch: Epoch,
    pub(super) exchange: Exchange,
    /// What the rater's word weighs here, Q16.16; 0 when nothing was delivered.
    pub(super) weight: u64,
    /// What its weight is divided by, and multiplied with.
    pub(super) group: u64,
    pub(super) units: u8,
    pub(super) auth: Option<bool>,
    pub(super) replied: Option<bool>,
    pub(super) read: Option<bool>,
    pub(super) inbox: Option<bool>,
    pub(super) bounced: Option<bool>,
    pub(super) complained: Option<bool>,
}

/// Sums of one sender: (numerator, denominator) in Q16.16 rater weights, counts in mails.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    pub(super) auth: (u64, u64),
    pub(super) replied: (u64, u64),
    pub(super) read: (u64, u64),
    pub(super) inbox: (u64, u64),
    pub(super) bounces: Bounces,
    pub(super) delivered: u32,
    pub(super) dealt: u32,
    pub(super) completed: u32,
}

/// One rater as the rates see it.
#[derive(Clone, Copy)]
struct Rater {
    weight: u32,
    golden: bool,
    acts: u8,
    tag: u32,
    node: u32,
}

/// All raters of a window, and room to sum their groups.
pub(super) struct Raters {
    raters: Vec<Rater>,
    /// Summed weights on the subject in hand, by group of tags and of nodes.
    tags: Vec<u64>,
    nodes: Vec<u64>,
    /// Raters summed for the subject in hand.
    seen: Vec<bool>,
}

/// Numbers equal keys alike: group of each, and how many groups.
fn groups<K: Ord + Copy>(keys: impl Iterator<Item = K> + Clone) -> (Vec<u32>, usize) {
    let mut sorted: Vec<K> = keys.clone().collect();
    sorted.sort_unstable();
    sorted.dedup();
    let group = |k: K| sorted.binary_search(&k).map_or(0, |i| i as u32);
    (keys.map(group).collect(), sorted.len())
}

impl Raters {
    pub(super) fn new(window: &Window, trust: &Trust, roster: &Roster) -> Self {
        let members = window.members();
        let (tag, tags) = groups(members.iter().map(|m| m.tag));
        let (node, nodes) = groups(members.iter().map(|m| m.node));
        let rater = |(i, m): (usize, &crate::ledger::WindowMember)| Rater {
            weight: trust.weight(&m.member),
            golden: roster.row(&m.member).is_some_and(RosterRow::is_golden),
            acts: m.acts,
            tag: tag[i],
            node: node[i],
        };
        let raters = members.iter().enumerate().map(rater).collect();
        Self { raters, tags: vec![0; tags], nodes: vec![0; nodes], seen: vec![false; members.len()] }
    }

    /// Sums what the window says of the sender at `subject`, without the exchanges that `keep` leaves out; `each` sees every
    /// exchange as it is counted.
    pub(super) fn rate(
        &mut self,
        params: &Params,
        window: &Window,
        subject: u32,
        row: &RosterRow,
        keep: impl Fn(Epoch, &Exchange) -> bool,
        mut each: impl FnMut(&Counted),
    ) -> Rates {
        let mut out = Rates::default();
        let mut touched = Vec::new();
        let sends = || window.sends(subject).filter(|(epoch, x)| keep(*epoch, x));
        for (_, x) in sends().filter(|(_, x)| x.outcome.delivered()) {
            let r = self.raters[x.receiver as usize];
            if !r.golden && !std::mem::replace(&mut self.seen[x.receiver as usize], true) {
                self.tags[r.tag as usize] += u64::from(r.weight);
                self.nodes[r.node as usize] += u64::from(r.weight);
                touched.push(x.receiver);
            }
        }
        let paid = crate::policy::rehabilitation::paid_until(params, row);
        for (epoch, x) in sends() {
            let fresh = paid.is_none_or(|p| epoch > p);
            let counted = self.count(epoch, x, fresh);
            out.bounces.add(&x, fresh, self.golden(&x));
            out.delivered += u32::from(x.outcome.delivered());
            out.weigh(&counted);
            each(&counted);
        }
        for (epoch, report) in window.reports(subject) {
            out.bounces.add_report(&report, paid.is_none_or(|p| epoch > p));
        }
        for (_, t) in window.tallies(subject) {
            out.dealt += u32::from(t.dealt);
            out.completed += u32::from(t.completed);
        }
        for rater in touched {
            let r = self.raters[rater as usize];
            self.tags[r.tag as usize] = 0;
            self.nodes[r.node as usize] = 0;
            self.seen[rater as usize] = false;
        }
        out
    }

    fn golden(&self, x: &Exchange) -> bool {
        x.golden_weight > 0 && self.raters[x.receiver as usize].golden
    }

    fn count(&self, epoch: Epoch, x: Exchange, fresh: bool) -> Counted {
        let r = self.raters[x.receiver as usize];
        let group = if r.golden { ONE } else { self.tags[r.tag as usize].max(self.nodes[r.node as usize]).max(ONE) };
        let units = if r.golden { x.golden_weight.max(1) } else { 1 };
        let delivered = x.outcome.delivered();
        let weight = if delivered { u64::from(r.weight) * ONE / group * u64::from(units) } else { 0 };
        let inbox = x.outcome == Outcome::DeliveredInbox;
        Counted {
            epoch,
            exchange: x,
            weight,
            group,
            units,
            auth: x.auth.filter(|_| delivered),
            replied: (delivered && r.acts & acts::REPLY != 0).then_some(inbox && x.replied),
            read: (delivered && r.acts & acts::READ != 0).then_some(inbox && x.read),
            inbox: delivered.then_some(inbox),
            bounced: bounced(&x).filter(|_| fresh),
            complained: complained(&x, self.golden(&x)),
        }
    }
}

impl Rates {
    fn weigh(&mut self, x: &Counted) {
        let figures = [(&mut self.auth, x.auth), (&mut self.replied, x.replied), (&mut self.read, x.read), (&mut self.inbox, x.inbox)];
        for (sum, hit) in figures {
            sum.0 += if hit == Some(true) { x.weight } else { 0 };
            sum.1 += if hit.is_some() { x.weight } else { 0 };
        }
    }
}
