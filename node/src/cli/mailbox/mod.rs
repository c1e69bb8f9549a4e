//! `mailbox add | list | test | purge`; `golden add` of the coordinator is the same code.

mod add;
mod consent;
mod list;
mod oauth;
mod purge;
mod servers;
mod test;

pub use add::{ADD_HELP, AddArgs, add};
pub(super) use consent::confirm;
pub(super) use purge::purge;
pub use test::test;

use super::exit::{CliError, usage};
use super::{Global, load_config};
use crate::config::{Home, MailboxConfig};
use crate::secrets::Secrets;
use clap::Subcommand;

/// Verbs of `mailbox`.
#[derive(Subcommand)]
pub(super) enum MailboxVerb {
    /// Add a mailbox (or replace its settings)
    #[command(after_help = ADD_HELP)]
    Add(Box<AddArgs>),
    /// List the mailboxes
    #[command(after_help = "Example:\n  warmnet-node mailbox list --json")]
    List,
    /// Sign in at both servers of one or all mailboxes
    #[command(after_help = "Example:\n  warmnet-node mailbox test me@example.org")]
    Test {
        /// Only this one
        address: Option<String>,
    },
    /// Remove all warming mail and the folder Warmnet from a mailbox
    #[command(after_help = purge::HELP)]
    Purge {
        /// The mailbox's address
        address: String,
        /// Do it; without this it is only counted
        #[arg(long)]
        yes: bool,
    },
}

pub(super) fn mailbox(global: &Global, verb: MailboxVerb) -> Result<(), CliError> {
    let home = global.home();
    let config = load_config(&home)?;
    match verb {
        MailboxVerb::Add(args) => {
            let mut secrets = Secrets::open(&home, &config.secrets)?;
            add(&home, &config, &mut secrets, *args, global.json)
        }
        MailboxVerb::List => list::list(&home, global.json),
        MailboxVerb::Test { address } => {
            let secrets = Secrets::open(&home, &config.secrets)?;
            test(&home, &config, &secrets, address.as_deref(), global.json)
        }
        MailboxVerb::Purge { address, yes } => {
            let secrets = Secrets::open(&home, &config.secrets)?;
            purge(&home, &config, &secrets, &address, yes, global.json)
        }
    }
}

/// The mailbox of this address, or all; those that left the network are none.
pub(super) fn chosen(home: &Home, only: Option<&str>) -> Result<Vec<MailboxConfig>, CliError> {
    let mut all = MailboxConfig::load_all(&home.mailboxes())?;
    all.retain(|m| m.left.is_none() && only.is_none_or(|a| a.eq_ignore_ascii_case(&m.address)));
    if all.is_empty() {
        return Err(usage("there is no such mailbox here").todo("see `warmnet-node mailbox list`"));
    }
    Ok(all)
}
