//! Pause and fix: bad placement or bounces cut the quota at once; it comes back slowly after clean epochs.

use super::triggers::Level;
use crate::ledger::{Outcome, Window};
use crate::params::Params;
use crate::time::Epoch;
use crate::wire::roster::RosterRow;
use serde::{Deserialize, Serialize};

/// What the newly closed epoch looks like beside the window before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// It had a hard bounce, reconciled or external.
    pub bounced: bool,
    /// Mails in the inbox and all of known placement, in that epoch.
    pub now: (u64, u64),
    /// The same before it.
    pub before: (u64, u64),
}

/// Looks at a closed epoch.
#[must_use]
pub fn look(window: &Window, index: u32, closed: Epoch) -> Look {
    let mut look = Look::default();
    for (epoch, x) in window.sends(index) {
        let new = epoch == closed;
        look.bounced |= new && x.outcome == Outcome::HardBounce;
        if x.outcome.delivered() {
            let count = if new { &mut look.now } else { &mut look.before };
            count.0 += u64::from(x.outcome == Outcome::DeliveredInbox);
            count.1 += 1;
        }
    }
    look.bounced |= window.reports(index).any(|(epoch, r)| epoch == closed && r.hard > 0);
    look
}

/// What makes an epoch a bad one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bad {
    /// A hard bounce, while the window's rates reach the throttle level.
    Throttled,
    /// Its inbox share, from `pause_placements` known ones, is under half of what the window showed before. A newcomer that never
    /// saw the inbox is not cut for it.
    BrokeIn,
}

impl Look {
    /// Why it was a bad one, if it was; `level`: of the window's rates.
    #[must_use]
    pub fn bad(&self, params: &Params, level: Level) -> Vec<Bad> {
        let reasons = [(Bad::Throttled, self.bounced && level >= Level::Throttle), (Bad::BrokeIn, self.broke_in(params))];
        reasons.into_iter().filter_map(|(why, stands)| stands.then_some(why)).collect()
    }
    /// Whether placement broke in.
    #[must_use]
    pub fn broke_in(&self, params: &Params) -> bool {
        let (least, now, before) = (u64::from(params.pause_placements), self.now, self.before);
        now.1 >= least && before.1 >= least && 2 * now.0 * before.1 < before.0 * now.1
    }
}

/// Cuts or restores.
pub fn apply(params: &Params, row: &mut RosterRow, bad: bool) {
    let clean = u8::try_from(params.pause_clean).unwrap_or(u8::MAX);
    if bad {
        let cut = u32::from(row.cut) * params.pause_cut / 1_000;
        row.cut = cut.max(params.pause_floor).min(1_000) as u16;
        row.clean_epochs = 0;
    } else if row.clean_epochs < clean {
        row.clean_epochs += 1;
    } else {
        row.cut = (u32::from(row.cut) + params.pause_step).min(1_000) as u16;
    }
}
