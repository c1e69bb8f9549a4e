//! The owner's own mail: a real session by that mailbox's login to people who have nothing to do with Warmnet.

use super::changes::FlagChange;
use super::config::MailboxKind;
use super::imap::ActObserver as _;
use super::message::{date, domain_of, header};
use super::smtp::{Client, RelayError};
use super::store::{Mailbox, Role};
use super::world::{World, lock, now_ms};
use serde::Serialize;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

/// Most mails of one command.
const MAX_MAILS: u32 = 10_000;

/// How the owner's mail fared.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Fared {
    /// Mails tried.
    pub sent: u32,
    /// Refused for good.
    pub hard: u32,
    /// Refused for now.
    pub soft: u32,
    /// Complaints of their readers.
    pub complaints: u32,
}

/// Opens a session with TLS at a mailbox's provider and signs in.
///
/// # Errors
/// [`RelayError`].
pub async fn signed_in(world: &World, owner: &Mailbox) -> Result<Client<TlsStream<TcpStream>>, RelayError> {
    let provider = &world.providers[owner.provider];
    let name = ServerName::try_from(provider.host.clone()).map_err(|_| RelayError::NoHost)?;
    let stream = TcpStream::connect(provider.smtps).await?;
    stream.set_nodelay(true)?;
    let mut client = Client::start(world.connector.connect(name, stream).await?, "owner").await?;
    client.sign_in(&owner.address, &owner.password).await?;
    Ok(client)
}

/// Sends `good` mails to civilians and `dead` to addresses that don't exist; then `complaints` readers complain.
///
/// # Errors
/// Plain words.
pub async fn send(world: &Arc<World>, from: &str, good: u32, dead: u32, complaints: u32) -> Result<Fared, String> {
    if good.saturating_add(dead) > MAX_MAILS {
        return Err(format!("at most {MAX_MAILS} mails a command"));
    }
    let owner = world.mailbox(from).ok_or("no such mailbox")?;
    let civilians: Vec<Arc<Mailbox>> = world.mailboxes.values().filter(|m| m.kind == MailboxKind::Civilian).cloned().collect();
    if civilians.is_empty() {
        return Err("there are no civilians".to_owned());
    }
    let mut fared = Fared::default();
    let mut client = signed_in(world, &owner).await.map_err(|e| e.to_string())?;
    let mut reached = Vec::new();
    for n in 0..good + dead {
        let target = &civilians[(n as usize * 7 + owner.index) % civilians.len()];
        let to = if n < good { target.address.clone() } else { format!("gone{n}@{}", domain_of(&target.address)) };
        let id = format!("<letter.{}.{n}.{}@{}>", owner.index, now_ms(), domain_of(from));
        let raw = letter(&owner.address, &to, &id, n);
        lock(&world.accounting).announce(&to, &raw);
        fared.sent += 1;
        match client.mail(&owner.address, &to, &raw).await {
            Ok(_) => reached.push((target.clone(), id)),
            Err(RelayError::Refused(line)) => {
                if line.starts_with('4') {
                    fared.soft += 1
                } else {
                    fared.hard += 1
                }
                client.reset().await.map_err(|e| e.to_string())?;
            }
            Err(error) => return Err(error.to_string()),
        }
    }
    // The mails are out; a good-bye that fails changes nothing.
    let _bye = client.quit().await;
    for (reader, id) in reached.iter().take(complaints as usize) {
        fared.complaints += u32::from(complain(world, reader, id));
    }
    Ok(fared)
}

fn letter(from: &str, to: &str, id: &str, n: u32) -> Vec<u8> {
    let subjects = ["Our offer for your office", "A short question", "New prices from this month", "Did you see our last letter?"];
    let subject = subjects[n as usize % subjects.len()];
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {}\r\nMessage-ID: {id}\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n\
         Good day,\r\n\r\nwe have put together something that may suit you. Number {n} on our list is yours if you answer this week.\r\n",
        date()
    )
    .into_bytes()
}

/// A reader says that a mail is spam: moves it out of the inbox, or reports it where it lies in junk already.
fn complain(world: &World, reader: &Mailbox, id: &str) -> bool {
    let find = |role: Role| {
        let folders = reader.folders();
        let (name, f) = folders.iter().find(|(_, f)| f.role == role)?;
        let mail = f.mails.iter().rev().find(|m| header(&m.raw, "Message-ID").as_deref() == Some(id))?;
        Some((name.clone(), mail.uid))
    };
    let touched = match (find(Role::Inbox), find(Role::Junk), reader.folder_name(Role::Junk)) {
        (Some((inbox, uid)), _, Some(junk)) => reader.transfer(&inbox, &junk, &[uid], true).map(|t| t.1).unwrap_or_default(),
        (_, Some((junk, uid)), _) => reader.change_flags(&junk, &[uid], FlagChange::Add, &["$Junk".to_owned()].into()),
        _ => vec![],
    };
    for t in &touched {
        world.act(reader, t.act, &t.mail, t.from, t.to);
    }
    !touched.is_empty()
}
