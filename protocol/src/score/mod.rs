//! The score, 0..100 (PROTOCOL.md section 8): `Ts = clamp(50 A + 1.5 R + 0.2 O - 10 B - 1000 S, 0, 100)`.
//!
//! | file | what is in it |
//! |---|---|
//! | `wilson.rs` | integer lower bounds |
//! | `rates.rs` | what the window says of one sender |
//! | `formula.rs` | rates into a score, and what locks it |
//! | `evidence.rs` | entries and reports behind a number |
//! | `explain.rs` | a score taken apart: points, entries, what would raise it |
//!
//! Choices made here:
//! - A is a plain weighted share (unknown authentication left out); R and O are lower bounds, so is the inbox share.
//! - R leaves out raters whose owner allows no replies, O those that allow no marking as read.
//! - An exchange weighs its rater's weight times its golden weight. Weights of distinct raters of one tag, and of one node, are
//!   scaled to sum to at most 1 on one subject; golden raters are exempt.
//! - B's internal count is the sender's own word on every mail that was delivered or bounced, so it is not weighted. External
//!   figures stand beside it; the larger bound counts, so a self report can only lower a score.
//! - Bounces that a rehabilitation debt has paid no longer count (see `policy::rehabilitation`).

pub mod evidence;
pub mod explain;
mod formula;
mod rates;
#[cfg(test)]
mod tests;
mod wilson;

pub use formula::{Barrier, Hurdle, barriers, points};
pub use rates::Bounces;
pub use wilson::{wilson_lower_z1, wilson_lower_z2};

use crate::identity::hash;
use crate::ids::{Digest, MemberId};
use crate::ledger::Window;
use crate::params::Params;
use crate::trust::Trust;
use crate::wire::roster::Roster;
use rates::Raters;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One member's score and what it is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Millionths of a point, 0..=100,000,000.
    pub value: u32,
    /// Share of mails with SPF, DKIM and DMARC passing, ppm.
    pub a: u32,
    /// Replied, ppm, lower bound.
    pub r: u32,
    /// Read, ppm, lower bound.
    pub o: u32,
    /// Hard bounces, ppm, lower bound.
    pub b: u32,
    /// Complaints, ppm, lower bound.
    pub s: u32,
    /// Inbox share, ppm, lower bound.
    pub inbox_lower: u32,
    /// Delivered exchanges of known placement.
    pub delivered: u32,
    /// Slots dealt.
    pub dealt: u32,
    /// Slots completed.
    pub completed: u32,
    /// Too little is known: under 20 delivered or under half of the dealt slots completed.
    pub provisional: bool,
    /// External sending is locked.
    pub locked: bool,
}

/// Scores of every member of `roster`, golden ones too.
#[must_use]
pub fn scores(params: &Params, window: &Window, trust: &Trust, roster: &Roster) -> BTreeMap<MemberId, Score> {
    let mut raters = Raters::new(window, trust, roster);
    let score = |row: &crate::wire::roster::RosterRow| {
        let rates = window.index(&row.member).map(|i| raters.rate(params, window, i, row, |_, _| true, |_| ())).unwrap_or_default();
        (row.member, formula::score(params, &rates))
    };
    roster.rows().iter().map(score).collect()
}

/// Digest over all scores, by member id.
#[must_use]
pub fn digest(scores: &BTreeMap<MemberId, Score>) -> Digest {
    let mut h = hash::keyed("scores");
    for (member, s) in scores {
        h.update(&member.0);
        for n in [s.value, s.a, s.r, s.o, s.b, s.s, s.inbox_lower, s.delivered, s.dealt, s.completed] {
            h.update(&n.to_be_bytes());
        }
        h.update(&[u8::from(s.provisional), u8::from(s.locked)]);
    }
    Digest(*h.finalize().as_bytes())
}
