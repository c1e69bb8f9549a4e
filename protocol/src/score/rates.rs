//! What the window says of one sender.

use crate::ledger::{Exchange, Outcome, Window};
use crate::params::Params;
use crate::time::Epoch;
use crate::trust::Trust;
use crate::wire::roster::{Role, Roster, RosterRow, acts};

/// 1.0 in Q16.16.
const ONE: u64 = 1 << 16;

/// Bounces and complaints of one sender, in mails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounces {
    /// Exchanges delivered or bounced by the sender's fault.
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
    #[must_use]
    pub fn of(window: &Window, index: u32, after: Option<Epoch>) -> Self {
        let mut out = Self::default();
        for (epoch, x) in window.sends(index) {
            out.add(&x, after.is_none_or(|a| epoch > a));
        }
        for (epoch, report) in window.reports(index) {
            out.add_report(&report, after.is_none_or(|a| epoch > a));
        }
        out
    }
    pub(crate) fn add(&mut self, x: &Exchange, fresh: bool) {
        let counts = x.outcome.delivered() || x.outcome.bounced();
        self.attempts += u64::from(fresh && counts);
        self.hard += u64::from(fresh && x.outcome == Outcome::HardBounce);
        let golden = x.golden_weight > 0 && x.outcome.delivered();
        self.golden_delivered += u64::from(golden);
        self.golden_complaints += u64::from(golden && x.complaint);
    }
    pub(crate) fn add_report(&mut self, report: &crate::wire::bundle::SelfReport, fresh: bool) {
        self.external_sent += if fresh { u64::from(report.sent) } else { 0 };
        self.external_hard += if fresh { u64::from(report.hard) } else { 0 };
        self.complaint_sent += u64::from(report.sent);
        self.external_complaints += u64::from(report.complaints);
    }
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
    /// Last subject that each rater was summed for.
    seen: Vec<u32>,
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
            golden: roster.row(&m.member).is_some_and(|r| r.role == Role::Golden),
            acts: m.acts,
            tag: tag[i],
            node: node[i],
        };
        let raters = members.iter().enumerate().map(rater).collect();
        Self { raters, tags: vec![0; tags], nodes: vec![0; nodes], seen: vec![u32::MAX; members.len()] }
    }

    /// Sums what the window says of the sender at `subject`.
    pub(super) fn rate(&mut self, params: &Params, window: &Window, subject: u32, row: &RosterRow) -> Rates {
        let mut out = Rates::default();
        let mut touched = Vec::new();
        for (_, x) in window.sends(subject).filter(|(_, x)| x.outcome.delivered()) {
            let r = self.raters[x.receiver as usize];
            if !r.golden && std::mem::replace(&mut self.seen[x.receiver as usize], subject) != subject {
                self.tags[r.tag as usize] += u64::from(r.weight);
                self.nodes[r.node as usize] += u64::from(r.weight);
                touched.push(r);
            }
        }
        let paid = crate::policy::rehabilitation::paid_until(params, row);
        for (epoch, x) in window.sends(subject) {
            out.bounces.add(&x, paid.is_none_or(|p| epoch > p));
            if x.outcome.delivered() {
                out.delivered += 1;
                self.weigh(&mut out, &x);
            }
        }
        for (epoch, report) in window.reports(subject) {
            out.bounces.add_report(&report, paid.is_none_or(|p| epoch > p));
        }
        for (_, t) in window.tallies(subject) {
            out.dealt += u32::from(t.dealt);
            out.completed += u32::from(t.completed);
        }
        for r in touched {
            self.tags[r.tag as usize] = 0;
            self.nodes[r.node as usize] = 0;
        }
        out
    }

    fn weigh(&self, out: &mut Rates, x: &Exchange) {
        let r = self.raters[x.receiver as usize];
        let group = if r.golden { ONE } else { self.tags[r.tag as usize].max(self.nodes[r.node as usize]).max(ONE) };
        let weight = u64::from(r.weight) * ONE / group * u64::from(x.golden_weight.max(1));
        let inbox = x.outcome == Outcome::DeliveredInbox;
        let add = |pair: &mut (u64, u64), hit: bool| {
            pair.0 += if hit { weight } else { 0 };
            pair.1 += weight;
        };
        add(&mut out.inbox, inbox);
        if let Some(pass) = x.auth {
            add(&mut out.auth, pass);
        }
        if r.acts & acts::REPLY != 0 {
            add(&mut out.replied, inbox && x.replied);
        }
        if r.acts & acts::READ != 0 {
            add(&mut out.read, inbox && x.read);
        }
    }
}
