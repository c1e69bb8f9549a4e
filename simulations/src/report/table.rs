//! The table that people read, live and at the end. Plain text, at most 100 columns.

use super::checks::Check;
use super::collect::{Observations, ratio};
use super::summary::{EpochRow, Summary};
use std::fmt::Write as _;

/// Column heads, as wide as [`row`] writes.
pub const HEAD: &str = "epoch  planned   sent  inbox %  spam %  rescued  replied  reconciled %  score  bad apple         notes";

/// One row of the table.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Figures of the epoch.
    pub row: EpochRow,
    /// Mean score of the honest members.
    pub mean_score: Option<f64>,
    /// The bad apple's score.
    pub bad_score: Option<f64>,
    /// The bad apple's pool.
    pub bad_pool: Option<String>,
    /// Short remarks.
    pub notes: Vec<String>,
}

impl Line {
    /// The row of `epoch` from what is known now.
    pub fn of(seen: &Observations, row: EpochRow, notes: Vec<String>) -> Self {
        let bad = seen.cast.bad;
        Self {
            row,
            mean_score: seen.mean_score(),
            bad_score: bad.and_then(|i| seen.score(i)),
            bad_pool: bad.and_then(|i| seen.pool(i)).map(str::to_owned),
            notes,
        }
    }
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{:.1}", v * 100.0))
}

fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.1}"))
}

/// Writes one row.
pub fn row(line: &Line) -> String {
    let r = &line.row;
    let seen = u64::from(r.inbox) + u64::from(r.spam);
    let share = |part: u32| (seen > 0).then(|| ratio(part.into(), seen));
    let reconciled = r.reconciled.zip(r.dealt).filter(|(_, dealt)| *dealt > 0).map(|(n, dealt)| ratio(n.into(), dealt.into()));
    let bad = format!("{:>5} {}", score(line.bad_score), line.bad_pool.as_deref().unwrap_or(""));
    let mut notes = line.notes.join(", ");
    if r.degraded {
        notes = if notes.is_empty() { "degraded".to_owned() } else { format!("degraded, {notes}") };
    }
    let text = format!(
        "{:>5}  {:>7}  {:>5}  {:>7}  {:>6}  {:>7}  {:>7}  {:>12}  {:>5}  {bad:<17} {notes}",
        r.epoch,
        r.planned,
        r.sent,
        percent(share(r.inbox)),
        percent(share(r.spam)),
        r.rescued,
        r.replied,
        percent(reconciled),
        score(line.mean_score),
    );
    text.trim_end().to_owned()
}

/// The table of a finished run, its totals and its checks.
pub fn summary(s: &Summary, checks: &[Check]) -> String {
    let mut out = String::new();
    let mut put = |line: String| {
        let _ = writeln!(out, "{line}");
    };
    put(String::new());
    put(HEAD.to_owned());
    for r in &s.epochs {
        put(row(&final_line(s, r)));
    }
    let t = &s.totals;
    put(String::new());
    put(format!(
        "planned {}, sent {} (fill rate {:.1} %), observed {}, missing {}",
        t.planned,
        t.sent,
        t.fill_rate * 100.0,
        t.observed,
        t.missing
    ));
    put(format!(
        "rescued {}, replied {}, reconciled {} of {} in {} closed epochs",
        t.rescued, t.replied, t.reconciled, t.dealt_closed, t.closed_epochs
    ));
    let h = &s.honest_inbox;
    put(format!(
        "honest inbox share: first 5 epochs {:.1} % of {} mails, last 5 {:.1} % of {} ({:+.1} points)",
        h.first5 * 100.0,
        h.mails_first5,
        h.last5 * 100.0,
        h.mails_last5,
        (h.last5 - h.first5) * 100.0
    ));
    put(String::new());
    put(scores(s));
    for c in checks {
        put(format!("  {}  {:<46} {}", if c.pass { "pass" } else { "FAIL" }, c.name, c.found));
    }
    put(format!("took {:.0} s", s.wall_seconds));
    out
}

fn final_line(s: &Summary, r: &EpochRow) -> Line {
    let bad = s.quarantined.as_ref();
    let mut notes = Vec::new();
    if bad.is_some_and(|b| b.listed_epoch == Some(r.epoch)) {
        notes.push("listed".to_owned());
    }
    if bad.is_some_and(|b| b.excluded_epoch == Some(r.epoch)) {
        notes.push("excluded".to_owned());
    }
    let table = s.score_history.get(&r.epoch);
    let bad_name = bad.map(|b| b.name.as_str());
    let honest: Vec<f64> = table.iter().flat_map(|t| t.iter()).filter(|(n, _)| Some(n.as_str()) != bad_name).map(|(_, v)| *v).collect();
    #[allow(clippy::cast_precision_loss, reason = "a few hundred nodes at most")]
    let mean = (!honest.is_empty()).then(|| honest.iter().sum::<f64>() / honest.len() as f64);
    let bad_score = bad_name.and_then(|n| table?.get(n).copied());
    Line { row: r.clone(), mean_score: mean, bad_score, bad_pool: None, notes }
}

fn scores(s: &Summary) -> String {
    let one = |(name, value): (&String, &f64)| format!("{name} {value:.0} ({})", s.pools.get(name).map_or("?", String::as_str));
    let all: Vec<String> = s.scores.iter().map(one).collect();
    let lines: Vec<String> =
        all.chunks(4).map(|c| c.iter().map(|t| format!("{t:<22}")).collect::<String>().trim_end().to_owned()).collect();
    format!("scores: {}\n", lines.join("\n        "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_under_their_heads() {
        let r = EpochRow {
            epoch: 7,
            planned: 91,
            sent: 88,
            inbox: 60,
            spam: 20,
            reconciled: Some(80),
            dealt: Some(88),
            rescued: 18,
            replied: 30,
            ..EpochRow::default()
        };
        let line = Line {
            row: r,
            mean_score: Some(81.26),
            bad_score: Some(31.0),
            bad_pool: Some("quarantined".into()),
            notes: vec!["listed".into()],
        };
        let text = row(&line);
        for (head, value) in
            [("epoch", "7"), ("planned", "91"), ("sent", "88"), ("inbox %", "75.0"), ("reconciled %", "90.9"), ("score", "81.3")]
        {
            let end = HEAD.find(head).expect("head exists") + head.len();
            assert!(text[..end].ends_with(value), "{head}: {text}");
        }
        let at = HEAD.find("notes").expect("head exists");
        assert_eq!(&text[at..], "listed");
    }

    #[test]
    fn an_open_epoch_has_dashes() {
        let text = row(&Line::default());
        assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["0", "0", "0", "-", "-", "0", "0", "-", "-", "-"]);
    }
}
