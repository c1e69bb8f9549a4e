//! An SMTP client: between providers, for the owner's own mail, and for strangers.

use super::RelayError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

/// One reply on loopback, a filter's work included.
const WAIT: Duration = Duration::from_secs(20);
/// Longest reply line.
const LINE: u64 = 4_096;
/// Most lines of one reply.
const LINES: usize = 50;

/// A connection.
pub struct Client<S>(BufReader<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Reads the greeting and says EHLO.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn start(stream: S, name: &str) -> Result<Self, RelayError> {
        let mut client = Self(BufReader::new(stream));
        client.reply().await?;
        client.ask(&format!("EHLO {name}\r\n")).await?;
        Ok(client)
    }

    /// Signs in.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn sign_in(&mut self, user: &str, password: &str) -> Result<String, RelayError> {
        let plain = STANDARD.encode(format!("\0{user}\0{password}"));
        self.ask(&format!("AUTH PLAIN {plain}\r\n")).await
    }

    /// The last line of a reply; 4xx and 5xx are errors.
    async fn reply(&mut self) -> Result<String, RelayError> {
        for _ in 0..LINES {
            let mut line = String::new();
            let read = async { (&mut self.0).take(LINE).read_line(&mut line).await };
            if tokio::time::timeout(WAIT, read).await.map_err(|_| RelayError::Slow)?? == 0 {
                return Err(RelayError::Io(std::io::ErrorKind::UnexpectedEof.into()));
            }
            if line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            let line = line.trim_end().to_owned();
            return if line.starts_with(['2', '3']) { Ok(line) } else { Err(RelayError::Refused(line)) };
        }
        Err(RelayError::Slow)
    }

    /// Sends a command and reads its reply.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn ask(&mut self, command: &str) -> Result<String, RelayError> {
        self.0.get_mut().write_all(command.as_bytes()).await?;
        self.0.get_mut().flush().await?;
        self.reply().await
    }

    /// Names sender and recipient.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn envelope(&mut self, from: &str, to: &str) -> Result<String, RelayError> {
        self.ask(&format!("MAIL FROM:<{from}>\r\n")).await?;
        self.ask(&format!("RCPT TO:<{to}>\r\n")).await
    }

    /// A whole mail to one recipient.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn mail(&mut self, from: &str, to: &str, raw: &[u8]) -> Result<String, RelayError> {
        self.envelope(from, to).await?;
        self.ask("DATA\r\n").await?;
        let mut out = Vec::with_capacity(raw.len() + 64);
        for line in raw.split_inclusive(|b| *b == b'\n') {
            if line.starts_with(b".") {
                out.push(b'.');
            }
            out.extend_from_slice(line);
        }
        if !out.ends_with(b"\r\n") {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
        self.0.get_mut().write_all(&out).await?;
        self.0.get_mut().flush().await?;
        self.reply().await
    }

    /// Forgets the mail at hand after a refusal.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn reset(&mut self) -> Result<String, RelayError> {
        self.ask("RSET\r\n").await
    }

    /// Says good-bye.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn quit(&mut self) -> Result<String, RelayError> {
        self.ask("QUIT\r\n").await
    }
}
