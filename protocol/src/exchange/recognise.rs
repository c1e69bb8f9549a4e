//! "Is this mail ours?" Only a mail that passes every rule here may be touched.
//!
//! | rule | a mail that breaks it |
//! |---|---|
//! | 1. it carries exactly one label header, and that one parses | [`NotOurs::Label`] |
//! | 2. the label is of this network | [`NotOurs::Network`] |
//! | 3. it names an exchange that was dealt to this mailbox and whose epoch is not over: until the start of e+2 | [`NotOurs::Unknown`] |
//! | 4. epoch, slot and turn are the exchange's; a reply comes after the mail it answers; the Message-ID has at most [`MESSAGE_ID_BYTES`] | [`NotOurs::Misfit`] |
//! | 5. this turn was not seen before | [`NotOurs::Replay`] |
//! | 6. From is the introduced partner's address and nothing else, To is this mailbox's | [`NotOurs::Address`] |
//! | 7. the partner's node signed network, exchange, turn, Message-ID, both members and the text's digest | [`NotOurs::Signature`] |
//! | 8. one text/plain part, and in it the text that the bank gives for exchange and turn, whose last line is the second marker (the visible footer) | [`NotOurs::Content`] |
//! | 9. around that text nothing but a provider's banner: at most [`BANNER_BYTES`], without a link | [`NotOurs::Content`] |
//! | 8 or 9, and next to nothing of that text is there at all ([`foreign`]) | [`NotOurs::Foreign`] |
//!
//! Rules 1 to 7 need no words of the mail. A content fault is told apart from the rest, because the label is then genuine: the
//! text was changed on its way, or its author wrote something else under it. Only the latter is complained of.

use std::collections::BTreeMap;

use super::{foreign, text};
use crate::identity::CanonicalAddress;
use crate::ids::{ExchangeId, MemberId, NetworkId};
use crate::limits::MESSAGE_ID_BYTES;
use crate::time::{Clock, Timestamp};
use crate::wire::label::{self, Label, LabelError};

use super::state::{Exchange, Side};

/// Bytes of normalised text that a provider may add before and behind ours together. Banners such as "This message comes
/// from outside" have 60 to 250; what is longer could carry somebody's own words under a true label.
pub const BANNER_BYTES: usize = 400;

/// What a mail is held against.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// The network.
    pub network: &'a NetworkId,
    /// Its clock.
    pub clock: &'a Clock,
    /// Now.
    pub now: Timestamp,
    /// The node's exchanges.
    pub exchanges: &'a BTreeMap<ExchangeId, Exchange>,
    /// The member whose mailbox holds the mail.
    pub me: &'a MemberId,
    /// Its canonical address.
    pub address: &'a str,
}

/// What the mailbox shows of a candidate.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The only address of From.
    pub from: Option<&'a str>,
    /// The only address of To.
    pub to: Option<&'a str>,
    /// Message-ID without angle brackets.
    pub message_id: &'a str,
    /// The decoded text.
    pub text: &'a str,
    /// Whether the mail is exactly one text/plain part without attachment.
    pub single_plain_part: bool,
}

/// Why a labelled mail is left alone.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotOurs {
    /// The label is none.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// Another network's.
    #[error("the label is of another network (R-EXCH-8)")]
    Network,
    /// No such exchange is dealt to this mailbox, or it is over.
    #[error("no such exchange is dealt to this mailbox now (R-EXCH-8)")]
    Unknown,
    /// Epoch, slot, turn or the length of the Message-ID don't fit the exchange.
    #[error("the label does not fit its exchange (R-EXCH-9)")]
    Misfit,
    /// That turn was seen already.
    #[error("this turn of the exchange was seen already (R-EXCH-9)")]
    Replay,
    /// Written by another address, or to another one.
    #[error("the mail's addresses are not those of its exchange (R-EXCH-10)")]
    Address,
    /// Not signed by the author's node for this mail.
    #[error("the label's signature is not the author's for this mail (R-EXCH-11)")]
    Signature,
    /// The label is right, the text not as it should be: a content fault, perhaps a provider's.
    #[error("the label is right but the text is not as it should be (R-EXCH-12)")]
    Content,
    /// The label is right, the words are somebody's own: a content fault of its author.
    #[error("the label is right but the words are somebody's own (R-EXCH-29)")]
    Foreign,
}

/// The language code whose text an exchange uses: the lowest one that both sides have and a bank exists for. English comes
/// last, since nearly everybody names it beside the own language; it is also the word between two that share none.
#[must_use]
pub fn language(a: u8, b: u8) -> u8 {
    let both = a & b;
    (1..text::LANGUAGES.len() as u8).find(|code| both >> code & 1 == 1).unwrap_or(0)
}

/// Holds a mail with a parsed label (rule 1) against the other rules, and gives its exchange.
///
/// # Errors
/// [`NotOurs`]: the mail must not be touched.
pub fn check<'a>(desk: &Desk<'a>, label: &Label, mail: &Candidate<'_>) -> Result<&'a Exchange, NotOurs> {
    if label.network != Label::network_prefix(desk.network) {
        return Err(NotOurs::Network);
    }
    let exchange = desk.exchanges.get(&label.exchange).filter(|x| x.me == *desk.me).ok_or(NotOurs::Unknown)?;
    if desk.now >= desk.clock.start(exchange.epoch.plus(2)) {
        return Err(NotOurs::Unknown);
    }
    let expected_parity = u8::from(exchange.side == Side::Sender);
    if label.exchange != exchange.id || label.epoch != exchange.epoch || label.slot != exchange.slot || label.turn % 2 != expected_parity {
        return Err(NotOurs::Misfit);
    }
    // A reply needs the mail it answers: the sender can't be answered before it sent.
    if label.turn > exchange.replies || (label.turn > 0 && exchange.thread.len() < usize::from(label.turn)) {
        return Err(NotOurs::Misfit);
    }
    if mail.message_id.len() > MESSAGE_ID_BYTES {
        return Err(NotOurs::Misfit);
    }
    if exchange.found.is_some_and(|t| t >= label.turn) {
        return Err(NotOurs::Replay);
    }
    let partner = exchange.partner_address.as_deref().ok_or(NotOurs::Address)?;
    if !is_address(mail.from, partner) || !is_address(mail.to, desk.address) {
        return Err(NotOurs::Address);
    }
    let body = mail_text(exchange, label.turn).ok_or(NotOurs::Misfit)?.body;
    let expected = text::normalise(&body);
    let signed = label::Signed {
        network: desk.network,
        exchange: &exchange.id,
        turn: label.turn,
        message_id: mail.message_id,
        author: &exchange.partner,
        addressee: &exchange.me,
        text: &label::text_digest(&expected),
    };
    if !signed.verify(&exchange.partner_node, &label.signature) {
        return Err(NotOurs::Signature);
    }
    if !mail.single_plain_part || !holds(&text::normalise(mail.text), &expected) {
        let words = body.trim_end().rsplit_once('\n').map_or("", |(words, _footer)| words);
        return Err(if foreign::is_foreign(mail.text, words) { NotOurs::Foreign } else { NotOurs::Content });
    }
    Ok(exchange)
}

/// Whether a written address is this mailbox, whatever the case, dots or suffix that its provider ignores.
fn is_address(written: Option<&str>, canonical: &str) -> bool {
    written.and_then(|a| CanonicalAddress::parse(a).ok()).is_some_and(|a| a.as_str() == canonical)
}

/// Whether a normalised mail is the expected text with no more than a banner around it.
fn holds(mail: &str, expected: &str) -> bool {
    let Some(at) = mail.find(expected).filter(|_| text::contains(mail, expected)) else { return false };
    let (before, behind) = (&mail[..at], &mail[at + expected.len()..]);
    before.len() + behind.len() <= BANNER_BYTES && ![before, behind].into_iter().any(has_link)
}

/// Whether a text holds anything that a mail program shows as a link.
fn has_link(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["://", "www.", "mailto:"].into_iter().any(|mark| text.contains(mark))
}

/// Subject and text of a turn's mail.
#[must_use]
pub fn mail_text(exchange: &Exchange, turn: u8) -> Option<text::MailText> {
    let members = [&exchange.me, &exchange.partner];
    let occasion = text::Occasion { exchange: &exchange.id.0, members, epoch: exchange.epoch, meeting: exchange.meeting };
    text::text(&occasion, turn, exchange.language, text::BANK_VERSION)
}

/// The normalised text that the mail of a turn must hold.
#[must_use]
pub fn expected_text(exchange: &Exchange, turn: u8) -> Option<String> {
    Some(text::normalise(&mail_text(exchange, turn)?.body))
}

/// Message-ID (without brackets) of a turn's mail: a function of the exchange, so a retry can't look like another mail.
#[must_use]
pub fn message_id(exchange: &Exchange, turn: u8, domain: &str) -> String {
    let author: &MemberId = &exchange.me;
    format!("{}.{turn}.{}@{domain}", exchange.id, author.short())
}

#[cfg(test)]
mod tests {
    use super::language;

    #[test]
    fn the_language_is_one_of_both_or_english() {
        assert_eq!(language(0b0001, 0b0001), 0);
        assert_eq!(language(0b0011, 0b0011), 1, "both read German");
        assert_eq!(language(0b1100, 0b1001), 3);
        assert_eq!(language(0b0010, 0b0100), 0, "nothing in common");
        assert_eq!(language(0b1000_0001, 0b1000_0001), 0, "a language of a later bank");
        for (a, b) in (0..=255).flat_map(|a| (0..=255).map(move |b| (a, b))) {
            assert_eq!(language(a, b), language(b, a));
            assert!(super::text::source(language(a, b)).is_some());
        }
    }
}
