//! `status`, `score`, `peers`: what the running node says, for people.

use super::exit::{CliError, ExitCode};
use super::out::{self, say};
use super::{Global, explain};
use crate::control::{Client, Request, Severity, Status};
use clap::{Args, Subcommand};
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::Duration;

/// Options of `status`.
#[derive(Args)]
pub(super) struct StatusArgs {
    /// Refresh once a second until Ctrl-C
    #[arg(long)]
    watch: bool,
}

/// Options of `score`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ScoreArgs {
    /// A member in hex, or the address of a mailbox of this node [default: the members of this node]
    member: Option<String>,
    #[command(subcommand)]
    verb: Option<ScoreVerb>,
}

/// Verbs of `score`.
#[derive(Subcommand)]
enum ScoreVerb {
    /// Take a score apart: what each figure earns or costs, the mails behind it, what would raise it
    #[command(after_help = explain::SCORE_HELP)]
    Explain(explain::ExplainArgs),
}

/// Asks a running node for its status.
///
/// # Errors
/// [`CliError`].
pub(super) fn fetch_status(client: &mut Client) -> Result<Status, CliError> {
    let value = client.ask(&Request::Status)?;
    serde_json::from_value(value)
        .map_err(|e| CliError::new(ExitCode::Error, "the status can't be read").why(e).todo("use the same version as the running node"))
}

pub(super) fn status(global: &Global, args: StatusArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&global.home())?;
    // In a file or a pipe pages follow each other.
    let in_place = args.watch && std::io::stdout().is_terminal();
    if in_place && !global.json {
        out::text(format_args!("\x1b[2J"));
    }
    loop {
        let status = fetch_status(&mut client)?;
        match (global.json, in_place) {
            (true, _) => say!("{}", serde_json::json!(status)),
            // Home, then the page, then clear what a longer page left behind.
            (false, true) => out::text(format_args!("\x1b[H{}\x1b[J", render(&status).replace('\n', "\x1b[K\n"))),
            (false, false) => out::text(format_args!("{}", render(&status))),
        }
        if !args.watch {
            return Ok(());
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// A score bar of 20 cells.
fn bar(score: f64) -> String {
    let cells = (score / 5.0).round().clamp(0.0, 20.0) as usize;
    format!("{}{}", "#".repeat(cells), ".".repeat(20 - cells))
}

fn render(s: &Status) -> String {
    let mut out = String::new();
    let epoch = s.epoch.map_or_else(|| "before the first epoch".to_owned(), |e| format!("epoch {e}"));
    // Writing into a String can't fail.
    let _ok = writeln!(
        out,
        "{} · {epoch} · {} · {} peers · record {}",
        s.network,
        s.phase,
        s.peers,
        s.record_epoch.map_or("none".into(), |r| r.to_string())
    );
    for m in &s.members {
        let score = m.score.map_or_else(|| "   -  no score yet".to_owned(), |v| format!("{v:5.1} [{}]", bar(v)));
        let lock = if m.locked { "locked" } else { "open" };
        let provisional = if m.provisional { ", provisional" } else { "" };
        let _ok = writeln!(
            out,
            "\n{}  {:<11} {score}  {} pool, external sending {lock}{provisional}",
            m.member.get(..8).unwrap_or(&m.member),
            m.state,
            m.pool
        );
        let _ok = writeln!(
            out,
            "          quota {} a day, ramp day {}{}",
            m.quota,
            m.ramp_day,
            if m.debt > 0 { format!(", {} clean mails to go", m.debt) } else { String::new() }
        );
        let _ok = writeln!(out, "          your own mail: {} a day allowed, {} credits", m.allowance, m.credits);
        if let Some(r) = &m.reports {
            let _ok = writeln!(
                out,
                "          reported of it: {} hard and {} soft bounces, {} complaints; DMARC {} passed, {} failed",
                r.external_hard, r.external_soft, r.external_complaints, r.dmarc_pass, r.dmarc_fail
            );
        }
        if let Some(reason) = &m.reason {
            let _ok = writeln!(out, "          not sending: {reason}");
        }
    }
    if !s.epochs.is_empty() {
        let _ok = writeln!(out, "\nepoch  planned  sent  seen  inbox  spam  rescued  replied");
        for e in s.epochs.iter().rev().take(8) {
            let _ok = writeln!(
                out,
                "{:>5}  {:>7}  {:>4}  {:>4}  {:>5}  {:>4}  {:>7}  {:>7}",
                e.epoch,
                e.planned,
                e.sent,
                e.observed,
                e.inbox + e.tab,
                e.spam,
                e.rescued,
                e.replied
            );
        }
    }
    for h in &s.health {
        let mark = match h.severity {
            Severity::Info => "note",
            Severity::Warn => "warning",
            Severity::Error => "error",
        };
        let _ok = writeln!(out, "\n{mark}: {} ({})\n  do: {}", h.text, h.code, h.fix);
    }
    out
}

pub(super) fn score(global: &Global, args: ScoreArgs) -> Result<(), CliError> {
    if let Some(ScoreVerb::Explain(args)) = args.verb {
        return explain::score(global, args);
    }
    let value = Client::connect(&global.home())?.ask(&Request::Score { member: args.member })?;
    if global.json {
        say!("{value}");
        return Ok(());
    }
    for m in value.as_array().into_iter().flatten() {
        let text = |k: &str| m[k].as_f64().map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
        say!(
            "{}  score {} by record {}",
            m["member"].as_str().unwrap_or_default(),
            m["score"].as_f64().map_or("-".into(), |v| format!("{v:.1}")),
            m["record"]
        );
        say!("  authenticated {}   replied >= {}   read >= {}", text("authenticated"), text("replied_lower"), text("read_lower"));
        say!("  bounced >= {}   complained >= {}   inbox >= {}", text("bounced_lower"), text("complained_lower"), text("inbox_lower"));
        say!(
            "  delivered {}   completed {} of {} dealt   locked {}   provisional {}",
            m["delivered"],
            m["completed"],
            m["dealt"],
            m["locked"],
            m["provisional"]
        );
    }
    Ok(())
}

pub(super) fn peers(global: &Global) -> Result<(), CliError> {
    let value = Client::connect(&global.home())?.ask(&Request::Peers)?;
    if global.json {
        say!("{value}");
        return Ok(());
    }
    let peers: Vec<&str> = value.as_array().into_iter().flatten().filter_map(|p| p["node"].as_str()).collect();
    say!("{} connected", peers.len());
    peers.iter().for_each(|p| say!("{p}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn bars_have_twenty_cells() {
        assert_eq!(bar(0.0), ".".repeat(20));
        assert_eq!(bar(100.0), "#".repeat(20));
        assert_eq!(bar(52.0).len(), 20);
    }
}
