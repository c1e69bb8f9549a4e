//! The byte stream under SMTP and IMAP: plain or TLS, with a budget for what may be read.
//!
//! The IMAP library holds a whole response in memory before it parses it, so a hostile server could fill
//! the memory; the budget, renewed for each command, ends that.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use super::{connect::ConnectError, guard::ResponseGuard};
use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

/// What a greeting, a login or any short command may send us.
pub(crate) const SHORT_BUDGET: usize = 64 * 1024;

/// A stream that is as good as a secured connection: both ends are in this process, say.
pub trait Pipe: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Pipe for T {}

/// Another way to a mailbox's server than the network. Whoever implements it answers for its privacy.
pub trait Transport: fmt::Debug + Send + Sync {
    /// A stream on which the server greets.
    ///
    /// # Errors
    /// As if a server could not be reached.
    fn connect(&self) -> Result<Box<dyn Pipe>, ConnectError>;
}

enum Inner {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Pipe(Box<dyn Pipe>),
}

/// A connection whose reads are counted against a budget.
pub(crate) struct MailStream {
    inner: Inner,
    /// Bytes handed to the reader before the network's own; see [`MailStream::with_greeting`].
    greeting: &'static [u8],
    budget: usize,
    shape: ResponseGuard,
}

impl MailStream {
    pub(crate) fn plain(tcp: TcpStream) -> Self {
        Self { inner: Inner::Plain(tcp), greeting: b"", budget: SHORT_BUDGET, shape: ResponseGuard::default() }
    }

    pub(crate) fn tls(tls: TlsStream<TcpStream>) -> Self {
        Self { inner: Inner::Tls(Box::new(tls)), greeting: b"", budget: SHORT_BUDGET, shape: ResponseGuard::default() }
    }

    pub(crate) fn pipe(pipe: Box<dyn Pipe>) -> Self {
        Self { inner: Inner::Pipe(pipe), greeting: b"", budget: SHORT_BUDGET, shape: ResponseGuard::default() }
    }

    /// Puts a greeting before the network's bytes: after STARTTLS a server greets no second time, but the
    /// SMTP library waits for one on every stream it is given.
    pub(crate) fn with_greeting(mut self, greeting: &'static [u8]) -> Self {
        self.greeting = greeting;
        self
    }

    /// Allows `bytes` more from now on, whatever was left before.
    pub(crate) fn set_budget(&mut self, bytes: usize) {
        self.budget = bytes;
    }

    /// The TCP stream under a plain connection, to be upgraded; `None` for one that is encrypted.
    pub(crate) fn into_plain(self) -> Option<TcpStream> {
        match self.inner {
            Inner::Plain(tcp) => Some(tcp),
            Inner::Tls(_) | Inner::Pipe(_) => None,
        }
    }
}

impl fmt::Debug for MailStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailStream")
    }
}

impl AsyncTokioStream for MailStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.inner {
            Inner::Plain(tcp) => tcp.peer_addr(),
            Inner::Tls(tls) => tls.get_ref().0.peer_addr(),
            Inner::Pipe(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl AsyncRead for MailStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.greeting.is_empty() {
            let n = this.greeting.len().min(buf.remaining());
            let (now, later) = this.greeting.split_at(n);
            buf.put_slice(now);
            this.greeting = later;
            return Poll::Ready(Ok(()));
        }
        if this.budget == 0 {
            let text = "the server sent more than it may in one answer";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::FileTooLarge, text)));
        }
        let most = this.budget.min(buf.remaining());
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(most));
        let polled = match &mut this.inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_read(cx, &mut part),
            Inner::Tls(tls) => Pin::new(&mut **tls).poll_read(cx, &mut part),
            Inner::Pipe(pipe) => Pin::new(&mut **pipe).poll_read(cx, &mut part),
        };
        let n = part.filled().len();
        if !this.shape.allows(part.filled(), this.budget as u64) {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::InvalidData)));
        }
        buf.advance(n);
        this.budget -= n;
        polled
    }
}

impl AsyncWrite for MailStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Inner::Tls(tls) => Pin::new(&mut **tls).poll_write(cx, bytes),
            Inner::Pipe(pipe) => Pin::new(&mut **pipe).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Inner::Tls(tls) => Pin::new(&mut **tls).poll_flush(cx),
            Inner::Pipe(pipe) => Pin::new(&mut **pipe).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Inner::Tls(tls) => Pin::new(&mut **tls).poll_shutdown(cx),
            Inner::Pipe(pipe) => Pin::new(&mut **pipe).poll_shutdown(cx),
        }
    }
}
