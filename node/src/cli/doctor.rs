//! `doctor`: every check, one finding a line, with what to do.

use super::exit::{CliError, ExitCode};
use super::out::say;
use super::run::runtime;
use super::{Global, load_config};
use crate::config::{Home, MailboxConfig, NodeConfig};
use crate::control::{Client, ClientError, HomeLock, LockError, Request, Status};
use crate::discovery::{Dns, Finder, Provider, Table};
use crate::doctor::domain::{Subject, check as check_domain};
use crate::doctor::{Item, Severity, home, mailbox, network, worst};
use crate::mail::{Login, MailTimeouts};
use crate::secrets::Secrets;
use clap::Args;
use std::collections::BTreeSet;
use std::time::Duration;

/// Wall wait for all records of one domain while a mailbox is added.
const DOMAIN_LIMIT: Duration = Duration::from_secs(20);

/// Wall wait for one step of a sign-in.
const SIGN_IN_SECONDS: u64 = 20;

/// Options of `doctor`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  warmnet-node doctor
  warmnet-node doctor me@example.org --dkim-selector s2026
  warmnet-node doctor --json

It looks at configuration, permissions, secrets, clock, store, peer-to-peer addresses, and for each mailbox at sign-in,
folders, consent, MX, SPF, DKIM, DMARC and PTR. It sends no mail and reads none. Exit code 3 when something is critical.")]
pub(super) struct DoctorArgs {
    /// Only this mailbox
    address: Option<String>,
    /// A DKIM selector of its domain, beside the usual ones
    #[arg(long)]
    dkim_selector: Option<String>,
}

pub(super) fn doctor(global: &Global, args: DoctorArgs) -> Result<(), CliError> {
    let home = global.home();
    let items = examine(&home, &args)?;
    if global.json {
        say!("{}", serde_json::json!({"schema": 1, "worst": worst(&items), "items": items}));
    } else {
        print_items(&items);
    }
    if worst(&items) == Severity::Critical {
        // With --json the one object on standard output is the report.
        if global.json {
            std::process::exit(ExitCode::Check as i32);
        }
        return Err(CliError::new(ExitCode::Check, "something is critical").todo("do what stands beside it, then run doctor again"));
    }
    Ok(())
}

/// Findings for people, the worst last, so that they stay in sight.
pub(super) fn print_items(items: &[Item]) {
    let mut sorted: Vec<&Item> = items.iter().collect();
    sorted.sort_by_key(|i| i.severity);
    for item in sorted {
        let mark = match item.severity {
            Severity::Ok => "ok",
            Severity::Info => "info",
            Severity::Warn => "warn",
            Severity::Critical => "CRITICAL",
        };
        let of = item.mailbox.as_ref().map(|m| format!("{m}: ")).unwrap_or_default();
        say!("{mark:<8} {:<13} {of}{}", item.code, item.text);
        if let Some(fix) = &item.fix {
            say!("{:<22} do: {fix}", "");
        }
    }
}

/// The findings about a mailbox's domain, for `mailbox add`: told, and no reason to refuse the mailbox.
pub(super) fn domain_items(config: &NodeConfig, mailbox: &MailboxConfig, provider: Option<&Provider>) -> Result<Vec<Item>, CliError> {
    let Ok(dns) = Dns::new(config.dns.server) else { return Ok(vec![no_dns()]) };
    let domain = domain_of(mailbox);
    let subject = Subject { domain: &domain, smtp_host: &mailbox.smtp.host, provider, selector: None };
    let found = runtime()?.block_on(async { tokio::time::timeout(DOMAIN_LIMIT, check_domain(&dns, &Table::shipped(), &subject)).await });
    Ok(found.unwrap_or_else(|_| vec![no_dns()]))
}

fn no_dns() -> Item {
    let fix = "check this machine's DNS, or name a resolver in [dns] of node.toml; then run `warmnet-node doctor`";
    Item::warn("dns", "the domain's records can't be looked at", fix)
}

fn domain_of(mailbox: &MailboxConfig) -> String {
    mailbox.address.rsplit_once('@').map_or("", |(_, d)| d).to_ascii_lowercase()
}

/// Time-outs for somebody who waits: those for mail under way last minutes, so that no mail is sent twice.
fn hurried(timeouts: &MailTimeouts) -> MailTimeouts {
    let cap = |seconds: u64| seconds.min(SIGN_IN_SECONDS);
    MailTimeouts {
        connect_seconds: cap(timeouts.connect_seconds),
        greeting_seconds: cap(timeouts.greeting_seconds),
        command_seconds: cap(timeouts.command_seconds),
        imap_seconds: cap(timeouts.imap_seconds),
        ..timeouts.clone()
    }
}

/// The sign-in of a mailbox.
fn login(secrets: Option<&Secrets>, mailbox: &MailboxConfig) -> Option<Login> {
    Some(Login { user: mailbox.user.clone(), password: secrets?.credential(&mailbox.address).ok().flatten()? })
}

fn examine(home: &Home, args: &DoctorArgs) -> Result<Vec<Item>, CliError> {
    let config = load_config(home)?;
    let mut all = MailboxConfig::load_all(&home.mailboxes())?;
    all.retain(|m| m.left.is_none());
    let chosen: Vec<&MailboxConfig> =
        all.iter().filter(|m| args.address.as_ref().is_none_or(|a| a.eq_ignore_ascii_case(&m.address))).collect();
    if chosen.is_empty() && args.address.is_some() {
        return Err(CliError::new(ExitCode::Usage, "there is no such mailbox here").todo("see `warmnet-node mailbox list`"));
    }
    let mut items = home::check(home, &config);
    if all.is_empty() {
        items.push(Item::critical("mailboxes", "this node hosts no mailbox", "add one: warmnet-node mailbox add you@your.domain"));
    }
    let secrets = match Secrets::open(home, &config.secrets) {
        Ok(secrets) => {
            items.push(match secrets.identity() {
                Ok(_) => Item::ok("secrets", "the secrets file opens and holds the node's key"),
                Err(e) => Item::critical("secrets", e.to_string(), "restore secrets.age from a backup"),
            });
            Some(secrets)
        }
        Err(e) => {
            let fix = "use the key file or passphrase this home was created with, and check the file's permissions";
            items.push(Item::critical("secrets", e.to_string(), fix));
            None
        }
    };
    let running = store_or_status(home, &mut items);
    let timeouts = hurried(&config.mail.timeouts);
    runtime()?.block_on(async {
        items.extend(network::check(&config, running).await);
        let mut domains = BTreeSet::new();
        for m in chosen {
            let finder = match Finder::of_config(&config, m.smtp.ca_file.as_deref(), false) {
                Ok(finder) => finder,
                Err(why) => {
                    items.push(Item::critical("dns", why, "check ca_file in the mailbox's file, and [dns] in node.toml").of(&m.address));
                    continue;
                }
            };
            items.extend(mailbox::check(m, login(secrets.as_ref(), m), &finder, &timeouts).await);
            let domain = domain_of(m);
            if domains.insert(domain.clone()) {
                let provider = finder.table.by_server(&m.smtp.host, &domain);
                let subject = Subject { domain: &domain, smtp_host: &m.smtp.host, provider, selector: args.dkim_selector.as_deref() };
                items.extend(check_domain(&finder.dns, &finder.table, &subject).await.into_iter().map(|i| i.of(&m.address)));
            }
        }
        Ok(items)
    })
}

/// Opens the store, or asks the program that runs on this home. Says whether one runs.
fn store_or_status(home: &Home, items: &mut Vec<Item>) -> bool {
    match HomeLock::take(home) {
        Ok(_lock) => {
            items.push(home::store(home));
            false
        }
        Err(LockError::Held { .. }) => {
            items.push(running(home).unwrap_or_else(|e| Item::warn("running", e.to_string(), "look at the running program's log")));
            true
        }
        Err(e) => {
            items.push(Item::critical("permissions", e.to_string(), "check the folder and its permissions"));
            false
        }
    }
}

/// What the running program finds of itself, in one line; `status` has the rest.
fn running(home: &Home) -> Result<Item, ClientError> {
    let value = Client::connect(home)?.ask(&Request::Status)?;
    let status: Status = serde_json::from_value(value).map_err(|e| ClientError::NoAnswer(e.to_string()))?;
    if status.health.is_empty() {
        return Ok(Item::ok("running", format!("a node runs here, with {} peers", status.peers)));
    }
    let found: Vec<String> = status.health.iter().map(|h| format!("{}: {}", h.code, h.text)).collect();
    Ok(Item::warn("running", format!("a node runs here and says {}", found.join("; ")), "see `warmnet-node status`"))
}
