//! SPF, DKIM and DMARC of a mail that arrives, checked in the emulator's own DNS.

use super::message::{domain_of, without};
use crate::isp::sight::Authentication;
use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::common::headers::HeaderWriter as _;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{AuthenticatedMessage, AuthenticationResults, DkimResult, DmarcResult, MessageAuthenticator, SpfResult};
use std::net::{IpAddr, SocketAddr};

/// Checks against one DNS server.
pub struct Checker(MessageAuthenticator);

/// What is known of a sender when its mail arrives.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// Its address.
    pub peer: IpAddr,
    /// What it called itself.
    pub ehlo: &'a str,
    /// Envelope sender.
    pub from: &'a str,
}

impl Checker {
    /// Over this DNS server.
    ///
    /// # Errors
    /// Plain words.
    pub fn new(dns: SocketAddr) -> Result<Self, String> {
        let mut server = NameServerConfig::udp_and_tcp(dns.ip());
        for connection in &mut server.connections {
            connection.port = dns.port();
        }
        let config = ResolverConfig::from_name_servers(vec![server]);
        MessageAuthenticator::new(config, ResolverOpts::default()).map(Self).map_err(|e| e.to_string())
    }

    /// The Authentication-Results field (with its line end) and what the filter makes of it.
    pub async fn check(&self, host: &str, sender: Sender<'_>, raw: &[u8]) -> (String, Authentication) {
        let Some(message) = AuthenticatedMessage::parse(raw) else {
            return (format!("Authentication-Results: {host}; none\r\n"), Authentication::None);
        };
        let dkim = self.0.verify_dkim(&message).await;
        let spf = self.0.verify_spf(SpfParameters::verify_mail_from(sender.peer, sender.ehlo, host, sender.from)).await;
        let from_domain = domain_of(sender.from);
        let dmarc = self.0.verify_dmarc(DmarcParameters::new(&message, &dkim, &from_domain, &spf)).await;
        let results = AuthenticationResults::new(host)
            .with_dkim_results(&dkim, message.from())
            .with_spf_mailfrom_result(&spf, sender.peer, sender.from, sender.ehlo)
            .with_dmarc_result(&dmarc);
        let dkim_passes = dkim.iter().any(|d| d.result() == &DkimResult::Pass);
        let dmarc_passes = dmarc.dkim_result() == &DmarcResult::Pass || dmarc.spf_result() == &DmarcResult::Pass;
        let nothing = dkim.is_empty() && matches!(spf.result(), SpfResult::None | SpfResult::Neutral);
        let verdict = if dkim_passes && dmarc_passes && spf.result() == SpfResult::Pass {
            Authentication::Pass
        } else if nothing {
            Authentication::None
        } else {
            Authentication::Fail
        };
        (results.to_header(), verdict)
    }
}

/// Removes Authentication-Results that claim to be this host's: a sender could forge them (RFC 8601 section 5).
#[must_use]
pub fn strip_forged(raw: &[u8], host: &str) -> Vec<u8> {
    let ours = |value: &str| value.split([';', ' ', '\t']).next().is_some_and(|id| id.trim().eq_ignore_ascii_case(host));
    without(raw, |name, value| name.eq_ignore_ascii_case("Authentication-Results") && ours(value))
}
