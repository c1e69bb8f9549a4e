//! `mailbox add | list | test`; `golden add` of the coordinator is the same code.

use super::exit::{CliError, ExitCode};
use super::out::{self, say};
use super::run::runtime;
use super::{Global, load_config};
use crate::config::mailbox::WEEKDAYS;
use crate::config::{Home, MailboxConfig, NodeConfig};
use crate::mail::{Login, Security, ServerSettings, SignInCheck, check_mailbox};
use crate::secrets::Secrets;
use clap::{Args, Subcommand, ValueEnum};
use secrecy::SecretString;
use std::io::{BufRead, IsTerminal, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use warmnet_protocol::identity::CanonicalAddress;
use warmnet_protocol::wire::roster::{RampPreset, acts};

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
}

/// Help of `mailbox add` and `golden add`.
pub const ADD_HELP: &str = "\
Example:
  warmnet-node mailbox add me@example.org --smtp-host mail.example.org --imap-host mail.example.org \\
      --authserv-id mail.example.org --zone Europe/Berlin --hours 9-17 --weekdays mon,tue,wed,thu,fri

The password is asked for, or read from standard input with --password-stdin; it never stands in an argument.";

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
    /// Languages its owner reads: en, de, fr, es (repeatable)
    #[arg(long = "language", default_value = "en")]
    languages: Vec<String>,
    /// How fast its volume grows
    #[arg(long, value_enum, default_value = "gentle")]
    ramp: RampArg,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
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

pub(super) fn mailbox(global: &Global, verb: MailboxVerb) -> Result<(), CliError> {
    let home = global.home();
    let config = load_config(&home)?;
    match verb {
        MailboxVerb::Add(args) => {
            let mut secrets = Secrets::open(&home, &config.secrets)?;
            add(&home, &config, &mut secrets, *args, global.json)
        }
        MailboxVerb::List => list(&home, global.json),
        MailboxVerb::Test { address } => {
            let secrets = Secrets::open(&home, &config.secrets)?;
            test(&home, &config, &secrets, address.as_deref())
        }
    }
}

fn usage(what: impl Into<String>) -> CliError {
    CliError::new(ExitCode::Usage, what)
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
    let password = password(args.password_stdin)?;
    if !args.no_test {
        let login = Login { user: mailbox.user.clone(), password: password.clone() };
        let check = runtime()?.block_on(check_mailbox(&mailbox.smtp, &mailbox.imap, &login, &config.mail.timeouts));
        verdict(&mailbox.address, &check)?;
    }
    secrets.set_password(&mailbox.address, &password);
    secrets.save()?;
    mailbox.save(&home.mailboxes())?;
    if json {
        say!("{}", serde_json::json!({"added": mailbox.address, "acts": mailbox.consent.acts()}));
    } else {
        say!("added {}{}", mailbox.address, if args.no_test { " (not tested)" } else { ", both servers signed in" });
    }
    Ok(())
}

/// The provider's rule about automated acts, as the owner should know it (checked 2026-11-24; providers change them).
fn provider_rule(host: &str) -> &'static str {
    let rules = [
        (
            ["gmail.com", "google"].as_slice(),
            "Google forbids using several accounts to get round its limits or filters. Moving mail out of spam by program may count as that.",
        ),
        (
            &["outlook", "office365"],
            "Microsoft watches for unusual sending patterns and may limit the mailbox. Sign-in by password ends; OAuth follows in a later version.",
        ),
        (&["yahoo", "aol"], "Yahoo wants app passwords and limits a mailbox to about 500 mails a day."),
        (&["mail.me.com", "icloud"], "iCloud Mail is for personal use."),
        (&["zoho"], "Zoho excludes automated mail."),
    ];
    let found = rules.iter().find(|(names, _)| names.iter().any(|n| host.contains(n)));
    found.map_or("Your provider's terms apply; warming mail is labelled as automated.", |(_, rule)| rule)
}

fn consent(wanted: &str, host: &str) -> Result<u8, CliError> {
    const ACTS: [(&str, u8, &str); 4] = [
        ("read", acts::READ, "mark warming mail as read"),
        ("reply", acts::REPLY, "answer warming mail"),
        ("rescue", acts::RESCUE, "move warming mail out of spam"),
        ("file", acts::FILE, "file warming mail into the folder Warmnet"),
    ];
    match wanted {
        "none" => Ok(0),
        "ask" => {
            if !std::io::stdin().is_terminal() {
                return Err(usage("each automatic act needs your consent")
                    .todo("name the acts with --consent read,reply,rescue,file or say --consent none"));
            }
            say!("{}", provider_rule(host));
            let mut bits = 0;
            for (_, bit, text) in ACTS {
                out::text(format_args!("May this node {text} in this mailbox? [y/N] "));
                let _flushed = std::io::stdout().flush();
                let mut line = String::new();
                std::io::stdin().lock().read_line(&mut line).map_err(|e| usage("the answer can't be read").why(e))?;
                if matches!(line.trim(), "y" | "Y" | "yes") {
                    bits |= bit;
                }
            }
            Ok(bits)
        }
        list => list.split(',').try_fold(0, |bits, name| {
            let known = ACTS.iter().find(|(n, ..)| *n == name.trim());
            known
                .map(|(_, bit, _)| bits | bit)
                .ok_or_else(|| usage(format!("\"{name}\" is no act")).todo("acts are read, reply, rescue, file; or none; or ask"))
        }),
    }
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

fn verdict(address: &str, check: &SignInCheck) -> Result<(), CliError> {
    let code = ExitCode::of(check.exit_code());
    if code == ExitCode::Ok {
        return Ok(());
    }
    let mut why = Vec::new();
    why.extend(check.smtp.as_ref().err().map(|e| format!("SMTP: {e}")));
    why.extend(check.imap.as_ref().err().map(|e| format!("IMAP: {e}")));
    let todo = match code {
        ExitCode::SignIn => "check user and password; many providers want an app password",
        ExitCode::Network => "check host, port and security; for a private certificate give --ca-file",
        _ => "look at the server's log, then try again",
    };
    Err(CliError::new(code, format!("{address} can't be used as it is")).why(why.join("\n")).todo(todo))
}

fn list(home: &Home, json: bool) -> Result<(), CliError> {
    let all = MailboxConfig::load_all(&home.mailboxes())?;
    if json {
        say!("{}", serde_json::json!(all));
        return Ok(());
    }
    for m in &all {
        let names = [(acts::READ, "read"), (acts::REPLY, "reply"), (acts::RESCUE, "rescue"), (acts::FILE, "file")];
        let allowed: Vec<&str> = names.iter().filter(|(bit, _)| m.consent.acts() & bit != 0).map(|(_, n)| *n).collect();
        let allowed = if allowed.is_empty() { "no acts".to_owned() } else { allowed.join(", ") };
        say!("{}  {}-{} h {}  allows: {allowed}", m.address, m.hours[0], m.hours[1], m.zone);
    }
    if all.is_empty() {
        say!("no mailbox yet: add one with `warmnet-node mailbox add`");
    }
    Ok(())
}

/// Signs in at the servers of one or all mailboxes of a home.
///
/// # Errors
/// [`CliError`] with the exit code of the first mailbox that fails.
pub fn test(home: &Home, config: &NodeConfig, secrets: &Secrets, only: Option<&str>) -> Result<(), CliError> {
    let all = MailboxConfig::load_all(&home.mailboxes())?;
    let wanted: Vec<_> = all.iter().filter(|m| only.is_none_or(|a| a.eq_ignore_ascii_case(&m.address))).collect();
    if wanted.is_empty() {
        return Err(usage("there is no such mailbox here").todo("see `warmnet-node mailbox list`"));
    }
    let runtime = runtime()?;
    for mailbox in wanted {
        let password = secrets
            .password(&mailbox.address)
            .ok_or_else(|| usage(format!("{} has no password", mailbox.address)).todo("run `mailbox add` again"))?;
        let login = Login { user: mailbox.user.clone(), password };
        verdict(&mailbox.address, &runtime.block_on(check_mailbox(&mailbox.smtp, &mailbox.imap, &login, &config.mail.timeouts)))?;
        say!("{}: SMTP and IMAP signed in", mailbox.address);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_is_named_act_by_act() {
        assert_eq!(consent("none", "h").expect("known"), 0);
        assert_eq!(consent("read, file", "h").expect("known"), acts::READ | acts::FILE);
        assert_eq!(consent("read,reply,rescue,file", "h").expect("known"), acts::READ | acts::REPLY | acts::RESCUE | acts::FILE);
        for wrong in ["", "all", "read,jump"] {
            assert_eq!(consent(wrong, "h").expect_err("unknown").code(), ExitCode::Usage, "{wrong}");
        }
    }

    #[test]
    fn every_host_gets_a_rule_and_known_providers_their_own() {
        let other = provider_rule("mail.example.org");
        for host in ["smtp.gmail.com", "outlook.office365.com", "smtp.mail.yahoo.com", "smtp.mail.me.com", "smtp.zoho.eu"] {
            assert_ne!(provider_rule(host), other, "{host}");
        }
    }
}
