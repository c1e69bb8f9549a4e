//! `mailbox purge`: removes every trace of Warmnet from a mailbox.

use super::chosen;
use crate::cli::exit::{CliError, ExitCode, usage};
use crate::cli::out::say;
use crate::cli::run::runtime;
use crate::config::{Home, NodeConfig};
use crate::control::HomeLock;
use crate::mail::{ImapError, Login, OwnFolder, TlsClient};
use crate::secrets::Secrets;

pub(super) const HELP: &str = "\
Looks through every folder for mail with a Warmnet label, and removes it together with the folder Warmnet. Other mail is
never touched: if some lies in the folder Warmnet, the folder stays. Without --yes it only counts. Stop the node first.

Exit codes: 0 done or counted, 2 no such mailbox, 3 the server refused something, 4 the node runs, 5 sign-in refused,
6 network or TLS.

Examples:
  warmnet-node mailbox purge me@example.org
  warmnet-node mailbox purge me@example.org --yes";

pub(in crate::cli) fn purge(
    home: &Home,
    config: &NodeConfig,
    secrets: &Secrets,
    address: &str,
    yes: bool,
    json: bool,
) -> Result<(), CliError> {
    let mailbox = chosen(home, Some(address))?.remove(0);
    // A running node would file new mail meanwhile.
    let _lock = if yes { Some(HomeLock::take(home).map_err(CliError::from)?) } else { None };
    let password = secrets
        .credential(&mailbox.address)?
        .ok_or_else(|| usage(format!("{} has no password or permission", mailbox.address)).todo("run `mailbox add` again"))?;
    let login = Login { user: mailbox.user.clone(), password };
    let tls = TlsClient::new(mailbox.imap.ca_file.as_deref()).map_err(|e| failed(&mailbox.address, &e.into()))?;
    let work = crate::mail::purge(&mailbox.imap, &login, &tls, &config.mail.timeouts, yes);
    let report = runtime()?.block_on(work).map_err(|e| failed(&mailbox.address, &e))?;
    let folder = match report.own_folder {
        OwnFolder::None => "none",
        OwnFolder::Kept => "kept",
        OwnFolder::Removed => "removed",
    };
    if json {
        let text = serde_json::json!({
            "mailbox": mailbox.address, "found": report.found, "removed": report.removed, "folders": report.folders, "own_folder": folder,
        });
        say!("{text}");
        return Ok(());
    }
    match (yes, report.own_folder) {
        (false, own) => {
            let and = if own == OwnFolder::None { "" } else { ", and the folder Warmnet" };
            say!("{} labelled mails in {} folders would be removed{and}; say --yes to do it", report.found, report.folders);
        }
        (true, OwnFolder::Kept) => {
            say!(
                "removed {} of {} labelled mails; the folder Warmnet stays: other mail or a folder is in it",
                report.removed,
                report.found
            );
        }
        (true, OwnFolder::None) => say!("removed {} of {} labelled mails", report.removed, report.found),
        (true, OwnFolder::Removed) => say!("removed {} of {} labelled mails and the folder Warmnet", report.removed, report.found),
    }
    Ok(())
}

fn failed(address: &str, error: &ImapError) -> CliError {
    let (code, todo) = match error {
        ImapError::SignInRefused => (ExitCode::SignIn, "check user and password with `mailbox test`"),
        ImapError::Connect(_) => (ExitCode::Network, "check host, port and security with `mailbox test`, then run this again"),
        _ => (ExitCode::Check, "run this again; what was removed stays removed"),
    };
    CliError::new(code, format!("{address} could not be cleaned")).why(error).todo(todo)
}
