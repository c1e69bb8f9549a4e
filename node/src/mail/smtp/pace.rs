//! Whether the SMTP library is writing or waits for an answer, and what the server said to EHLO, seen from the stream below
//! it.
//!
//! The library greets in one call and sends a message in one call; the stages inside have time-outs of their own. Of what a
//! server offers it keeps only what it knows itself.

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

/// What is kept of greeting and EHLO's answer; real ones have a few hundred bytes, and what is cut off is not offered.
const MAX_HEARD: usize = 4096;

/// What happened since [`Pace::restart`].
#[derive(Debug, Default)]
struct Turns {
    first_write: Option<Instant>,
    waits: Option<Instant>,
    /// What the server said, while that is listened to.
    heard: Option<Vec<u8>>,
}

/// Shared between the stream and the session.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace(Arc<Mutex<Turns>>);

impl Pace {
    /// The pace of a connection on which the server is about to greet.
    pub(super) fn listening() -> Self {
        Self(Arc::new(Mutex::new(Turns { heard: Some(Vec::new()), ..Turns::default() })))
    }

    /// Whether EHLO's answer offered this keyword; from now on nothing is kept.
    pub(super) fn offered(&self, keyword: &str) -> bool {
        let heard = self.turns().heard.take().unwrap_or_default();
        let heard = String::from_utf8_lossy(&heard);
        // RFC 5321 section 4.1.1.1: 250, a blank or a hyphen, the keyword, its parameters.
        let mut offers = heard.lines().filter(|line| line.starts_with("250")).filter_map(|line| line.get(4..)?.split_whitespace().next());
        offers.any(|word| word.eq_ignore_ascii_case(keyword))
    }

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

    fn hears(&self, bytes: &[u8]) {
        if let Some(heard) = &mut self.turns().heard {
            heard.extend_from_slice(&bytes[..bytes.len().min(MAX_HEARD - heard.len())]);
        }
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
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.pace.hears(&buf.filled()[before..]);
        polled
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
