//! One SMTP connection: signed in once, then any number of mails with one recipient each.

use std::{error::Error as _, future::Future, io, net::Ipv4Addr, time::Duration};

use lettre::{
    Address,
    transport::smtp::{
        Error as LettreError,
        client::AsyncSmtpConnection,
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
        response::{Response, Severity},
    },
};
use tokio::time::{Instant, sleep_until, timeout};

use super::outcome::{Mark, NotStarted, ReplyCode, SmtpOutcome, Stage, classify};
use super::pace::{Pace, Paced};
use super::sign_in::{no_token, sign_in};
use super::stuffing::stuffed;
use crate::mail::{
    connect::{ConnectError, dial},
    settings::{Login, MailTimeouts, Security, ServerSettings, SignInSecret},
    stream::MailStream,
    tls::TlsClient,
};

/// Between two looks at which of two stages a step of the library is in.
const LOOK: Duration = Duration::from_millis(250);
/// How long a polite goodbye may take before the connection is simply dropped.
const QUIT_LIMIT: Duration = Duration::from_secs(2);
/// How long a server may take to say that an idle connection still lives.
const ALIVE_LIMIT: Duration = Duration::from_secs(5);
/// The commands before a message, in their order.
const ENVELOPE: [Stage; 3] = [Stage::MailFrom, Stage::Recipient, Stage::Data];
/// Stands in for the greeting that no server sends after STARTTLS.
const NO_SECOND_GREETING: &[u8] = b"220 secured\r\n";

/// A journal mark could not be made durable.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the journal mark could not be written: {0}")]
pub struct MarkError(pub String);

/// The journal of one submission. Each mark must be durable (fsynced) when it returns.
pub trait Marks: Sync {
    /// Awaited before MAIL FROM.
    fn intent(&self) -> impl Future<Output = Result<(), MarkError>> + Send;
    /// Awaited between the 354 answer and the first byte of the message.
    fn dot(&self) -> impl Future<Output = Result<(), MarkError>> + Send;
}

/// One mail to one recipient.
#[derive(Clone, Debug)]
pub struct OutgoingMail {
    /// Envelope sender, a bare ASCII address.
    pub from: String,
    /// Envelope recipient, a bare ASCII address.
    pub to: String,
    /// The whole message with CRLF line ends; dots are stuffed on the way.
    pub raw: String,
}

/// Why a step of the conversation failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum SessionError {
    /// The server said no.
    Reply { stage: Stage, code: ReplyCode },
    /// The server could not be talked to.
    Network { stage: Stage, kind: ConnectError },
}

impl SessionError {
    pub(super) fn network(stage: Stage, kind: ConnectError) -> Self {
        Self::Network { stage, kind }
    }

    pub(crate) fn outcome(self) -> SmtpOutcome {
        match self {
            Self::Reply { stage, code } => classify(stage, code),
            Self::Network { stage, .. } if stage.past_dot_mark() => SmtpOutcome::UnknownAfterDot,
            Self::Network { stage, kind } => SmtpOutcome::NetworkError { stage, kind },
        }
    }
}

/// A signed-in connection.
pub(crate) struct SmtpSession {
    connection: AsyncSmtpConnection,
    pace: Pace,
    /// Whether commands may be sent before the answers of those before them (RFC 2920).
    pipelining: bool,
    timeouts: MailTimeouts,
    last_used: Instant,
}

impl SmtpSession {
    /// Connects, secures, greets and signs in; a refused access token is renewed once.
    pub(crate) async fn open(
        server: &ServerSettings,
        login: &Login,
        tls: &TlsClient,
        timeouts: &MailTimeouts,
    ) -> Result<Self, SessionError> {
        let secret = login.secret().await.map_err(|e| no_token(&e))?;
        let first = Self::open_with(server, (&login.user, &secret), tls, timeouts).await;
        let Err(error) = first else { return first };
        if !matches!(error.clone().outcome(), SmtpOutcome::SignInRefused { .. }) {
            return Err(error);
        }
        match login.after_refusal(&secret).await.map_err(|e| no_token(&e))? {
            Some(fresh) => Self::open_with(server, (&login.user, &fresh), tls, timeouts).await,
            None => Err(error),
        }
    }

    async fn open_with(
        server: &ServerSettings,
        (user, secret): (&str, &SignInSecret),
        tls: &TlsClient,
        timeouts: &MailTimeouts,
    ) -> Result<Self, SessionError> {
        // The loopback literal tells no name of this machine (RFC 5321 section 4.1.3 allows literals).
        let hello = ClientId::Ipv4(Ipv4Addr::LOCALHOST);
        let at_connect = |kind| SessionError::network(Stage::Connect, kind);
        let mut tcp = dial(server, timeouts.connect()).await.map_err(at_connect)?;
        if server.security == Security::StartTls {
            super::starttls::ask(&mut tcp, &hello.to_string(), timeouts).await?;
        }
        let secured = timeout(timeouts.connect(), tls.handshake(&server.host, tcp))
            .await
            .unwrap_or(Err(ConnectError::TimedOut))
            .map_err(at_connect)?;
        let mut stream = MailStream::tls(secured);
        // The SMTP library caps each reply itself (100 kB), so the budget needs no renewal here.
        stream.set_budget(usize::MAX);
        if server.security == Security::StartTls {
            stream = stream.with_greeting(NO_SECOND_GREETING);
        }
        let pace = Pace::listening();
        let greet = AsyncSmtpConnection::connect_with_transport(Box::new(Paced { inner: stream, pace: pace.clone() }), &hello);
        let (greeting, ehlo) = ((Stage::Greeting, timeouts.greeting()), (Stage::Hello, timeouts.hello()));
        let mut connection = within_two(greeting, ehlo, || pace.wrote(), greet).await?;
        let pipelining = pace.offered("PIPELINING");
        match timeout(timeouts.sign_in(), sign_in(&mut connection, &hello, user, secret)).await {
            Ok(done) => done?,
            Err(_) => return Err(SessionError::network(Stage::SignIn, ConnectError::TimedOut)),
        }
        Ok(Self { connection, pace, pipelining, timeouts: timeouts.clone(), last_used: Instant::now() })
    }

    /// How long nothing was sent on it.
    pub(super) fn idle(&self) -> Duration {
        self.last_used.elapsed()
    }

    /// Whether the server still answers.
    pub(super) async fn alive(&mut self) -> bool {
        timeout(ALIVE_LIMIT, self.connection.test_connected()).await.unwrap_or(false)
    }

    /// Says goodbye and closes; never longer than [`QUIT_LIMIT`].
    pub(crate) async fn close(mut self) {
        // Nobody is helped by a failed goodbye.
        let _ = timeout(QUIT_LIMIT, self.connection.quit()).await;
    }

    /// Sends one mail. Gives the session back when it may carry another one.
    pub(super) async fn deliver<M: Marks>(mut self, mail: &OutgoingMail, marks: &M) -> (SmtpOutcome, Option<Self>) {
        let not_started = |why| SmtpOutcome::NotStarted { why };
        let (Ok(from), Ok(to)) = (mail.from.parse::<Address>(), mail.to.parse::<Address>()) else {
            return (not_started(NotStarted::BadAddress), Some(self));
        };
        if !mail.from.is_ascii() || !mail.to.is_ascii() {
            return (not_started(NotStarted::BadAddress), Some(self));
        }
        let mut options = Vec::new();
        if !mail.raw.is_ascii() {
            if !self.connection.server_info().supports_feature(Extension::EightBitMime) {
                return (not_started(NotStarted::NeedsEightBit), Some(self));
            }
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        if marks.intent().await.is_err() {
            return (SmtpOutcome::MarkFailed { mark: Mark::Intent }, Some(self));
        }
        if let Err(e) = self.envelope(from, to, options).await {
            if let SessionError::Reply { stage, .. } = e {
                self.leave(stage).await;
            }
            return (e.outcome(), None);
        }
        if marks.dot().await.is_err() {
            // Dropped without a word: a goodbye would be read as a line of the message.
            return (SmtpOutcome::MarkFailed { mark: Mark::Dot }, None);
        }
        self.pace.restart();
        // As one command, so that text and end leave in one write: the library's own way takes two.
        let send = self.connection.command(stuffed(&mail.raw));
        let (body, dot) = ((Stage::Body, self.timeouts.block()), (Stage::FinalDot, self.timeouts.final_dot()));
        match within_two(body, dot, || self.pace.waits_since(), send).await {
            // The library takes 3xx for success; here it is an answer to something else.
            Ok(answer) if !positive(&answer) => (SmtpOutcome::UnknownAfterDot, None),
            Ok(_) => {
                self.last_used = Instant::now();
                (SmtpOutcome::Sent, Some(self))
            }
            Err(e) => (e.outcome(), None),
        }
    }

    /// MAIL, RCPT and DATA, up to 354: in one write where the server takes that, with DATA last (RFC 2920 section 3.1).
    async fn envelope(&mut self, from: Address, to: Address, options: Vec<MailParameter>) -> Result<(), SessionError> {
        let (mail, rcpt) = (Mail::new(Some(from), options), Rcpt::new(to, Vec::new()));
        let writes = if self.pipelining {
            [Some(format!("{mail}{rcpt}{Data}")), None, None]
        } else {
            [Some(mail.to_string()), Some(rcpt.to_string()), Some(Data.to_string())]
        };
        let limits = [self.timeouts.mail_from(), self.timeouts.recipient(), self.timeouts.data()];
        for ((stage, limit), write) in ENVELOPE.into_iter().zip(limits).zip(writes) {
            let answer = within(limit, stage, self.answer(write)).await?;
            let as_hoped = if stage == Stage::Data { answer.has_code(354) } else { positive(&answer) };
            if !as_hoped {
                return Err(SessionError::network(stage, ConnectError::Protocol));
            }
        }
        Ok(())
    }

    /// The next answer, after writing what is to be written before it.
    async fn answer(&mut self, write: Option<String>) -> Result<Response, LettreError> {
        match write {
            Some(commands) => self.connection.command(commands).await,
            None => self.connection.read_response().await,
        }
    }

    /// Ends the connection after a refusal at `stage`: politely, unless the server waits for a message. It may have said 354
    /// to a DATA that went along with the refused command, and would read a goodbye as the message's first line.
    async fn leave(mut self, stage: Stage) {
        let unread = if self.pipelining { ENVELOPE.iter().filter(|later| **later > stage).count() } else { 0 };
        let rest = async {
            for _ in 0..unread {
                match self.connection.read_response().await {
                    Ok(answer) if positive(&answer) => {}
                    Err(e) if e.status().is_some() => {}
                    _ => return false,
                }
            }
            true
        };
        if timeout(QUIT_LIMIT, rest).await == Ok(true) {
            self.close().await;
        }
    }
}

/// Bounds one step and types its error.
async fn within<T>(limit: Duration, stage: Stage, step: impl Future<Output = Result<T, LettreError>>) -> Result<T, SessionError> {
    match timeout(limit, step).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => Err(typed(stage, &e)),
        Err(_) => Err(SessionError::network(stage, ConnectError::TimedOut)),
    }
}

/// Bounds a step that the library makes of two: until `turned` says when the second began, the first one's limit
/// counts, and from then on the second one's.
async fn within_two<T>(
    first: (Stage, Duration),
    second: (Stage, Duration),
    turned: impl Fn() -> Option<Instant>,
    step: impl Future<Output = Result<T, LettreError>>,
) -> Result<T, SessionError> {
    let begun = Instant::now();
    let mut step = std::pin::pin!(step);
    // Ends: at one of two deadlines at the latest. The second one begins without a signal, so it is looked for.
    loop {
        let now = || turned().map_or((first.0, begun + first.1), |at| (second.0, at + second.1));
        let deadline = now().1.min(Instant::now() + LOOK);
        tokio::select! {
            done = &mut step => return done.map_err(|e| typed(now().0, &e)),
            () = sleep_until(deadline) => {
                let (stage, until) = now();
                if until <= Instant::now() {
                    return Err(SessionError::network(stage, ConnectError::TimedOut));
                }
            }
        }
    }
}

fn positive(answer: &Response) -> bool {
    answer.code().severity == Severity::PositiveCompletion
}

pub(super) fn typed(stage: Stage, error: &LettreError) -> SessionError {
    if let Some(code) = error.status() {
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        return SessionError::Reply { stage, code: ReplyCode::parse(code.into(), &text) };
    }
    let mut cause = error.source();
    while let Some(e) = cause {
        if let Some(io) = e.downcast_ref::<io::Error>() {
            return SessionError::network(stage, ConnectError::from_io(io));
        }
        cause = e.source();
    }
    // The library calls the end of the stream an incomplete response.
    let closed = error.is_response() && error.to_string().contains("incomplete");
    let kind = if closed { ConnectError::Closed } else { ConnectError::Protocol };
    SessionError::network(stage, kind)
}

#[cfg(test)]
mod tests;
