//! The line between node and emulator that breaks after a given byte, and the log of what was done behind it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use warmnet_node::mail::{ConnectError, Pipe, Transport};
use warmnet_sim::provider::accounting::message_id;
use warmnet_sim::provider::imap::{self, Act, ActObserver, ImapService};
use warmnet_sim::provider::store::{Mail, Mailbox, Origin, Role};

/// What was done to a mail: Message-ID, act, from where to where.
pub(crate) type Done = (String, Act, Role, Option<Role>);

/// Writes down every act.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) foreign: Mutex<Vec<Done>>,
    pub(crate) ours: Mutex<Vec<Done>>,
}

impl ActObserver for Log {
    fn act(&self, _: &Mailbox, act: Act, mail: &Mail, from: Role, to: Option<Role>) {
        let list = if mail.origin == Origin::Foreign { &self.foreign } else { &self.ours };
        list.lock().expect("whole").push((message_id(&mail.raw), act, from, to));
    }
}

/// What is known of all connections of one run.
pub(crate) struct Wire {
    /// Closed once the node was asked for something: no server speaks before, so that every run of a dialogue is the same.
    pub(crate) asked: Semaphore,
    /// Bytes that the server sent on the first connection.
    pub(crate) first: AtomicUsize,
    /// Connections so far.
    pub(crate) connections: AtomicUsize,
    /// The first connection was broken.
    pub(crate) cut: AtomicBool,
    /// The server has gone idle at least once.
    pub(crate) idling: AtomicBool,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            asked: Semaphore::new(0),
            first: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            cut: AtomicBool::new(false),
            idling: AtomicBool::new(false),
        }
    }
}

/// A server behind a line whose first connection breaks as soon as the server has sent `cut_at` bytes.
pub(crate) struct Line {
    pub(crate) service: Arc<ImapService>,
    pub(crate) wire: Arc<Wire>,
    pub(crate) cut_at: usize,
}

impl Line {
    fn wrap<S>(&self, stream: S) -> Cut<S> {
        let first = self.wire.connections.fetch_add(1, Ordering::SeqCst) == 0;
        let left = if first { self.cut_at } else { usize::MAX };
        Cut { inner: Some(stream), left, first, wire: self.wire.clone() }
    }

    /// Serves one connection in a task.
    fn serve<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(&self, stream: S) {
        let (service, stream, wire) = (self.service.clone(), self.wrap(stream), self.wire.clone());
        tokio::spawn(async move {
            // Nothing is ever to be had from it but its end.
            let _closed = wire.asked.acquire().await.err();
            imap::serve(service, stream, None).await;
        });
    }

    /// Serves TLS connections until the task is dropped.
    pub(crate) async fn listen(self, listener: TcpListener, acceptor: TlsAcceptor) {
        while let Ok((tcp, _)) = listener.accept().await {
            // A client that leaves in the handshake is none of ours.
            let Ok(tls) = acceptor.accept(tcp).await else { continue };
            self.serve(tls);
        }
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Line")
    }
}

impl Transport for Line {
    fn connect(&self) -> Result<Box<dyn Pipe>, ConnectError> {
        let (client, server) = tokio::io::duplex(64 * 1024);
        self.serve(server);
        Ok(Box::new(client))
    }
}

/// The server's end. It is dropped right behind the last allowed byte, so a cut between two answers leaves the next
/// command undone, and a cut inside an answer comes after the command was carried out.
struct Cut<S> {
    inner: Option<S>,
    left: usize,
    first: bool,
    wire: Arc<Wire>,
}

impl<S: AsyncWrite + Unpin> Cut<S> {
    /// Gets out what was written, then breaks the line.
    fn poll_break(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(inner) = &mut self.inner {
            // The other end may be gone already.
            let _flushed = ready!(Pin::new(inner).poll_flush(cx));
            self.wire.cut.store(true, Ordering::SeqCst);
            self.inner = None;
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Cut<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.left == 0 {
            ready!(self.poll_break(cx));
        }
        match &mut self.inner {
            Some(inner) => Pin::new(inner).poll_read(cx, buf),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Cut<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if bytes.starts_with(b"+ idling") {
            this.wire.idling.store(true, Ordering::SeqCst);
        }
        if this.left == 0 {
            ready!(this.poll_break(cx));
        }
        let Some(inner) = &mut this.inner else { return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())) };
        let most = bytes.len().min(this.left);
        // Counted before they are out: the other end may be done with them before this line is.
        if this.first {
            this.wire.first.fetch_add(most, Ordering::SeqCst);
        }
        let written = Pin::new(inner).poll_write(cx, &bytes[..most]);
        let n = if let Poll::Ready(Ok(n)) = written { n } else { 0 };
        if this.first {
            this.wire.first.fetch_sub(most - n, Ordering::SeqCst);
        }
        this.left -= n;
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.left == 0 {
            ready!(self.poll_break(cx));
        }
        match &mut self.inner {
            Some(inner) => Pin::new(inner).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Some(inner) => Pin::new(inner).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}
