//! Triggers on raw rates, from `trigger_mails` mails and `trigger_events` events. Reconciled and external figures are looked at
//! one beside the other, so claimed external mails don't thin out real bounces.

use crate::params::{MILLION, Params};
use crate::score::Bounces;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing to say.
    Calm,
    /// Watch: told to the owner.
    Watch,
    /// Throttle: pause and fix.
    Throttle,
    /// Rehabilitation at once.
    Rehab,
}

fn above(params: &Params, events: u64, mails: u64, rate: u32) -> bool {
    mails >= u64::from(params.trigger_mails)
        && events >= u64::from(params.trigger_events)
        && u128::from(events) * u128::from(MILLION) > u128::from(rate) * u128::from(mails)
}

/// The worst level that bounces or complaints reach.
#[must_use]
pub fn level(params: &Params, x: &Bounces) -> Level {
    let bounced = |rate| above(params, x.hard, x.attempts, rate) || above(params, x.external_hard, x.external_sent, rate);
    let complained =
        |rate| above(params, x.golden_complaints, x.golden_delivered, rate) || above(params, x.external_complaints, x.complaint_sent, rate);
    if bounced(params.bounce_rehab) || complained(params.complaint_rehab) {
        Level::Rehab
    } else if bounced(params.bounce_throttle) {
        Level::Throttle
    } else if bounced(params.bounce_watch) || complained(params.complaint_watch) {
        Level::Watch
    } else {
        Level::Calm
    }
}
