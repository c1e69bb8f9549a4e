//! `mailbox add`: settings, consent and password of one mailbox, tried live before anything is written.

use super::consent::{confirm, consent};
use super::oauth::OAuthArgs;
use super::servers::{ServerArgs, servers};
use super::test::verdict;
use crate::cli::doctor::{domain_items, print_items};
use crate::cli::exit::{CliError, usage};
use crate::cli::out::say;
use crate::cli::run::runtime;
use crate::config::mailbox::WEEKDAYS;
use crate::config::{Home, MailboxConfig, NodeConfig};
use crate::discovery::NO_RULE;
use crate::mail::check_mailbox;
use crate::secrets::{NewCredential, Secrets};
use clap::{Args, ValueEnum};
use secrecy::SecretString;
use std::io::BufRead;
use warmnet_protocol::identity::CanonicalAddress;
use warmnet_protocol::wire::roster::RampPreset;

/// Help of `mailbox add` and `golden add`.
pub const ADD_HELP: &str = "\
Examples:
  warmnet-node mailbox add me@example.org --zone Europe/Berlin --hours 9-17 --weekdays mon,tue,wed,thu,fri
  warmnet-node mailbox add me@example.org --smtp-host mail.example.org --imap-host mail.example.org \\
      --authserv-id mail.example.org

Without --smtp-host or --imap-host the servers are found: provider table, MX, autoconfig, SRV, usual names. Each is tried
under verified TLS and shown before the password is asked for.

The password is asked for, or read from standard input with --password-stdin; it never stands in an argument.
With --oauth there is no password: the owner's own client id asks for the permission in a browser, or with --device on
another device:
  warmnet-node mailbox add me@example.org --oauth microsoft --client-id 1b2c.. --device ...";

/// Options of `mailbox add`.
#[derive(Args)]
pub struct AddArgs {
    /// The mailbox's address
    pub address: String,
    #[command(flatten)]
    servers: ServerArgs,
    /// User name [default: the provider's form, else the address]
    #[arg(long)]
    user: Option<String>,
    /// Whose Authentication-Results are believed [default: the provider's, where it is known]
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
    /// Languages its owner reads: en, de, fr, es (repeatable)
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
    /// Let the node read bounces, complaints and DMARC reports in the inbox, to count them
    #[arg(long)]
    reports: bool,
    /// Don't sign in now
    #[arg(long)]
    no_test: bool,
    /// Don't look at SPF, DKIM, DMARC, MX and PTR of the domain
    #[arg(long)]
    no_domain_check: bool,
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
    let found = servers(&args.servers, address.as_str(), config, json)?;
    let rule = found.provider.as_ref().map_or(NO_RULE, |p| p.rule.as_str());
    if !json {
        say!("{rule}");
    }
    let mut mailbox = MailboxConfig::new(address.as_str().to_owned(), found.smtp.clone(), found.imap.clone());
    mailbox.user = args.user.or(found.user.clone()).unwrap_or_else(|| args.address.clone());
    mailbox.authserv_id = args.authserv_id.or_else(|| found.provider.as_ref()?.authserv_id.clone());
    mailbox.provider_class = args.provider_class;
    mailbox.languages = args.languages;
    mailbox.zone = args.zone;
    mailbox.hours = [hour(from)?, hour(until)?];
    mailbox.weekdays = args.weekdays;
    mailbox.ramp = args.ramp.into();
    mailbox.check(&home.mailboxes().join(MailboxConfig::file_name(address.as_str()))).map_err(CliError::of_option)?;
    let allowed = consent(&args.consent)?;
    let reports = args.reports
        || args.consent == "ask"
            && confirm(format_args!("May it read bounces, complaints and DMARC reports that come here, to count them?"))?;
    let instant = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default().to_string();
    mailbox.consent.allow(allowed, &instant);
    mailbox.consent.reports = reports.then_some(instant);
    let credential = match args.oauth.grant(&mailbox.user)? {
        Some(grant) => grant,
        None => NewCredential::Password(password(args.password_stdin)?),
    };
    let mut junk = false;
    if !args.no_test {
        let login = credential.login(&mailbox.user);
        let check = runtime()?.block_on(async {
            let (smtp, imap) = found.dialled().await;
            check_mailbox(&smtp, &imap, &login, &config.mail.timeouts).await
        });
        verdict(&mailbox.address, &check)?;
        junk = check.imap.map(|f| f.junk.is_some()).unwrap_or_default();
    }
    secrets.set_credential(&mailbox.address, &credential)?;
    secrets.save()?;
    mailbox.save(&home.mailboxes())?;
    if !json {
        say!("added {}{}", mailbox.address, if args.no_test { " (not tested)" } else { ", both servers signed in" });
        if !junk && !args.no_test {
            say!("no junk folder is known there: where warming mail lands in spam can't be seen");
        }
    }
    let items = if args.no_domain_check { vec![] } else { domain_items(config, &mailbox, found.provider.as_ref())? };
    if json {
        let report = serde_json::json!({
            "added": mailbox.address, "acts": mailbox.consent.acts(), "found_by": found.source, "smtp": mailbox.smtp, "imap": mailbox.imap,
            "provider": found.provider.as_ref().map(|p| &p.id), "rule": rule, "junk_folder": junk, "domain": items,
        });
        say!("{report}");
    } else {
        print_items(&items);
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
