//! `external`: the owner's own mail.

use super::Global;
use super::exit::{CliError, ExitCode};
use super::out::say;
use crate::control::{Client, Request};
use clap::{Args, Subcommand};
use warmnet_protocol::wire::bundle::SelfReport;

/// Verbs of `external`.
#[derive(Subcommand)]
pub(super) enum ExternalVerb {
    /// Add counts of your own mail to the running epoch. They can lower your score, never raise it. Leave out bounces and
    /// complaints that the node reads in the inbox itself (`mailbox add --reports`)
    #[command(after_help = "Example:\n  warmnet-node external add --mailbox me@example.org --sent 120 --hard 1 --complaints 0")]
    Add(AddArgs),
}

/// Counts.
#[derive(Args)]
pub(super) struct AddArgs {
    /// A mailbox of this node
    #[arg(long)]
    mailbox: String,
    /// Mails sent
    #[arg(long)]
    sent: u32,
    /// Hard bounces among them
    #[arg(long, default_value_t = 0)]
    hard: u32,
    /// Soft bounces among them
    #[arg(long, default_value_t = 0)]
    soft: u32,
    /// Spam complaints about them
    #[arg(long, default_value_t = 0)]
    complaints: u32,
    /// Replies to them
    #[arg(long, default_value_t = 0)]
    replies: u32,
}

pub(super) fn external(global: &Global, verb: ExternalVerb) -> Result<(), CliError> {
    let ExternalVerb::Add(a) = verb;
    if [a.hard, a.soft, a.complaints, a.replies].iter().any(|n| *n > a.sent) {
        return Err(CliError::new(ExitCode::Usage, "no more mails can bounce, be answered or draw complaints than were sent")
            .todo("check the numbers"));
    }
    let report = SelfReport { sent: a.sent, hard: a.hard, soft: a.soft, complaints: a.complaints, replies: a.replies };
    Client::connect(&global.home())?.ask(&Request::External { mailbox: a.mailbox, report })?;
    if !global.json {
        say!("added to the running epoch");
    }
    Ok(())
}
