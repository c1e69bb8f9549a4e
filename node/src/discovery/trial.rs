//! A finding is tried live: both servers, under verified TLS, without signing in.

use super::find::{Candidate, Finder, Found};
use crate::mail::connect::dial;
use crate::mail::smtp::ask_starttls;
use crate::mail::{ConnectError, Security, ServerSettings};

impl Finder {
    /// The first finding whose servers both answer.
    pub(super) async fn first_alive(&self, candidates: Vec<Candidate>, say: &mut impl FnMut(&str, String)) -> Option<Found> {
        for c in candidates {
            let (imap, smtp) = tokio::join!(self.alive(&c.imap, false), self.alive(&c.smtp, true));
            let told = |r: &Result<(), ConnectError>| r.as_ref().err().map_or("answers".to_owned(), ToString::to_string);
            say(&format!("IMAP {}:{}", c.imap.host, c.imap.port), told(&imap));
            say(&format!("SMTP {}:{}", c.smtp.host, c.smtp.port), told(&smtp));
            if imap.is_ok() && smtp.is_ok() {
                return Some(Found { source: c.source, imap: c.imap, smtp: c.smtp, user: c.user, trust: c.trust, password: c.password });
            }
        }
        None
    }

    /// Whether a server answers with a certificate for its name. Nothing is signed in. IMAP with STARTTLS is only
    /// reached here; its certificate is verified at sign-in, before the password goes.
    pub(super) async fn alive(&self, server: &ServerSettings, is_smtp: bool) -> Result<(), ConnectError> {
        let work = async {
            let mut tcp = dial(&self.dialled(server).await?, self.limit).await?;
            match (server.security, is_smtp) {
                (Security::StartTls, false) => return Ok(()),
                (Security::StartTls, true) => ask_starttls(&mut tcp).await?,
                (Security::Tls, _) => {}
            }
            self.tls.handshake(&server.host, tcp).await.map(drop)
        };
        tokio::time::timeout(self.limit, work).await.unwrap_or(Err(ConnectError::TimedOut))
    }

    /// The server as it is dialled: with an address where a DNS server of its own is configured.
    ///
    /// # Errors
    /// [`ConnectError::Resolve`].
    pub async fn dialled(&self, server: &ServerSettings) -> Result<ServerSettings, ConnectError> {
        if !self.dial_by_dns || server.address.is_some() {
            return Ok(server.clone());
        }
        let found = self.dns.addresses(&server.host).await.map_err(|_| ConnectError::Resolve)?;
        let address = found.first().ok_or(ConnectError::Resolve)?;
        Ok(ServerSettings { address: Some(*address), ..server.clone() })
    }
}
