//! Pause and fix: bad placement or bounces cut the quota at once; it comes back slowly after clean epochs.

use super::triggers::Level;
use crate::ledger::{Outcome, Window};
use crate::params::Params;
use crate::time::Epoch;
use crate::wire::roster::RosterRow;

/// Whether the newly closed epoch was a bad one:
/// - a hard bounce (reconciled or external) in it while the window's rate throttles, or
/// - its inbox share, from `pause_placements` known ones, is under half of what the window showed before: placement broke in.
///   A newcomer that never saw the inbox is not cut for it.
#[must_use]
pub fn bad(params: &Params, window: &Window, index: u32, closed: Epoch, level: Level) -> bool {
    let (mut bounced, mut now, mut before) = (false, (0u64, 0u64), (0u64, 0u64));
    for (epoch, x) in window.sends(index) {
        let new = epoch == closed;
        bounced |= new && x.outcome == Outcome::HardBounce;
        if x.outcome.delivered() {
            let count = if new { &mut now } else { &mut before };
            count.0 += u64::from(x.outcome == Outcome::DeliveredInbox);
            count.1 += 1;
        }
    }
    bounced |= window.reports(index).any(|(epoch, r)| epoch == closed && r.hard > 0);
    let least = u64::from(params.pause_placements);
    let broke_in = now.1 >= least && before.1 >= least && 2 * now.0 * before.1 < before.0 * now.1;
    (bounced && level >= Level::Throttle) || broke_in
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
