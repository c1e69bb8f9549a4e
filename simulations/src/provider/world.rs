//! What all servers share: providers, domains, mailboxes, filters, counters.

use super::accounting::{Accounting, message_id};
use super::authentication::Checker;
use super::config::{Flavor, MailboxEntry, MailboxKind, Namespace, ProviderConfig, Temper as TemperConfig};
use super::dkim::DomainKey;
use super::faults::Faults;
use super::imap::{Act, ActObserver};
use super::oauth::Authority;
use super::store::{Mail, Mailbox, Origin, Role};
use crate::isp::{Event, Filter, Temper};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio_rustls::TlsConnector;

/// Most civilian mailboxes a provider may have.
const MAX_CIVILIANS: u32 = 1_000;
/// Civilians live at `users.<name>.test`, a domain older than any filter's probation.
const OLD_DAYS: f64 = 3_000.0;
/// Top-level domain of everything here (RFC 2606).
const SUFFIX: &str = "test";

/// One provider.
pub struct Provider {
    /// Short name.
    pub name: String,
    /// Host name, also its authserv-id.
    pub host: String,
    /// Address it sends from and receives at.
    pub ip: Ipv4Addr,
    /// Where its MX listens.
    pub mx: SocketAddr,
    /// Where its users submit mail with TLS.
    pub smtps: SocketAddr,
    filter: Mutex<Filter>,
}

/// One domain.
pub struct Domain {
    /// Which provider hosts it.
    pub provider: usize,
    /// Wall time at which it was created, ms since 1970, in epochs as days.
    pub created_days_before_zero: f64,
    /// Its DKIM key.
    pub key: Arc<DomainKey>,
}

/// Host name of a provider.
#[must_use]
pub fn host_name(provider: &str) -> String {
    format!("mx.{provider}.{SUFFIX}")
}

/// Sockets and keys that were made before the world.
pub struct Net {
    /// MX listeners in the order of the providers.
    pub mx: Vec<SocketAddr>,
    /// Submission listeners with TLS.
    pub smtps: Vec<SocketAddr>,
    /// Checks mail.
    pub checker: Checker,
    /// For clients.
    pub connector: TlsConnector,
    /// What goes wrong on purpose.
    pub faults: Arc<Faults>,
}

/// Everything.
pub struct World {
    /// Providers in order.
    pub providers: Vec<Provider>,
    /// Domains by name.
    pub domains: BTreeMap<String, Domain>,
    /// Mailboxes by lower-case address.
    pub mailboxes: Arc<BTreeMap<String, Arc<Mailbox>>>,
    /// Counters.
    pub accounting: Mutex<Accounting>,
    /// Listed domains of the blocklist zone.
    pub listed: Mutex<BTreeSet<String>>,
    /// Seed of everything random.
    pub seed: u64,
    /// Checks SPF, DKIM and DMARC in the emulator's own DNS.
    pub checker: Checker,
    /// For clients of its own servers.
    pub connector: TlsConnector,
    /// What goes wrong on purpose.
    pub faults: Arc<Faults>,
    /// Tokens, where there is an authorization server.
    pub oauth: Option<Arc<Authority>>,
    epoch_zero_ms: i64,
    epoch_ms: u64,
}

/// Locks; a panic elsewhere leaves the data whole.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wall time in ms since 1970.
#[must_use]
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

impl World {
    /// Builds the world of a configuration.
    ///
    /// # Errors
    /// Plain words for a domain or mailbox that names something unknown.
    pub fn new(config: &ProviderConfig, net: Net) -> Result<Self, String> {
        if config.civilians > MAX_CIVILIANS {
            return Err(format!("at most {MAX_CIVILIANS} civilians a provider"));
        }
        let provider = |(i, entry): (usize, &super::config::ProviderEntry)| {
            let temper = match (entry.temper, i % 3) {
                (Some(TemperConfig::Lenient), _) | (None, 0) => Temper::Lenient,
                (Some(TemperConfig::Strict), _) | (None, 2) => Temper::Strict,
                (Some(TemperConfig::Average), _) | (None, _) => Temper::Average,
            };
            let (Some(mx), Some(smtps)) = (net.mx.get(i), net.smtps.get(i)) else { return Err("a provider has no listener".to_owned()) };
            let IpAddr::V4(ip) = mx.ip() else { return Err("an MX must listen on IPv4".to_owned()) };
            Ok(Provider {
                name: entry.name.clone(),
                host: host_name(&entry.name),
                ip,
                mx: *mx,
                smtps: *smtps,
                filter: Mutex::new(Filter::new(temper, config.seed.wrapping_add(i as u64))),
            })
        };
        let providers: Vec<Provider> = config.providers.iter().enumerate().map(provider).collect::<Result<_, _>>()?;
        let index = |name: &str| providers.iter().position(|p| p.name == name).ok_or_else(|| format!("no provider is called {name}"));
        let mut domains = BTreeMap::new();
        let mut add = |name: String, provider: usize, age: f64| -> Result<(), String> {
            let key = Arc::new(DomainKey::generate()?);
            domains.insert(name, Domain { provider, created_days_before_zero: age, key });
            Ok(())
        };
        for d in &config.domains {
            add(d.domain.to_ascii_lowercase(), index(&d.provider)?, f64::from(d.created_days_ago))?;
        }
        for (i, p) in config.providers.iter().enumerate() {
            add(format!("users.{}.{SUFFIX}", p.name), i, OLD_DAYS)?;
        }
        let mut mailboxes = BTreeMap::new();
        let mut mailbox = |entry: MailboxEntry| -> Result<(), String> {
            let address = entry.address.to_ascii_lowercase();
            let domain = address.rsplit_once('@').map_or("", |(_, d)| d);
            let at = domains.get(domain).map(|d: &Domain| d.provider).ok_or_else(|| format!("no domain is called {domain}"))?;
            let provider = &config.providers[at];
            let imap = entry.imap.unwrap_or(provider.imap);
            if provider.flavor == Flavor::Gmail && imap.namespace != Namespace::Root {
                return Err(format!("{address}: a Gmail mailbox has its own folders, leave `namespace` out"));
            }
            let entry = MailboxEntry { address: address.clone(), ..entry };
            mailboxes.insert(address, Arc::new(Mailbox::new(mailboxes.len(), entry, at, provider.flavor, imap)));
            Ok(())
        };
        for m in &config.mailboxes {
            mailbox(m.clone())?;
        }
        for p in &config.providers {
            for n in 0..config.civilians {
                let address = format!("user{n}@users.{}.{SUFFIX}", p.name);
                mailbox(MailboxEntry { address, password: format!("civilian-{n}"), kind: MailboxKind::Civilian, imap: None })?;
            }
        }
        Ok(Self {
            providers,
            domains,
            mailboxes: Arc::new(mailboxes),
            accounting: Mutex::new(Accounting::default()),
            listed: Mutex::new(BTreeSet::new()),
            seed: config.seed,
            checker: net.checker,
            connector: net.connector,
            faults: net.faults,
            oauth: config.oauth.clone().map(|entry| Arc::new(Authority::new(entry, config.seed))),
            epoch_zero_ms: config.epoch_zero_ms,
            epoch_ms: config.epoch_ms.max(1),
        })
    }

    /// Now, in days (epochs) since epoch zero.
    #[must_use]
    pub fn day(&self) -> f64 {
        (now_ms() - self.epoch_zero_ms) as f64 / self.epoch_ms as f64
    }

    /// Age of a domain in days (epochs); 3,000 for one from outside.
    #[must_use]
    pub fn age_days(&self, domain: &str) -> f64 {
        self.domains.get(domain).map_or(OLD_DAYS, |d| (d.created_days_before_zero + self.day()).max(0.0))
    }

    /// A mailbox by address.
    #[must_use]
    pub fn mailbox(&self, address: &str) -> Option<Arc<Mailbox>> {
        self.mailboxes.get(&address.to_ascii_lowercase()).cloned()
    }

    /// A provider's filter.
    pub fn filter(&self, provider: usize) -> MutexGuard<'_, Filter> {
        lock(&self.providers[provider].filter)
    }
}

impl World {
    /// Something happened that a filter learns from; counted by domain too.
    pub fn learn(&self, provider: usize, domain: &str, event: Event) {
        let day = self.day();
        self.filter(provider).learn(domain, event, day);
        lock(&self.accounting).learned(domain, event);
    }
}

impl ActObserver for World {
    fn act(&self, mailbox: &Mailbox, act: Act, mail: &Mail, from: Role, to: Option<Role>) {
        let member = mailbox.kind != MailboxKind::Civilian;
        if mail.origin == Origin::Foreign && member && act != Act::Append {
            lock(&self.accounting).foreign_touched(mailbox.index, act, &message_id(&mail.raw));
        }
        let event = match (act, from, to) {
            (Act::Seen, Role::Inbox, _) => Event::Read,
            (Act::Move | Act::Copy, Role::Junk, Some(Role::Inbox)) => Event::Rescued,
            (Act::Move | Act::Copy, Role::Inbox, Some(Role::Junk)) => Event::Complained,
            // Reporting a mail that lies in junk already.
            (Act::Flag, Role::Junk, _) if mail.flags.contains("$Junk") => Event::Complained,
            _ => return,
        };
        if !mail.sender_domain.is_empty() {
            self.learn(mailbox.provider, &mail.sender_domain, event);
        }
    }
}
