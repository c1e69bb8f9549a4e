//! The servers of a mailbox to be added: as given, or found and shown.

use super::consent::confirm;
use crate::cli::exit::{CliError, ExitCode, usage};
use crate::cli::out::say;
use crate::cli::run::runtime;
use crate::config::NodeConfig;
use crate::discovery::{Finder, Found, Provider, Source, Step, Table, Trust};
use crate::mail::{Security, ServerSettings};
use clap::{Args, ValueEnum};
use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::PathBuf;

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

/// Options about the servers; what is given always wins over what is found.
#[derive(Args)]
pub(super) struct ServerArgs {
    /// Submission server [default: found]
    #[arg(long)]
    smtp_host: Option<String>,
    /// Its port [default: as found; else 465 with tls, 587 with starttls]
    #[arg(long)]
    smtp_port: Option<u16>,
    /// Its protection [default: as found; else tls]
    #[arg(long, value_enum)]
    smtp_security: Option<SecurityArg>,
    /// Dial this IP instead of resolving the host
    #[arg(long)]
    smtp_address: Option<IpAddr>,
    /// Reading server [default: found]
    #[arg(long)]
    imap_host: Option<String>,
    /// Its port [default: as found; else 993 with tls, 143 with starttls]
    #[arg(long)]
    imap_port: Option<u16>,
    /// Its protection [default: as found; else tls]
    #[arg(long, value_enum)]
    imap_security: Option<SecurityArg>,
    /// Dial this IP instead of resolving the host
    #[arg(long)]
    imap_address: Option<IpAddr>,
    /// PEM file with further trusted roots
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// Don't ask Mozilla's provider database (it learns your mail domain, never the address)
    #[arg(long)]
    no_ispdb: bool,
    /// Take found servers outside the mail domain without asking
    #[arg(long)]
    accept_servers: bool,
}

/// What a mailbox is added with.
pub(super) struct Servers {
    pub(super) smtp: ServerSettings,
    pub(super) imap: ServerSettings,
    pub(super) user: Option<String>,
    pub(super) provider: Option<Provider>,
    pub(super) source: Option<Source>,
    finder: Option<Finder>,
}

impl Servers {
    /// Submission and reading as they are dialled for the first sign-in; a name that leads nowhere is told by the sign-in.
    pub(super) async fn dialled(&self) -> (ServerSettings, ServerSettings) {
        let Some(finder) = &self.finder else { return (self.smtp.clone(), self.imap.clone()) };
        let (smtp, imap) = tokio::join!(finder.dialled(&self.smtp), finder.dialled(&self.imap));
        (smtp.unwrap_or_else(|_| self.smtp.clone()), imap.unwrap_or_else(|_| self.imap.clone()))
    }
}

/// The servers of a canonical address.
pub(super) fn servers(args: &ServerArgs, address: &str, config: &NodeConfig, json: bool) -> Result<Servers, CliError> {
    let finder = Finder::of_config(config, args.ca_file.as_deref(), !args.no_ispdb);
    let domain = address.rsplit_once('@').map_or(address, |(_, d)| d);
    let (found, finder) = match finder {
        // Whoever names both servers needs no search and no resolver of ours.
        finder if args.smtp_host.is_some() && args.imap_host.is_some() => (None, finder.ok()),
        Ok(finder) => (Some(find(args, &finder, address, json)?), Some(finder)),
        Err(why) => return Err(usage("the servers can't be looked for").why(why).todo("check --ca-file, and [dns] in node.toml")),
    };
    let (smtp, imap) = (found.as_ref().map(|f| &f.smtp), found.as_ref().map(|f| &f.imap));
    let smtp = merge(smtp, &args.smtp_host, args.smtp_port, args.smtp_security, args.smtp_address, args, (465, 587))?;
    let imap = merge(imap, &args.imap_host, args.imap_port, args.imap_security, args.imap_address, args, (993, 143))?;
    let table = Table::shipped();
    let provider = table.by_server(&smtp.host, domain).or_else(|| table.by_server(&imap.host, domain)).cloned();
    if !json && let Some(provider) = &provider {
        provider.before.iter().for_each(|line| say!("- {line}"));
        if let Some(page) = &provider.app_password_page {
            say!("- App passwords are made at {page}");
        }
    }
    // The canonical address is lower case; a server may want the user name as its owner writes it.
    let user = found.as_ref().map(|f| f.user.clone()).filter(|u| u != address);
    Ok(Servers { smtp, imap, user, provider, source: found.map(|f| f.source), finder })
}

fn find(args: &ServerArgs, finder: &Finder, address: &str, json: bool) -> Result<Found, CliError> {
    let mut tell = |step: Step| {
        if !json {
            say!("  {}: {}", step.what, step.result);
        }
    };
    if !json {
        say!("looking for the servers of this address");
    }
    let found = runtime()?.block_on(finder.find(address, &mut tell)).ok_or_else(|| {
        CliError::new(ExitCode::Network, "no mail servers were found for this address")
            .why("neither the provider table nor MX, autoconfig, SRV or the usual names led to servers that answer under verified TLS")
            .todo("ask your provider for their names, then give --smtp-host and --imap-host; where the DNS did not answer, see [dns] in node.toml")
    })?;
    if !json {
        say!("found: IMAP {}:{}, SMTP {}:{}", found.imap.host, found.imap.port, found.smtp.host, found.smtp.port);
    }
    // What the owner named is no suggestion of somebody else.
    if found.trust == Trust::Confirm && !args.accept_servers {
        let named = format!("--imap-host {} --smtp-host {}", found.imap.host, found.smtp.host);
        let refused = usage("servers outside the mail domain need your yes before a password goes there").todo(format!(
            "if your provider names these servers too, give them: {named} (with --imap-port and --smtp-port), or add --accept-servers"
        ));
        if json || !std::io::stdin().is_terminal() {
            return Err(refused);
        }
        let question =
            format_args!("These servers lie outside your mail domain. Does your provider name them, and may your password go there?");
        if !confirm(question)? {
            return Err(refused);
        }
    }
    Ok(found)
}

fn merge(
    found: Option<&ServerSettings>,
    host: &Option<String>,
    port: Option<u16>,
    security: Option<SecurityArg>,
    address: Option<IpAddr>,
    args: &ServerArgs,
    defaults: (u16, u16),
) -> Result<ServerSettings, CliError> {
    // Port and protection of a found server are its own: they don't fit another host.
    let found = found.filter(|_| host.is_none());
    let host = host.clone().or_else(|| found.map(|f| f.host.clone())).ok_or_else(|| usage("no server is named"))?;
    let chosen: Option<Security> = security.map(Into::into);
    let security = chosen.or(found.map(|f| f.security)).unwrap_or(Security::Tls);
    let usual = if security == Security::Tls { defaults.0 } else { defaults.1 };
    let kept = found.filter(|f| f.security == security).map(|f| f.port);
    Ok(ServerSettings { host, port: port.or(kept).unwrap_or(usual), security, address, ca_file: args.ca_file.clone() })
}
