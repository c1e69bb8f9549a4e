//! Partners: introductions and mails, honest and not.

use crate::node::{HOSTED, Node};
use crate::scenes::Cursor;
use warmnet_protocol::engine::{FoundMail, Input};
use warmnet_protocol::exchange::recognise::{expected_text, mail_text};
use warmnet_protocol::exchange::{Exchange, Side};
use warmnet_protocol::ids::{ExchangeId, MemberId, NodeId, Salt};
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::bundle::{AuthResult, Placement};
use warmnet_protocol::wire::introduction::{Decline, Introduce, Introduced};
use warmnet_protocol::wire::label::{self, Label};

/// Bytes that a hostile peer puts where an address or a Message-ID belongs.
const LONG: usize = 70_000;

/// An address as its owner may write it, and as nobody may.
fn written(c: &mut Cursor<'_>, address: &str) -> String {
    match c.byte() % 16 {
        0 => address.to_uppercase(),
        1 => format!(" {address}\r\n"),
        2 => format!("{address}{}", " ".repeat(LONG)),
        3 => address.replacen('@', "+tag@", 1),
        4 => String::new(),
        5 => format!("{address}, victim@elsewhere.example"),
        _ => address.to_owned(),
    }
}

/// A partner introduces itself to the node.
pub(crate) fn introduction(node: &mut Node, c: &mut Cursor<'_>) {
    let Some(x) = node.exchange(c.below(1 << 16), false) else { return };
    let Some(partner) = node.world.player(&x.partner) else { return };
    let mut from = x.partner_node;
    let mut request =
        Introduce { epoch: x.epoch, slot: x.slot, from: x.partner, to: x.me, address: written(c, &partner.address), salt: partner.salt };
    match c.byte() % 24 {
        0 => request.epoch = Epoch([0, u32::MAX, x.epoch.0 + 1][c.below(3)]),
        1 => request.slot.round ^= c.byte() as u16,
        2 => request.to = MemberId([c.byte(); 32]),
        3 => request.salt = Salt([c.byte(); 32]),
        4 => from = NodeId([c.byte(); 32]),
        _ => {}
    }
    node.introduced(from, request);
}

/// The partner answers an introduction of the node's.
pub(crate) fn welcome(node: &mut Node, c: &mut Cursor<'_>) {
    let Some((mut exchange, request)) = c.of(&node.introductions).cloned() else { return };
    let Some(partner) = node.world.player(&request.to) else { return };
    if c.byte() < 8 {
        exchange = ExchangeId([c.byte(); 16]);
    }
    use Decline::{NotDealt, NotHere, NotReady, Paused, Quarantined, WrongAddress};
    let answer = match c.byte() % 12 {
        0 => None,
        1 => Some(Introduced::Declined([NotDealt, NotHere, NotReady, Paused, Quarantined, WrongAddress][c.below(6)])),
        2 => Some(Introduced::Welcome { address: partner.address.clone(), salt: Salt([c.byte(); 32]) }),
        _ => Some(Introduced::Welcome { address: written(c, &partner.address), salt: partner.salt }),
    };
    node.feed(Input::IntroductionAnswer { exchange, answer });
}

/// The partner's mail of a turn as it ought to be; `None` while it has nothing to write.
fn honest(node: &Node, x: &Exchange, turn: u8, message_id: String) -> Option<FoundMail> {
    let partner = node.world.player(&x.partner)?;
    let hosted = node.world.players.iter().find(|p| p.member == x.me)?;
    let signed = label::Signed {
        network: &node.world.network,
        exchange: &x.id,
        turn,
        message_id: &message_id,
        author: &x.partner,
        addressee: &x.me,
        text: &label::text_digest(&expected_text(x, turn)?),
    };
    let network = Label::network_prefix(&node.world.network);
    let label = Label { network, epoch: x.epoch, slot: x.slot, exchange: x.id, turn, signature: signed.sign(&partner.key) };
    Some(FoundMail {
        member: x.me,
        placement: Placement::Inbox,
        from: Some(partner.address.clone()),
        to: Some(hosted.address.clone()),
        label: label.header_value(),
        text: mail_text(x, turn)?.body,
        single_plain_part: true,
        auth: [AuthResult::Pass; 3],
        answers: vec![],
        message_id,
    })
}

/// A labelled mail lies in a mailbox: the partner's, or somebody's who tries something.
pub(crate) fn mail(node: &mut Node, c: &mut Cursor<'_>) {
    let Some(x) = node.exchange(c.below(1 << 16), c.byte() > 32) else { return };
    let turn = u8::from(x.side == Side::Sender) + if c.byte() < 64 { c.byte() % 5 } else { 0 };
    let message_id = match c.byte() % 8 {
        0 => "m".repeat(LONG),
        1 => String::new(),
        n => format!("{}.{n}@d.example", x.id),
    };
    let Some(mut mail) = honest(node, &x, turn, message_id) else { return };
    mail.placement = [Placement::Inbox, Placement::Tab, Placement::Spam, Placement::Missing][c.below(4)];
    match c.byte() % 24 {
        0 => mail.label = mail.label.replacen("v1", ["v2", "v1;", "", "v1; n"][c.below(4)], 1),
        1 => mail.label = mail.label.replacen(';', ["; ", ";\r\n\t", "", "; x=1;"][c.below(4)], 1 + c.below(5)),
        2 => {
            let at = c.below(mail.label.len());
            mail.label.replace_range(at..=at, ["", "0", "z", "9999999999"][c.below(4)]);
        }
        3 => mail.message_id.push('x'),
        4 => mail.text = format!("A banner.\n{}\nAnother.", mail.text),
        5 => mail.text = format!("{}\n{}", mail.text, ["https://a.example", "My own words."][c.below(2)].repeat(1 + c.below(60))),
        6 => mail.text = String::from_utf8_lossy(&[c.byte(), c.byte(), c.byte()]).into_owned(),
        7 => mail.single_plain_part = false,
        8 => mail.from = [None, Some("victim@elsewhere.example".into())][c.below(2)].clone(),
        9 => mail.to = Some(written(c, "m1@d1.example")),
        10 => mail.member = node.world.players[HOSTED[c.below(2)]].member,
        11 => mail.label = mail.label.replacen("n=", "n=0", 1).replacen("0;", ";", 1),
        12 => {
            let own = Label::network_prefix(&node.world.network);
            mail.label = mail.label.replacen(&format!("n={}", hex::encode(own)), "n=0011223344556677", 1);
        }
        13 => mail.label = format!("{}; z=1", mail.label),
        14 => mail.label = mail.label.replacen("r=", "r=1", 1),
        17 => mail.label = mail.label.replacen("t=", ["t=9", "t=0", "t=-", "T="][c.below(4)], 1),
        18 => mail.label = mail.label.replacen("x=", ["x=0", "X=", "x=zz"][c.below(3)], 1),
        19 => mail.label = mail.label.replacen("e=", ["e=-", "E=", "e=z"][c.below(3)], 1),
        15 => mail.answers = x.thread.clone(),
        16 => mail.label = mail.label.replacen(&format!("e={}", x.epoch), &format!("e={}", x.epoch.plus(1)), 1),
        _ => {}
    }
    let again = (c.byte() < 32).then(|| mail.clone());
    node.feed(Input::MailFound(mail));
    if let Some(mail) = again {
        node.feed(Input::MailFound(mail));
    }
}
