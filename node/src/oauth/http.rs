//! One POST of a form over verified TLS (or to this machine): no redirects, limits on time and size.

use super::OAuthError;
use crate::http;
use crate::mail::{ConnectError, Security, ServerSettings, TlsClient, connect::dial};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use std::path::Path;
use std::time::Duration;
use url::{Host, Url, form_urlencoded};
use zeroize::Zeroizing;

/// From the first question to the last byte.
const LIMIT: Duration = Duration::from_secs(30);
/// Largest answer: access tokens have a few kilobytes.
const MAX_BODY: usize = 64 * 1024;

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
        let request = request(&url, &form)?;
        let answer = if url.scheme() == "http" {
            http::exchange(tcp, request, MAX_BODY).await
        } else {
            http::exchange(TlsClient::new(ca_file)?.handshake(&host, tcp).await?, request, MAX_BODY).await
        };
        let (status, body) = answer.map_err(|_| ConnectError::Protocol)?;
        Ok(Reply { status, body: Zeroizing::new(body.to_vec()) })
    };
    tokio::time::timeout(LIMIT, work).await.unwrap_or(Err(ConnectError::TimedOut.into()))
}

/// The request for an address.
fn request(url: &Url, form: &str) -> Result<Request<Full<Bytes>>, ConnectError> {
    let host = HeaderValue::try_from(&url[url::Position::BeforeHost..url::Position::AfterPort]).map_err(|_| ConnectError::BadHostName)?;
    Request::post(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(HOST, host)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .body(Full::new(Bytes::copy_from_slice(form.as_bytes())))
        .map_err(|_| ConnectError::BadHostName)
}
