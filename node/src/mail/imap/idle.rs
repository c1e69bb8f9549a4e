//! Waiting on the selected folder by IDLE (RFC 2177), as a hint only: whatever ends the wait, the next step
//! looks for itself.
//!
//! Not the IMAP library's handle: that one waits on when the server says NO, and takes a closed connection for
//! an interruption.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, timeout, timeout_at};

use super::{
    answer::{End, Line, Untagged},
    session::{ImapError, ImapSession},
};
use crate::mail::connect::ConnectError;

/// How long the server may take to end an IDLE (a hung connection is found here).
const DONE_LIMIT: Duration = Duration::from_secs(15);
/// The longest one IDLE, whatever the poll interval: many routers forget a silent connection after 10 minutes
/// or less, and RFC 2177 asks for less than 29.
const MAX_IDLE: Duration = Duration::from_secs(9 * 60);

/// How a wait ended.
#[derive(Debug)]
pub(super) enum Waited<T> {
    /// The interval is over, or the server has news.
    Look,
    /// `interrupt` was ready.
    Interrupted(T),
    /// The server takes no IDLE; wait without from now on.
    Unable,
}

/// Waits until news, `interrupt` or the end of `interval`.
pub(super) async fn wait<T>(
    session: &mut ImapSession,
    interval: Duration,
    interrupt: impl Future<Output = T>,
) -> Result<Waited<T>, ImapError> {
    let end = Instant::now() + interval.min(MAX_IDLE);
    let id = session.start("IDLE").await?;
    // The go-ahead. News before it belongs to this wait already.
    let mut news = false;
    loop {
        let limit = session.limit();
        let response = timeout(limit, session.next()).await.map_err(|_| ConnectError::TimedOut)??;
        match response {
            Line::Continue => break,
            // OK without a go-ahead: ended at once by the server.
            Line::Done { tag, status: End::Ok, .. } if tag == id => return Ok(Waited::Look),
            Line::Done { .. } => return Ok(Waited::Unable),
            Line::Untagged(Untagged::Bye) => return Err(ConnectError::Closed.into()),
            Line::Untagged(data) => news |= is_news(&data),
        }
    }
    let mut interrupted = None;
    tokio::pin!(interrupt);
    while !news && interrupted.is_none() {
        tokio::select! {
            value = &mut interrupt => interrupted = Some(value),
            response = timeout_at(end, session.next()) => match response {
                Err(_) => break,
                Ok(response) => match response? {
                    Line::Untagged(Untagged::Bye) => return Err(ConnectError::Closed.into()),
                    Line::Untagged(data) => news = is_news(&data),
                    // Ended by the server itself.
                    Line::Done { .. } => return Ok(Waited::Look),
                    Line::Continue => {}
                },
            },
        }
    }
    session.send_line("DONE").await?;
    session.finish_idle(&id, DONE_LIMIT).await?;
    Ok(interrupted.map_or(Waited::Look, Waited::Interrupted))
}

/// Whether a response may mean a new mail. "* OK Still here" does not.
fn is_news(data: &Untagged) -> bool {
    matches!(data, Untagged::Exists(_) | Untagged::Recent)
}
