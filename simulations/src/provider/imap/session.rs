//! One IMAP connection.

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
    let mut session = Session { service, user: None, view: None, offers_tls: tls.is_some() };
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
}

impl Session {
    async fn run<S: AsyncBufRead + AsyncWrite + Unpin>(&mut self, stream: &mut S, greet: bool) -> std::io::Result<Ended> {
        if greet {
            stream.write_all(format!("* OK [CAPABILITY {}] ready\r\n", self.capabilities()).as_bytes()).await?;
            stream.flush().await?;
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
            let mut out = Vec::new();
            let answer = match command.body {
                CommandBody::Logout => {
                    stream.write_all(format!("* BYE bye\r\n{tag} OK done\r\n").as_bytes()).await?;
                    stream.flush().await?;
                    return Ok(Ended::Closed);
                }
                CommandBody::StartTLS if self.offers_tls => {
                    stream.write_all(format!("{tag} OK go ahead\r\n").as_bytes()).await?;
                    stream.flush().await?;
                    return Ok(Ended::StartTls);
                }
                CommandBody::Authenticate { mechanism, initial_response } => {
                    let given = initial_response.map(|s| s.declassify().to_vec());
                    self.authenticate(stream, &mechanism, given).await?
                }
                CommandBody::Idle => match self.idle(stream).await? {
                    true => Ok("idle is over".to_owned()),
                    false => return Ok(Ended::Closed),
                },
                body => self.command(body, asked, &mut out),
            };
            match answer {
                Ok(text) => out.extend_from_slice(format!("{tag} OK {text}\r\n").as_bytes()),
                Err((kind, text)) => out.extend_from_slice(format!("{tag} {kind} {text}\r\n").as_bytes()),
            }
            stream.write_all(&out).await?;
            stream.flush().await?;
        }
    }

    fn capabilities(&self) -> String {
        let mut all = "IMAP4rev1 LITERAL+ SASL-IR ID IDLE MOVE UIDPLUS UNSELECT NAMESPACE SPECIAL-USE".to_owned();
        all.push_str(if self.offers_tls { " STARTTLS LOGINDISABLED" } else { " AUTH=PLAIN" });
        for name in self.service.oauth.iter().flat_map(|o| o.mechanisms()).filter(|_| !self.offers_tls) {
            all = all + " AUTH=" + name;
        }
        let gmail = |m: &Arc<Mailbox>| m.flavor == super::super::config::Flavor::Gmail;
        if self.service.mailboxes.values().find(|m| m.provider == self.service.provider).is_some_and(gmail) {
            all.push_str(" X-GM-EXT-1");
        }
        all
    }

    fn sign_in(&mut self, user: &[u8], password: &[u8]) -> Answer {
        if self.offers_tls {
            return no("[PRIVACYREQUIRED] only over TLS");
        }
        let user = String::from_utf8_lossy(user).to_ascii_lowercase();
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
        let bearer = Bearer::of(&mechanism.to_string(), self.service.oauth.as_deref()).filter(|_| !self.offers_tls);
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
                out.extend_from_slice(b"* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
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
            CommandBody::Create { mailbox } => create(&user, named(&mailbox).trim_end_matches('/')),
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
        Ok(format!("[APPENDUID {validity} {uid}] done"))
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
