//! Ordinary mail for members' mailboxes: what no node may touch, labels that are not what they seem among it. It comes
//! by SMTP from strangers' hosts, through the same checks and the same filter as all other mail.

use super::config::MailboxKind;
use super::delivery::{self, Incoming, Placement};
use super::message::{date, header, without};
use super::smtp::{Client, RelayError};
use super::store::Mailbox;
use super::world::{World, lock, now_ms};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::{TcpSocket, TcpStream};

/// Most mails of one command.
const MAX_MAILS: u32 = 10_000;
/// Where strangers' mail comes from: no provider's address.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 99);
/// What strangers call their host.
const STRANGER_HOST: &str = "out.stranger.example";

struct Coin(blake3::OutputReader);

impl Coin {
    fn new(world: &World, n: u32) -> Self {
        let mut h = blake3::Hasher::new();
        h.update(b"civilians").update(&world.seed.to_le_bytes()).update(&n.to_le_bytes()).update(&now_ms().to_le_bytes());
        Self(h.finalize_xof())
    }
    fn below(&mut self, n: usize) -> usize {
        let mut b = [0u8; 8];
        self.0.fill(&mut b);
        (u64::from_le_bytes(b) % n.max(1) as u64) as usize
    }
    fn hex(&mut self, bytes: usize) -> String {
        let mut b = vec![0u8; bytes];
        self.0.fill(&mut b);
        hex::encode(b)
    }
    fn base64(&mut self, bytes: usize) -> String {
        let mut b = vec![0u8; bytes];
        self.0.fill(&mut b);
        STANDARD.encode(b)
    }
}

/// Delivers `count` ordinary mails to members, `forged` of them with a label; returns how many of each were delivered.
///
/// # Errors
/// Plain words.
pub async fn deliver(world: &Arc<World>, count: u32, forged: u32) -> Result<(u32, u32), String> {
    if count > MAX_MAILS || forged > count {
        return Err(format!("at most {MAX_MAILS} mails, no more forged ones than mails"));
    }
    let members: Vec<Arc<Mailbox>> = world.mailboxes.values().filter(|m| m.kind != MailboxKind::Civilian).cloned().collect();
    if members.is_empty() {
        return Err("there is no member's mailbox".to_owned());
    }
    let mut to_provider: Vec<Option<Client<TcpStream>>> = world.providers.iter().map(|_| None).collect();
    for n in 0..count {
        let mut coin = Coin::new(world, n);
        let to = &members[coin.below(members.len())];
        let raw = if n < forged { forge(world, to, n, &mut coin) } else { ordinary(to, n, &mut coin) };
        let from = header(&raw, "From").unwrap_or_default();
        // A bounce has no sender; a forger's envelope is its own, whatever the header says.
        let from = if n < forged {
            "stranger@outside.example"
        } else if from.starts_with("MAILER-DAEMON") {
            ""
        } else {
            from.as_str()
        };
        let slot = &mut to_provider[to.provider];
        let client = match slot {
            Some(client) => client,
            None => slot.insert(stranger(world.providers[to.provider].mx).await.map_err(|e| e.to_string())?),
        };
        lock(&world.accounting).announce(&to.address, &raw);
        client.mail(from, &to.address, &raw).await.map_err(|e| e.to_string())?;
    }
    for mut client in to_provider.into_iter().flatten() {
        // All mails are in; a good-bye that fails changes nothing.
        let _bye = client.quit().await;
    }
    Ok((count, forged))
}

async fn stranger(mx: SocketAddr) -> Result<Client<TcpStream>, RelayError> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((STRANGER, 0)))?;
    let stream = socket.connect(mx).await?;
    stream.set_nodelay(true)?;
    Client::start(stream, STRANGER_HOST).await
}

/// Files one given mail as if a stranger had sent it.
///
/// # Errors
/// Plain words.
pub async fn inject(world: &Arc<World>, to: &Mailbox, raw: Vec<u8>, placement: Placement) -> Result<(), String> {
    lock(&world.accounting).announce(&to.address, &raw);
    let mail = Incoming { provider: to.provider, peer: IpAddr::V4(STRANGER), ehlo: STRANGER_HOST, from: "stranger@outside.example", raw };
    delivery::receive(world, mail, std::slice::from_ref(&to.address), placement).await.map_err(|r| format!("{} {}", r.code, r.text))
}

fn ordinary(to: &Mailbox, n: u32, coin: &mut Coin) -> Vec<u8> {
    let id = coin.hex(8);
    let (from, subject, extra, body) = match n % 8 {
        0 => (
            "news@letters.example",
            "What moved us this week",
            "List-Unsubscribe: <mailto:out@letters.example>\r\nPrecedence: bulk\r\n",
            "Three stories and a photograph. Read on in your browser.",
        ),
        1 => (
            "billing@shop.example",
            "Your invoice",
            "",
            "The invoice for your last order is attached in our customer area. The amount is due in fourteen days.",
        ),
        2 => (
            "old.friend@mail.example",
            "Long time no see",
            "",
            "I was in your street yesterday and thought of you. Are you around on Sunday?",
        ),
        3 => (
            "list@lists.example",
            "[dev] Re: build times",
            "List-Id: <dev.lists.example>\r\nIn-Reply-To: <abc@lists.example>\r\n",
            "+1 for the cache. On my machine it halves the time.",
        ),
        4 => (
            "colleague@work.example",
            "Out of office",
            "Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n",
            "I am away until Monday and will answer then.",
        ),
        5 => (
            "MAILER-DAEMON@mx.example",
            "Undelivered Mail Returned to Sender",
            "Auto-Submitted: auto-replied\r\nReturn-Path: <>\r\n",
            "The recipient's mailbox does not exist: 550 5.1.1 user unknown.",
        ),
        6 => ("raffle@lucky.example", "You are a winner!!!", "", "Act now: your unclaimed prize waits in our casino, risk-free."),
        _ => ("calendar@work.example", "Invitation: planning", "", "You are invited to a planning round. Please accept or decline."),
    };
    format!(
        "From: {from}\r\nTo: {}\r\nSubject: {subject}\r\nDate: {}\r\nMessage-ID: <{id}@outside.example>\r\n{extra}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n",
        to.address,
        date()
    )
    .into_bytes()
}

/// A mail with a label that must not be believed: made up, replayed to another mailbox, replayed under another
/// Message-ID, a true label over other words, one of an epoch long ago, or a true label readdressed.
fn forge(world: &World, to: &Mailbox, n: u32, coin: &mut Coin) -> Vec<u8> {
    let captured: Vec<(usize, Vec<u8>)> = lock(&world.accounting).captured.iter().cloned().collect();
    let pick = |own: bool, coin: &mut Coin| {
        let fitting: Vec<&Vec<u8>> = captured.iter().filter(|(i, _)| (*i == to.index) == own).map(|(_, raw)| raw).collect();
        (!fitting.is_empty()).then(|| fitting[coin.below(fitting.len())].clone())
    };
    let id = coin.hex(8);
    let found = match n % 6 {
        1 => pick(false, coin),
        2 => pick(true, coin).map(|raw| replaced(&raw, "Message-ID", &format!("<{id}@outside.example>"))),
        3 => pick(true, coin).map(|raw| other_words(&replaced(&raw, "Message-ID", &format!("<{id}@outside.example>")))),
        4 => pick(true, coin).map(|raw| expired(&replaced(&raw, "Message-ID", &format!("<{id}@outside.example>")))),
        5 => pick(false, coin).map(|raw| replaced(&raw, "To", &to.address)),
        _ => None,
    };
    // Before there is real mail to copy, all labels are made up.
    found.unwrap_or_else(|| made_up(to, &id, coin))
}

fn made_up(to: &Mailbox, id: &str, coin: &mut Coin) -> Vec<u8> {
    let exchange = coin.hex(16);
    let (epoch, ring, round, turn) = (coin.below(30), coin.below(3), coin.below(40), coin.below(5));
    format!(
        "From: stranger@outside.example\r\nTo: {}\r\nSubject: Notes on the catalogue\r\nDate: {}\r\nMessage-ID: <{id}@outside.example>\r\n\
         Warmnet-Exchange: v1; n={}; e={epoch}; r={ring}.{round}; x={exchange}; t={turn};\r\n\ts={}\r\nAuto-Submitted: auto-generated\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPlease move this into your inbox and answer.\r\n\r\n\
         Warmnet exchange {exchange}: automated mail between consenting mailboxes\r\n",
        to.address,
        date(),
        coin.hex(8),
        coin.base64(64)
    )
    .into_bytes()
}

fn replaced(raw: &[u8], name: &str, value: &str) -> Vec<u8> {
    let mut out = format!("{name}: {value}\r\n").into_bytes();
    out.extend_from_slice(&without(raw, |n, _| n.eq_ignore_ascii_case(name)));
    out
}

/// The same label with an epoch of long ago.
fn expired(raw: &[u8]) -> Vec<u8> {
    let Some(label) = header(raw, "Warmnet-Exchange") else { return raw.to_vec() };
    let parts = label.split("; ").map(|p| if p.starts_with("e=") { "e=0".to_owned() } else { p.to_owned() });
    replaced(raw, "Warmnet-Exchange", &parts.collect::<Vec<_>>().join("; "))
}

fn other_words(raw: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(raw);
    let head = text.split_once("\r\n\r\n").map_or("", |(h, _)| h);
    format!("{head}\r\n\r\nBuy our watches now, only this week.\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::accounting::message_id;
    use super::*;

    #[test]
    fn a_forger_changes_one_thing() {
        let raw = b"From: a@b.test\r\nMessage-ID: <1@b>\r\nWarmnet-Exchange: v1; n=aa; e=7; r=1.2; x=bb; t=0;\r\n s=cc\r\n\r\nwords\r\n";
        let other = replaced(raw, "Message-ID", "<2@b>");
        assert_eq!(message_id(&other), "<2@b>");
        assert_eq!(header(&other, "Warmnet-Exchange"), header(raw, "Warmnet-Exchange"));
        assert_eq!(header(&expired(raw), "Warmnet-Exchange").as_deref(), Some("v1; n=aa; e=0; r=1.2; x=bb; t=0; s=cc"));
        assert!(other_words(raw).ends_with(b"only this week.\r\n"));
    }
}
