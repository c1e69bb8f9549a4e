//! One IMAP connection.

use super::super::config::{Flavor, ImapLooks};
use super::super::faults::{At, Service, Step, Strike};
use super::super::oauth::Bearer;
use super::super::store::{Folder, Mail, Mailbox, Origin, Role};
use super::super::world::now_ms;
use super::gmail::{self, Asked};
use super::listing::{self, named};
use super::view::View;
use super::{Act, ImapService, wire};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use imap_codec::CommandCodec;
use imap_codec::decode::Decoder as _;
use imap_codec::imap_types::auth::AuthMechanism;
use imap_codec::imap_types::command::CommandBody;
use imap_codec::imap_types::extensions::binary::LiteralOrLiteral8;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio_rustls::TlsAcceptor;

/// Folders a user may add to those that were there.
const MAX_FOLDERS: usize = 100;

/// Serves a connection until the client leaves; with `tls` it starts in the clear and must be secured first.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send>(service: Arc<ImapService>, stream: S, tls: Option<TlsAcceptor>) {
    let mut session = Session { service, user: None, view: None, offers_tls: tls.is_some(), struck: None };
    let mut stream = BufReader::new(stream);
    // A broken connection is the client's affair: nothing is left half done, as every command is carried out whole.
    let Ok(Ended::StartTls) = session.run(&mut stream, true).await else { return };
    let Some(acceptor) = tls else { return };
    session.offers_tls = false;
    let handshake = tokio::time::timeout(std::time::Duration::from_secs(10), acceptor.accept(stream.into_inner()));
    if let Ok(Ok(secure)) = handshake.await {
        let _ended = session.run(&mut BufReader::new(secure), false).await;
    }
}

enum Ended {
    Closed,
    StartTls,
}

/// How a command went: OK, NO or BAD with its words.
pub(super) type Answer = Result<String, (&'static str, String)>;

/// A NO.
pub(super) fn no(text: &str) -> Answer {
    Err(("NO", text.to_owned()))
}

/// One connection's state.
pub(super) struct Session {
    pub(super) service: Arc<ImapService>,
    user: Option<Arc<Mailbox>>,
    pub(super) view: Option<View>,
    offers_tls: bool,
    /// What goes wrong with the command at hand.
    struck: Option<Strike>,
}

impl Session {
    async fn run<S: AsyncBufRead + AsyncWrite + Unpin>(&mut self, stream: &mut S, greet: bool) -> std::io::Result<Ended> {
        if greet {
            let hello = format!("* OK [CAPABILITY {}] ready\r\n", self.capabilities());
            self.struck = self.strike(Step::Greeting, None);
            if !self.send(stream, hello.as_bytes(), None).await? {
                return Ok(Ended::Closed);
            }
        }
        loop {
            let Some(bytes) = wire::command(stream).await? else { return Ok(Ended::Closed) };
            let (bytes, asked) = match std::str::from_utf8(&bytes) {
                Ok(text) if text.lines().count() == 1 => {
                    let (line, asked) = gmail::take(text);
                    (line.into_bytes(), asked)
                }
                _ => (bytes, Asked::default()),
            };
            let Ok((_, command)) = CommandCodec::default().decode(&bytes) else {
                let tag = bytes.split(|b| *b == b' ').next().filter(|t| !t.is_empty() && t.iter().all(u8::is_ascii_alphanumeric));
                let tag = tag.map_or_else(|| "*".to_owned(), |t| String::from_utf8_lossy(t).into_owned());
                stream.write_all(format!("{tag} BAD that can't be read\r\n").as_bytes()).await?;
                stream.flush().await?;
                continue;
            };
            let tag = command.tag.as_ref().to_owned();
            // Whose sign-in it is comes out on the way.
            let step = Step::of_command(&command.body).filter(|step| *step != Step::Login);
            let user = self.user.clone();
            self.struck = step.and_then(|step| self.strike(step, user.as_ref().map(|u| u.address.as_str())));
            let mut out = Vec::new();
            let mut ended = None;
            let answer = match command.body {
                _ if self.struck.as_ref().is_some_and(Strike::skips) => Ok(String::new()),
                CommandBody::Logout => {
                    out.extend_from_slice(b"* BYE bye\r\n");
                    ended = Some(Ended::Closed);
                    Ok("done".to_owned())
                }
                CommandBody::StartTLS if self.offers_tls => {
                    ended = Some(Ended::StartTls);
                    Ok("go ahead".to_owned())
                }
                CommandBody::Authenticate { mechanism, initial_response } => {
                    let given = initial_response.map(|s| s.declassify().to_vec());
                    self.authenticate(stream, &mechanism, given).await?
                }
                CommandBody::Idle if self.looks().idle => match self.idle(stream).await? {
                    true => Ok("idle is over".to_owned()),
                    false => return Ok(Ended::Closed),
                },
                body => self.command(body, asked, &mut out),
            };
            match answer {
                Ok(text) => out.extend_from_slice(format!("{tag} OK {text}\r\n").as_bytes()),
                Err((kind, text)) => out.extend_from_slice(format!("{tag} {kind} {text}\r\n").as_bytes()),
            }
            if !self.send(stream, &out, Some(&tag)).await? {
                return Ok(Ended::Closed);
            }
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    /// What goes wrong on purpose at this step.
    fn strike(&self, step: Step, mailbox: Option<&str>) -> Option<Strike> {
        self.service.faults.strike(At { service: Service::Imap, step, provider: &self.service.name, mailbox })
    }

    /// Sends an answer, or what the fault at hand says. `false`: the connection is to be closed.
    async fn send<S: AsyncBufRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        answer: &[u8],
        tag: Option<&str>,
    ) -> std::io::Result<bool> {
        match self.struck.take() {
            Some(strike) => strike.send(stream, answer, tag).await,
            None => {
                stream.write_all(answer).await?;
                stream.flush().await?;
                Ok(true)
            }
        }
    }

    fn capabilities(&self) -> String {
        let mut all = "IMAP4rev1 LITERAL+ SASL-IR ID UNSELECT NAMESPACE SPECIAL-USE".to_owned();
        all.push_str(if self.offers_tls { " STARTTLS LOGINDISABLED" } else { " AUTH=PLAIN" });
        for name in self.service.oauth.iter().flat_map(|o| o.mechanisms()).filter(|_| !self.offers_tls) {
            all = all + " AUTH=" + name;
        }
        let looks = self.looks();
        let gmail = self.service.flavor == Flavor::Gmail;
        for (has, name) in [(looks.idle, " IDLE"), (looks.moves, " MOVE"), (looks.uidplus, " UIDPLUS"), (gmail, " X-GM-EXT-1")] {
            if has {
                all.push_str(name);
            }
        }
        all
    }

    /// What this connection can do.
    pub(super) fn looks(&self) -> ImapLooks {
        self.user.as_ref().map_or(self.service.imap, |user| user.imap)
    }

    fn sign_in(&mut self, user: &[u8], password: &[u8]) -> Answer {
        if self.offers_tls {
            return no("[PRIVACYREQUIRED] only over TLS");
        }
        let user = String::from_utf8_lossy(user).to_ascii_lowercase();
        self.struck = self.strike(Step::Login, Some(&user));
        if self.struck.as_ref().is_some_and(Strike::skips) {
            return Ok(String::new());
        }
        let fits = |m: &&Arc<Mailbox>| m.provider == self.service.provider && m.password.as_bytes() == password;
        match self.service.mailboxes.get(&user).filter(fits).cloned() {
            None => no("[AUTHENTICATIONFAILED] user or password is wrong"),
            found => {
                self.user = found;
                Ok(format!("[CAPABILITY {}] welcome", self.capabilities()))
            }
        }
    }

    async fn authenticate<S: AsyncBufRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        mechanism: &AuthMechanism<'_>,
        given: Option<Vec<u8>>,
    ) -> std::io::Result<Answer> {
        let bearer = Bearer::of(mechanism.as_ref(), self.service.oauth.as_deref()).filter(|_| !self.offers_tls);
        if bearer.is_none() && *mechanism != AuthMechanism::Plain {
            return Ok(no("[CANNOT] not that mechanism"));
        }
        let bytes = match given {
            Some(b) => b,
            None => match prompt(stream, "").await? {
                Some(line) => STANDARD.decode(line.trim_ascii()).unwrap_or_default(),
                None => return Ok(no("nothing came")),
            },
        };
        if let Some(bearer) = bearer {
            let owner = bearer.owner(&bytes, self.service.oauth.as_deref());
            let fits = |m: &&Arc<Mailbox>| m.provider == self.service.provider;
            if let Some(mailbox) = owner.and_then(|o| self.service.mailboxes.get(&o).filter(fits).cloned()) {
                self.user = Some(mailbox);
                return Ok(Ok(format!("[CAPABILITY {}] welcome", self.capabilities())));
            }
            let ended = prompt(stream, &bearer.error()).await?.is_some_and(|line| bearer.ended(&line));
            return Ok(if ended { no("[AUTHENTICATIONFAILED] that token is not good") } else { Err(("BAD", "that is no end".to_owned())) });
        }
        let parts: Vec<&[u8]> = bytes.split(|b| *b == 0).collect();
        Ok(match parts.as_slice() {
            [_, user, password] => self.sign_in(user, password),
            _ => Err(("BAD", "that can't be read".to_owned())),
        })
    }

    /// RFC 2177: tells of changes at once, until DONE. `false`: the client is gone.
    async fn idle<S: AsyncBufRead + AsyncWrite + Unpin>(&mut self, stream: &mut S) -> std::io::Result<bool> {
        stream.write_all(b"+ idling\r\n").await?;
        stream.flush().await?;
        let mut line = Vec::new();
        loop {
            let Some(user) = self.user.clone() else { return Ok(wire::line(stream, &mut line).await) };
            let notified = user.changed.notified();
            tokio::pin!(notified);
            // Listens before it looks, or a change in between would be missed.
            notified.as_mut().enable();
            let mut out = Vec::new();
            if let Some(view) = &mut self.view {
                view.sync(&user, true, &mut out);
            }
            if !out.is_empty() {
                stream.write_all(&out).await?;
                stream.flush().await?;
            }
            tokio::select! {
                () = &mut notified => {}
                alive = wire::line(stream, &mut line) => return Ok(alive && line.trim_ascii().eq_ignore_ascii_case(b"DONE")),
            }
        }
    }

    /// A command without a conversation.
    fn command(&mut self, body: CommandBody<'_>, asked: Asked, out: &mut Vec<u8>) -> Answer {
        match body {
            CommandBody::Capability => {
                out.extend_from_slice(format!("* CAPABILITY {}\r\n", self.capabilities()).as_bytes());
                return Ok("done".to_owned());
            }
            CommandBody::Id { .. } => {
                out.extend_from_slice(b"* ID (\"name\" \"warmnet-sim\")\r\n");
                return Ok("done".to_owned());
            }
            CommandBody::Login { username, password } => return self.sign_in(username.as_ref(), password.declassify().as_ref()),
            CommandBody::Noop if self.user.is_none() => return Ok("done".to_owned()),
            _ => {}
        }
        let Some(user) = self.user.clone() else { return Err(("BAD", "sign in first".to_owned())) };
        match body {
            CommandBody::Namespace => {
                let namespace = self.looks().namespace;
                let (prefix, delimiter) = (namespace.prefix(), namespace.delimiter());
                out.extend_from_slice(format!("* NAMESPACE ((\"{prefix}\" \"{delimiter}\")) NIL NIL\r\n").as_bytes());
                Ok("done".to_owned())
            }
            CommandBody::List { reference, mailbox_wildcard } => {
                listing::list(&user, "LIST", &reference, &mailbox_wildcard, asked.special_only, out);
                Ok("done".to_owned())
            }
            CommandBody::Lsub { reference, mailbox_wildcard } => {
                listing::list(&user, "LSUB", &reference, &mailbox_wildcard, false, out);
                Ok("done".to_owned())
            }
            CommandBody::Status { mailbox, item_names } => {
                if listing::status(&user, &named(&mailbox), &item_names, out) {
                    Ok("done".to_owned())
                } else {
                    no("[NONEXISTENT] no such folder")
                }
            }
            CommandBody::Select { mailbox } => self.select(&user, &named(&mailbox), false, out),
            CommandBody::Examine { mailbox } => self.select(&user, &named(&mailbox), true, out),
            CommandBody::Create { mailbox } => create(&user, &named(&mailbox)),
            CommandBody::Delete { mailbox } => {
                let name = named(&mailbox);
                let mut folders = user.folders();
                if folders.get(&name).is_some_and(|f| f.role == Role::Other) {
                    folders.remove(&name);
                    return Ok("gone".to_owned());
                }
                no("[CANNOT] that folder stays")
            }
            CommandBody::Subscribe { .. } | CommandBody::Unsubscribe { .. } => Ok("done".to_owned()),
            CommandBody::Append { mailbox, flags, message, .. } => {
                let raw = match &message {
                    LiteralOrLiteral8::Literal(l) => l.as_ref().to_vec(),
                    LiteralOrLiteral8::Literal8(l) => l.data.to_vec(),
                };
                self.append(&user, &named(&mailbox), flags.iter().map(ToString::to_string).collect(), raw, out)
            }
            CommandBody::Noop => {
                self.sync(&user, true, out);
                Ok("done".to_owned())
            }
            body => self.selected(&user, body, asked, out),
        }
    }

    pub(super) fn sync(&mut self, user: &Mailbox, expunges: bool, out: &mut Vec<u8>) {
        if let Some(view) = &mut self.view {
            view.sync(user, expunges, out);
        }
    }

    fn select(&mut self, user: &Mailbox, name: &str, read_only: bool, out: &mut Vec<u8>) -> Answer {
        self.view = View::open(user, name, read_only);
        let folders = user.folders();
        let (Some(view), Some(f)) = (&self.view, folders.get(name)) else { return no("[NONEXISTENT] no such folder") };
        let text = format!(
            "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n* {} EXISTS\r\n* 0 RECENT\r\n\
             * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] limited\r\n\
             * OK [UIDVALIDITY {}] valid\r\n* OK [UIDNEXT {}] next\r\n",
            view.known.len(),
            f.uid_validity,
            f.uid_next
        );
        out.extend_from_slice(text.as_bytes());
        Ok(if read_only { "[READ-ONLY] done" } else { "[READ-WRITE] done" }.to_owned())
    }

    fn append(&mut self, user: &Mailbox, name: &str, flags: BTreeSet<String>, raw: Vec<u8>, out: &mut Vec<u8>) -> Answer {
        let digest = blake3::hash(&raw);
        let mut id = [0u8; 8];
        id.copy_from_slice(&digest.as_bytes()[..8]);
        // What a client brings itself is its own, never foreign.
        let mail = Mail {
            uid: 0,
            gm_id: u64::from_le_bytes(id) >> 1,
            raw: Arc::new(raw),
            flags,
            internal_ms: now_ms(),
            origin: Origin::Warm,
            sender_domain: String::new(),
        };
        let Some(uid) = user.append(name, mail.clone()) else { return no("[TRYCREATE] no such folder") };
        let found = user.folders().get(name).map(|f| (f.uid_validity, f.role));
        let (validity, role) = found.unwrap_or((0, Role::Other));
        self.service.events.act(user, Act::Append, &mail, role, None);
        self.sync(user, true, out);
        Ok(if self.looks().uidplus { format!("[APPENDUID {validity} {uid}] done") } else { "done".to_owned() })
    }
}

/// A challenge and the line that answers it; `None`: the client is gone.
async fn prompt<S: AsyncBufRead + AsyncWrite + Unpin>(stream: &mut S, challenge: &str) -> std::io::Result<Option<Vec<u8>>> {
    stream.write_all(format!("+ {challenge}\r\n").as_bytes()).await?;
    stream.flush().await?;
    let mut line = Vec::new();
    Ok(wire::line(stream, &mut line).await.then_some(line))
}

fn create(user: &Mailbox, name: &str) -> Answer {
    let namespace = user.imap.namespace;
    let name = name.trim_end_matches(namespace.delimiter());
    if !name.starts_with(namespace.prefix()) {
        return no("[CANNOT] folders live under the inbox here");
    }
    let mut folders = user.folders();
    if folders.contains_key(name) {
        return no("[ALREADYEXISTS] it is there already");
    }
    if folders.len() >= MAX_FOLDERS || name.is_empty() {
        return no("[LIMIT] no more folders");
    }
    let uid_validity = 1_000 + folders.len() as u32 + user.index as u32;
    folders.insert(name.to_owned(), Folder { role: Role::Other, uid_validity, uid_next: 1, mails: vec![], version: 0 });
    Ok("made".to_owned())
}
