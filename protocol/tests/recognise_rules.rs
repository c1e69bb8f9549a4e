//! "Is this mail ours?": each of the nine rules, broken one at a time.

use std::collections::BTreeMap;
use warmnet_protocol::exchange::recognise::{BANNER_BYTES, Candidate, Desk, NotOurs, check, expected_text, mail_text, message_id};
use warmnet_protocol::exchange::state::Introduction;
use warmnet_protocol::exchange::{Exchange, Side};
use warmnet_protocol::identity::NodeKey;
use warmnet_protocol::ids::{ExchangeId, MemberId, NetworkId};
use warmnet_protocol::limits::MESSAGE_ID_BYTES;
use warmnet_protocol::matching::{RingKind, Slot};
use warmnet_protocol::time::{Clock, Epoch, Span, Timestamp};
use warmnet_protocol::wire::label::{Label, Signed, text_digest};
use warmnet_protocol::wire::roster::acts;

const NETWORK: NetworkId = NetworkId([0x11; 32]);
const CLOCK: Clock = Clock { epoch_zero_ms: 0, epoch_ms: 86_400_000 };
const ME: &str = "bob@two.example";
const PARTNER: &str = "ann@one.example";
const MESSAGE_ID: &str = "0303.0.01010101@one.example";

fn exchange() -> Exchange {
    Exchange {
        id: ExchangeId([3; 16]),
        epoch: Epoch(4),
        slot: Slot { ring: RingKind::Open, round: 2 },
        spare: false,
        me: MemberId([2; 32]),
        partner: MemberId([1; 32]),
        partner_node: NodeKey::from_seed(&[1; 32]).node_id(),
        side: Side::Receiver,
        acts: acts::ALL,
        language: 0,
        meeting: 0,
        replies: 2,
        introduction: Introduction::Done,
        partner_address: Some(PARTNER.into()),
        outcome: None,
        sent_label: None,
        seen: None,
        outgoing: vec![],
        thread: vec![],
        found: None,
        pending: vec![],
        stopped: false,
        complaint: false,
    }
}

/// The genuine label of a turn's mail under a key.
fn label(x: &Exchange, turn: u8, key: u8) -> Label {
    label_of(x, turn, key, MESSAGE_ID)
}

fn label_of(x: &Exchange, turn: u8, key: u8, message_id: &str) -> Label {
    let text = text_digest(&expected_text(x, turn).expect("a text"));
    let (network, exchange, author, addressee) = (&NETWORK, &x.id, &x.partner, &x.me);
    let signed = Signed { network, exchange, turn, message_id, author, addressee, text: &text };
    let signature = signed.sign(&NodeKey::from_seed(&[key; 32]));
    Label { network: Label::network_prefix(&NETWORK), epoch: x.epoch, slot: x.slot, exchange: x.id, turn, signature }
}

fn judge(x: &Exchange, now: Timestamp, label: &Label, mail: &Candidate<'_>) -> Option<NotOurs> {
    let exchanges = BTreeMap::from([(x.id, x.clone())]);
    let me = MemberId([2; 32]);
    let desk = Desk { network: &NETWORK, clock: &CLOCK, now, exchanges: &exchanges, me: &me, address: ME };
    check(&desk, label, mail).err()
}

#[test]
fn only_a_mail_that_keeps_all_rules_is_ours() {
    let x = exchange();
    let now = CLOCK.at(Epoch(4), Span::hours(10));
    let text = mail_text(&x, 0).expect("a text").body;
    let good = Candidate { from: Some(PARTNER), to: Some(ME), message_id: MESSAGE_ID, text: &text, single_plain_part: true };
    let genuine = label(&x, 0, 1);
    let on = |x: &Exchange, label: &Label| judge(x, now, label, &good);
    let mail = |mail: &Candidate<'_>| judge(&x, now, &genuine, mail);
    assert_eq!(on(&x, &genuine), None);
    assert_eq!(mail(&Candidate { from: Some("Ann+x@ONE.example"), ..good }), None, "the same mailbox, written otherwise");
    // 2, 3: network, exchange, its member and its time.
    assert_eq!(on(&x, &Label { network: [0; 8], ..genuine.clone() }), Some(NotOurs::Network));
    assert_eq!(on(&x, &Label { exchange: ExchangeId([4; 16]), ..genuine.clone() }), Some(NotOurs::Unknown));
    assert_eq!(on(&Exchange { me: MemberId([9; 32]), ..x.clone() }, &genuine), Some(NotOurs::Unknown));
    let over = CLOCK.start(Epoch(6));
    assert_eq!(judge(&x, over, &genuine, &good), Some(NotOurs::Unknown));
    assert_eq!(judge(&x, Timestamp(over.0 - 1), &genuine, &good), None);
    // 4: epoch, slot and turn.
    assert_eq!(on(&x, &Label { epoch: Epoch(5), ..genuine.clone() }), Some(NotOurs::Misfit));
    assert_eq!(on(&x, &Label { slot: Slot { ring: RingKind::Open, round: 3 }, ..genuine.clone() }), Some(NotOurs::Misfit));
    assert_eq!(on(&x, &label(&x, 1, 1)), Some(NotOurs::Misfit), "a receiver gets even turns");
    assert_eq!(on(&x, &label(&x, 2, 1)), Some(NotOurs::Misfit), "an answer to what was not sent");
    assert_eq!(on(&x, &label(&x, 4, 1)), Some(NotOurs::Misfit), "more than the exchange owes");
    // 5: once a turn.
    assert_eq!(on(&Exchange { found: Some(0), ..x.clone() }, &genuine), Some(NotOurs::Replay));
    // 6: From and To.
    for wrong in [None, Some("eve@one.example"), Some("ann@one.example.evil.example")] {
        assert_eq!(mail(&Candidate { from: wrong, ..good }), Some(NotOurs::Address));
    }
    assert_eq!(mail(&Candidate { to: Some(PARTNER), ..good }), Some(NotOurs::Address));
    assert_eq!(on(&Exchange { partner_address: None, ..x.clone() }, &genuine), Some(NotOurs::Address), "not introduced");
    // 7: the signature.
    assert_eq!(on(&x, &label(&x, 0, 9)), Some(NotOurs::Signature));
    assert_eq!(mail(&Candidate { message_id: "other@one.example", ..good }), Some(NotOurs::Signature));
}

#[test]
fn only_the_exchanges_text_is_ours() {
    let x = exchange();
    let now = CLOCK.at(Epoch(4), Span::hours(10));
    let text = mail_text(&x, 0).expect("a text").body;
    let genuine = label(&x, 0, 1);
    let said = |text: &str, single_plain_part: bool| {
        let mail = Candidate { from: Some(PARTNER), to: Some(ME), message_id: MESSAGE_ID, text, single_plain_part };
        judge(&x, now, &genuine, &mail)
    };
    assert_eq!(said(&text.replace('\n', "\r\n "), true), None, "white space is the provider's");
    assert_eq!(said(&text, false), Some(NotOurs::Content), "more parts than one");
    assert_eq!(said(&text.replacen(' ', " not ", 1), true), Some(NotOurs::Content));
    let with = |banner: String| said(&format!("{banner}\n\n{text}"), true);
    assert_eq!(with("This mail comes from outside.".into()), None);
    // A banner's bytes count with the blank that parts it from the text.
    assert_eq!(with("x".repeat(BANNER_BYTES - 1)), None);
    assert_eq!(with("x".repeat(BANNER_BYTES)), Some(NotOurs::Content), "room for somebody's own words");
    assert_eq!(with("See https://gateway.example, ".repeat(99)), Some(NotOurs::Content), "all of the text is there");
    assert_eq!(said("Good day, here is something quite different to look at", true), Some(NotOurs::Foreign));
    let footer = text.trim_end().rsplit_once('\n').expect("a footer").1;
    assert_eq!(said(&format!("Buy now, while there is some.\n\n{footer}\n"), false), Some(NotOurs::Foreign), "a footer is copied easily");
    assert_eq!(said("", true), Some(NotOurs::Content));
    for link in ["https://one.example", "WWW.one.example", "mailto:eve@one.example"] {
        assert_eq!(with(format!("Look: {link}")), Some(NotOurs::Content));
    }
}

#[test]
fn a_message_id_that_no_header_line_holds_is_refused() {
    let x = exchange();
    let text = mail_text(&x, 0).expect("a text").body;
    let named = |message_id: &str| {
        let mail = Candidate { from: Some(PARTNER), to: Some(ME), message_id, text: &text, single_plain_part: true };
        judge(&x, CLOCK.at(Epoch(4), Span::hours(10)), &label_of(&x, 0, 1, message_id), &mail)
    };
    assert_eq!(named(&"m".repeat(MESSAGE_ID_BYTES)), None);
    assert_eq!(named(&"m".repeat(MESSAGE_ID_BYTES + 1)), Some(NotOurs::Misfit), "it would fill the store");
}

#[test]
fn a_message_id_is_a_function_of_its_exchange() {
    let x = exchange();
    assert_eq!(message_id(&x, 1, "two.example"), format!("{}.1.02020202@two.example", "03".repeat(16)));
    assert_ne!(message_id(&x, 1, "two.example"), message_id(&x, 3, "two.example"));
}
