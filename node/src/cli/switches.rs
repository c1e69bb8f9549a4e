//! `pause`, `resume`, `consent show | revoke`: the owner's switches. They are written to the mailbox's file, and a running
//! node reads it at once.

use super::exit::{CliError, usage};
use super::mailbox::chosen;
use super::out::say;
use super::{Global, load_config};
use crate::config::mailbox::{ACTS, Pause};
use crate::config::{Home, MailboxConfig};
use crate::control::{Client, ClientError, Request};
use clap::{Args, Subcommand};
use jiff::{Span, Timestamp, Zoned};

/// Options of `pause`.
#[derive(Args)]
pub(super) struct PauseArgs {
    /// Only this mailbox [default: all]
    address: Option<String>,
    /// For so long, such as 3d or 12h [default: until `resume`]
    #[arg(long = "for", value_name = "TIME")]
    time: Option<Span>,
}

/// Verbs of `consent`.
#[derive(Subcommand)]
pub(super) enum ConsentVerb {
    /// Show what the node may do in your mailboxes, and since when
    #[command(after_help = "Example:\n  warmnet-node consent show")]
    Show {
        /// Only this mailbox
        address: Option<String>,
    },
    /// Take the consent to acts back
    #[command(after_help = "Example:\n  warmnet-node consent revoke me@example.org reply rescue")]
    Revoke {
        /// The mailbox
        address: String,
        /// read, reply, rescue, file, reports
        #[arg(required = true)]
        acts: Vec<String>,
    },
}

/// Tells a running node; `false` when none runs.
fn tell(home: &Home) -> Result<bool, CliError> {
    match Client::connect(home) {
        Err(ClientError::NotRunning { .. }) => Ok(false),
        Err(e) => Err(e.into()),
        Ok(mut client) => Ok(client.ask(&Request::Reload).map(|_| true)?),
    }
}

/// Writes the mailboxes' files and tells a running node; `false` when none runs.
pub(super) fn save(home: &Home, changed: &[MailboxConfig]) -> Result<bool, CliError> {
    for mailbox in changed {
        mailbox.save(&home.mailboxes())?;
    }
    tell(home)
}

fn when(running: bool) -> &'static str {
    if running { "in force now" } else { "in force when the node runs" }
}

pub(super) fn pause(global: &Global, args: &PauseArgs) -> Result<(), CliError> {
    let home = global.home();
    load_config(&home)?;
    let now = Timestamp::now().round(jiff::Unit::Second).unwrap_or_default();
    let until = match args.time {
        None => None,
        Some(span) if span.is_positive() => {
            let end = Zoned::now().checked_add(span).map_err(|e| usage("--for reaches too far").why(e))?;
            Some(end.timestamp().round(jiff::Unit::Second).unwrap_or_default().to_string())
        }
        Some(_) => return Err(usage("--for needs a time that lies ahead, such as 3d or 12h")),
    };
    let mut all = chosen(&home, args.address.as_deref())?;
    for mailbox in &mut all {
        mailbox.pause = Some(Pause { since: now.to_string(), until: until.clone() });
    }
    let running = save(&home, &all)?;
    if global.json {
        let addresses: Vec<&String> = all.iter().map(|m| &m.address).collect();
        say!("{}", serde_json::json!({"paused": addresses, "until": until, "running": running}));
        return Ok(());
    }
    for mailbox in &all {
        let end = until.as_deref().map_or_else(|| "until `warmnet-node resume`".to_owned(), |t| format!("until {t}"));
        say!("{} pauses {end}, {}: nothing is sent or answered", mailbox.address, when(running));
    }
    Ok(())
}

pub(super) fn resume(global: &Global, address: Option<&str>) -> Result<(), CliError> {
    let home = global.home();
    load_config(&home)?;
    let mut all = chosen(&home, address)?;
    all.retain(|m| m.pause.is_some());
    for mailbox in &mut all {
        mailbox.pause = None;
    }
    let running = save(&home, &all)?;
    if global.json {
        let addresses: Vec<&String> = all.iter().map(|m| &m.address).collect();
        say!("{}", serde_json::json!({"resumed": addresses, "running": running}));
        return Ok(());
    }
    for mailbox in &all {
        say!("{} goes on, {}", mailbox.address, when(running));
    }
    if all.is_empty() {
        say!("nothing was paused");
    }
    Ok(())
}

pub(super) fn consent(global: &Global, verb: ConsentVerb) -> Result<(), CliError> {
    let home = global.home();
    load_config(&home)?;
    match verb {
        ConsentVerb::Show { address } => show(&chosen(&home, address.as_deref())?, global.json),
        ConsentVerb::Revoke { address, acts } => revoke(&home, &address, &acts, global.json),
    }
}

fn show(all: &[MailboxConfig], json: bool) -> Result<(), CliError> {
    if json {
        let rows: Vec<_> = all.iter().map(|m| serde_json::json!({"mailbox": m.address, "consent": m.consent})).collect();
        say!("{}", serde_json::json!(rows));
        return Ok(());
    }
    for m in all {
        say!("{}", m.address);
        let c = &m.consent;
        for (name, yes) in [("read", &c.read), ("reply", &c.reply), ("rescue", &c.rescue), ("file", &c.file), ("reports", &c.reports)] {
            say!("  {name:8} {}", yes.as_deref().map_or_else(|| "no".to_owned(), |t| format!("yes, since {t}")));
        }
    }
    Ok(())
}

fn revoke(home: &Home, address: &str, names: &[String], json: bool) -> Result<(), CliError> {
    let mut all = chosen(home, Some(address))?;
    for mailbox in &mut all {
        for name in names {
            match ACTS.iter().find(|(n, ..)| n == name) {
                Some((_, bit, _)) => mailbox.consent.revoke(*bit),
                None if name == "reports" => mailbox.consent.reports = None,
                None => return Err(usage(format!("\"{name}\" is no act")).todo("acts are read, reply, rescue, file, reports")),
            }
        }
    }
    let running = save(home, &all)?;
    if json {
        say!("{}", serde_json::json!({"mailbox": address, "revoked": names, "running": running}));
    } else {
        say!("{address}: no more {}, {}", names.join(", "), when(running));
        if names.iter().any(|n| n == "reports") && running {
            say!("reports: from the node's next start");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::ExitCode;
    use crate::mail::{Security, ServerSettings};
    use warmnet_protocol::wire::roster::acts;

    fn mailbox() -> MailboxConfig {
        let server = ServerSettings { host: "mx.a.test".into(), port: 465, security: Security::Tls, address: None, ca_file: None };
        MailboxConfig::new("me@a.test".into(), server.clone(), server)
    }

    #[test]
    fn a_pause_ends_when_it_says() {
        let at = |t: &str| t.parse::<Timestamp>().expect("an instant");
        let mut m = mailbox();
        assert!(!m.paused(at("2026-11-24T08:00:00Z")));
        m.pause = Some(Pause { since: "2026-11-24T08:00:00Z".into(), until: Some("2026-11-27T08:00:00Z".into()) });
        assert!(m.paused(at("2026-11-27T07:59:59Z")) && !m.paused(at("2026-11-27T08:00:00Z")));
        m.pause = Some(Pause { since: "2026-11-24T08:00:00Z".into(), until: None });
        assert!(m.paused(at("2126-11-24T08:00:00Z")));
    }

    #[test]
    fn a_consent_is_taken_back_act_by_act_and_survives_the_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = Home::at(dir.path());
        let mut m = mailbox();
        m.consent.allow(acts::ALL, "2026-11-24T08:00:00Z");
        m.save(&home.mailboxes()).expect("saved");
        revoke(&home, "me@a.test", &["reply".into(), "file".into()], true).expect("known acts");
        let read = chosen(&home, None).expect("one");
        assert_eq!(read[0].consent.acts(), acts::READ | acts::RESCUE);
        assert_eq!(revoke(&home, "me@a.test", &["jump".into()], true).expect_err("unknown").code(), ExitCode::Usage);
        assert_eq!(revoke(&home, "you@a.test", &["read".into()], true).expect_err("unknown").code(), ExitCode::Usage);
    }
}
