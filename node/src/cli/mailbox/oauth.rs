//! `mailbox add --oauth`: the owner gives the permission in a browser of this machine, or on another device.

use crate::cli::exit::{CliError, ExitCode, usage};
use crate::cli::run::runtime;
use crate::oauth::{Client, Grant, HeldGrant, Loopback, OAuthError, Provider, ask_device, wait_device};
use crate::secrets::NewCredential;
use clap::Args;
use secrecy::SecretString;
use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long the owner may take in the browser.
const BROWSER_LIMIT: Duration = Duration::from_secs(10 * 60);

/// Options of OAuth.
#[derive(Args)]
pub(super) struct OAuthArgs {
    /// Sign in by OAuth instead of a password: google, microsoft, or a TOML file with a provider's addresses
    #[arg(long, value_name = "PROVIDER", requires = "client_id", conflicts_with = "password_stdin")]
    oauth: Option<String>,
    /// Your own client id at that provider
    #[arg(long, requires = "oauth")]
    client_id: Option<String>,
    /// File with the client's secret, where the provider gave one
    #[arg(long, requires = "oauth", conflicts_with = "client_secret_stdin")]
    client_secret_file: Option<PathBuf>,
    /// Read the client's secret from standard input
    #[arg(long, requires = "oauth")]
    client_secret_stdin: bool,
    /// Give the permission on another device: for machines without a browser (not at Google)
    #[arg(long, requires = "oauth")]
    device: bool,
}

impl OAuthArgs {
    /// Asks the owner; `None` without `--oauth`. Nothing is kept before the mailbox is, so leaving with Ctrl-C is safe.
    pub(super) fn grant(&self, user: &str) -> Result<Option<NewCredential>, CliError> {
        let (Some(name), Some(id)) = (&self.oauth, &self.client_id) else { return Ok(None) };
        let provider = Provider::find(name)
            .map_err(|e| usage("--oauth can't be used").why(e).todo("say google or microsoft, or see the guide for a file"))?;
        if self.device && provider.device.is_none() {
            return Err(
                usage("this provider has no device flow for mail").todo("leave --device out: the browser may be reached by `ssh -L`")
            );
        }
        let client = Client { id: id.clone(), secret: self.secret()? };
        let device = self.device;
        let asked = async { if device { by_device(&provider, &client).await } else { by_browser(provider, client, user).await } };
        let grant = runtime()?.block_on(asked).map_err(told)?;
        Ok(Some(NewCredential::Grant(Arc::new(HeldGrant::new(grant)))))
    }

    fn secret(&self) -> Result<Option<SecretString>, CliError> {
        let text = if self.client_secret_stdin {
            let mut line = Zeroizing::new(String::new());
            std::io::stdin().lock().read_line(&mut line).map_err(|e| usage("the client's secret can't be read").why(e))?;
            line
        } else if let Some(path) = &self.client_secret_file {
            Zeroizing::new(std::fs::read_to_string(path).map_err(|e| usage(format!("{} can't be read", path.display())).why(e))?)
        } else {
            return Ok(None);
        };
        let text = text.trim();
        if text.is_empty() { Err(usage("the client's secret is empty")) } else { Ok(Some(SecretString::from(text))) }
    }
}

async fn by_browser(provider: Provider, client: Client, user: &str) -> Result<Grant, OAuthError> {
    let loopback = Loopback::start(provider, client).await?;
    let address = loopback.address(user)?;
    // On standard error: with --json standard output is for the report.
    tell(&format!(
        "Open this address in a browser on this machine and give the permission:\n\n  {address}\n\nWaiting for the browser; Ctrl-C ends it."
    ));
    loopback.wait(BROWSER_LIMIT).await
}

async fn by_device(provider: &Provider, client: &Client) -> Result<Grant, OAuthError> {
    let code = ask_device(provider, client).await?;
    tell(&format!("On any device open {} and type the code {}\nWaiting; Ctrl-C ends it.", code.address, code.user_code));
    wait_device(provider, client, code).await
}

fn tell(text: &str) {
    // Without a terminal nobody reads it; the wait then ends by itself.
    let _unread = writeln!(std::io::stderr(), "{text}");
}

fn told(error: OAuthError) -> CliError {
    let (code, todo) = match &error {
        OAuthError::Connect(_) => (ExitCode::Network, "check the network and the clock, then try again"),
        OAuthError::Client { .. } | OAuthError::Refused { .. } => {
            (ExitCode::SignIn, "check the client at the provider: kind, redirect address, scopes")
        }
        e if e.needs_owner() => (ExitCode::SignIn, "run the command again and give the permission in the browser"),
        _ => (ExitCode::Check, "try again in some minutes"),
    };
    CliError::new(code, "the permission could not be had").why(error).todo(todo)
}
