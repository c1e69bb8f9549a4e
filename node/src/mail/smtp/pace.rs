//! Whether the SMTP library is writing or waits for an answer, seen from the stream below it.
//!
//! The library greets in one call and sends a message in one call; the stages inside have time-outs of their own.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::mail::stream::MailStream;

/// What happened since [`Pace::restart`].
#[derive(Debug, Default)]
struct Turns {
    first_write: Option<Instant>,
    waits: Option<Instant>,
}

/// Shared between the stream and the session.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace(Arc<Mutex<Turns>>);

impl Pace {
    /// Forgets what was.
    pub(super) fn restart(&self) {
        *self.turns() = Turns::default();
    }

    /// When the library first wrote something.
    pub(super) fn wrote(&self) -> Option<Instant> {
        self.turns().first_write
    }

    /// Since when it waits for the answer to what it wrote.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        self.turns().waits
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        // Each change is one assignment, so a panic elsewhere leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writes(&self) {
        let mut turns = self.turns();
        turns.waits = None;
        turns.first_write.get_or_insert_with(Instant::now);
    }

    fn reads(&self) {
        let mut turns = self.turns();
        if turns.first_write.is_some() {
            turns.waits.get_or_insert_with(Instant::now);
        }
    }
}

/// A stream that tells its [`Pace`].
pub(super) struct Paced {
    pub(super) inner: MailStream,
    pub(super) pace: Pace,
}

impl fmt::Debug for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Paced")
    }
}

impl AsyncTokioStream for Paced {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.peer_addr()
    }
}

impl AsyncRead for Paced {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.pace.reads();
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.pace.writes();
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
