//! A roster row in tables.

use super::words::{barrier, complaints, entries, line, percent, points};
use warmnet_protocol::matching::RingKind;
use warmnet_protocol::policy::allowance::Allowance;
use warmnet_protocol::policy::credits::Credits;
use warmnet_protocol::policy::explain::{Explanation, Raise, Step};
use warmnet_protocol::policy::lock::Lock;
use warmnet_protocol::policy::triggers::{Level, Reading, Subject};
use warmnet_protocol::wire::roster::{Pool, RampPreset, Role};

/// Epochs of credits shown; JSON has them all.
const SHOWN_LOTS: usize = 7;

/// The page of one member.
pub(super) fn render(record: u32, e: &Explanation) -> String {
    let mut out = String::new();
    let row = &e.row;
    line(&mut out, row.member.to_hex());
    line(&mut out, format_args!("{} pool by record {record}, member since epoch {}\n", row.pool.name(), row.joined));
    quota(&mut out, e);
    dealt(&mut out, record, e);
    let s = e.service;
    let owed = s.owed as f64 / 1e6;
    line(
        &mut out,
        format_args!(
            "service {:.1} %: {} replies given of {owed:.1} owed for {} mails; full from {:.0} %",
            f64::from(s.per_mille) / 10.0,
            s.given,
            s.seen,
            f64::from(e.service_full) / 10.0
        ),
    );
    if let Some(d) = e.debt {
        let pace = d.epochs.map_or_else(|| "none paid last epoch".to_owned(), |n| format!("{} paid last epoch: {n} more like it", d.paid));
        line(&mut out, format_args!("debt: {} clean mails to go since record {}; {pace}", d.left, d.since));
    }
    if row.dead {
        line(&mut out, "the mailbox refused mail from several senders: nothing is dealt to it until a golden mail arrives");
    }
    line(&mut out, "\n  rate                  events  mails    rate   watch  throttle  rehab  state");
    e.readings.iter().for_each(|r| reading(&mut out, r));
    if !e.bounces.is_empty() {
        line(&mut out, "\n  the latest hard bounces");
        entries(&mut out, &e.bounces);
    }
    complaints(&mut out, &e.complaints);
    credits(&mut out, &e.credits);
    allowance(&mut out, &e.allowance);
    if !e.raises.is_empty() {
        line(&mut out, "\nwhat would raise them");
        line(&mut out, "  quota  allowance");
        e.raises.iter().for_each(|r| raise(&mut out, r));
    }
    out
}

fn quota(out: &mut String, e: &Explanation) {
    let (row, q) = (&e.row, e.quota);
    let preset = match row.ramp {
        RampPreset::Gentle => "gentle",
        RampPreset::Fresh => "fresh",
        RampPreset::Prewarmed => "prewarmed",
    };
    let look = match e.look {
        Some((l, true)) => {
            let why = if l.bounced { "mail bounced" } else { "less than half of the usual inbox share" };
            format!("; the last closed epoch was a bad one: {why}")
        }
        _ => String::new(),
    };
    line(out, format_args!("quota {} warming mails a day", q.mails));
    line(out, format_args!("  {:>5}  day {} of the {preset} ramp", q.ramp, row.ramp_day));
    line(out, format_args!("  {:>5}  by the pool", q.pool));
    let cut = f64::from(row.cut) / 10.0;
    line(out, format_args!("  {:>5}  pause and fix leaves {cut:.0} %, {} clean epochs{look}", q.cut, row.clean_epochs));
    line(out, format_args!("  {:>5}  by service", q.service));
}

/// What the epoch makes of the quota.
fn dealt(out: &mut String, epoch: u32, e: &Explanation) {
    let Some(d) = e.dealt else { return };
    let golden = if d.golden == 0 { String::new() } else { format!(", and {} to golden mailboxes", d.golden) };
    let Some(ride) = d.ride else {
        let why = match &e.row {
            row if row.role == Role::Golden => "golden mailboxes only receive",
            row if row.pool == Pool::Quarantined => "its domain is quarantined",
            row if row.dead => "it takes no mail",
            row if row.quota == 0 => "its quota is 0",
            _ => "this is none of its weekdays",
        };
        return line(out, format_args!("epoch {epoch} deals it no mail to members: {why}{golden}"));
    };
    let class = if ride.ring == RingKind::Rehab { "rehab class" } else { "open class" };
    line(out, format_args!("epoch {epoch} deals it {} mails to members{golden}", ride.mails));
    line(
        out,
        format_args!("  {:>5}  in the {class} of {}: at most {} each, {} rounds laid out", ride.quota, ride.riders, ride.cap, ride.rounds),
    );
    line(out, format_args!("  {:>5}  without partners it meets twice or that are related to it", ride.mails));
}

fn reading(out: &mut String, r: &Reading) {
    let name = match r.subject {
        Subject::Bounces => "bounces",
        Subject::ExternalBounces => "bounces, your mail",
        Subject::Complaints => "complaints",
        Subject::ExternalComplaints => "complaints, your mail",
    };
    let state = match r.level {
        Level::Calm => "calm",
        Level::Watch => "watch",
        Level::Throttle => "throttle",
        Level::Rehab => "rehab",
    };
    let throttle = r.thresholds.throttle.map_or_else(|| "-".to_owned(), |t| format!("{:.1} %", percent(t)));
    line(
        out,
        format_args!(
            "  {name:<21} {:>6} {:>6} {:>6.2}%  {:>4.1} %  {throttle:>8} {:>4.1} %  {state}",
            r.events,
            r.mails,
            percent(r.ppm),
            percent(r.thresholds.watch),
            percent(r.thresholds.rehab)
        ),
    );
}

fn credits(out: &mut String, c: &Credits) {
    line(out, format_args!("\ncredits {}: {} for each mail processed for others, one spent by each mail of your own", c.left, c.each));
    let held: Vec<_> = c.lots.iter().filter(|l| l.left > 0).collect();
    if held.is_empty() {
        return;
    }
    line(out, "  epoch  processed  your mails   left  gone with");
    for l in held.iter().take(SHOWN_LOTS) {
        line(out, format_args!("  {:>5}  {:>9}  {:>10}  {:>5}  {:>9}", l.epoch.0, l.processed, l.external, l.left, l.expires.0));
    }
    let more = held.len().saturating_sub(SHOWN_LOTS);
    if more > 0 {
        line(out, format_args!("  and {more} later epochs"));
    }
}

fn allowance(out: &mut String, a: &Allowance) {
    line(out, format_args!("\nallowance {} mails of your own a day", a.mails));
    for lock in &a.locks {
        let why = match lock {
            Lock::Score(b) => barrier(*b),
            Lock::NoScore => "it has no score yet",
            Lock::NoRow => "it is in no roster",
            Lock::Rehab => "it is in rehab until its debt is paid",
            Lock::Quarantined => "its domain is quarantined",
        };
        line(out, format_args!("  locked: {why}"));
    }
    line(
        out,
        format_args!(
            "  {:>5}  ceiling {} x {:.1} of {:.0} points above the lock line x service {:.1} of {:.0} %",
            a.by_score,
            a.ceiling,
            points(a.above),
            points(a.span),
            f64::from(a.service) / 10.0,
            f64::from(a.service_full) / 10.0
        ),
    );
    line(out, format_args!("  {:>5}  credits", a.credits));
}

fn raise(out: &mut String, r: &Raise) {
    let what = match r.step {
        Step::NextRampDay => "the ramp's next day",
        Step::NoCut => "nothing cut: clean epochs bring it back",
        Step::FullService => "every owed reply given",
        Step::TenPoints => "a score ten points higher (see `score explain`)",
        Step::OneMoreInbound => "one more mail processed for others",
    };
    line(out, format_args!("  {:>5}  {:>9}  {what}", r.quota, r.allowance));
}
