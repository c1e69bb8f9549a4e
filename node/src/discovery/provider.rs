//! What is known about mail providers: `data/providers.toml`, shipped as data with the day each row was checked,
//! because providers change their rules without notice.

use crate::mail::{Security, ServerSettings};
use serde::{Deserialize, Serialize};

/// The shipped table.
const SHIPPED: &str = include_str!("../../data/providers.toml");

/// All rows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// A row per provider.
    #[serde(rename = "provider")]
    pub providers: Vec<Provider>,
}

/// How an owner signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignIn {
    /// The mailbox's own password.
    Password,
    /// A password made for one program.
    AppPassword,
    /// OAuth 2.0.
    Oauth,
}

/// What the provider's terms say about automated acts, as far as known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Automation {
    /// The terms exclude it or can be read so.
    Restricted,
    /// Watched and limited, not excluded.
    Watched,
    /// Nothing known.
    Unknown,
}

/// One provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its short name, and its page in the guide: `docs/guide/providers/<id>.md`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Day the row was checked, such as 2026-11-24.
    pub checked: String,
    /// Where the facts were read.
    pub sources: Vec<String>,
    /// Fields of this row that come from experience and were read nowhere.
    #[serde(default)]
    pub unverified: Vec<String>,
    /// How owners sign in, the recommended way first.
    pub sign_in: Vec<SignIn>,
    /// Where an app password is made.
    #[serde(default)]
    pub app_password_page: Option<String>,
    /// Whose Authentication-Results are believed.
    #[serde(default)]
    pub authserv_id: Option<String>,
    /// What a domain of the owner puts into its SPF record.
    #[serde(default)]
    pub spf_include: Option<String>,
    /// Selectors its DKIM keys mostly have.
    #[serde(default)]
    pub dkim_selectors: Vec<String>,
    /// What the terms say about automated acts.
    pub automation: Automation,
    /// The same for the owner, in whole sentences.
    pub rule: String,
    /// What has to be done at the provider before a program can sign in.
    #[serde(default)]
    pub before: Vec<String>,
    /// Published sending limits.
    #[serde(default)]
    pub limits: Limits,
    /// Its servers, by the domains they serve.
    #[serde(rename = "site")]
    pub sites: Vec<Site>,
}

impl Provider {
    /// Whether a password of either kind can work.
    #[must_use]
    pub fn takes_password(&self) -> bool {
        self.sign_in.iter().any(|s| *s != SignIn::Oauth)
    }
}

/// Published limits; an absent one is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Mails a day.
    pub messages_per_day: Option<u32>,
    /// Recipients a day.
    pub recipients_per_day: Option<u32>,
    /// Recipients of one mail.
    pub recipients_per_message: Option<u32>,
    /// Mails a minute.
    pub messages_per_minute: Option<u32>,
    /// SMTP connections at a time.
    pub smtp_connections: Option<u32>,
    /// IMAP connections at a time.
    pub imap_connections: Option<u32>,
    /// What the numbers leave out.
    pub note: Option<String>,
}

/// User name at the servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserName {
    /// The whole address.
    #[default]
    Address,
    /// What stands before the @.
    LocalPart,
}

impl UserName {
    /// The user name of an address.
    #[must_use]
    pub fn of(self, address: &str) -> String {
        match self {
            Self::Address => address.to_owned(),
            Self::LocalPart => address.split_once('@').map_or(address, |(local, _)| local).to_owned(),
        }
    }
}

/// Servers of a provider for some domains.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Mail domains of the provider itself.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Ends of the MX hosts of other domains that are hosted here.
    #[serde(default)]
    pub mx: Vec<String>,
    /// Reading.
    pub imap: Endpoint,
    /// Submission.
    pub smtp: Endpoint,
    /// User name at both.
    #[serde(default)]
    pub user: UserName,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is protected.
    pub security: Security,
}

impl Endpoint {
    /// As a mailbox's file has it.
    #[must_use]
    pub fn settings(&self) -> ServerSettings {
        ServerSettings { host: self.host.clone(), port: self.port, security: self.security, address: None, ca_file: None }
    }
}

/// Whether `host` is `end` or lies below it.
#[must_use]
pub fn below(host: &str, end: &str) -> bool {
    host.strip_suffix(end).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

impl Table {
    /// The table in this program.
    #[must_use]
    pub fn shipped() -> Self {
        // A unit test reads the shipped text, so it can be read.
        Self::read(SHIPPED).unwrap_or(Self { providers: vec![] })
    }

    /// A table from its text.
    ///
    /// # Errors
    /// The parser's words.
    pub fn read(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|e| e.to_string())
    }

    /// The row of a mail domain of a provider itself.
    #[must_use]
    pub fn by_domain(&self, domain: &str) -> Option<(&Provider, &Site)> {
        self.sites().find(|(_, site)| site.domains.iter().any(|d| d == domain))
    }

    /// The row whose servers receive for a domain with these MX hosts. The best host decides: a second one may be a backup elsewhere.
    #[must_use]
    pub fn by_mx(&self, mx: &[String]) -> Option<(&Provider, &Site)> {
        let best = mx.first()?;
        self.sites().find(|(_, site)| site.mx.iter().any(|end| below(best, end)))
    }

    /// The row of a mailbox with this server: of several that share the server, that of the domain, else the one with the
    /// fewest domains of its own, which is the one for domains of owners.
    #[must_use]
    pub fn by_server(&self, host: &str, domain: &str) -> Option<&Provider> {
        let here = |site: &Site| [&site.imap.host, &site.smtp.host].into_iter().any(|h| h.eq_ignore_ascii_case(host));
        let mut all: Vec<(&Provider, &Site)> = self.sites().filter(|(_, site)| here(site)).collect();
        all.sort_by_key(|(_, site)| (!site.domains.iter().any(|d| d == domain), site.domains.len()));
        all.first().map(|(provider, _)| *provider)
    }

    fn sites(&self) -> impl Iterator<Item = (&Provider, &Site)> {
        self.providers.iter().flat_map(|p| p.sites.iter().map(move |s| (p, s)))
    }
}

/// The rule of a provider that isn't in the table.
pub const NO_RULE: &str = "Your provider's terms apply; warming mail is labelled as automated.";

#[cfg(test)]
mod tests;
