//! `golden`: the operator's own aged mailboxes, kept as a node keeps its mailboxes.

use super::print_json;
use crate::config;
use clap::Subcommand;
use warmnet_node::cli::CliError;
use warmnet_node::cli::mailbox::{self, AddArgs};
use warmnet_node::config::{Home, MailboxConfig};
use warmnet_node::secrets::Secrets;

/// `golden`.
#[derive(Subcommand)]
pub(super) enum GoldenCommand {
    /// Add a golden mailbox (or replace its settings); it plays from the next start on
    #[command(after_help = "\
Example:
  warmnet-coordinator golden add seed@example.org --smtp-host mail.example.org --imap-host mail.example.org \\
      --authserv-id mail.example.org --consent read,reply,rescue,file

Applicants' mails are believed only with --authserv-id: whose word on SPF, DKIM and DMARC counts.")]
    Add(Box<AddArgs>),
    /// List the golden mailboxes
    #[command(after_help = "Example:\n  warmnet-coordinator golden list")]
    List,
    /// Sign in at both servers of one or all golden mailboxes
    #[command(after_help = "Example:\n  warmnet-coordinator golden test")]
    Test {
        /// Only this one
        address: Option<String>,
    },
}

pub(super) fn golden(home: &Home, command: GoldenCommand, json: bool) -> Result<(), CliError> {
    let settings = config::load(home)?;
    match command {
        GoldenCommand::Add(args) => {
            let mut secrets = Secrets::open(home, &settings.secrets)?;
            mailbox::add(home, &settings.node(), &mut secrets, *args, json)
        }
        GoldenCommand::Test { address } => {
            let secrets = Secrets::open(home, &settings.secrets)?;
            mailbox::test(home, &settings.node(), &secrets, address.as_deref(), json)
        }
        GoldenCommand::List => {
            let all = MailboxConfig::load_all(&home.mailboxes())?;
            if json {
                return print_json(&all);
            }
            for m in &all {
                println!("{}  provider class {}  authserv-id {}", m.address, m.provider_class, m.authserv_id.as_deref().unwrap_or("-"));
            }
            Ok(())
        }
    }
}
