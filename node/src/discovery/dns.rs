//! Questions to the DNS, with "there is none" and "nobody answered" told apart: only the first is a finding.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use mail_auth::MessageAuthenticator;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Wall wait for one try of one question.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Tries of one question.
const ATTEMPTS: usize = 2;
/// Records of one answer that are looked at: nobody's mail needs more.
const MAX_RECORDS: usize = 64;

/// Why a question has no records.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DnsFault {
    /// The name does not exist, nor does any below it (RFC 8020).
    #[error("there is no such name")]
    NoSuchName,
    /// No answer, or one that says nothing about the name.
    #[error("the DNS did not answer")]
    NoAnswer,
}

/// The records of one type, perhaps none.
pub type Answer<T> = Result<Vec<T>, DnsFault>;

/// A name's records, where a name that doesn't exist has none.
///
/// # Errors
/// [`DnsFault::NoAnswer`].
pub fn or_none<T>(answer: Answer<T>) -> Answer<T> {
    match answer {
        Err(DnsFault::NoSuchName) => Ok(vec![]),
        other => other,
    }
}

/// One SRV record (RFC 2782).
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Srv {
    /// Lower is tried first.
    pub priority: u16,
    /// Share among equals; we take the heaviest.
    pub weight: u16,
    /// TCP port.
    pub port: u16,
    /// Host, lower case without the last dot; empty: the service is not offered.
    pub target: String,
}

/// A resolver. Cheap to clone.
#[derive(Clone)]
pub struct Dns {
    resolver: TokioResolver,
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dns")
    }
}

impl Dns {
    /// Over this server, or the system's (`None`).
    ///
    /// # Errors
    /// The resolver's words: the system's configuration can't be read.
    pub fn new(server: Option<SocketAddr>) -> Result<Self, String> {
        let mut builder = match server {
            None => TokioResolver::builder_tokio().map_err(|e| e.to_string())?,
            Some(at) => {
                let mut name_server = NameServerConfig::udp_and_tcp(at.ip());
                for connection in &mut name_server.connections {
                    connection.port = at.port();
                }
                let config = ResolverConfig::from_name_servers(vec![name_server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.timeout = TIMEOUT;
        options.attempts = ATTEMPTS;
        // Every check is a fresh look: its owner may just have mended the record.
        options.cache_size = 0;
        // What receivers see is asked for, not what this machine's hosts file says.
        options.use_hosts_file = ResolveHosts::Never;
        Ok(Self { resolver: builder.build().map_err(|e| e.to_string())? })
    }

    /// The same resolver for DKIM and DMARC checks.
    #[must_use]
    pub fn authenticator(&self) -> MessageAuthenticator {
        MessageAuthenticator(self.resolver.clone())
    }

    /// TXT records, each with its strings joined (RFC 7208 section 3.3).
    ///
    /// # Errors
    /// [`DnsFault`].
    pub async fn txt(&self, name: &str) -> Answer<String> {
        let pick = |data: &RData| match data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        };
        self.ask(name, RecordType::TXT, pick).await
    }

    /// Mail exchangers, best first; the null MX (RFC 7505) has an empty name.
    ///
    /// # Errors
    /// [`DnsFault`].
    pub async fn mx(&self, name: &str) -> Answer<String> {
        let pick = |data: &RData| match data {
            RData::MX(mx) => Some((mx.preference, host(&mx.exchange))),
            _ => None,
        };
        let mut found = self.ask(name, RecordType::MX, pick).await?;
        found.sort();
        Ok(found.into_iter().map(|(_, host)| host).collect())
    }

    /// SRV records, the one to try first in front.
    ///
    /// # Errors
    /// [`DnsFault`].
    pub async fn srv(&self, name: &str) -> Answer<Srv> {
        let pick = |data: &RData| match data {
            RData::SRV(s) => Some(Srv { priority: s.priority, weight: s.weight, port: s.port, target: host(&s.target) }),
            _ => None,
        };
        let mut found = self.ask(name, RecordType::SRV, pick).await?;
        found.sort_by_key(|s| (s.priority, u16::MAX - s.weight, s.target.clone()));
        Ok(found)
    }

    /// IPv4 and IPv6 addresses.
    ///
    /// # Errors
    /// [`DnsFault`].
    pub async fn addresses(&self, name: &str) -> Answer<IpAddr> {
        let pick = |data: &RData| match data {
            RData::A(a) => Some(IpAddr::V4(a.0)),
            RData::AAAA(a) => Some(IpAddr::V6(a.0)),
            _ => None,
        };
        let (v4, v6) = tokio::join!(self.ask(name, RecordType::A, pick), self.ask(name, RecordType::AAAA, pick));
        match (v4, v6) {
            (Ok(mut a), Ok(b)) => {
                a.extend(b);
                Ok(a)
            }
            // One family is enough to get there.
            (Ok(a), Err(_)) | (Err(_), Ok(a)) if !a.is_empty() => Ok(a),
            (Err(fault), _) | (_, Err(fault)) => Err(fault),
        }
    }

    /// Names of an address.
    ///
    /// # Errors
    /// [`DnsFault`].
    pub async fn ptr(&self, ip: IpAddr) -> Answer<String> {
        let pick = |data: &RData| match data {
            RData::PTR(name) => Some(host(&name.0)),
            _ => None,
        };
        self.ask(&Name::from(ip).to_ascii(), RecordType::PTR, pick).await
    }

    async fn ask<T>(&self, name: &str, kind: RecordType, pick: impl Fn(&RData) -> Option<T>) -> Answer<T> {
        // Fully qualified, so that no search list applies.
        let name = Name::from_ascii(format!("{}.", name.trim_end_matches('.'))).map_err(|_| DnsFault::NoSuchName)?;
        let wait = TIMEOUT * (ATTEMPTS as u32 + 1);
        match tokio::time::timeout(wait, self.resolver.lookup(name, kind)).await {
            Err(_) => Err(DnsFault::NoAnswer),
            Ok(Ok(lookup)) => Ok(lookup.answers().iter().filter_map(|r| pick(&r.data)).take(MAX_RECORDS).collect()),
            Ok(Err(NetError::Dns(DnsError::NoRecordsFound(no)))) => match no.response_code {
                ResponseCode::NXDomain => Err(DnsFault::NoSuchName),
                ResponseCode::NoError => Ok(vec![]),
                _ => Err(DnsFault::NoAnswer),
            },
            Ok(Err(_)) => Err(DnsFault::NoAnswer),
        }
    }
}

/// A name as it is compared: lower case, without the last dot.
fn host(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}
