//! One HTTP/1.1 request and its whole answer over a connection that somebody else opened: caps on the head and the body, no redirects.

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// Response head: hyper's own floor is half of it.
const MAX_HEAD: usize = 16 * 1024;
/// Header fields of a response.
const MAX_FIELDS: usize = 64;

/// Why there is no whole answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ExchangeError {
    /// The body is longer than allowed.
    TooLong,
    /// Not HTTP, or it broke off.
    Protocol,
}

/// Sends `request` and reads the answer: its status, and its body of at most `max_body` bytes. The caller limits the time.
pub(crate) async fn exchange<S>(stream: S, request: Request<Full<Bytes>>, max_body: usize) -> Result<(StatusCode, Bytes), ExchangeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let garbled = |_| ExchangeError::Protocol;
    let mut builder = hyper::client::conn::http1::Builder::new();
    let built = builder.max_buf_size(MAX_HEAD).max_headers(MAX_FIELDS).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = built.map_err(garbled)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(garbled)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), max_body).collect().await;
        let too_long = |e: Box<dyn std::error::Error + Send + Sync>| match e.is::<LengthLimitError>() {
            true => ExchangeError::TooLong,
            false => ExchangeError::Protocol,
        };
        Ok((status, body.map_err(too_long)?.to_bytes()))
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
