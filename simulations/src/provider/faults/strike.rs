//! A fault that happens now.

use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// A server that hangs keeps its connection this long: longer than any client's time-out (RFC 5321 section 4.5.3.2: ten
/// minutes for the final dot, RFC 3501 section 5.4: thirty).
const HANG: Duration = Duration::from_secs(31 * 60);

/// How a connection goes on behind a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    GoOn,
    Close,
    Hang,
}

/// What to do instead of answering.
#[derive(Clone, Debug)]
pub struct Strike {
    pub(super) words: Option<String>,
    pub(super) reply: Option<String>,
    pub(super) carried_out: bool,
    pub(super) delay: Duration,
    pub(super) truncate: Option<usize>,
    pub(super) end: End,
}

impl Strike {
    /// Words instead of a mail's own.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        self.words.as_deref()
    }

    /// Whether what was asked for is left undone.
    #[must_use]
    pub fn skips(&self) -> bool {
        !self.carried_out && (self.reply.is_some() || (self.end != End::GoOn && self.truncate.is_none()))
    }

    /// Sends what is to be sent in place of `answer`, with IMAP's `tag`. Returns whether the conversation goes on.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn send<S: AsyncRead + AsyncWrite + Unpin>(self, stream: &mut S, answer: &[u8], tag: Option<&str>) -> std::io::Result<bool> {
        tokio::time::sleep(self.delay).await;
        let reply = self.reply.as_deref().map(|reply| framed(reply, tag));
        let bytes: &[u8] = match (&reply, self.end, self.truncate) {
            (Some(reply), ..) => reply.as_bytes(),
            (None, End::GoOn, _) | (None, _, Some(_)) => answer,
            (None, End::Close | End::Hang, None) => b"",
        };
        let bytes = &bytes[..self.truncate.unwrap_or(usize::MAX).min(bytes.len())];
        stream.write_all(bytes).await?;
        stream.flush().await?;
        match self.end {
            End::GoOn => return Ok(true),
            End::Close => {}
            End::Hang => {
                let mut unread = [0u8; 4_096];
                let gone = async { while stream.read(&mut unread).await.is_ok_and(|n| n > 0) {} };
                // Whichever comes first, the client or the time.
                let _over = tokio::time::timeout(HANG, gone).await;
            }
        }
        Ok(false)
    }
}

/// Lines ended by CRLF, each with the tag unless it is to have none.
fn framed(reply: &str, tag: Option<&str>) -> String {
    let line = |line: &str| match tag {
        Some(tag) if !line.starts_with(['*', '+']) => format!("{tag} {line}\r\n"),
        _ => format!("{line}\r\n"),
    };
    reply.lines().map(line).collect()
}
