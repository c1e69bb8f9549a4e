//! Sign-in: LOGIN with a password, AUTHENTICATE XOAUTH2 or OAUTHBEARER with an access token.

use async_imap::{Authenticator, Client, Session, error::Error as LibError};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use zeroize::Zeroizing;

use super::session::ImapError;
use crate::mail::{connect::ConnectError, settings::SignInSecret, stream::MailStream};
use crate::oauth::{OAuthError, sasl::Mechanism};

/// Lines of the answer to CAPABILITY, and bytes of a line; servers send two short ones.
const MAX_LINES: usize = 100;
const MAX_LINE: u64 = 8 * 1024;

impl From<OAuthError> for ImapError {
    fn from(error: OAuthError) -> Self {
        match error {
            OAuthError::Connect(e) => Self::Connect(e),
            e if e.needs_owner() => Self::SignInRefused,
            _ => Self::SignInUnavailable,
        }
    }
}

/// Signs in. The caller sets the time-out; the stream's budget ends a server that asks for ever.
pub(super) async fn sign_in(client: Client<MailStream>, user: &str, secret: &SignInSecret) -> Result<Session<MailStream>, ImapError> {
    let signed_in = match secret {
        SignInSecret::Password(password) => client.login(user, password.expose_secret()).await,
        SignInSecret::Token(token) => {
            let (client, offered) = offered(client).await?;
            let names = offered.iter().filter_map(|name| name.strip_prefix("AUTH="));
            let mechanism = Mechanism::choose(names).ok_or(ImapError::SignInRefused)?;
            let answers = Answers { mechanism, first: Some(mechanism.first(user, token)) };
            client.authenticate(mechanism.name(), answers).await
        }
    };
    signed_in.map_err(|(e, _)| error(&e))
}

/// The capabilities before sign-in, upper case. Asked without the library, which runs no command of ours before sign-in.
async fn offered(client: Client<MailStream>) -> Result<(Client<MailStream>, Vec<String>), ImapError> {
    let io = |e: std::io::Error| ImapError::io(&e);
    let mut stream = BufReader::new(client.into_inner());
    stream.write_all(b"WN CAPABILITY\r\n").await.map_err(io)?;
    stream.flush().await.map_err(io)?;
    let mut names = Vec::new();
    for _ in 0..MAX_LINES {
        let mut line = String::new();
        if (&mut stream).take(MAX_LINE).read_line(&mut line).await.map_err(io)? == 0 {
            return Err(ConnectError::Closed.into());
        }
        let line = line.trim_end().to_ascii_uppercase();
        if let Some(list) = line.strip_prefix("* CAPABILITY ") {
            names.extend(list.split_ascii_whitespace().map(str::to_owned));
        } else if line.starts_with("WN OK") && stream.buffer().is_empty() {
            return Ok((Client::new(stream.into_inner()), names));
        } else if line.starts_with("* BYE") {
            return Err(ConnectError::Closed.into());
        } else if !line.starts_with("* ") {
            break;
        }
    }
    Err(ConnectError::Protocol.into())
}

/// The answers to a server's challenges: the token, then the end of an error.
struct Answers {
    mechanism: Mechanism,
    first: Option<Zeroizing<String>>,
}

impl Authenticator for Answers {
    type Response = Zeroizing<Vec<u8>>;

    fn process(&mut self, _challenge: &[u8]) -> Self::Response {
        let text = self.first.take();
        let text = text.as_ref().map_or(self.mechanism.after_error(), |t| t.as_str());
        Zeroizing::new(text.as_bytes().to_vec())
    }
}

fn error(error: &LibError) -> ImapError {
    match error {
        // RFC 5530: these codes say nothing about the password.
        LibError::No(text) if ["UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT"].iter().any(|c| text.contains(&format!("[{c}]"))) => {
            ImapError::SignInUnavailable
        }
        LibError::No(_) | LibError::Bad(_) | LibError::Validate(_) => ImapError::SignInRefused,
        e => ImapError::lib(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_server_is_not_a_wrong_password() {
        let no = |text: &str| error(&LibError::No(text.to_owned()));
        assert_eq!(no("code: None, info: Some(\"[UNAVAILABLE] later\")"), ImapError::SignInUnavailable);
        assert_eq!(no("code: None, info: Some(\"[AUTHENTICATIONFAILED] no\")"), ImapError::SignInRefused);
    }

    #[test]
    fn an_error_is_answered_and_the_token_said_once() {
        let token = secrecy::SecretString::from("t1");
        for (mechanism, end) in [(Mechanism::XOAuth2, ""), (Mechanism::OAuthBearer, "\x01")] {
            let mut answers = Answers { mechanism, first: Some(mechanism.first("u", &token)) };
            assert!(answers.process(b"").windows(2).any(|w| w == b"t1"));
            assert_eq!(*answers.process(b"{\"status\":\"401\"}"), end.as_bytes());
        }
    }
}
