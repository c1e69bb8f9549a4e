//! One list, one question, one verdict (RFC 5782; `Rules for reading` of the mail reference in the project's docs).
//!
//! An answer is a listing only when every record is an A record inside 127.0.0.0/8 and one is on the list's own map.
//! No record is clean. Anything else is an error; no answer is unknown. A list counts only while its controls hold.

use super::{BlocklistConfig, ListKind, ListResult, Subject, Verdict};
use futures::StreamExt;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use warmnet_protocol::ids::DomainTag;

/// Wall wait for one try of one question: a resolver on loopback that asks the world.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Tries of one question.
const ATTEMPTS: usize = 2;
/// Questions under way at once: kind to the resolver, 1,000 domains in seconds.
const CONCURRENT: usize = 16;

/// A resolver could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the DNS resolver can't be set up: {0}")]
pub struct ResolverError(#[from] NetError);

/// Asks lists. Nothing is cached, so every poll is a fresh look.
#[derive(Clone)]
pub struct Dnsbl {
    resolver: TokioResolver,
    /// For all tries of one question.
    wait: Duration,
}

impl Dnsbl {
    /// Over this server, or the system's (`None`).
    ///
    /// # Errors
    /// [`ResolverError`].
    pub fn new(server: Option<SocketAddr>) -> Result<Self, ResolverError> {
        Self::with_timeout(server, TIMEOUT)
    }

    fn with_timeout(server: Option<SocketAddr>, timeout: Duration) -> Result<Self, ResolverError> {
        let mut builder = match server {
            None => TokioResolver::builder_tokio()?,
            Some(at) => {
                let mut name_server = NameServerConfig::udp_and_tcp(at.ip());
                for connection in &mut name_server.connections {
                    connection.port = at.port();
                }
                let config = ResolverConfig::from_name_servers(vec![name_server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options: &mut ResolverOpts = builder.options_mut();
        options.timeout = timeout;
        options.attempts = ATTEMPTS;
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        options.case_randomization = true;
        // A CNAME must be seen, not followed silently.
        options.preserve_intermediates = true;
        Ok(Self { resolver: builder.build()?, wait: timeout * (ATTEMPTS as u32 + 1) })
    }

    /// One question.
    pub async fn ask(&self, list: &BlocklistConfig, entry: &str) -> Verdict {
        let Some(name) = question(list, entry) else { return Verdict::Error };
        match tokio::time::timeout(self.wait, self.resolver.lookup(name, RecordType::A)).await {
            Err(_) => Verdict::Unknown,
            Ok(Ok(lookup)) => read(lookup.answers().iter().map(|r| &r.data), &list.listed),
            Ok(Err(NetError::Dns(DnsError::NoRecordsFound(no)))) => match no.response_code {
                ResponseCode::NXDomain | ResponseCode::NoError => Verdict::Clean,
                _ => Verdict::Unknown,
            },
            Ok(Err(_)) => Verdict::Unknown,
        }
    }

    /// Whether the list's controls hold: its point of control is listed, its counterpart and a made-up name are not.
    pub async fn healthy(&self, list: &BlocklistConfig) -> bool {
        if !matches!(self.ask(list, &list.positive).await, Verdict::Listed(_)) {
            return false;
        }
        self.ask(list, &list.negative).await == Verdict::Clean && self.ask(list, &made_up(list.kind)).await == Verdict::Clean
    }

    /// One round of one list.
    pub async fn round(&self, list: &BlocklistConfig, subjects: &[Subject]) -> ListResult {
        let healthy = self.healthy(list).await;
        let mut result =
            ListResult { list: list.label(), high_trust: list.high_trust, healthy, verdicts: std::collections::BTreeMap::new() };
        if !healthy {
            return result;
        }
        let questions: Vec<(DomainTag, String)> =
            subjects.iter().flat_map(|s| entries(list.kind, s).into_iter().map(|e| (s.tag, e))).collect();
        let shared = Arc::new(list.clone());
        let asked = futures::stream::iter(questions).map(|(tag, entry)| {
            let (dnsbl, list) = (self.clone(), shared.clone());
            async move { (tag, dnsbl.ask(&list, &entry).await) }
        });
        let answers: Vec<(DomainTag, Verdict)> = asked.buffer_unordered(CONCURRENT).collect().await;
        for (tag, verdict) in answers {
            // Several addresses of one domain: the worst counts.
            let kept = result.verdicts.entry(tag).or_insert(verdict);
            if severity(&verdict) > severity(kept) {
                *kept = verdict;
            }
        }
        // A list that died during the round answers for everybody.
        result.healthy = self.ask(list, &made_up(list.kind)).await == Verdict::Clean;
        if !result.healthy {
            result.verdicts.clear();
        }
        result
    }
}

fn severity(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Clean => 0,
        Verdict::Unknown => 1,
        Verdict::Error => 2,
        Verdict::Listed(_) => 3,
    }
}

fn entries(kind: ListKind, subject: &Subject) -> Vec<String> {
    match kind {
        ListKind::Domain => vec![subject.domain.clone()],
        ListKind::Ip => subject.addresses.iter().map(ToString::to_string).collect(),
    }
}

/// The name to ask: fully qualified, so no search list applies. `None` for what fits no DNS name.
fn question(list: &BlocklistConfig, entry: &str) -> Option<Name> {
    let entry = match (list.kind, entry.parse::<Ipv4Addr>()) {
        (ListKind::Ip, Ok(ip)) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}")
        }
        _ => entry.to_owned(),
    };
    Name::from_ascii(format!("{entry}.{}.", list.zone.trim_matches('.'))).ok()
}

/// An entry that nobody can have listed: a random name, or for address lists a documentation address (RFC 5737).
fn made_up(kind: ListKind) -> String {
    let draw = || RandomState::new().build_hasher().finish();
    match kind {
        // 20 characters, as RFC 5782 section 5 leaves the name free.
        ListKind::Domain => format!("{:020x}.test", u128::from(draw())),
        ListKind::Ip => Ipv4Addr::new(192, 0, 2, (draw() % 254 + 1) as u8).to_string(),
    }
}

/// What the records mean.
pub(super) fn read<'a>(records: impl Iterator<Item = &'a RData>, listed: &[Ipv4Addr]) -> Verdict {
    let mut found = None;
    let mut any = false;
    for record in records {
        any = true;
        let RData::A(a) = record else { return Verdict::Error };
        let ip = a.0;
        // 127.255.255.0/24 is how lists say that they refuse to answer.
        if !ip.is_loopback() || ip.octets()[..3] == [127, 255, 255] {
            return Verdict::Error;
        }
        if listed.contains(&ip) {
            found = found.or(Some(ip));
        }
    }
    match (any, found) {
        (_, Some(ip)) => Verdict::Listed(ip),
        (true, None) => Verdict::Error,
        (false, None) => Verdict::Clean,
    }
}

#[cfg(test)]
mod tests;
