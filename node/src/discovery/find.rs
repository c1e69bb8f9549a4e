//! The search, step by step; the first finding whose servers both answer under verified TLS wins.

use super::autoconfig::{self, Offers, is_host};
use super::dns::{Dns, or_none};
use super::https::{Https, HttpsError};
use super::provider::{Provider, Site, Table};
use super::trust::{Trust, judge};
use crate::config::NodeConfig;
use crate::mail::{Security, ServerSettings, TlsClient};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// Mozilla's database, free for any client; asked by domain, never by address.
const ISPDB: &str = "https://autoconfig.thunderbird.net/v1.1/";
/// Wall wait for one server.
const LIMIT: Duration = Duration::from_secs(8);

/// Where a finding comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The provider table, by the mail domain.
    Domain,
    /// The provider table, by the domain's mail exchangers.
    Mx,
    /// The domain's own autoconfig file.
    Autoconfig,
    /// Mozilla's database of providers.
    Ispdb,
    /// SRV records.
    Srv,
    /// Usual names, tried.
    Guess,
}

/// A step of the search, for whoever waits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// What was tried.
    pub what: String,
    /// What came of it.
    pub result: String,
}

/// Servers that answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// How they were found.
    pub source: Source,
    /// Reading.
    pub imap: ServerSettings,
    /// Submission.
    pub smtp: ServerSettings,
    /// User name.
    pub user: String,
    /// The lesser trust of the two.
    pub trust: Trust,
    /// Whether a password can work.
    pub password: bool,
}

/// What a search needs.
#[derive(Clone, Debug)]
pub struct Finder {
    /// Known providers.
    pub table: Table,
    /// Name resolution.
    pub dns: Dns,
    /// Whether names are dialled by [`Finder::dns`] instead of the system's resolver.
    pub dial_by_dns: bool,
    /// For autoconfig; `None` asks no web server.
    pub https: Option<Https>,
    /// Port of web servers.
    pub https_port: u16,
    /// Mozilla's database, to be followed by a domain; `None` asks nobody outside.
    pub ispdb: Option<String>,
    /// Who is trusted.
    pub tls: TlsClient,
    /// Wall wait for one server.
    pub limit: Duration,
    /// Ports of guesses: IMAP with TLS, submission with TLS, submission with STARTTLS.
    pub guess_ports: [u16; 3],
}

/// A finding before it was tried.
pub(super) struct Candidate {
    pub(super) source: Source,
    pub(super) imap: ServerSettings,
    pub(super) smtp: ServerSettings,
    pub(super) user: String,
    pub(super) trust: Trust,
    pub(super) password: bool,
}

impl Finder {
    /// With the shipped table and the resolver of the configuration; `ispdb` says whether Mozilla's database may be asked.
    ///
    /// # Errors
    /// Plain words: the root file or the resolver's settings can't be used.
    pub fn of_config(config: &NodeConfig, ca_file: Option<&Path>, ispdb: bool) -> Result<Self, String> {
        let tls = TlsClient::new(ca_file).map_err(|e| e.to_string())?;
        let dns = Dns::new(config.dns.server)?;
        let allow_private = config.network.allow_loopback;
        let https = Https { tls: tls.clone(), dns: dns.clone(), limit: LIMIT, max_body: autoconfig::MAX_BYTES, allow_private };
        Ok(Self {
            table: Table::shipped(),
            dns,
            dial_by_dns: config.dns.server.is_some(),
            https: Some(https),
            https_port: 443,
            ispdb: ispdb.then(|| ISPDB.to_owned()),
            tls,
            limit: LIMIT,
            guess_ports: [993, 465, 587],
        })
    }

    /// Finds the servers of an address (canonical: lower case, A-labels). `tell` hears each step as it ends.
    pub async fn find(&self, address: &str, tell: &mut dyn FnMut(Step)) -> Option<Found> {
        let domain = address.rsplit_once('@').map_or(address, |(_, d)| d);
        let mut say = |what: &str, result: String| tell(Step { what: what.to_owned(), result });
        if let Some((provider, site)) = self.table.by_domain(domain) {
            say("provider table, by domain", format!("{} (checked {})", provider.name, provider.checked));
            return self.first_alive(vec![of_site(Source::Domain, provider, site, address)], &mut say).await;
        }
        say("provider table, by domain", "not in it".to_owned());
        let Ok(mx) = or_none(self.dns.mx(domain).await) else {
            // Every further step asks the DNS first; each would only be another wait.
            say("MX records", "the DNS did not answer, so nothing more can be found".to_owned());
            return None;
        };
        if let Some((provider, site)) = self.table.by_mx(&mx) {
            say("MX records", format!("hosted by {} (checked {})", provider.name, provider.checked));
            if let Some(found) = self.first_alive(vec![of_site(Source::Mx, provider, site, address)], &mut say).await {
                return Some(found);
            }
        } else {
            say("MX records", if mx.is_empty() { "none".to_owned() } else { format!("{}: in no table", mx.join(", ")) });
        }
        for (source, what, url) in self.files(domain, &mx) {
            let candidates = self.fetch(source, what, &url, address, domain, &mut say).await;
            if let Some(found) = self.first_alive(candidates, &mut say).await {
                return Some(found);
            }
        }
        let candidates = self.by_srv(address, domain, &mut say).await;
        if let Some(found) = self.first_alive(candidates, &mut say).await {
            return Some(found);
        }
        self.guess(address, domain, &mx, &mut say).await
    }

    /// Files that may describe the domain, in the order in which they are asked for. None carries the address: nobody outside needs it.
    fn files(&self, domain: &str, mx: &[String]) -> Vec<(Source, &'static str, String)> {
        if self.https.is_none() {
            return vec![];
        }
        let port = if self.https_port == 443 { String::new() } else { format!(":{}", self.https_port) };
        let mut files = vec![
            (Source::Autoconfig, "autoconfig of the domain", format!("https://autoconfig.{domain}{port}/mail/config-v1.1.xml")),
            (Source::Autoconfig, "autoconfig, well-known", format!("https://{domain}{port}/.well-known/autoconfig/mail/config-v1.1.xml")),
        ];
        if let Some(ispdb) = &self.ispdb {
            files.push((Source::Ispdb, "Mozilla's provider database", format!("{ispdb}{domain}")));
            if let Some(host) = mx.first().and_then(|m| psl::domain_str(m)).filter(|h| *h != domain && is_host(h)) {
                files.push((Source::Ispdb, "Mozilla's provider database, by MX", format!("{ispdb}{host}")));
            }
        }
        files
    }

    async fn fetch(
        &self,
        source: Source,
        what: &str,
        url: &str,
        address: &str,
        domain: &str,
        say: &mut impl FnMut(&str, String),
    ) -> Vec<Candidate> {
        let Some(https) = &self.https else { return vec![] };
        let reply = match https.get(url).await {
            Err(HttpsError::Resolve) => {
                say(what, "there is none".to_owned());
                return vec![];
            }
            Err(e) => {
                say(what, format!("not used: {e}"));
                return vec![];
            }
            Ok(reply) => reply,
        };
        if !reply.status.is_success() {
            let why = if reply.status.is_redirection() { "it points elsewhere, which is not followed" } else { "there is none" };
            say(what, why.to_owned());
            return vec![];
        }
        let read =
            std::str::from_utf8(&reply.body).map_err(|_| "it is not UTF-8".to_owned()).and_then(|xml| autoconfig::read(xml, address));
        match read {
            Err(why) => {
                say(what, format!("not used: {why}"));
                vec![]
            }
            Ok(offers) => {
                let candidates = self.of_offers(source, &offers, domain);
                say(what, if candidates.is_empty() { "no server with TLS in it".to_owned() } else { "found".to_owned() });
                candidates
            }
        }
    }

    /// The best pair of a file: servers with a password before those without.
    fn of_offers(&self, source: Source, offers: &Offers, domain: &str) -> Vec<Candidate> {
        let best = |list: &[autoconfig::Offer]| list.iter().find(|o| o.password).or(list.first()).cloned();
        let (Some(imap), Some(smtp)) = (best(&offers.imap), best(&offers.smtp)) else { return vec![] };
        let trust = |host: &str| match judge(host, domain, &self.table) {
            Trust::Confirm if source == Source::Ispdb => Trust::Ispdb,
            other => other,
        };
        let trust = trust(&imap.server.host).max(trust(&smtp.server.host));
        vec![Candidate { trust, password: imap.password && smtp.password, user: imap.user, imap: imap.server, smtp: smtp.server, source }]
    }

    async fn by_srv(&self, address: &str, domain: &str, say: &mut impl FnMut(&str, String)) -> Vec<Candidate> {
        let (imap, smtp) = tokio::join!(
            self.service(domain, [("_imaps", Security::Tls), ("_imap", Security::StartTls)]),
            self.service(domain, [("_submissions", Security::Tls), ("_submission", Security::StartTls)])
        );
        let (Some(imap), Some(smtp)) = (imap, smtp) else {
            say("SRV records", "none".to_owned());
            return vec![];
        };
        say("SRV records", "found".to_owned());
        let trust = judge(&imap.host, domain, &self.table).max(judge(&smtp.host, domain, &self.table));
        vec![Candidate { source: Source::Srv, imap, smtp, user: address.to_owned(), trust, password: true }]
    }

    /// The first server of the first service that is offered (RFC 6186, RFC 8314 section 5.1).
    async fn service(&self, domain: &str, names: [(&str, Security); 2]) -> Option<ServerSettings> {
        for (name, security) in names {
            let records = or_none(self.dns.srv(&format!("{name}._tcp.{domain}")).await).unwrap_or_default();
            // The empty target says that the service is not offered.
            if let Some(srv) = records.into_iter().find(|s| is_host(&s.target) && s.port != 0) {
                return Some(ServerSettings { host: srv.target, port: srv.port, security, address: None, ca_file: None });
            }
        }
        None
    }

    async fn guess(&self, address: &str, domain: &str, mx: &[String], say: &mut impl FnMut(&str, String)) -> Option<Found> {
        let own_mx = mx.iter().find(|m| judge(m, domain, &self.table) == Trust::OwnDomain);
        let names = |first: &str| {
            [Some(format!("{first}.{domain}")), Some(format!("mail.{domain}")), own_mx.cloned()].into_iter().flatten().collect::<Vec<_>>()
        };
        let [imaps, submissions, submission] = self.guess_ports;
        let at = |host: &String, port, security| ServerSettings { host: host.clone(), port, security, address: None, ca_file: None };
        let imap: Vec<_> = names("imap").iter().map(|h| at(h, imaps, Security::Tls)).collect();
        let hosts = names("smtp");
        let tls = hosts.iter().map(|h| at(h, submissions, Security::Tls));
        let smtp: Vec<_> = tls.chain(hosts.iter().map(|h| at(h, submission, Security::StartTls))).collect();
        let first = async |list: Vec<ServerSettings>, is_smtp| {
            for server in list {
                if self.alive(&server, is_smtp).await.is_ok() {
                    return Some(server);
                }
            }
            None
        };
        let (imap, smtp) = tokio::join!(first(imap, false), first(smtp, true));
        let told = |server: &Option<ServerSettings>| server.as_ref().map_or("none".to_owned(), |s| format!("{}:{}", s.host, s.port));
        say("usual names", format!("IMAP {}, SMTP {}", told(&imap), told(&smtp)));
        Some(Found { source: Source::Guess, imap: imap?, smtp: smtp?, user: address.to_owned(), trust: Trust::OwnDomain, password: true })
    }
}

fn of_site(source: Source, provider: &Provider, site: &Site, address: &str) -> Candidate {
    Candidate {
        source,
        imap: site.imap.settings(),
        smtp: site.smtp.settings(),
        user: site.user.of(address),
        trust: Trust::Known,
        password: provider.takes_password(),
    }
}
