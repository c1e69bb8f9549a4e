//! One signed-in IMAP connection with limits: every command has a time-out and a byte budget.

use std::{future::Future, time::Duration};

use async_imap::{
    Client,
    error::Error as LibError,
    imap_proto::{Response, Status},
};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    answer::{Copied, End, Line, Untagged},
    cursor::Selected,
    sign_in::sign_in,
};
use crate::mail::{
    connect::{ConnectError, dial},
    settings::{Login, MailTimeouts, Security, ServerSettings, SignInSecret},
    stream::{MailStream, SHORT_BUDGET, Transport},
    tls::TlsClient,
};

/// Responses to one command; far more than any of our commands has, bounded so that a flood ends.
const MAX_RESPONSES: usize = 20_000;
/// How long a polite goodbye may take.
const LOGOUT_LIMIT: Duration = Duration::from_secs(2);

/// Why an IMAP operation failed. Only [`ImapError::No`] leaves the connection usable.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ImapError {
    /// The server could not be reached or talked to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// User or password refused.
    #[error("the server refused the user name or password")]
    SignInRefused,
    /// Sign-in is out of order at the server (RFC 5530 UNAVAILABLE and the like).
    #[error("the server can't check the sign-in now")]
    SignInUnavailable,
    /// A NO: the command was understood and not done.
    #[error("the server refused the command {command}")]
    No {
        /// The command's name.
        command: String,
    },
    /// A BAD: the command was not understood.
    #[error("the server did not understand the command {command}")]
    Bad {
        /// The command's name.
        command: String,
    },
}

impl ImapError {
    pub(super) fn io(error: &std::io::Error) -> Self {
        Self::Connect(match error.kind() {
            // What the parser of the library can't read.
            std::io::ErrorKind::Other => ConnectError::Protocol,
            _ => ConnectError::from_io(error),
        })
    }

    pub(super) fn lib(error: &LibError) -> Self {
        match error {
            LibError::Io(e) => Self::io(e),
            LibError::ConnectionLost => Self::Connect(ConnectError::Closed),
            _ => Self::Connect(ConnectError::Protocol),
        }
    }

    /// Whether the connection must be dropped.
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::No { .. })
    }
}

/// What the server can do, of what we use.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Abilities {
    pub(crate) mov: bool,
    pub(crate) uidplus: bool,
    pub(crate) idle: bool,
    pub(crate) list_special_use: bool,
    pub(crate) id: bool,
    pub(crate) quota: bool,
    /// X-GM-EXT-1.
    pub(crate) gmail: bool,
    /// Gmail's own searches, until one is refused.
    pub(crate) gmail_raw: bool,
}

/// A completed command: its untagged responses and the code of its tagged OK.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) untagged: Vec<Untagged>,
    /// COPYUID of the tagged or an untagged OK.
    pub(super) copied: Copied,
}

/// The connection.
#[derive(Debug)]
pub(crate) struct ImapSession {
    inner: async_imap::Session<MailStream>,
    limit: Duration,
    pub(crate) able: Abilities,
    /// The selected folder by its raw name, as it was when it was selected.
    selected: Option<(String, Selected)>,
}

impl ImapSession {
    /// Connects, secures, signs in, reads the capabilities and names this program (RFC 2971: some
    /// providers ask for it).
    /// A refused access token is renewed once.
    pub(crate) async fn open(server: &ServerSettings, login: &Login, tls: &TlsClient, timeouts: &MailTimeouts) -> Result<Self, ImapError> {
        let secret = login.secret().await?;
        match Self::open_with(server, (&login.user, &secret), tls, timeouts).await {
            Err(ImapError::SignInRefused) => match login.after_refusal(&secret).await? {
                Some(fresh) => Self::open_with(server, (&login.user, &fresh), tls, timeouts).await,
                None => Err(ImapError::SignInRefused),
            },
            other => other,
        }
    }

    async fn open_with(
        server: &ServerSettings,
        (user, secret): (&str, &SignInSecret),
        tls: &TlsClient,
        timeouts: &MailTimeouts,
    ) -> Result<Self, ImapError> {
        let tcp = dial(server, timeouts.connect()).await?;
        let work = async {
            let client = match server.security {
                Security::Tls => {
                    let stream = tls.handshake(&server.host, tcp).await?;
                    let mut client = Client::new(MailStream::tls(stream));
                    greeting(&mut client).await?;
                    client
                }
                Security::StartTls => {
                    let mut client = Client::new(MailStream::plain(tcp));
                    greeting(&mut client).await?;
                    client.run_command_and_check_ok("STARTTLS", None).await.map_err(|e| match e {
                        LibError::No(_) | LibError::Bad(_) => ConnectError::NoStartTls.into(),
                        e => ImapError::lib(&e),
                    })?;
                    // The old client goes with all it had buffered: nothing said in plain counts.
                    let tcp = client.into_inner().into_plain().ok_or(ConnectError::Protocol)?;
                    Client::new(MailStream::tls(tls.handshake(&server.host, tcp).await?))
                }
            };
            sign_in(client, user, secret).await
        };
        Self::ready(work, timeouts.imap()).await
    }

    /// The same over another transport than the network.
    pub(crate) async fn open_on(transport: &dyn Transport, login: &Login, timeouts: &MailTimeouts) -> Result<Self, ImapError> {
        let work = async {
            let mut client = Client::new(MailStream::pipe(transport.connect()?));
            greeting(&mut client).await?;
            sign_in(client, &login.user, &login.secret().await?).await
        };
        Self::ready(work, timeouts.imap()).await
    }

    /// Makes a session of a signed-in connection.
    async fn ready(
        work: impl Future<Output = Result<async_imap::Session<MailStream>, ImapError>>,
        limit: Duration,
    ) -> Result<Self, ImapError> {
        let inner = timeout(limit, work).await.unwrap_or(Err(ConnectError::TimedOut.into()))?;
        let mut session = Self { inner, limit, able: Abilities::default(), selected: None };
        session.able = session.capabilities().await?;
        if session.able.id {
            let id = concat!("ID (\"name\" \"warmnet\" \"version\" \"", env!("CARGO_PKG_VERSION"), "\")");
            match session.run(id, SHORT_BUDGET).await {
                Err(e) if e.is_fatal() => return Err(e),
                _ => {}
            }
        }
        Ok(session)
    }

    async fn capabilities(&mut self) -> Result<Abilities, ImapError> {
        let answer = self.run("CAPABILITY", SHORT_BUDGET).await?;
        let names: Vec<String> = answer
            .untagged
            .into_iter()
            .filter_map(|data| match data {
                Untagged::Capabilities(names) => Some(names),
                _ => None,
            })
            .flatten()
            .collect();
        let has = |name: &str| names.iter().any(|n| n == name);
        Ok(Abilities {
            mov: has("MOVE"),
            uidplus: has("UIDPLUS"),
            idle: has("IDLE"),
            list_special_use: has("SPECIAL-USE") && has("LIST-EXTENDED"),
            id: has("ID"),
            quota: has("QUOTA"),
            gmail: has("X-GM-EXT-1"),
            gmail_raw: has("X-GM-EXT-1"),
        })
    }

    /// Runs one command to its tagged answer. The library's own helpers take a NO to FETCH, SEARCH, STORE or
    /// LIST for an empty success, which would lose mail; here only OK is success.
    pub(super) async fn run(&mut self, command: &str, budget: usize) -> Result<Answer, ImapError> {
        let deadline = Instant::now() + self.limit;
        self.inner.as_mut().set_budget(budget);
        let id = timeout_at(deadline, self.inner.run_command(command))
            .await
            .map_err(|_| ConnectError::TimedOut)?
            .map_err(|e| ImapError::lib(&e))?;
        self.finish(&id.0, name_of(command), deadline).await
    }

    async fn finish(&mut self, id: &str, name: String, deadline: Instant) -> Result<Answer, ImapError> {
        let mut answer = Answer::default();
        while answer.untagged.len() < MAX_RESPONSES {
            let line = timeout_at(deadline, self.next()).await.map_err(|_| ConnectError::TimedOut)??;
            match line {
                Line::Done { tag, status, copied } if tag == id => {
                    return match status {
                        End::Ok => {
                            answer.copied = copied.unwrap_or(answer.copied);
                            Ok(answer)
                        }
                        End::No => Err(ImapError::No { command: name }),
                        End::Bad => Err(ImapError::Bad { command: name }),
                    };
                }
                Line::Untagged(Untagged::Bye) => return Err(ConnectError::Closed.into()),
                Line::Untagged(Untagged::Copied(copied)) => answer.copied = copied,
                Line::Untagged(data) => {
                    // Told outside of a SELECT: the folder was renumbered under us.
                    if matches!(data, Untagged::UidValidity(_)) {
                        self.selected = None;
                    }
                    answer.untagged.push(data);
                }
                Line::Continue | Line::Done { .. } => return Err(ConnectError::Protocol.into()),
            }
        }
        Err(ConnectError::Protocol.into())
    }

    /// Goes into a folder by its raw name: as it was selected last if it is selected still. Its UIDVALIDITY holds as
    /// long as it is (RFC 3501 section 2.3.1.1), the other numbers may be old.
    pub(super) async fn enter(&mut self, folder: &str) -> Result<Selected, ImapError> {
        match &self.selected {
            Some((name, selected)) if name == folder => Ok(*selected),
            _ => self.select(folder).await,
        }
    }

    /// Selects a folder by its raw name.
    pub(super) async fn select(&mut self, folder: &str) -> Result<Selected, ImapError> {
        // A failed SELECT leaves none selected (RFC 3501 section 6.3.1).
        self.selected = None;
        let answer = self.run(&format!("SELECT {}", quoted(folder)?), SHORT_BUDGET).await?;
        let mut validity = None;
        let mut selected = Selected { uid_validity: 0, uid_next: None, exists: 0 };
        for response in &answer.untagged {
            match response {
                Untagged::UidValidity(n) => validity = Some(*n),
                Untagged::UidNext(n) => selected.uid_next = Some(*n),
                Untagged::Exists(n) => selected.exists = *n,
                _ => {}
            }
        }
        // RFC 3501 section 6.3.1 demands it; without it no UID means anything.
        selected.uid_validity = validity.ok_or(ConnectError::Protocol)?;
        self.selected = Some((folder.to_owned(), selected));
        Ok(selected)
    }

    /// Sends a line that is no command (the end of IDLE).
    pub(super) async fn send_line(&mut self, line: &str) -> Result<(), ImapError> {
        timeout(self.limit, self.inner.run_command_untagged(line))
            .await
            .map_err(|_| ConnectError::TimedOut)?
            .map_err(|e| ImapError::lib(&e))
    }

    /// Sends a command and leaves its answer to [`ImapSession::next`] and [`ImapSession::finish_idle`].
    pub(super) async fn start(&mut self, command: &str) -> Result<String, ImapError> {
        self.inner.as_mut().set_budget(SHORT_BUDGET);
        let id = timeout(self.limit, self.inner.run_command(command))
            .await
            .map_err(|_| ConnectError::TimedOut)?
            .map_err(|e| ImapError::lib(&e))?;
        Ok(id.0)
    }

    /// The next response, whenever it comes: the caller bounds the wait. Safe to drop and call again.
    pub(super) async fn next(&mut self) -> Result<Line, ImapError> {
        let next = self.inner.read_response().await.map_err(|e| ImapError::io(&e))?;
        Ok(Line::read(next.ok_or(ConnectError::Closed)?.parsed()))
    }

    /// Reads on to the tagged answer of a command begun by [`ImapSession::start`].
    pub(super) async fn finish_idle(&mut self, id: &str, limit: Duration) -> Result<(), ImapError> {
        let deadline = Instant::now() + limit.min(self.limit);
        self.finish(id, "IDLE".to_owned(), deadline).await.map(drop)
    }

    /// The time-out of one command.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// Says goodbye and closes.
    pub(crate) async fn close(mut self) {
        // Nobody is helped by a failed goodbye.
        let _ = timeout(LOGOUT_LIMIT, self.run("LOGOUT", SHORT_BUDGET)).await;
    }
}

async fn greeting(client: &mut Client<MailStream>) -> Result<(), ImapError> {
    let first = client.read_response().await.map_err(|e| ImapError::io(&e))?;
    let first = first.ok_or(ConnectError::Closed)?;
    match first.parsed() {
        Response::Data { status: Status::Ok, .. } => Ok(()),
        Response::Data { status: Status::Bye, .. } => Err(ConnectError::Closed.into()),
        _ => Err(ConnectError::Protocol.into()),
    }
}

/// The name of a command without its arguments, which may hold names and ids.
fn name_of(command: &str) -> String {
    let mut words = command.split(' ');
    match (words.next(), words.next()) {
        (Some("UID"), Some(second)) => format!("UID {second}"),
        (Some(first), _) => first.to_owned(),
        _ => String::new(),
    }
}

/// A quoted string (RFC 3501 section 4.3).
///
/// # Errors
/// [`ConnectError::Protocol`] for text that can't be quoted: line ends, NUL, or beyond ASCII.
pub(super) fn quoted(text: &str) -> Result<String, ImapError> {
    if text.bytes().any(|b| !(b' '..=b'~').contains(&b)) {
        return Err(ConnectError::Protocol.into());
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use super::{super::scripted, *};

    #[tokio::test]
    async fn a_selected_folder_is_entered_without_a_word_until_it_is_left_or_renumbered() {
        const INBOX: (&str, &str) = ("SELECT \"INBOX\"", "* OK [UIDVALIDITY 1] x\r\nTAG OK\r\n");
        const TURNS: &[(&str, &str)] = &[
            INBOX,
            ("SELECT \"Junk\"", "* OK [UIDVALIDITY 2] x\r\nTAG OK\r\n"),
            INBOX,
            ("NOOP", "* OK [UIDVALIDITY 3] x\r\nTAG OK\r\n"),
            ("SELECT \"INBOX\"", "* OK [UIDVALIDITY 3] x\r\nTAG OK\r\n"),
            ("SELECT \"Gone\"", "TAG NO\r\n"),
            ("SELECT \"INBOX\"", "* OK [UIDVALIDITY 3] x\r\nTAG OK\r\n"),
        ];
        let (mut session, script) = scripted::session("IDLE", TURNS).await;
        for (folder, validity) in [("INBOX", 1), ("INBOX", 1), ("Junk", 2), ("INBOX", 1), ("INBOX", 1)] {
            assert_eq!(session.enter(folder).await.map(|s| s.uid_validity), Ok(validity), "{folder}");
        }
        session.run("NOOP", SHORT_BUDGET).await.expect("done");
        assert_eq!(session.enter("INBOX").await.map(|s| s.uid_validity), Ok(3));
        assert!(session.select("Gone").await.is_err(), "no such folder");
        assert_eq!(session.enter("INBOX").await.map(|s| s.uid_validity), Ok(3));
        assert_eq!(script.left(), 0);
    }

    #[test]
    fn quoting_leaves_no_way_out() {
        assert_eq!(quoted("a\"b\\c").expect("quotable"), "\"a\\\"b\\\\c\"");
        for bad in ["a\r\nb", "a\0", "\u{e9}"] {
            assert!(quoted(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn errors_name_the_command_without_its_arguments() {
        assert_eq!(name_of("UID SEARCH HEADER Message-ID \"<x@y>\""), "UID SEARCH");
        assert_eq!(name_of("SELECT \"Private\""), "SELECT");
    }
}
