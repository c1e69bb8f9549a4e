//! The owner's daily allowance of external mail.

use super::credits::Credits;
use super::lock::{self, Lock};
use crate::params::{MILLION, Params};
use crate::score::Score;
use crate::wire::roster::RosterRow;
use serde::{Deserialize, Serialize};

/// Whose ceiling it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CeilingOf {
    /// The rules': `external_ceiling`.
    Recommended,
    /// The mailbox's own cap.
    Mailbox,
    /// The provider's cap for all its mailboxes of this host.
    Provider,
}

/// The most external mails a day by somebody's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceiling {
    /// Whose.
    pub of: CeilingOf,
    /// Mails a day.
    pub mails: u32,
}

/// An allowance and its factors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// External mails a day. 0 while anything locks; else the smaller of `by_score` and `credits`.
    pub mails: u32,
    /// What locks external mail.
    pub locks: Vec<Lock>,
    /// The ceiling that binds: the lowest of `external_ceiling` and the host's.
    pub ceiling: Ceiling,
    /// All of them.
    pub ceilings: Vec<Ceiling>,
    /// Points above the lock line, in millionths.
    pub above: u32,
    /// Points from the lock line to 100, in millionths.
    pub span: u32,
    /// Service that counts, per mille: at most `service_full`.
    pub service: u16,
    /// Service from which all of it is allowed, per mille.
    pub service_full: u32,
    /// `ceiling x above / span x service / service_full`, rounded down.
    pub by_score: u32,
    /// Credits left.
    pub credits: u32,
}

/// External mails a day: ceiling x (score - 70) / 30 x service (full from `service_full`), at most the credits; 0 while locked.
/// `ceilings`: further ones that the host knows, of mailbox and provider.
#[must_use]
pub fn daily(
    params: &Params,
    row: Option<&RosterRow>,
    score: Option<&Score>,
    credits: &Credits,
    ceilings: impl IntoIterator<Item = Ceiling>,
) -> Allowance {
    let locks = lock::locks(params, row, score);
    let recommended = Ceiling { of: CeilingOf::Recommended, mails: params.external_ceiling };
    let ceilings: Vec<Ceiling> = [recommended].into_iter().chain(ceilings).collect();
    let ceiling = ceilings.iter().fold(recommended, |low, c| if c.mails < low.mails { *c } else { low });
    let above = score.map_or(0, |s| s.value).saturating_sub(params.lock_below);
    let span = ((100 * MILLION) as u32).saturating_sub(params.lock_below).max(1);
    let service = row.map_or(0, |r| r.service).min(u16::try_from(params.service_full).unwrap_or(u16::MAX));
    let service_full = params.service_full.max(1);
    let full = u128::from(ceiling.mails) * u128::from(above) * u128::from(service);
    let by_score = (full / u128::from(span) / u128::from(service_full)) as u32;
    let mails = if locks.is_empty() { by_score.min(credits.left) } else { 0 };
    Allowance { mails, locks, ceiling, ceilings, above, span, service, service_full, by_score, credits: credits.left }
}
