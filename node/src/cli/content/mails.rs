//! A real mail of every turn of a bank, as a receiving server shows it to its filter.

use crate::mail::Draft;
use crate::runtime::clock::now;
use warmnet_protocol::exchange::text::{normalise, sample, thread_count};
use warmnet_protocol::identity::NodeKey;
use warmnet_protocol::ids::{ExchangeId, MemberId, NetworkId};
use warmnet_protocol::limits::TURNS;
use warmnet_protocol::matching::{RingKind, Slot};
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::label::{self, LABEL_HEADER, Label};

/// A mail and the turn it is of.
pub(super) struct Mail {
    pub(super) language: u8,
    pub(super) thread: usize,
    pub(super) turn: u8,
    pub(super) raw: Vec<u8>,
}

/// One mail for each turn of each thread: label, footer and thread headers like any other of the network.
pub(super) fn of(source: &str, language: u8) -> Result<Vec<Mail>, String> {
    let turns = (0..thread_count(source)).flat_map(|thread| (0..TURNS).map(move |turn| (thread, turn)));
    turns.map(|(thread, turn)| Ok(Mail { language, thread, turn, raw: mail(source, language, thread, turn)? })).collect()
}

fn mail(source: &str, language: u8, thread: usize, turn: u8) -> Result<Vec<u8>, String> {
    let id = blake3::hash(format!("content lint {language} {thread}").as_bytes());
    let mut exchange = [0; 16];
    exchange.copy_from_slice(&id.as_bytes()[..16]);
    let exchange = ExchangeId(exchange);
    let text = sample(source, language, thread, turn, &exchange.0).ok_or("the turn gives no text")?;

    let (network, key) = (NetworkId(*id.as_bytes()), NodeKey::from_seed(id.as_bytes()));
    let members = [MemberId([1; 32]), MemberId([2; 32])];
    let sides = [("alice", "a.example"), ("bob", "b.example")];
    let (from, to) = if turn.is_multiple_of(2) { (0, 1) } else { (1, 0) };
    let message_id = |turn: u8| {
        let side = usize::from(turn % 2);
        format!("{exchange}.{turn}.{}@{}", members[side].short(), sides[side].1)
    };
    let id = message_id(turn);
    let signature = label::Signed {
        network: &network,
        exchange: &exchange,
        turn,
        message_id: &id,
        author: &members[from],
        addressee: &members[to],
        text: &label::text_digest(&normalise(&text.body)),
    }
    .sign(&key);
    let slot = Slot { ring: RingKind::Open, round: 0 };
    let label = Label { network: Label::network_prefix(&network), epoch: Epoch(20), slot, exchange, turn, signature };

    let references: Vec<String> = (0..turn).map(|t| format!("<{}>", message_id(t))).collect();
    let references: Vec<&str> = references.iter().map(String::as_str).collect();
    let address = |side: usize| format!("{}@{}", sides[side].0, sides[side].1);
    let draft = Draft {
        from: &address(from),
        to: &address(to),
        subject: &text.subject,
        date_ms: now().0,
        utc_offset_minutes: 0,
        message_id: &format!("<{id}>"),
        in_reply_to: references.last().copied(),
        references: &references,
        extra: &[(LABEL_HEADER, &label.header_value())],
        auto_submitted: if turn == 0 { "auto-generated" } else { "auto-replied" },
        text: &text.body,
    };
    let mail = draft.compose().map_err(|e| e.to_string())?;
    // What the receiving server adds before its filter looks at it.
    let date =
        jiff::fmt::rfc2822::to_string(&jiff::Timestamp::from_millisecond(now().0).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC));
    let (sender, receiver) = (sides[from].1, sides[to].1);
    let received = format!(
        "Return-Path: <{}>\r\nReceived: from mail.{sender} (mail.{sender} [IPv6:2001:db8::9])\r\n\tby mx.{receiver} (Postfix) with ESMTPS id 4XyZ12abcd\r\n\tfor <{}>; {}\r\n",
        address(from),
        address(to),
        date.map_err(|e| e.to_string())?
    );
    Ok((received + &mail).into_bytes())
}
