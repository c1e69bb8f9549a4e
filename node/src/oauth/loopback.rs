//! Asking the owner in a browser on this machine: authorization code with PKCE (RFC 7636, S256) and a redirect to a
//! random port of 127.0.0.1 (RFC 8252 section 7.3).

use super::{Client, Grant, OAuthError, Provider, token};
use crate::secrets::random_seed;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use url::Url;
use zeroize::Zeroizing;

/// Browsers open spare connections; more than these at a time are closed at once.
const CONNECTIONS: usize = 8;
/// Largest head of a request, and its fields.
const MAX_HEAD: usize = 16 * 1024;
const MAX_FIELDS: usize = 100;
/// How long a connection may take to ask.
const CONNECTION_LIMIT: Duration = Duration::from_secs(20);

/// A request under way: nothing is kept anywhere until it ends well, so leaving at any time is safe.
pub struct Loopback {
    provider: Provider,
    client: Client,
    listener: TcpListener,
    redirect: String,
    state: SecretString,
    verifier: SecretString,
}

impl std::fmt::Debug for Loopback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Loopback")
    }
}

/// 256 random bits as text.
fn random_text() -> Result<SecretString, OAuthError> {
    let seed = random_seed().map_err(|e| OAuthError::Store(e.to_string()))?;
    Ok(SecretString::from(URL_SAFE_NO_PAD.encode(seed.as_slice())))
}

/// RFC 7636 section 4.2.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

impl Loopback {
    /// Listens for the answer.
    ///
    /// # Errors
    /// No port, or no randomness.
    pub async fn start(provider: Provider, client: Client) -> Result<Self, OAuthError> {
        let io = |e: std::io::Error| OAuthError::Connect(crate::mail::ConnectError::Io { kind: e.kind() });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(io)?;
        let redirect = format!("http://127.0.0.1:{}/", listener.local_addr().map_err(io)?.port());
        Ok(Self { provider, client, listener, redirect, state: random_text()?, verifier: random_text()? })
    }

    /// The address to open; `login_hint` chooses the account.
    ///
    /// # Errors
    /// The provider's address can't be read.
    pub fn address(&self, login_hint: &str) -> Result<Url, OAuthError> {
        let mut url = Url::parse(&self.provider.authorization).map_err(|_| crate::mail::ConnectError::BadHostName)?;
        let challenge = challenge(self.verifier.expose_secret());
        url.query_pairs_mut()
            .extend_pairs(&self.provider.parameters)
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client.id)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("scope", &self.provider.scope())
            .append_pair("state", self.state.expose_secret())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("login_hint", login_hint);
        Ok(url)
    }

    /// Waits for the browser's one request with the right state, then trades its code for a grant.
    ///
    /// # Errors
    /// [`OAuthError`].
    pub async fn wait(self, limit: Duration) -> Result<Grant, OAuthError> {
        let code = tokio::time::timeout(limit, self.code()).await.unwrap_or(Err(OAuthError::NobodyAnswered))?;
        let fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", self.redirect.as_str()),
            ("code_verifier", self.verifier.expose_secret()),
        ];
        let tokens = token::tokens(&self.provider, &self.client, fields).await?;
        token::grant(&self.provider, &self.client, tokens)
    }

    async fn code(&self) -> Result<SecretString, OAuthError> {
        let (found_in, mut found) = mpsc::channel(1);
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        let state = Arc::new(self.state.clone());
        let result = loop {
            tokio::select! {
                Some(answer) = found.recv() => break answer,
                Some(_ended) = connections.join_next() => {}
                Ok((stream, _)) = self.listener.accept() => {
                    let Ok(slot) = slots.clone().try_acquire_owned() else { continue };
                    let (state, found) = (state.clone(), found_in.clone());
                    connections.spawn(async move {
                        // A browser that leaves is no answer.
                        let _ended = tokio::time::timeout(CONNECTION_LIMIT, serve(stream, state, found)).await;
                        drop(slot);
                    });
                }
            }
        };
        // The page in the browser is still being written.
        while tokio::time::timeout(Duration::from_secs(1), connections.join_next()).await.is_ok_and(|next| next.is_some()) {}
        result
    }
}

type Found = Result<SecretString, OAuthError>;

/// One request, one answer; a browser needs no more.
async fn serve(mut stream: TcpStream, state: Arc<SecretString>, found: mpsc::Sender<Found>) -> std::io::Result<()> {
    let mut head = Zeroizing::new(Vec::with_capacity(MAX_HEAD));
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        if head.len() >= MAX_HEAD || stream.read_buf(&mut *head).await? == 0 {
            return Ok(());
        }
    }
    let (status, text) = match read(&head, &state) {
        None => ("404 Not Found", "Nothing is here."),
        Some(Err(StateError)) => ("400 Bad Request", "This is not the answer to the request that is waiting."),
        Some(Ok(answer)) => {
            let text =
                if answer.is_ok() { "Done. You can close this page." } else { "The permission was not given. You can close this page." };
            // The first answer counts.
            let _second = found.try_send(answer);
            ("200 OK", text)
        }
    };
    let length = text.len();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}");
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// Somebody else's answer.
struct StateError;

/// The answer in a request's head; `None`: another address, such as a favicon, or no HTTP.
fn read(head: &[u8], state: &SecretString) -> Option<Result<Found, StateError>> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    request.parse(head).ok()?;
    let query = request.path.filter(|_| request.method == Some("GET"))?.strip_prefix("/?")?;
    Some(answer(query, state))
}

fn answer(query: &str, state: &SecretString) -> Result<Found, StateError> {
    let field =
        |name: &str| url::form_urlencoded::parse(query.as_bytes()).find(|(k, _)| k == name).map(|(_, v)| Zeroizing::new(v.into_owned()));
    // Compared as digests, so that the time taken tells nothing about the state.
    let digest = |text: &str| blake3::hash(text.as_bytes());
    if field("state").is_none_or(|s| digest(&s) != digest(state.expose_secret())) {
        return Err(StateError);
    }
    Ok(match (field("code"), field("error")) {
        (Some(code), None) if !code.is_empty() => Ok(SecretString::from(code.as_str())),
        (_, Some(error)) => Err(OAuthError::of_code(&error)),
        _ => Err(OAuthError::Protocol("neither a code nor an error")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636 appendix B.
        assert_eq!(challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn only_the_answer_to_our_own_request_counts() {
        let state = SecretString::from("s1");
        let code = answer("code=c%2B1&state=s1", &state).ok().expect("ours").expect("a code");
        assert_eq!(code.expose_secret(), "c+1");
        for foreign in ["code=c", "code=c&state=s2", "state=", ""] {
            assert!(answer(foreign, &state).is_err(), "{foreign}");
        }
        assert_eq!(answer("error=access_denied&state=s1", &state).ok().expect("ours").err(), Some(OAuthError::Denied));
        assert!(matches!(answer("state=s1", &state).ok().expect("ours"), Err(OAuthError::Protocol(_))));
    }
}
