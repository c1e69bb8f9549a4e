//! `leave`: a mailbox leaves the network for good.

use super::exit::{CliError, ExitCode};
use super::mailbox::{chosen, confirm, purge};
use super::out::say;
use super::switches::save;
use super::{Global, load_config};
use crate::config::{Home, MailboxConfig, NodeConfig};
use crate::secrets::Secrets;
use clap::Args;
use std::io::IsTerminal as _;

pub(super) const HELP: &str = "\
From this moment the node neither reads that mailbox nor sends from it: its password or permission is removed from this
machine and every consent is taken back. The coordinator takes the member out of the next roster; the node must run once
for that. Its signed word of past days stays in everybody's ledger. The address may enrol again 30 days later.

Warming mail stays in the mailbox; with --purge it is removed first (the node must not run then).

Examples:
  warmnet-node leave me@example.org
  warmnet-node leave me@example.org --purge --yes";

/// Options of `leave`.
#[derive(Args)]
pub(super) struct LeaveArgs {
    /// The mailbox's address
    address: String,
    /// First remove all warming mail and the folder Warmnet from the mailbox
    #[arg(long)]
    purge: bool,
    /// Don't ask
    #[arg(long)]
    yes: bool,
}

pub(super) fn leave(global: &Global, args: &LeaveArgs) -> Result<(), CliError> {
    let home = global.home();
    let config = load_config(&home)?;
    let mailbox = chosen(&home, Some(&args.address))?.remove(0);
    if !args.yes {
        if !std::io::stdin().is_terminal() {
            return Err(CliError::new(ExitCode::Usage, "leaving needs your word").todo("say --yes"));
        }
        if !confirm(format_args!("Shall {} leave the network for good?", mailbox.address))? {
            say!("nothing was changed");
            return Ok(());
        }
    }
    depart(&home, &config, mailbox, args.purge, global.json)
}

fn depart(home: &Home, config: &NodeConfig, mut mailbox: MailboxConfig, purging: bool, json: bool) -> Result<(), CliError> {
    let mut secrets = Secrets::open(home, &config.secrets)?;
    if purging {
        purge(home, config, &secrets, &mailbox.address, true, json)?;
    }
    // The mailbox's file first: whatever fails after it, the node keeps its hands off.
    mailbox.leave(&jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default().to_string());
    let running = save(home, std::slice::from_ref(&mailbox))?;
    secrets.remove_credential(&mailbox.address);
    secrets.save()?;
    if json {
        say!("{}", serde_json::json!({"left": mailbox.address, "running": running}));
        return Ok(());
    }
    say!("{} has left: its password or permission is gone from this machine, and the node lets go of the mailbox", mailbox.address);
    if running {
        say!("the coordinator hears of it now and takes the member out of the next roster; see `warmnet-node status`");
    } else {
        say!("run the node once more: it tells the coordinator, which takes the member out of the next roster");
    }
    Ok(())
}
