//! Triggers on raw rates, from `trigger_mails` mails and `trigger_events` events. Reconciled and external figures are looked at
//! one beside the other, so claimed external mails don't thin out real bounces.

use crate::params::{MILLION, Params};
use crate::score::Bounces;
use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// What a rate is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Reconciled hard bounces.
    Bounces,
    /// Hard bounces of the owner's external mail.
    ExternalBounces,
    /// Golden mailboxes' complaints.
    Complaints,
    /// Complaints of the owner's external mail.
    ExternalComplaints,
}

/// One raw rate against its thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// What it is about.
    pub subject: Subject,
    /// Bounces or complaints.
    pub events: u64,
    /// Mails.
    pub mails: u64,
    /// Events over mails, ppm, rounded down; 0 without mails.
    pub ppm: u32,
    /// Threshold of each level, ppm, mildest first.
    pub thresholds: Thresholds,
    /// Level reached.
    pub level: Level,
}

/// Where a rate's levels begin, ppm; a rate must be above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Watch.
    pub watch: u32,
    /// Throttle; complaints have none.
    pub throttle: Option<u32>,
    /// Rehabilitation.
    pub rehab: u32,
}

/// All four rates.
#[must_use]
pub fn readings(params: &Params, x: &Bounces) -> [Reading; 4] {
    let bounces = Thresholds { watch: params.bounce_watch, throttle: Some(params.bounce_throttle), rehab: params.bounce_rehab };
    let complaints = Thresholds { watch: params.complaint_watch, throttle: None, rehab: params.complaint_rehab };
    let reading = |(subject, events, mails, thresholds): (Subject, u64, u64, Thresholds)| {
        let reached = |rate| above(params, events, mails, rate);
        let level = if reached(thresholds.rehab) {
            Level::Rehab
        } else if thresholds.throttle.is_some_and(reached) {
            Level::Throttle
        } else if reached(thresholds.watch) {
            Level::Watch
        } else {
            Level::Calm
        };
        let ppm = (u128::from(events) * u128::from(MILLION)).checked_div(u128::from(mails)).unwrap_or(0);
        Reading { subject, events, mails, ppm: u32::try_from(ppm).unwrap_or(u32::MAX), thresholds, level }
    };
    [
        (Subject::Bounces, x.hard, x.attempts, bounces),
        (Subject::ExternalBounces, x.external_hard, x.external_sent, bounces),
        (Subject::Complaints, x.golden_complaints, x.golden_delivered, complaints),
        (Subject::ExternalComplaints, x.external_complaints, x.complaint_sent, complaints),
    ]
    .map(reading)
}

/// The worst level that bounces or complaints reach.
#[must_use]
pub fn level(params: &Params, x: &Bounces) -> Level {
    readings(params, x).iter().map(|r| r.level).max().unwrap_or(Level::Calm)
}
