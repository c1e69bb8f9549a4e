//! Reads one whole command, literals included.

use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest line.
const LINE: u64 = 64 * 1024;
/// Longest command, an appended mail included.
const COMMAND: usize = 2 * 1024 * 1024;
/// RFC 3501 section 5.4: at least 30 minutes of silence before a log-out.
pub(super) const WAIT: Duration = Duration::from_secs(30 * 60);

/// Reads a line into `buffer`; `false`: the client is gone, silent or talks too long. What was read so far stays in
/// `buffer` when the future is dropped.
pub(super) async fn line<S: AsyncBufRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> bool {
    let read = async { (&mut *stream).take(LINE).read_until(b'\n', buffer).await };
    matches!(tokio::time::timeout(WAIT, read).await, Ok(Ok(n)) if n > 0) && buffer.ends_with(b"\n")
}

/// Reads a command with its literals; `None`: the connection is to be closed.
pub(super) async fn command<S: AsyncBufRead + AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<Option<Vec<u8>>> {
    let mut buffer = Vec::new();
    loop {
        if !line(stream, &mut buffer).await {
            return Ok(None);
        }
        let Some((length, waits)) = announced(&buffer) else { return Ok(Some(buffer)) };
        if buffer.len() + length > COMMAND {
            stream.write_all(b"* BYE that is too long\r\n").await?;
            return Ok(None);
        }
        if waits {
            stream.write_all(b"+ go ahead\r\n").await?;
            stream.flush().await?;
        }
        let start = buffer.len();
        buffer.resize(start + length, 0);
        match tokio::time::timeout(WAIT, stream.read_exact(&mut buffer[start..])).await {
            Ok(read) => read?,
            Err(_) => return Ok(None),
        };
    }
}

/// Length of the literal that a line announces at its end, and whether the client waits to be asked for it.
fn announced(line: &[u8]) -> Option<(usize, bool)> {
    let text = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n"))?.strip_suffix(b"}")?;
    let open = text.iter().rposition(|b| *b == b'{')?;
    let inner = std::str::from_utf8(&text[open + 1..]).ok()?;
    let (digits, waits) = inner.strip_suffix('+').map_or((inner, true), |d| (d, false));
    digits.parse().ok().map(|n| (n, waits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_announced() {
        assert_eq!(announced(b"a APPEND INBOX {12}\r\n"), Some((12, true)));
        assert_eq!(announced(b"a APPEND INBOX {12+}\r\n"), Some((12, false)));
        assert_eq!(announced(b"a LOGIN x }\r\n"), None);
    }

    #[tokio::test]
    async fn a_command_with_a_literal_is_one() {
        let (mut client, server) = tokio::io::duplex(1024);
        client.write_all(b"a LOGIN {3+}\r\nbob {2+}\r\npw\r\nb NOOP\r\n").await.unwrap();
        let mut server = tokio::io::BufReader::new(server);
        assert_eq!(command(&mut server).await.unwrap().unwrap(), b"a LOGIN {3+}\r\nbob {2+}\r\npw\r\n");
        assert_eq!(command(&mut server).await.unwrap().unwrap(), b"b NOOP\r\n");
        drop(client);
        assert!(command(&mut server).await.unwrap().is_none());
    }
}
