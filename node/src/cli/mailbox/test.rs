//! `mailbox test`: signs in at both servers and says what to do where it fails.

use super::chosen;
use crate::cli::exit::{CliError, ExitCode, usage};
use crate::cli::out::say;
use crate::cli::run::runtime;
use crate::config::{Home, NodeConfig};
use crate::mail::{Login, SignInCheck, SignInError, check_mailbox};
use crate::secrets::Secrets;

pub(super) fn verdict(address: &str, check: &SignInCheck) -> Result<(), CliError> {
    let code = ExitCode::of(check.exit_code());
    if code == ExitCode::Ok {
        return Ok(());
    }
    let mut why = Vec::new();
    why.extend(check.smtp.as_ref().err().map(|e| format!("SMTP: {e}")));
    why.extend(check.imap.as_ref().err().map(|e| format!("IMAP: {e}")));
    let grant = [check.smtp.as_ref().err(), check.imap.as_ref().err()].into_iter().flatten().any(|e| matches!(e, SignInError::Grant(_)));
    let todo = match code {
        ExitCode::SignIn if grant => "run `mailbox add` with --oauth again: the provider asks for the permission anew",
        ExitCode::SignIn => "check user and password; many providers want an app password or --oauth",
        ExitCode::Network => "check host, port and security; for a private certificate give --ca-file",
        _ => "look at the server's log, then try again",
    };
    Err(CliError::new(code, format!("{address} can't be used as it is")).why(why.join("\n")).todo(todo))
}

/// Signs in at the servers of one or all mailboxes of a home.
///
/// # Errors
/// [`CliError`] with the exit code of the first mailbox that fails.
pub fn test(home: &Home, config: &NodeConfig, secrets: &Secrets, only: Option<&str>, json: bool) -> Result<(), CliError> {
    let wanted = chosen(home, only)?;
    let runtime = runtime()?;
    let mut signed_in = Vec::new();
    for mailbox in &wanted {
        let password = secrets
            .credential(&mailbox.address)?
            .ok_or_else(|| usage(format!("{} has no password", mailbox.address)).todo("run `mailbox add` again"))?;
        let login = Login { user: mailbox.user.clone(), password };
        let check = runtime.block_on(check_mailbox(&mailbox.smtp, &mailbox.imap, &login, &config.mail.timeouts));
        verdict(&mailbox.address, &check)?;
        signed_in.push(&mailbox.address);
        if !json {
            let junk = check.imap.is_ok_and(|f| f.junk.is_some());
            say!("{}: SMTP and IMAP signed in, {}", mailbox.address, if junk { "junk folder known" } else { "no junk folder known" });
        }
    }
    if json {
        say!("{}", serde_json::json!({"signed_in": signed_in}));
    }
    Ok(())
}
