//! Words and figures that both explanations use.

use std::fmt::{Display, Write as _};
use warmnet_protocol::ledger::Outcome;
use warmnet_protocol::matching::RingKind;
use warmnet_protocol::policy::complaints::Complaints;
use warmnet_protocol::score::Barrier;
use warmnet_protocol::score::explain::Entry;

/// Writes a line; writing into a String can't fail.
pub(super) fn line(out: &mut String, text: impl Display) {
    let _ok = writeln!(out, "{text}");
}

/// Millionths of a point.
pub(super) fn points(millionths: impl Into<i64>) -> f64 {
    millionths.into() as f64 / 1e6
}

/// Parts per million in percent.
pub(super) fn percent(ppm: u32) -> f64 {
    f64::from(ppm) / 1e4
}

/// A weight in Q16.16.
fn weight(q16: u64) -> f64 {
    q16 as f64 / 65_536.0
}

/// What locks a score.
pub(super) fn barrier(b: Barrier) -> &'static str {
    match b {
        Barrier::FewDelivered => "too few mails are delivered yet (provisional)",
        Barrier::Incomplete => "less than half of the dealt mails were completed (provisional)",
        Barrier::LowScore => "the score is below 70",
        Barrier::LowInbox => "too little of the mail surely reaches the inbox",
    }
}

/// Complaints, golden mailboxes' and others', where there are any.
pub(super) fn complaints(out: &mut String, c: &Complaints) {
    if c.raters + c.unconfirmed == 0 {
        return;
    }
    let seats = if c.stand() { "extra golden seats are dealt" } else { "no extra golden seats" };
    let unconfirmed = if c.unconfirmed > 0 { format!("; {} unconfirmed", c.unconfirmed) } else { String::new() };
    line(out, format_args!("\n  complained of by {} raters of {} domains: {seats} (from {}){unconfirmed}", c.raters, c.tags, c.needed));
}

/// An exchange's outcome.
fn outcome(o: Outcome) -> &'static str {
    match o {
        Outcome::DeliveredInbox => "inbox",
        Outcome::DeliveredSpam => "spam",
        Outcome::Unknown => "not seen",
        Outcome::HardBounce => "hard bounce",
        Outcome::SoftBounce => "soft bounce",
        Outcome::Contradiction => "contradicted",
        Outcome::NoShow => "no mail",
        Outcome::Void => "void",
    }
}

/// A table of ledger entries.
pub(super) fn entries(out: &mut String, all: &[Entry]) {
    line(out, "    epoch  slot       partner           outcome       weight");
    for e in all {
        let ring = match e.slot.ring {
            RingKind::Open => "open",
            RingKind::Rehab => "rehab",
            RingKind::Golden => "golden",
        };
        let slot = format!("{ring} {}", e.slot.round);
        let partner = e.partner.to_hex();
        line(
            out,
            format_args!(
                "    {:>5}  {slot:<10} {:<16}  {:<12}  {:>6.3}",
                e.epoch.0,
                partner.get(..16).unwrap_or(&partner),
                outcome(e.outcome),
                weight(e.weight)
            ),
        );
    }
}
