//! Words and figures that both explanations use.

use std::fmt::{Display, Write as _};
use warmnet_protocol::ids::MemberId;
use warmnet_protocol::ledger::Outcome;
use warmnet_protocol::matching::{RingKind, Slot};
use warmnet_protocol::policy::complaints::Complaints;
use warmnet_protocol::score::evidence::{Evidence, InRow, Told};
use warmnet_protocol::score::{Barrier, Hurdle};
use warmnet_protocol::time::Epoch;

/// Entries shown of a kind; JSON names more.
const SHOWN: usize = 8;

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

/// What locks a score, and what is missing.
pub(super) fn hurdle(h: &Hurdle) -> String {
    let missing = h.need.saturating_sub(h.have);
    match h.barrier {
        Barrier::FewDelivered => format!("{} mails are delivered, a score needs {} (provisional): {missing} are missing", h.have, h.need),
        Barrier::Incomplete => {
            format!("{:.1} % of the dealt mails were completed, a score needs {:.1} % (provisional)", percent(h.have), percent(h.need))
        }
        Barrier::LowScore => format!("the score is below {:.2}: {:.2} points are missing", points(h.need), points(missing)),
        Barrier::LowInbox => {
            format!("{:.1} % of the mail surely reaches the inbox, {:.1} % are needed", percent(h.have), percent(h.need))
        }
    }
}

/// Complaints, golden mailboxes' and others', where there are any, and the mails complained of.
pub(super) fn complaints(out: &mut String, c: &Complaints, complained: &Evidence, unconfirmed: &Evidence) {
    if c.raters + c.unconfirmed == 0 {
        return;
    }
    let seats = if c.stand() { "extra golden seats are dealt" } else { "no extra golden seats" };
    line(out, format_args!("\n  complained of by {} raters of {} domains: {seats} (from {})", c.raters, c.tags, c.needed));
    table(out, complained);
    evidence(out, "complaints of mail that not both sides call delivered, which count nothing", unconfirmed);
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

fn slot(slot: Slot) -> String {
    let ring = match slot.ring {
        RingKind::Open => "open",
        RingKind::Rehab => "rehab",
        RingKind::Golden => "golden",
    };
    format!("{ring} {}", slot.round)
}

fn short(partner: &MemberId) -> String {
    partner.to_hex().chars().take(16).collect()
}

/// So many more than are shown.
fn more(out: &mut String, all: usize) {
    if all > SHOWN {
        line(out, format_args!("    and {} more", all - SHOWN));
    }
}

/// Entries behind a number under a title, where there are any.
pub(super) fn evidence(out: &mut String, title: &str, e: &Evidence) {
    if e.mails > 0 {
        line(out, format_args!("\n  {title}: {}", e.mails));
        table(out, e);
    }
}

/// A table of ledger entries.
fn table(out: &mut String, e: &Evidence) {
    let weighed = e.shown.iter().any(|x| x.parts.is_some());
    let head = if weighed { "  weight =  word / shared x golden  credible" } else { "" };
    line(out, format!("    epoch  slot       partner           outcome     {head}").trim_end());
    for x in e.shown.iter().take(SHOWN) {
        let parts = x.parts.map_or_else(String::new, |p| {
            let (weight, word, group) = (weight(x.weight), weight(u64::from(p.word)), weight(p.group));
            format!("  {weight:>6.3}   {word:>5.3}   {group:>6.2} {:>8} {:>8.1}%", p.golden, percent(p.credibility))
        });
        let row = format!("    {:>5}  {:<10} {:<16}  {:<12}{parts}", x.epoch.0, slot(x.slot), short(&x.partner), outcome(x.outcome));
        line(out, row.trim_end());
    }
    more(out, e.mails as usize);
}

/// Hard bounces that are refusals for now in a row.
pub(super) fn in_row(out: &mut String, all: &[InRow]) {
    for row in all.iter().take(SHOWN) {
        let (last, before) = (&row.last, row.before.iter().map(|x| format!("{} ({})", x.epoch, short(&x.partner))));
        let before = before.collect::<Vec<_>>().join(", ");
        line(
            out,
            format_args!(
                "  the bounce of epoch {} at {} was a refusal for now, after others there in epochs (and by): {before}",
                last.epoch,
                short(&last.partner)
            ),
        );
    }
    more(out, all.len());
}

/// Self reports, the latest first.
pub(super) fn reports(out: &mut String, title: &str, all: &[Told]) {
    if all.is_empty() {
        return;
    }
    line(out, format_args!("\n  {title}\n    epoch   sent  hard  soft  complaints"));
    for t in all.iter().rev().take(SHOWN) {
        let r = t.report;
        let held = if t.counts || r.hard == 0 { "" } else { "  bounces are a debt's" };
        line(out, format_args!("    {:>5}  {:>5} {:>5} {:>5}  {:>10}{held}", t.epoch.0, r.sent, r.hard, r.soft, r.complaints));
    }
    more(out, all.len());
}

/// Epochs in a row of words, the latest ones.
pub(super) fn epochs(all: &[Epoch]) -> String {
    let shown: Vec<String> = all.iter().skip(all.len().saturating_sub(SHOWN)).map(ToString::to_string).collect();
    let before = if all.len() > SHOWN { format!("{} more, ", all.len() - SHOWN) } else { String::new() };
    format!("{before}{}", shown.join(", "))
}
