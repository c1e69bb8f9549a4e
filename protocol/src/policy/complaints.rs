//! Complaints of a member's mail: while those in the window come from `complaint_tags` domains, it is dealt extra golden seats.
//!
//! Golden mailboxes then find out whether there is something to it: only theirs count in the score. So a slanderer lowers nobody's
//! score or pool, and the slandered get more of the evidence that speaks for them.

use crate::ids::DomainTag;
use crate::ledger::{Exchange, Window};
use crate::params::Params;
use crate::score::evidence::{Entry, Evidence};
use crate::time::Epoch;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Who complained of one sender's mail in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaints {
    /// Raters that complained of mail which both sides say was delivered, golden ones too; none of the sender's own tag.
    pub raters: u32,
    /// Their distinct domain tags.
    pub tags: u32,
    /// Complaints of mail that its sender did not say it sent, or that contradict its word. They count nothing.
    pub unconfirmed: u32,
    /// Tags from which extra golden seats are dealt.
    pub needed: u32,
}

/// What the complaints of a sender's mail say: (who complained and of what, its tag; whether it counts).
fn all(window: &Window, index: Option<u32>, own: DomainTag) -> impl Iterator<Item = (Epoch, Exchange, DomainTag, bool)> + '_ {
    let complaints = index.into_iter().flat_map(|i| window.sends(i)).filter(|(_, x)| x.complaint);
    complaints.filter_map(move |(epoch, x)| {
        let (tag, delivered) = (window.members()[x.receiver as usize].tag, x.outcome.delivered());
        // Of a domain's own mail it counts neither way.
        (!delivered || tag != own).then_some((epoch, x, tag, delivered))
    })
}

/// The mails complained of: those that count, and those that are unconfirmed.
pub(crate) fn entries(window: &Window, index: Option<u32>, own: DomainTag) -> [Evidence; 2] {
    [true, false].map(|wanted| {
        let these = all(window, index, own).filter(|(.., counts)| *counts == wanted);
        Evidence::of(these.map(|(epoch, x, ..)| Entry::sent(window, epoch, &x)))
    })
}

impl Complaints {
    /// Counts the window's complaints of a sender whose domain is `own`.
    #[must_use]
    pub fn of(params: &Params, window: &Window, index: Option<u32>, own: DomainTag) -> Self {
        let (mut raters, mut tags, mut unconfirmed) = (BTreeSet::new(), BTreeSet::new(), 0u32);
        for (_, x, tag, counts) in all(window, index, own) {
            if counts {
                raters.insert(x.receiver);
                tags.insert(tag);
            } else {
                unconfirmed = unconfirmed.saturating_add(1);
            }
        }
        Self { raters: raters.len() as u32, tags: tags.len() as u32, unconfirmed, needed: params.complaint_tags }
    }

    /// Whether they deal extra golden seats.
    #[must_use]
    pub fn stand(&self) -> bool {
        self.tags >= self.needed
    }
}
