//! A roster row in tables.

use super::words::{complaints, epochs, evidence, hurdle, in_row, line, percent, points, reports};
use warmnet_protocol::matching::RingKind;
use warmnet_protocol::policy::allowance::{Allowance, CeilingOf};
use warmnet_protocol::policy::credits::{Credits, Lot};
use warmnet_protocol::policy::explain::{Explanation, Raise, Step};
use warmnet_protocol::policy::lock::Lock;
use warmnet_protocol::policy::pause::Bad;
use warmnet_protocol::policy::ramp::Still;
use warmnet_protocol::policy::triggers::{Level, Reading, Subject};
use warmnet_protocol::wire::roster::{Pool, RampPreset, Role};

/// Epochs of credits shown; JSON has them all.
const SHOWN_LOTS: usize = 7;

/// The page of one member.
pub(super) fn render(record: u32, e: &Explanation) -> String {
    let mut out = String::new();
    let row = &e.row;
    line(&mut out, row.member.to_hex());
    line(&mut out, format_args!("{} pool by record {record}, member since epoch {}{}\n", row.pool.name(), row.joined, lines(e)));
    quota(&mut out, e);
    dealt(&mut out, record, e);
    let s = e.service;
    line(
        &mut out,
        format_args!(
            "service {:.1} %: {} of {} owed replies given, for {} mails; full from {:.0} %",
            f64::from(s.per_mille) / 10.0,
            s.given,
            s.owed,
            s.seen,
            f64::from(e.service_full) / 10.0
        ),
    );
    evidence(&mut out, "mails that were owed an answer and got none", &e.unanswered);
    if let Some(d) = &e.debt {
        let pace =
            d.epochs.map_or_else(|| "this record paid none of it".to_owned(), |n| format!("this record paid {}: {n} more like it", d.paid));
        line(&mut out, format_args!("debt: {} clean mails to go, last raised by record {}; {pace}", d.left, d.since));
        evidence(&mut out, "hard bounces that it is for, as far as they are in the window", &d.bounces);
        reports(&mut out, "reports that it is for", &d.reports);
    }
    if row.dead {
        line(&mut out, "the mailbox refused mail from several senders: nothing is dealt to it until a golden mail arrives");
    }
    evidence(&mut out, "mails that your mailbox refused", &e.refused);
    line(&mut out, "\n  rate                  events  mails    rate   watch  throttle  rehab  state");
    e.readings.iter().for_each(|r| reading(&mut out, r));
    evidence(&mut out, "the hard bounces, latest first", &e.bounces);
    in_row(&mut out, &e.in_row);
    evidence(&mut out, "complained of by golden mailboxes", &e.golden_complaints);
    reports(&mut out, "reports of your own mail", &e.reports);
    complaints(&mut out, &e.complaints, &e.complained, &e.unconfirmed);
    credits(&mut out, &e.credits);
    allowance(&mut out, &e.allowance);
    if !e.raises.is_empty() {
        line(&mut out, "\nwhat would raise them");
        line(&mut out, "  quota  allowance  locks");
        e.raises.iter().for_each(|r| raise(&mut out, r));
    }
    out
}

/// The scores at which the pool is another.
fn lines(e: &Explanation) -> String {
    let value = e.score.map_or(0, |s| s.value);
    let up = e.lines.up.map(|l| {
        let missing = l.at.saturating_sub(value);
        let now = if missing > 0 { format!("{:.2} points more", points(missing)) } else { "reached".to_owned() };
        format!("; {} from {:.0} ({now})", l.pool.name(), points(l.at))
    });
    let down = e.lines.down.map(|l| format!("; {} below {:.0}", l.pool.name(), points(l.at)));
    [up, down].into_iter().flatten().collect()
}

fn quota(out: &mut String, e: &Explanation) {
    let (row, q) = (&e.row, e.quota);
    line(out, format_args!("quota {} warming mails a day", q.mails));
    ramp(out, e);
    line(out, format_args!("  {:>5}  by the pool", q.pool));
    pause(out, e);
    line(out, format_args!("  {:>5}  by service ({:.1} %)", q.service, f64::from(row.service) / 10.0));
}

fn ramp(out: &mut String, e: &Explanation) {
    let preset = match e.row.ramp {
        RampPreset::Gentle => "gentle",
        RampPreset::Fresh => "fresh",
        RampPreset::Prewarmed => "prewarmed",
    };
    line(out, format_args!("  {:>5}  day {} of the {preset} ramp", e.quota.ramp, e.row.ramp_day));
    if !e.ramp.counted.is_empty() {
        line(out, format_args!("         days added by records {}", epochs(&e.ramp.counted)));
    }
    let idle =
        || e.ramp.closed.map_or_else(|| "no mail was completed".to_owned(), |(epoch, _)| format!("no mail of epoch {epoch} was completed"));
    let why = match e.ramp.still {
        None => return,
        Some(Still::Golden) => return,
        Some(Still::Joined) => "it begins with the next record".to_owned(),
        Some(Still::Rehab) => "it waits for the end of rehab".to_owned(),
        Some(Still::Quarantined) => "the domain is quarantined".to_owned(),
        Some(Still::Dead) => "the mailbox takes no mail".to_owned(),
        Some(Still::Cut) => "it waits until nothing is cut".to_owned(),
        Some(Still::Idle) => idle(),
        Some(Still::Degraded) => "the record is a degraded one".to_owned(),
    };
    line(out, format_args!("         this record added none: {why}"));
}

fn pause(out: &mut String, e: &Explanation) {
    let (row, p) = (&e.row, &e.pause);
    let by = p.cut_by.map(|record| {
        let clean = if p.clean.is_empty() { "none since".to_owned() } else { format!("records {}", epochs(&p.clean)) };
        format!(", last cut by record {record}; clean epochs closed: {clean}")
    });
    let left = f64::from(row.cut) / 10.0;
    line(out, format_args!("  {:>5}  pause and fix leaves {left:.0} %{}", e.quota.cut, by.unwrap_or_default()));
    let Some(look) = p.look else { return };
    for bad in &p.bad {
        let why = match bad {
            Bad::Throttled => "mail bounced in it while bounces are above the throttle line",
            Bad::BrokeIn => "less than half of the usual share reached the inbox",
        };
        line(out, format_args!("         the epoch just closed was a bad one: {why}"));
    }
    if !p.bad.is_empty() || row.cut < 1_000 {
        let ((now, of), (before, all)) = (look.now, look.before);
        line(out, format_args!("         in the inbox: {now} of {of} in that epoch, {before} of {all} before"));
    }
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
    let sum = |of: fn(&Lot) -> u32| c.lots.iter().map(|l| u64::from(of(l))).sum::<u64>();
    let (earned, spent) = (sum(|l| l.processed) * u64::from(c.each), sum(|l| l.external));
    let uncovered = if c.uncovered > 0 { format!(", {} of them without a credit", c.uncovered) } else { String::new() };
    line(out, format_args!("  earned {earned} in the window, spent by {spent} mails{uncovered}"));
    let held: Vec<_> = c.lots.iter().filter(|l| l.left > 0 || l.external > 0).collect();
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

fn whose(of: CeilingOf) -> &'static str {
    match of {
        CeilingOf::Recommended => "recommended",
        CeilingOf::Mailbox => "your mailbox's cap",
        CeilingOf::Provider => "your provider's cap",
    }
}

fn allowance(out: &mut String, a: &Allowance) {
    line(out, format_args!("\nallowance {} mails of your own a day", a.mails));
    for lock in &a.locks {
        let why = match lock {
            Lock::Score(h) => hurdle(h),
            Lock::NoScore => "it has no score yet".to_owned(),
            Lock::NoRow => "it is in no roster".to_owned(),
            Lock::Rehab => "it is in rehab".to_owned(),
            Lock::Quarantined => "its domain is quarantined".to_owned(),
        };
        line(out, format_args!("  locked: {why}"));
    }
    line(
        out,
        format_args!(
            "  {:>5}  ceiling {} ({}) x {:.1} of {:.0} points above the lock line x service {:.1} of {:.0} %",
            a.by_score,
            a.ceiling.mails,
            whose(a.ceiling.of),
            points(a.above),
            points(a.span),
            f64::from(a.service) / 10.0,
            f64::from(a.service_full) / 10.0
        ),
    );
    line(out, format_args!("  {:>5}  credits", a.credits));
    let others = a.ceilings.iter().filter(|c| **c != a.ceiling).map(|c| format!("{} {}", whose(c.of), c.mails));
    let others = others.collect::<Vec<_>>().join(", ");
    if !others.is_empty() {
        line(out, format_args!("         higher ceilings: {others}"));
    }
}

fn raise(out: &mut String, r: &Raise) {
    let what = match r.step {
        Step::NextRampDay => "the ramp's next day".to_owned(),
        Step::NoCut => "nothing cut: clean epochs bring it back".to_owned(),
        Step::FullService => "every owed reply given".to_owned(),
        Step::TenPoints => "a score ten points higher (see `score explain`)".to_owned(),
        Step::OneMoreInbound => "one more mail processed for others".to_owned(),
        Step::Points(n) => format!("{:.2} points more (see `score explain`)", points(n)),
        Step::Deliver(n) => format!("{n} more mails delivered"),
        Step::Complete(n) => format!("{n} more dealt mails, all completed"),
        Step::Inbox(n) => format!("{:.1} % more of the mail surely in the inbox", percent(n)),
        Step::PayDebt(n) => format!("the debt paid: {n} clean mails"),
        Step::Calm => "no rate above its rehab line".to_owned(),
        Step::Released => "the domain released from quarantine".to_owned(),
        Step::GoldenMail => "a golden mailbox gets a mail of yours, and no bounce follows".to_owned(),
        Step::AllNeeded => "all of these".to_owned(),
    };
    line(out, format_args!("  {:>5}  {:>9}  {:>5}  {what}", r.quota, r.allowance, r.locks));
}
