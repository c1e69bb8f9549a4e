//! A mail's way through two providers: signed and handed over by the first, checked, filtered and filed by the second.

use super::accounting::{Known, message_id};
use super::authentication::{Sender, strip_forged};
use super::config::MailboxKind;
use super::message::{date, domain_of, header, is_warm};
use super::smtp;
use super::store::{Mail, Mailbox, Origin, Role};
use super::world::{World, lock, now_ms};
use crate::isp::{Event, Sight};
use std::net::IpAddr;
use std::sync::Arc;

/// Message-IDs of one mail that are looked at as answered.
const MAX_REFERENCES: usize = 20;

/// Why a message is not taken, as an SMTP reply.
#[derive(Debug)]
pub struct Refusal {
    /// Reply code.
    pub code: u16,
    /// Enhanced code and words.
    pub text: String,
}

impl Refusal {
    fn new(code: u16, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

/// A message on its way in.
pub struct Incoming<'a> {
    /// Which provider receives it.
    pub provider: usize,
    /// From which address.
    pub peer: IpAddr,
    /// What the other side called itself.
    pub ehlo: &'a str,
    /// Envelope sender.
    pub from: &'a str,
    /// The message.
    pub raw: Vec<u8>,
}

/// Where a mail is to be filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// The filter decides.
    Filter,
    /// Here.
    Fixed(Role),
}

/// Takes a user's message: signs it, hands it on, keeps a copy in Sent. When only some recipients refuse it, the
/// user is told by a bounce.
///
/// # Errors
/// [`Refusal`] as the user's client sees it: nobody took it.
pub async fn submit(world: &Arc<World>, user: &Arc<Mailbox>, to: &[String], raw: Vec<u8>) -> Result<(), Refusal> {
    let domain = domain_of(&user.address);
    let from_header = header(&raw, "From").unwrap_or_default().to_ascii_lowercase();
    if !from_header.contains(&user.address) {
        return Err(Refusal::new(553, "5.7.1 the From field is not yours"));
    }
    let provider = &world.providers[user.provider];
    let key = world.domains.get(&domain).map(|d| d.key.clone()).ok_or_else(|| Refusal::new(554, "5.3.0 unknown domain"))?;
    let signature = key.sign(&domain, &raw).map_err(|e| Refusal::new(451, format!("4.3.0 can't sign: {e}")))?;
    let mut out = signature.into_bytes();
    out.extend_from_slice(format!("Received: from client by {} with ESMTPSA; {}\r\n", provider.host, date()).as_bytes());
    out.extend_from_slice(&raw);
    let mut failed = Vec::new();
    for recipient in to {
        match smtp::hand_over(world, user.provider, &user.address, recipient, &out).await {
            Ok(()) => {}
            Err(smtp::RelayError::Refused(line)) if line.starts_with('5') => {
                failed.push((recipient, Refusal::new(550, line.get(4..).unwrap_or("5.0.0 refused").to_owned())));
            }
            Err(error) => failed.push((recipient, Refusal::new(451, format!("4.4.1 {error}")))),
        }
    }
    if failed.len() == to.len() {
        return Err(failed.pop().map_or_else(|| Refusal::new(554, "5.5.1 no recipient"), |(_, refusal)| refusal));
    }
    for (recipient, refusal) in &failed {
        bounce(world, user, recipient, refusal, &raw);
    }
    answers(world, user, &raw);
    if let Some(sent) = user.folder_name(Role::Sent) {
        // One's own copy is nobody else's mail.
        let mut copy = stored(world, raw, String::new(), Origin::Warm);
        copy.flags.insert(r"\Seen".to_owned());
        user.append(&sent, copy);
    }
    Ok(())
}

/// Tells a user that a recipient refused (RFC 3464 in its shortest form).
fn bounce(world: &World, user: &Mailbox, recipient: &str, refusal: &Refusal, raw: &[u8]) {
    let host = &world.providers[user.provider].host;
    lock(&world.accounting).bounced += 1;
    let id = format!("bounce.{}.{}", now_ms(), &blake3::hash(raw).to_hex()[..12]);
    let text = format!(
        "Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@{host}>\r\nTo: {}\r\nSubject: Undelivered Mail Returned to Sender\r\n\
         Date: {}\r\nMessage-ID: <{id}@{host}>\r\nIn-Reply-To: {}\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\nYour message to <{recipient}> was not delivered: {} {}\r\n",
        user.address,
        date(),
        message_id(raw),
        refusal.code,
        refusal.text
    );
    file(world, user, Role::Inbox, text.into_bytes(), host, Origin::Foreign);
}

/// An answer teaches the answerer's provider about the domain it answers; an answer to a foreign mail is counted.
fn answers(world: &World, user: &Mailbox, raw: &[u8]) {
    let member = user.kind != MailboxKind::Civilian;
    let parents = [header(raw, "In-Reply-To"), header(raw, "References")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let mut seen: Vec<&str> = Vec::new();
    for parent in parents.split_whitespace().take(MAX_REFERENCES) {
        if seen.contains(&parent) {
            continue;
        }
        seen.push(parent);
        let known = lock(&world.accounting).answered(user.index, member, parent);
        // Only the mail that is answered, the first named, counts as engagement.
        if let (Some(Known { sender_domain, foreign: false }), 1) = (known, seen.len()) {
            world.learn(user.provider, &sender_domain, Event::Replied);
        }
    }
}

/// Somebody wrote to a user that does not exist.
pub fn unknown_user(world: &World, provider: usize, from: &str) {
    lock(&world.accounting).rejected += 1;
    world.learn(provider, &domain_of(from), Event::Bounced);
}

fn stored(world: &World, raw: Vec<u8>, sender_domain: String, origin: Origin) -> Mail {
    let mut digest = [0u8; 8];
    digest.copy_from_slice(&blake3::hash(&raw).as_bytes()[..8]);
    Mail {
        uid: 0,
        gm_id: (u64::from_le_bytes(digest) ^ world.seed) >> 1,
        raw: Arc::new(raw),
        flags: Default::default(),
        internal_ms: now_ms(),
        origin,
        sender_domain,
    }
}

/// Puts a mail into a folder of a mailbox; Gmail shows inbox mail in All Mail too.
pub fn file(world: &World, mailbox: &Mailbox, role: Role, raw: Vec<u8>, sender_domain: &str, origin: Origin) {
    let id = message_id(&raw);
    let mail = stored(world, raw, sender_domain.to_owned(), origin);
    {
        let mut a = lock(&world.accounting);
        a.delivered += 1;
        a.remember(mailbox.index, &id, Known { sender_domain: sender_domain.to_owned(), foreign: origin == Origin::Foreign });
        if origin == Origin::Foreign && mailbox.kind != MailboxKind::Civilian {
            a.foreign_delivered += 1;
        }
    }
    if role == Role::Inbox
        && let Some(all) = mailbox.folder_name(Role::All)
    {
        mailbox.append(&all, mail.clone());
    }
    if let Some(name) = mailbox.folder_name(role) {
        mailbox.append(&name, mail);
    }
}

/// Takes another provider's message: checks it, filters it, files it.
///
/// # Errors
/// [`Refusal`]: none of the recipients is known here any more.
pub async fn receive(world: &Arc<World>, mail: Incoming<'_>, to: &[String], placement: Placement) -> Result<(), Refusal> {
    let host = world.providers[mail.provider].host.clone();
    let sender = Sender { peer: mail.peer, ehlo: mail.ehlo, from: mail.from };
    let (results, authentication) = world.checker.check(&host, sender, &mail.raw).await;
    let mut raw = format!("{results}Received: from {} by {host} with ESMTP; {}\r\n", clean(mail.ehlo), date()).into_bytes();
    raw.extend_from_slice(&strip_forged(&mail.raw, &host));
    let domain = domain_of(mail.from);
    let mut taken = false;
    for recipient in to {
        let Some(mailbox) = world.mailbox(recipient) else { continue };
        let foreign = lock(&world.accounting).was_announced(recipient, &mail.raw) || !is_warm(&mail.raw);
        let role = match placement {
            Placement::Fixed(role) => role,
            Placement::Filter => {
                let sight = Sight::of(&mail.raw, mail.from, recipient, world.age_days(&domain), authentication);
                let day = world.day();
                if world.filter(mail.provider).inbox(&sight, day) { Role::Inbox } else { Role::Junk }
            }
        };
        world.learn(mail.provider, &domain, Event::Delivered);
        count(world, &mailbox, &mail, &domain, role, foreign);
        file(world, &mailbox, role, raw.clone(), &domain, if foreign { Origin::Foreign } else { Origin::Warm });
        taken = true;
    }
    if taken { Ok(()) } else { Err(Refusal::new(550, "5.1.1 no such user")) }
}

fn count(world: &World, mailbox: &Mailbox, mail: &Incoming<'_>, domain: &str, role: Role, foreign: bool) {
    let inbox = role == Role::Inbox;
    let mut a = lock(&world.accounting);
    let d = a.by_domain.entry(domain.to_owned()).or_default();
    if inbox {
        d.inbox += 1
    } else {
        d.spam += 1
    }
    if foreign && is_warm(&mail.raw) {
        // A forged label that the emulator itself sends: not a client's doing.
        return;
    }
    a.arrived(mailbox.index, &message_id(&mail.raw));
    if !foreign && header(&mail.raw, "Warmnet-Exchange").is_some() {
        a.warm[0] += 1;
        a.warm[if inbox { 1 } else { 2 }] += 1;
        a.capture(mailbox.index, mail.raw.clone());
    }
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || ".-[]:".contains(*c)).take(80).collect()
}
