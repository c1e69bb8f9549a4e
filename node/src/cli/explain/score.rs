//! A score in tables.

use super::words::{complaints, evidence, hurdle, in_row, line, percent, points, reports};
use warmnet_protocol::score::explain::{Change, Explanation, Figure, Part, Step};

/// The page of one member.
pub(super) fn render(record: u32, e: &Explanation) -> String {
    let mut out = String::new();
    let open = if e.barriers.is_empty() { "external mail is open by it" } else { "external mail is locked by it" };
    line(&mut out, e.member.to_hex());
    line(&mut out, format_args!("score {:.2} by record {record}; {open}", points(e.score.value)));
    e.barriers.iter().for_each(|h| line(&mut out, format_args!("  locked: {}", hurdle(h))));
    line(
        &mut out,
        format_args!("{} mails delivered, {} of {} dealt were completed\n", e.score.delivered, e.score.completed, e.score.dealt),
    );
    line(&mut out, "  figure            value    points  counted");
    e.parts.iter().for_each(|p| part(&mut out, p));
    for p in &e.parts {
        // Of what is good the rest is told, since that can be mended; of the others what was counted.
        let (side, words) = match p.figure {
            Figure::Authenticated => (&p.misses, "not authenticated; those that count most"),
            Figure::Inbox => (&p.misses, "in spam; those that count most"),
            Figure::Replied => (&p.hits, "replied to; those that count most"),
            Figure::Read => (&p.hits, "read; those that count most"),
            Figure::Bounced => (&p.hits, "bounced; the latest"),
            Figure::Complained => (&p.hits, "complained of by golden mailboxes; the latest"),
        };
        evidence(&mut out, words, side);
    }
    in_row(&mut out, &e.in_row);
    if e.score.completed < e.score.dealt {
        evidence(&mut out, "not completed, some made up for by spares", &e.uncompleted);
    }
    reports(&mut out, "reports of your own mail", &e.reports);
    complaints(&mut out, &e.complaints, &e.complained, &e.unconfirmed);
    line(&mut out, "\n  what would change it");
    e.changes.iter().for_each(|c| change(&mut out, c));
    out
}

fn part(out: &mut String, p: &Part) {
    let (name, hit, miss) = match p.figure {
        Figure::Authenticated => ("authenticated", "passed", "failed"),
        Figure::Replied => ("replied, surely", "replied", "not"),
        Figure::Read => ("read, surely", "read", "not"),
        Figure::Bounced => ("bounced, surely", "bounced", "arrived or may yet"),
        Figure::Complained => ("complaints, surely", "complained of", "not"),
        Figure::Inbox => ("inbox, surely", "in the inbox", "in spam"),
    };
    let earned = if p.figure == Figure::Inbox { "-".to_owned() } else { format!("{:+.2}", points(p.points)) };
    let outside = p.external.filter(|(_, mails)| *mails > 0).map_or_else(String::new, |(events, mails)| {
        let leads = if p.external_leads { ", which counts" } else { "" };
        format!("; of your own mail {events} of {mails}{leads}")
    });
    let (hits, misses) = (p.hits.mails, p.misses.mails);
    line(out, format_args!("  {name:<18} {:>6.2} % {earned:>8}  {hits} {hit}, {misses} {miss}{outside}", percent(p.ppm)));
}

fn change(out: &mut String, c: &Change) {
    let what = match c.step {
        Step::MoreMails(1) => "one more mail to a believed partner: in the inbox, read, replied to".to_owned(),
        Step::MoreMails(n) => format!("{n} more of them"),
        Step::AllAuthenticated => "SPF, DKIM and DMARC passing for every mail".to_owned(),
        Step::AllCompleted => "every dealt mail completed".to_owned(),
        Step::SpamInInbox => "the mails in spam in the inbox, though unread there".to_owned(),
        Step::WithoutBounce { epoch, partner, .. } => format!("without the last bounce (epoch {epoch}, at {})", partner.short()),
        Step::NoBounces => "without any hard bounce".to_owned(),
        Step::NoComplaints => "without any complaint".to_owned(),
    };
    let lock = if c.locked { "locked" } else { "open" };
    line(out, format_args!("  {:>+7.2} -> {:>6.2}  {lock:<6}  {what}", points(c.gain), points(c.value)));
}
