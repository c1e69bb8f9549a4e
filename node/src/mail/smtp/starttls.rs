//! SMTP's STARTTLS (RFC 3207), by hand: bytes that arrive before the handshake are refused, where the SMTP
//! library would take them for answers given under TLS.

use std::{future::Future, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    outcome::{ReplyCode, SmtpOutcome, Stage},
    session::SessionError,
};
use crate::mail::{connect::ConnectError, settings::MailTimeouts};

/// One reply's size: RFC 5321 lines are 512 bytes, an EHLO reply has a few dozen.
const MAX_REPLY: usize = 16 * 1024;

/// Greeting, EHLO, STARTTLS on a plain connection; afterwards the server waits for the handshake.
pub(super) async fn ask(tcp: &mut TcpStream, hello: &str, timeouts: &MailTimeouts) -> Result<(), SessionError> {
    let stage = Stage::Greeting;
    expect(within(timeouts.greeting(), stage, read_reply(tcp, stage)).await?, 220, stage)?;
    let stage = Stage::Hello;
    let ehlo = expect(within(timeouts.hello(), stage, exchange(tcp, format!("EHLO {hello}\r\n"), stage)).await?, 250, stage)?;
    let offered = ehlo.lines().any(|line| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS")));
    if !offered {
        return Err(SessionError::network(Stage::StartTls, ConnectError::NoStartTls));
    }
    let stage = Stage::StartTls;
    let answer = within(timeouts.starttls(), stage, exchange(tcp, "STARTTLS\r\n".to_owned(), stage)).await?;
    expect(answer, 220, stage).map(drop)
}

/// The same for a look at a server that nobody signs in at; the caller limits the time.
///
/// # Errors
/// [`ConnectError`].
pub(crate) async fn ask_starttls(tcp: &mut TcpStream) -> Result<(), ConnectError> {
    ask(tcp, "[127.0.0.1]", &MailTimeouts::default()).await.map_err(|e| match e.outcome() {
        SmtpOutcome::NetworkError { kind, .. } => kind,
        _ => ConnectError::Protocol,
    })
}

async fn within<T>(limit: Duration, stage: Stage, step: impl Future<Output = Result<T, SessionError>>) -> Result<T, SessionError> {
    timeout(limit, step).await.unwrap_or(Err(SessionError::network(stage, ConnectError::TimedOut)))
}

async fn exchange(tcp: &mut TcpStream, line: String, stage: Stage) -> Result<String, SessionError> {
    tcp.write_all(line.as_bytes()).await.map_err(|e| SessionError::network(stage, ConnectError::from_io(&e)))?;
    read_reply(tcp, stage).await
}

/// One whole reply. More than one at a time is refused: that is how answers are smuggled in.
async fn read_reply(tcp: &mut TcpStream, stage: Stage) -> Result<String, SessionError> {
    let failed = |kind| SessionError::network(stage, kind);
    let mut text = Vec::new();
    loop {
        let mut part = [0_u8; 2048];
        let n = tcp.read(&mut part).await.map_err(|e| failed(ConnectError::from_io(&e)))?;
        if n == 0 {
            return Err(failed(ConnectError::Closed));
        }
        text.extend_from_slice(part.get(..n).unwrap_or_default());
        if text.len() > MAX_REPLY {
            return Err(failed(ConnectError::Protocol));
        }
        if let Some(end) = reply_end(&text) {
            if end != text.len() {
                return Err(failed(ConnectError::Protocol));
            }
            return String::from_utf8(text).map_err(|_| failed(ConnectError::Protocol));
        }
    }
}

/// Where the first reply in `text` ends: behind the first whole line whose fourth byte is no hyphen.
fn reply_end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive(|b| *b == b'\n') {
        at += line.len();
        if line.ends_with(b"\n") && line.get(3) != Some(&b'-') {
            return Some(at);
        }
    }
    None
}

fn expect(reply: String, code: u16, stage: Stage) -> Result<String, SessionError> {
    let got = reply.get(..3).and_then(|digits| digits.parse::<u16>().ok());
    match got {
        Some(got) if got == code => Ok(reply),
        Some(got @ 400..=599) => Err(SessionError::Reply { stage, code: ReplyCode::parse(got, reply.get(4..).unwrap_or_default()) }),
        _ => Err(SessionError::network(stage, ConnectError::Protocol)),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_reply_ends_at_its_last_line() {
        assert_eq!(reply_end(b"250-a\r\n250 b\r\n"), Some(14));
        assert_eq!(reply_end(b"250-a\r\n250"), None);
        assert_eq!(reply_end(b"220 x\r\n250 smuggled\r\n"), Some(7));
    }

    async fn against(script: &'static [&'static str]) -> Result<(), SessionError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let address = listener.local_addr().expect("address");
        let server = tokio::spawn(async move {
            let (mut tcp, _) = listener.accept().await.expect("accept");
            for (i, line) in script.iter().enumerate() {
                if i > 0 {
                    let mut line = [0_u8; 512];
                    let _ = tcp.read(&mut line).await;
                }
                let _ = tcp.write_all(line.as_bytes()).await;
            }
            // Held open until the client hangs up.
            let _ = tcp.read(&mut [0_u8; 8]).await;
        });
        let mut tcp = TcpStream::connect(address).await.expect("connect");
        let got = ask(&mut tcp, "[127.0.0.1]", &MailTimeouts::default()).await;
        drop(tcp);
        server.await.expect("server");
        got
    }

    #[tokio::test]
    async fn bytes_behind_the_last_plain_reply_are_refused() {
        let smuggled = ["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n250 evil\r\n"];
        let got = against(Box::leak(Box::new(smuggled))).await;
        assert_eq!(got, Err(SessionError::network(Stage::StartTls, ConnectError::Protocol)));
        assert_eq!(against(&["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n"]).await, Ok(()));
    }

    #[tokio::test]
    async fn a_server_without_the_offer_is_refused() {
        let got = against(&["220 hi\r\n", "250 x\r\n"]).await;
        assert_eq!(got, Err(SessionError::network(Stage::StartTls, ConnectError::NoStartTls)));
    }
}
