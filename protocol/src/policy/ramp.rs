//! Ramp presets (FACTS.md, "Warming practice").

use crate::ledger::Tally;
use crate::wire::roster::RampPreset;

/// Ring mails a day on active day `day` (from 0). Every preset stays under 50 in the first 14 days, golden seats included.
#[must_use]
pub fn mails(preset: RampPreset, day: u16) -> u16 {
    match preset {
        // 2 a day, one more each day, to 20: what most of the market settled on.
        RampPreset::Gentle => day.saturating_add(2).min(20),
        // 20 to 30 in week one.
        RampPreset::Fresh => day.saturating_mul(2).saturating_add(20).min(30),
        // 5, to 25; with the five golden seats of a small network 30, the most while warming.
        RampPreset::Prewarmed => day.saturating_add(5).min(25),
    }
}

/// Whether the ramp advances by a day. `closed`: the member's counts in the newly closed epoch; `None` when it wasn't in that
/// roster yet (the first days are taken on trust, since nothing of them is closed). A day without a completed mail
/// doesn't count, so weekends, pauses by the owner and absences hold the ramp.
#[must_use]
pub fn advances(closed: Option<Tally>) -> bool {
    closed.is_none_or(|t| t.completed > 0)
}
