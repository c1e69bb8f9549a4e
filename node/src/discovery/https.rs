//! HTTPS, as little of it as finding servers needs: one request a connection, verified TLS, caps on time and size.
//! Redirects are never followed: where a request goes is decided here, not by who answers it.

use super::dns::Dns;
use crate::http::{self, ExchangeError};
use crate::mail::{ConnectError, Security, ServerSettings, TlsClient, connect::dial};
use crate::p2p::{Reach, reach};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::http::uri::Scheme;
use hyper::{Request, StatusCode};
use std::net::IpAddr;
use std::time::Duration;

/// Why a request has no answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HttpsError {
    /// Not `https://host..`.
    #[error("the address is not https://")]
    NotHttps,
    /// The name has no address.
    #[error("the name could not be resolved")]
    Resolve,
    /// The name leads to an address inside a private network.
    #[error("the name leads to a private address")]
    PrivateAddress,
    /// No TCP or no verified TLS.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Not done within the limit.
    #[error("no whole answer in time")]
    TimedOut,
    /// The answer is longer than allowed.
    #[error("the answer is too long")]
    TooLong,
    /// Not HTTP.
    #[error("the answer is not HTTP")]
    Protocol,
}

/// What came back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The body, complete.
    pub body: Bytes,
}

/// A client with its limits. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Https {
    /// Who is trusted.
    pub tls: TlsClient,
    /// Who resolves.
    pub dns: Dns,
    /// From the first question to the last byte.
    pub limit: Duration,
    /// Largest body.
    pub max_body: usize,
    /// Go to private and loopback addresses too: for a network on one machine.
    pub allow_private: bool,
}

impl Https {
    /// GET of one address.
    ///
    /// # Errors
    /// [`HttpsError`]; a status is no error.
    pub async fn get(&self, url: &str) -> Result<Reply, HttpsError> {
        let request = Request::get(url).body(Full::default()).map_err(|_| HttpsError::NotHttps)?;
        self.send(request).await
    }

    /// One request with an absolute `https://` address; Host and User-Agent are filled in.
    ///
    /// # Errors
    /// [`HttpsError`]; a status is no error.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Reply, HttpsError> {
        tokio::time::timeout(self.limit, self.exchange(request)).await.unwrap_or(Err(HttpsError::TimedOut))
    }

    async fn exchange(&self, mut request: Request<Full<Bytes>>) -> Result<Reply, HttpsError> {
        let uri = request.uri().clone();
        // User information before the host would hide where the request goes.
        let plain = uri.authority().is_some_and(|a| !a.as_str().contains('@'));
        if uri.scheme() != Some(&Scheme::HTTPS) || !plain {
            return Err(HttpsError::NotHttps);
        }
        let host = uri.host().ok_or(HttpsError::NotHttps)?.trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or(443);
        let tcp = self.connect(&host, port).await?;
        let tls = self.tls.handshake(&host, tcp).await?;
        let name = uri.authority().map(|a| HeaderValue::try_from(a.as_str()));
        let head = request.headers_mut();
        head.insert(HOST, name.and_then(Result::ok).ok_or(HttpsError::NotHttps)?);
        head.insert(USER_AGENT, HeaderValue::from_static(concat!("warmnet/", env!("CARGO_PKG_VERSION"))));
        *request.uri_mut() = uri
            .path_and_query()
            .map_or_else(|| Ok("/".parse().unwrap_or_default()), |p| p.as_str().parse())
            .map_err(|_| HttpsError::NotHttps)?;
        let (status, body) = http::exchange(tls, request, self.max_body).await.map_err(|e| match e {
            ExchangeError::TooLong => HttpsError::TooLong,
            ExchangeError::Protocol => HttpsError::Protocol,
        })?;
        Ok(Reply { status, body })
    }

    async fn connect(&self, host: &str, port: u16) -> Result<tokio::net::TcpStream, HttpsError> {
        let addresses: Vec<IpAddr> = match host.parse::<IpAddr>() {
            Ok(ip) => vec![ip],
            Err(_) => self.dns.addresses(host).await.map_err(|_| HttpsError::Resolve)?,
        };
        let allowed = |ip: &IpAddr| match reach(*ip) {
            Reach::Global => true,
            Reach::Private | Reach::Loopback => self.allow_private,
            Reach::Never => false,
        };
        let mut last = if addresses.is_empty() { HttpsError::Resolve } else { HttpsError::PrivateAddress };
        for address in addresses.into_iter().filter(allowed) {
            let server = ServerSettings { host: host.to_owned(), port, security: Security::Tls, address: Some(address), ca_file: None };
            match dial(&server, self.limit).await {
                Ok(tcp) => return Ok(tcp),
                Err(e) => last = e.into(),
            }
        }
        Err(last)
    }
}
