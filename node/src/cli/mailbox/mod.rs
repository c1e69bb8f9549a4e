//! `mailbox add | list | test | purge`; `golden add` of the coordinator is the same code.

mod add;
mod consent;
mod list;
mod oauth;
mod purge;
mod servers;
mod test;

pub use add::{ADD_HELP, AddArgs, add};
pub use test::test;

use super::exit::{CliError, ExitCode};
use super::{Global, load_config};
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
            purge::purge(&home, &config, &secrets, &address, yes, global.json)
        }
    }
}

fn usage(what: impl Into<String>) -> CliError {
    CliError::new(ExitCode::Usage, what)
}
