//! `mailbox add`: settings, consent and password of one mailbox, tried live before anything is written.

use super::consent::consent;
use super::oauth::OAuthArgs;
use super::test::verdict;
use super::usage;
use crate::cli::exit::CliError;
use crate::cli::out::say;
use crate::cli::run::runtime;
use crate::config::mailbox::WEEKDAYS;
use crate::config::{Home, MailboxConfig, NodeConfig};
use crate::mail::{Security, ServerSettings, check_mailbox};
use crate::secrets::{NewCredential, Secrets};
use clap::{Args, ValueEnum};
use secrecy::SecretString;
use std::io::BufRead;
use std::net::IpAddr;
use std::path::PathBuf;
use warmnet_protocol::identity::CanonicalAddress;
use warmnet_protocol::wire::roster::RampPreset;

/// Help of `mailbox add` and `golden add`.
pub const ADD_HELP: &str = "\
Example:
  warmnet-node mailbox add me@example.org --smtp-host mail.example.org --imap-host mail.example.org \\
      --authserv-id mail.example.org --zone Europe/Berlin --hours 9-17 --weekdays mon,tue,wed,thu,fri

The password is asked for, or read from standard input with --password-stdin; it never stands in an argument.
With --oauth there is no password: the owner's own client id asks for the permission in a browser, or with --device on
another device:
  warmnet-node mailbox add me@example.org --oauth microsoft --client-id 1b2c.. --device ...";

/// How a connection is protected.
#[derive(Clone, Copy, ValueEnum)]
pub enum SecurityArg {
    /// TLS from the first byte
    Tls,
    /// Required STARTTLS
    Starttls,
}

impl From<SecurityArg> for Security {
    fn from(a: SecurityArg) -> Self {
        match a {
            SecurityArg::Tls => Self::Tls,
            SecurityArg::Starttls => Self::StartTls,
        }
    }
}

/// Options of `mailbox add`.
#[derive(Args)]
pub struct AddArgs {
    /// The mailbox's address
    pub address: String,
    /// Submission server
    #[arg(long)]
    smtp_host: String,
    /// Its port [default: 465 with tls, 587 with starttls]
    #[arg(long)]
    smtp_port: Option<u16>,
    /// Its protection
    #[arg(long, value_enum, default_value = "tls")]
    smtp_security: SecurityArg,
    /// Dial this IP instead of resolving the host
    #[arg(long)]
    smtp_address: Option<IpAddr>,
    /// Reading server
    #[arg(long)]
    imap_host: String,
    /// Its port [default: 993 with tls, 143 with starttls]
    #[arg(long)]
    imap_port: Option<u16>,
    /// Its protection
    #[arg(long, value_enum, default_value = "tls")]
    imap_security: SecurityArg,
    /// Dial this IP instead of resolving the host
    #[arg(long)]
    imap_address: Option<IpAddr>,
    /// PEM file with further trusted roots
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// User name [default: the address]
    #[arg(long)]
    user: Option<String>,
    /// Whose Authentication-Results are believed
    #[arg(long)]
    authserv_id: Option<String>,
    /// Provider class of the network, 0..7
    #[arg(long, default_value_t = 0)]
    provider_class: u8,
    /// IANA time zone
    #[arg(long, default_value = "UTC")]
    zone: String,
    /// Local working hours
    #[arg(long, default_value = "8-18")]
    hours: String,
    /// Days on which it plays
    #[arg(long, value_delimiter = ',', default_values_t = WEEKDAYS.map(str::to_owned))]
    weekdays: Vec<String>,
    /// Languages its owner reads (repeatable)
    #[arg(long = "language", default_value = "en")]
    languages: Vec<String>,
    /// How fast its volume grows
    #[arg(long, value_enum, default_value = "gentle")]
    ramp: RampArg,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    oauth: OAuthArgs,
    /// Acts you allow: read,reply,rescue,file, or none, or ask
    #[arg(long, default_value = "ask")]
    consent: String,
    /// Don't sign in now
    #[arg(long)]
    no_test: bool,
}

/// `--ramp`.
#[derive(Clone, Copy, ValueEnum)]
pub enum RampArg {
    /// 2 a day, one more every day, up to 20
    Gentle,
    /// 20 to 30 in the first week
    Fresh,
    /// 5, up to 25, for an inbox that was warmed before
    Prewarmed,
}

impl From<RampArg> for RampPreset {
    fn from(a: RampArg) -> Self {
        match a {
            RampArg::Gentle => Self::Gentle,
            RampArg::Fresh => Self::Fresh,
            RampArg::Prewarmed => Self::Prewarmed,
        }
    }
}

/// Adds a mailbox to a home: settings file, password, recorded consent.
///
/// # Errors
/// [`CliError`]; nothing is written when a check fails.
pub fn add(home: &Home, config: &NodeConfig, secrets: &mut Secrets, args: AddArgs, json: bool) -> Result<(), CliError> {
    let address =
        CanonicalAddress::parse(&args.address).map_err(|e| usage(format!("\"{}\" is no mailbox address", args.address)).why(e))?;
    let (from, until) = args.hours.split_once('-').ok_or_else(|| usage("--hours is written from-until, such as 9-17"))?;
    let hour = |t: &str| t.trim().parse::<u8>().map_err(|_| usage("--hours is written from-until, such as 9-17"));
    let server = |host: String, port: Option<u16>, security: SecurityArg, defaults: (u16, u16), address| ServerSettings {
        host,
        port: port.unwrap_or(if matches!(security, SecurityArg::Tls) { defaults.0 } else { defaults.1 }),
        security: security.into(),
        address,
        ca_file: args.ca_file.clone(),
    };
    let smtp = server(args.smtp_host, args.smtp_port, args.smtp_security, (465, 587), args.smtp_address);
    let imap = server(args.imap_host, args.imap_port, args.imap_security, (993, 143), args.imap_address);
    let mut mailbox = MailboxConfig::new(address.as_str().to_owned(), smtp, imap);
    mailbox.user = args.user.unwrap_or_else(|| args.address.clone());
    mailbox.authserv_id = args.authserv_id;
    mailbox.provider_class = args.provider_class;
    mailbox.languages = args.languages;
    mailbox.zone = args.zone;
    mailbox.hours = [hour(from)?, hour(until)?];
    mailbox.weekdays = args.weekdays;
    mailbox.ramp = args.ramp.into();
    mailbox.check(&home.mailboxes().join(MailboxConfig::file_name(address.as_str()))).map_err(CliError::of_option)?;
    let allowed = consent(&args.consent, &mailbox.smtp.host)?;
    mailbox.consent.allow(allowed, &jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default().to_string());
    let credential = match args.oauth.grant(&mailbox.user)? {
        Some(grant) => grant,
        None => NewCredential::Password(password(args.password_stdin)?),
    };
    if !args.no_test {
        let login = credential.login(&mailbox.user);
        let check = runtime()?.block_on(check_mailbox(&mailbox.smtp, &mailbox.imap, &login, &config.mail.timeouts));
        verdict(&mailbox.address, &check)?;
    }
    secrets.set_credential(&mailbox.address, &credential)?;
    secrets.save()?;
    mailbox.save(&home.mailboxes())?;
    if json {
        say!("{}", serde_json::json!({"added": mailbox.address, "acts": mailbox.consent.acts()}));
    } else {
        say!("added {}{}", mailbox.address, if args.no_test { " (not tested)" } else { ", both servers signed in" });
    }
    Ok(())
}

fn password(from_stdin: bool) -> Result<SecretString, CliError> {
    let text = if from_stdin {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(|e| usage("the password can't be read").why(e))?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    } else {
        rpassword::prompt_password("Password (an app password where the provider has them): ")
            .map_err(|e| usage("the password can't be asked for").why(e).todo("give it on standard input with --password-stdin"))?
    };
    if text.is_empty() {
        return Err(usage("the password is empty"));
    }
    Ok(SecretString::from(text))
}
