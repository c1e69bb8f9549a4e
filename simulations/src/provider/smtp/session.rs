//! One SMTP connection as a server.
//!
//! ```text
//! greeting ─EHLO─> ready ─(STARTTLS ─> EHLO)─> ─AUTH (submission)─> ─MAIL─> ─RCPT─> ─DATA─> 354 .. dot ─> ready
//! ```

use super::RelayError;
use crate::provider::delivery::{self, Incoming, Refusal};
use crate::provider::faults::{At, Service, Step, Strike};
use crate::provider::message;
use crate::provider::oauth::Bearer;
use crate::provider::store::Mailbox;
use crate::provider::world::{World, lock};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use smtp_proto::{AUTH_LOGIN, AUTH_OAUTHBEARER, AUTH_PLAIN, AUTH_XOAUTH2, Request};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest command line (RFC 5321 allows 512; AUTH may take more).
const LINE: u64 = 4_096;
/// Longest line of a message that is kept whole (RFC 5321 allows 1,000).
const DATA_LINE: u64 = 64 * 1024;
/// Recipients of one mail (RFC 5321 section 4.5.3.1.8).
const RECIPIENTS: usize = 100;
/// Largest message.
const MESSAGE: usize = 1024 * 1024;
/// RFC 5321 section 4.5.3.2.7: a server waits five minutes for the next command.
const WAIT: Duration = Duration::from_secs(300);

/// What a server is to its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// For the provider's own users, after sign-in.
    Submission,
    /// For other providers.
    Mx,
}

/// How a conversation ended.
pub enum Ended {
    /// It is over.
    Closed,
    /// The client wants TLS now; nothing it sent before counts.
    StartTls,
}

/// One connection.
pub struct Session {
    world: Arc<World>,
    provider: usize,
    role: Role,
    peer: IpAddr,
    secure: bool,
    offers_tls: bool,
    ehlo: String,
    user: Option<Arc<Mailbox>>,
    from: Option<String>,
    to: Vec<String>,
    /// What goes wrong with the command at hand.
    struck: Option<Strike>,
}

impl Session {
    /// A new one; `offers_tls`: STARTTLS can be asked for.
    #[must_use]
    pub fn new(world: Arc<World>, provider: usize, role: Role, peer: IpAddr, secure: bool, offers_tls: bool) -> Self {
        Self { world, provider, role, peer, secure, offers_tls, ehlo: String::new(), user: None, from: None, to: vec![], struck: None }
    }

    /// The same connection after STARTTLS: everything said before is forgotten.
    #[must_use]
    pub fn secured(self) -> Self {
        Self::new(self.world, self.provider, self.role, self.peer, true, false)
    }

    /// Talks until the client leaves. `greet`: not after STARTTLS.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn run<S: AsyncBufRead + AsyncWrite + Unpin>(&mut self, stream: &mut S, greet: bool) -> std::io::Result<Ended> {
        if greet {
            let hello = format!("220 {} ESMTP\r\n", self.world.providers[self.provider].host);
            self.strike(Step::Greeting, None);
            if !self.send(stream, &hello).await? {
                return Ok(Ended::Closed);
            }
        }
        loop {
            let mut line = Vec::new();
            let read = async { (&mut *stream).take(LINE).read_until(b'\n', &mut line).await };
            match tokio::time::timeout(WAIT, read).await {
                Ok(Ok(n)) if n > 0 && line.ends_with(b"\n") => {}
                _ => return Ok(Ended::Closed),
            }
            let request = Request::parse(&mut line.iter());
            // Whose sign-in it is comes out on the way.
            if let Some(step) = request.as_ref().ok().and_then(Step::of_request).filter(|step| *step != Step::Auth) {
                let recipient = match &request {
                    Ok(Request::Rcpt { to }) => Some(to.address.to_string()),
                    _ => None,
                };
                self.strike(step, recipient.as_deref());
            }
            let mut ended = None;
            let answer = match request {
                Ok(_) if self.skips() => String::new(),
                Err(smtp_proto::Error::UnknownCommand) => "500 5.5.1 what?\r\n".to_owned(),
                Err(_) => "501 5.5.4 that can't be read\r\n".to_owned(),
                Ok(Request::Quit) => {
                    ended = Some(Ended::Closed);
                    "221 2.0.0 bye\r\n".to_owned()
                }
                Ok(Request::StartTls) if self.offers_tls && !self.secure => {
                    ended = Some(Ended::StartTls);
                    "220 2.0.0 go ahead\r\n".to_owned()
                }
                Ok(Request::Auth { mechanism, initial_response }) => {
                    let initial = initial_response.to_string();
                    self.auth(stream, mechanism, &initial).await?
                }
                Ok(Request::Data) => match self.data(stream).await? {
                    Some(answer) => answer,
                    None => return Ok(Ended::Closed),
                },
                Ok(request) => self.command(&request).await,
            };
            if !self.send(stream, &answer).await? {
                return Ok(Ended::Closed);
            }
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    /// Looks what goes wrong on purpose at this step; `recipient`: of the command at hand.
    fn strike(&mut self, step: Step, recipient: Option<&str>) {
        let (service, mailbox) = match self.role {
            Role::Submission => (Service::Smtp, self.user.as_ref().map(|u| u.address.as_str())),
            Role::Mx => (Service::Mx, recipient.or(self.to.first().map(String::as_str))),
        };
        let at = At { service, step, provider: &self.world.providers[self.provider].name, mailbox };
        self.struck = self.world.faults.strike(at);
    }

    /// Whether the fault at hand leaves undone what was asked for.
    fn skips(&self) -> bool {
        self.struck.as_ref().is_some_and(Strike::skips)
    }

    /// Sends an answer, or what the fault at hand says. `false`: the connection is to be closed.
    async fn send<S: AsyncBufRead + AsyncWrite + Unpin>(&mut self, stream: &mut S, answer: &str) -> std::io::Result<bool> {
        match self.struck.take() {
            Some(strike) => strike.send(stream, answer.as_bytes(), None).await,
            None => {
                stream.write_all(answer.as_bytes()).await?;
                stream.flush().await?;
                Ok(true)
            }
        }
    }

    async fn command(&mut self, request: &Request<std::borrow::Cow<'_, str>>) -> String {
        match request {
            Request::Ehlo { host } => {
                self.ehlo = host.to_string();
                let mut lines = vec![self.world.providers[self.provider].host.clone(), format!("SIZE {MESSAGE}"), "8BITMIME".to_owned()];
                lines.push("ENHANCEDSTATUSCODES".to_owned());
                if self.offers_tls && !self.secure {
                    lines.push("STARTTLS".to_owned());
                }
                if self.role == Role::Submission && self.secure {
                    let more = self.world.oauth.iter().flat_map(|o| o.mechanisms());
                    lines.push(more.fold("AUTH PLAIN LOGIN".to_owned(), |all, name| all + " " + name));
                }
                let last = lines.len() - 1;
                lines.iter().enumerate().map(|(i, l)| format!("250{}{l}\r\n", if i == last { ' ' } else { '-' })).collect()
            }
            Request::Helo { host } => {
                self.ehlo = host.to_string();
                format!("250 {}\r\n", self.world.providers[self.provider].host)
            }
            Request::Mail { from } => {
                if self.role == Role::Submission && self.user.is_none() {
                    return "530 5.7.0 sign in first\r\n".to_owned();
                }
                let own = self.user.as_ref().is_none_or(|u| from.address.eq_ignore_ascii_case(&u.address));
                if !own {
                    return "553 5.7.1 that sender is not yours\r\n".to_owned();
                }
                if from.size > MESSAGE {
                    return "552 5.3.4 too large\r\n".to_owned();
                }
                self.from = Some(from.address.to_string());
                self.to.clear();
                "250 2.1.0 ok\r\n".to_owned()
            }
            Request::Rcpt { to } => self.rcpt(&to.address).await,
            Request::Rset => {
                self.from = None;
                self.to.clear();
                "250 2.0.0 ok\r\n".to_owned()
            }
            Request::Noop { .. } => "250 2.0.0 ok\r\n".to_owned(),
            Request::StartTls => "454 4.7.0 no TLS here\r\n".to_owned(),
            _ => "502 5.5.1 not here\r\n".to_owned(),
        }
    }

    async fn rcpt(&mut self, to: &str) -> String {
        let Some(from) = self.from.clone() else { return "503 5.5.1 MAIL first\r\n".to_owned() };
        if self.to.len() >= RECIPIENTS {
            return "452 4.5.3 too many recipients\r\n".to_owned();
        }
        match self.role {
            // A call-ahead: the user learns of a dead address at once.
            Role::Submission => match super::relay::call_ahead(&self.world, self.provider, &from, to).await {
                Ok(()) => {}
                Err(RelayError::Refused(line)) => return format!("{line}\r\n"),
                Err(RelayError::NoHost) => return "550 5.1.2 nobody hosts that domain\r\n".to_owned(),
                Err(_) => return "451 4.4.1 the other side can't be reached\r\n".to_owned(),
            },
            Role::Mx if self.world.mailbox(to).is_some_and(|m| m.provider == self.provider) => {}
            Role::Mx => {
                delivery::unknown_user(&self.world, self.provider, &from);
                return "550 5.1.1 no such user\r\n".to_owned();
            }
        }
        self.to.push(to.to_owned());
        "250 2.1.5 ok\r\n".to_owned()
    }

    /// Takes a message; `None`: the connection is to be closed.
    async fn data<S: AsyncBufRead + AsyncWrite + Unpin>(&mut self, stream: &mut S) -> std::io::Result<Option<String>> {
        let (Some(from), false) = (self.from.clone(), self.to.is_empty()) else {
            return Ok(Some("503 5.5.1 MAIL and RCPT first\r\n".to_owned()));
        };
        if !self.send(stream, "354 go ahead\r\n").await? {
            return Ok(None);
        }
        let mut raw = Vec::new();
        loop {
            let mut line = Vec::new();
            let read = async { (&mut *stream).take(DATA_LINE).read_until(b'\n', &mut line).await };
            let n = tokio::time::timeout(WAIT, read).await.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
            if n == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line == b".\r\n" || line == b".\n" {
                break;
            }
            // RFC 5321 section 4.5.2: a leading dot was doubled on the way.
            let line = line.strip_prefix(b".").unwrap_or(&line);
            if raw.len() + line.len() <= MESSAGE {
                raw.extend_from_slice(line);
            } else {
                raw.resize(MESSAGE + 1, 0);
            }
        }
        self.strike(Step::Message, None);
        if self.skips() {
            self.from = None;
            self.to.clear();
            return Ok(Some(String::new()));
        }
        if raw.len() > MESSAGE {
            return Ok(Some("552 5.3.4 too large\r\n".to_owned()));
        }
        if let Some(words) = self.struck.as_ref().and_then(Strike::words) {
            raw = message::with_words(&raw, words);
        }
        let to = std::mem::take(&mut self.to);
        self.from = None;
        let done = match (self.role, &self.user) {
            (Role::Submission, Some(user)) => delivery::submit(&self.world, user, &to, raw).await,
            _ => {
                let incoming = Incoming { provider: self.provider, peer: self.peer, ehlo: &self.ehlo, from: &from, raw };
                delivery::receive(&self.world, incoming, &to, delivery::Placement::Filter).await
            }
        };
        Ok(Some(match done {
            Ok(()) => "250 2.0.0 taken\r\n".to_owned(),
            Err(Refusal { code, text }) => format!("{code} {text}\r\n"),
        }))
    }

    async fn auth<S: AsyncBufRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        mechanism: u64,
        initial: &str,
    ) -> std::io::Result<String> {
        if self.role != Role::Submission || !self.secure {
            return Ok("538 5.7.11 only over TLS\r\n".to_owned());
        }
        let (user, password) = match mechanism {
            AUTH_PLAIN => {
                let text = if initial.is_empty() { prompt(stream, "").await? } else { initial.to_owned() };
                let bytes = STANDARD.decode(text.trim()).unwrap_or_default();
                let parts: Vec<String> = bytes.split(|b| *b == 0).map(|p| String::from_utf8_lossy(p).into_owned()).collect();
                match parts.as_slice() {
                    [_, user, password] => (user.clone(), password.clone()),
                    _ => return Ok("501 5.5.2 that can't be read\r\n".to_owned()),
                }
            }
            AUTH_LOGIN => {
                let user = if initial.is_empty() { prompt(stream, "VXNlcm5hbWU6").await? } else { initial.to_owned() };
                let password = prompt(stream, "UGFzc3dvcmQ6").await?;
                let read = |t: &str| String::from_utf8_lossy(&STANDARD.decode(t.trim()).unwrap_or_default()).into_owned();
                (read(&user), read(&password))
            }
            AUTH_XOAUTH2 => return self.by_token(stream, "XOAUTH2", initial).await,
            AUTH_OAUTHBEARER => return self.by_token(stream, "OAUTHBEARER", initial).await,
            _ => return Ok("504 5.5.4 not that mechanism\r\n".to_owned()),
        };
        let named = user.to_ascii_lowercase();
        let at =
            At { service: Service::Smtp, step: Step::Auth, provider: &self.world.providers[self.provider].name, mailbox: Some(&named) };
        self.struck = self.world.faults.strike(at);
        if self.skips() {
            return Ok(String::new());
        }
        let mailbox = self.world.mailbox(&user).filter(|m| m.provider == self.provider && m.password == password);
        if mailbox.is_none() {
            lock(&self.world.accounting).rejected += 1;
            return Ok("535 5.7.8 user or password is wrong\r\n".to_owned());
        }
        self.user = mailbox;
        Ok("235 2.7.0 welcome\r\n".to_owned())
    }

    /// Sign-in by access token.
    async fn by_token<S: AsyncBufRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        name: &str,
        initial: &str,
    ) -> std::io::Result<String> {
        let authority = self.world.oauth.clone();
        let Some(bearer) = Bearer::of(name, authority.as_deref()) else { return Ok("504 5.5.4 not that mechanism\r\n".to_owned()) };
        let text = if initial.is_empty() { prompt(stream, "").await? } else { initial.to_owned() };
        let owner = bearer.owner(&STANDARD.decode(text.trim()).unwrap_or_default(), authority.as_deref());
        self.user = owner.and_then(|o| self.world.mailbox(&o)).filter(|m| m.provider == self.provider);
        if self.user.is_some() {
            return Ok("235 2.7.0 welcome\r\n".to_owned());
        }
        let answer = prompt(stream, &bearer.error()).await?;
        Ok(if bearer.ended(answer.as_bytes()) { "535 5.7.8 that token is not good\r\n" } else { "501 5.5.2 that is no end\r\n" }.to_owned())
    }
}

async fn prompt<S: AsyncBufRead + AsyncWrite + Unpin>(stream: &mut S, challenge: &str) -> std::io::Result<String> {
    stream.write_all(format!("334 {challenge}\r\n").as_bytes()).await?;
    stream.flush().await?;
    let mut line = String::new();
    let read = async { (&mut *stream).take(LINE).read_line(&mut line).await };
    tokio::time::timeout(WAIT, read).await.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
    Ok(line)
}
