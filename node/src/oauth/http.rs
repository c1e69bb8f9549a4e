//! One POST of a form over verified TLS (or to this machine): no redirects, limits on time and size.

use super::OAuthError;
use crate::mail::{ConnectError, Security, ServerSettings, TlsClient, connect::dial};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use url::{Host, Url, form_urlencoded};
use zeroize::Zeroizing;

/// From the first question to the last byte.
const LIMIT: Duration = Duration::from_secs(30);
/// Largest answer: access tokens have a few kilobytes.
const MAX_BODY: usize = 64 * 1024;
/// Response head; hyper's own floor is half of it.
const MAX_HEAD: usize = 16 * 1024;

/// Status and body.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// Sends `fields` as `application/x-www-form-urlencoded` (RFC 6749 section 4.1.3).
pub(super) async fn post(address: &str, ca_file: Option<&Path>, fields: &[(&str, &str)]) -> Result<Reply, OAuthError> {
    let url = Url::parse(address).map_err(|_| ConnectError::BadHostName)?;
    let form = Zeroizing::new(form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish());
    let work = async {
        let (host, ip) = match url.host().ok_or(ConnectError::BadHostName)? {
            Host::Domain(name) => (name.to_owned(), None),
            Host::Ipv4(ip) => (ip.to_string(), Some(ip.into())),
            Host::Ipv6(ip) => (ip.to_string(), Some(ip.into())),
        };
        let port = url.port_or_known_default().ok_or(ConnectError::BadHostName)?;
        let server = ServerSettings { host: host.clone(), port, security: Security::Tls, address: ip, ca_file: None };
        let tcp = dial(&server, LIMIT).await?;
        // The provider's addresses were checked: plain HTTP leads to this machine only.
        if url.scheme() == "http" {
            return exchange(tcp, &url, &form).await;
        }
        let tls = TlsClient::new(ca_file)?.handshake(&host, tcp).await?;
        exchange(tls, &url, &form).await
    };
    tokio::time::timeout(LIMIT, work).await.unwrap_or(Err(ConnectError::TimedOut.into()))
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, url: &Url, form: &str) -> Result<Reply, OAuthError> {
    let garbled = |_| OAuthError::Connect(ConnectError::Protocol);
    let host = HeaderValue::try_from(&url[url::Position::BeforeHost..url::Position::AfterPort]).map_err(|_| ConnectError::BadHostName)?;
    let request = Request::post(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(HOST, host)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .body(Full::new(Bytes::copy_from_slice(form.as_bytes())))
        .map_err(|_| ConnectError::BadHostName)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream)).await.map_err(garbled)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(garbled)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await.map_err(|_| ConnectError::Protocol)?;
        Ok(Reply { status, body: Zeroizing::new(body.to_bytes().to_vec()) })
    };
    tokio::pin!(connection, answer);
    // The connection has to be driven while the answer is awaited; both end with this call.
    let mut closed = false;
    loop {
        tokio::select! {
            done = &mut answer => return done,
            _ = &mut connection, if !closed => closed = true,
        }
    }
}
