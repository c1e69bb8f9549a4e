//! `run`: the node itself.

use super::exit::{CliError, ExitCode};
use super::{Global, load_config};
use crate::config::MailboxConfig;
use crate::control::HomeLock;
use crate::secrets::Secrets;

/// A multi-threaded runtime with two workers: the driver is one task, and crypto and IMAP parsing are light.
///
/// # Errors
/// [`CliError`].
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|e| CliError::new(ExitCode::Error, "the runtime can't start").why(e))
}

pub(super) fn run(global: &Global) -> Result<(), CliError> {
    let home = global.home();
    let config = load_config(&home)?;
    let mailboxes = MailboxConfig::load_all(&home.mailboxes())?;
    if mailboxes.is_empty() {
        return Err(CliError::new(ExitCode::Usage, "this node hosts no mailbox yet").todo("add one with `warmnet-node mailbox add`"));
    }
    let _lock = HomeLock::take(&home)?;
    let secrets = Secrets::open(&home, &config.secrets)?;
    crate::observe::start(&config.log);
    runtime()?.block_on(crate::runtime::run_node(home, config, mailboxes, secrets))?;
    Ok(())
}
