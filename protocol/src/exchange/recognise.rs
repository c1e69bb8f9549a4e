//! "Is this mail ours?" Only a mail that passes every rule here may be touched.

use super::text;
use crate::ids::{MemberId, NetworkId, NodeId};
use crate::wire::label::{self, Label, LabelError};

use super::state::{Exchange, Side};

/// What the mailbox shows of a candidate.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Value of the label header.
    pub label: &'a str,
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
    #[error("the label is of another network")]
    Network,
    /// No such exchange is dealt to this mailbox, or it is over.
    #[error("no such exchange is dealt to this mailbox now")]
    Unknown,
    /// Epoch, slot or turn don't fit the exchange.
    #[error("the label does not fit its exchange")]
    Misfit,
    /// That turn was seen already.
    #[error("this turn of the exchange was seen already")]
    Replay,
    /// Not signed by the author's node for this mail.
    #[error("the label's signature is not the author's for this mail")]
    Signature,
    /// The label is right, the words are not the exchange's: a content fault.
    #[error("the label is right but the text is not the exchange's")]
    Content,
}

/// The language code whose text an exchange uses: the lowest one that both sides have and a bank exists for. English comes
/// last, since nearly everybody names it beside the own language; it is also the word between two that share none.
#[must_use]
pub fn language(a: u8, b: u8) -> u8 {
    let both = a & b;
    (1..text::LANGUAGES.len() as u8).find(|code| both >> code & 1 == 1).unwrap_or(0)
}

/// Checks a candidate against the exchange its label names. `author_node` is the roster's node of the mail's author.
///
/// # Errors
/// [`NotOurs`]: the mail must not be touched.
pub fn check(network: &NetworkId, exchange: &Exchange, author_node: &NodeId, label: &Label, mail: Candidate<'_>) -> Result<(), NotOurs> {
    if label.network != Label::network_prefix(network) {
        return Err(NotOurs::Network);
    }
    let expected_parity = u8::from(exchange.side == Side::Sender);
    if label.exchange != exchange.id || label.epoch != exchange.epoch || label.slot != exchange.slot || label.turn % 2 != expected_parity {
        return Err(NotOurs::Misfit);
    }
    // A reply needs the mail it answers: the sender can't be answered before it sent.
    if label.turn > exchange.replies || (label.turn > 0 && exchange.thread.len() < usize::from(label.turn)) {
        return Err(NotOurs::Misfit);
    }
    if exchange.found.is_some_and(|t| t >= label.turn) {
        return Err(NotOurs::Replay);
    }
    let expected = expected_text(exchange, label.turn).ok_or(NotOurs::Misfit)?;
    let signed = label::Signed {
        network,
        exchange: &exchange.id,
        turn: label.turn,
        message_id: mail.message_id,
        author: &exchange.partner,
        addressee: &exchange.me,
        text: &label::text_digest(&expected),
    };
    if !signed.verify(author_node, &label.signature) {
        return Err(NotOurs::Signature);
    }
    if !mail.single_plain_part || !text::contains(&text::normalise(mail.text), &expected) {
        return Err(NotOurs::Content);
    }
    Ok(())
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
