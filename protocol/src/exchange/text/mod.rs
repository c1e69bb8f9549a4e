//! The text bank: what a warming mail says, as a pure function of (exchange, turn, language, bank version).
//!
//! A label can't carry somebody's own words, because everybody can compute the words it stands for. Threads are
//! written for this project; a keyed stream picks the thread and expands its grammar:
//!
//! ```text
//! {a|b|c}   one of the alternatives, which may nest
//! [name]    a slot from the lists below, drawn once a thread, so that all turns speak of the same things
//! ```
//! Plain text, no links, five turns a thread.

mod grammar;
mod slots;
#[cfg(test)]
mod tests;

use crate::entropy::Stream;

/// The bank's version; a label of another version is not understood.
pub const BANK_VERSION: u8 = 1;

/// English threads: blocks parted by `====`; in a block the subject and five turns, parted by `----`.
const EN: &str = include_str!("bank_en.txt");

/// Subject and text of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailText {
    /// Subject; replies begin with one `Re: `.
    pub subject: String,
    /// Text with LF line ends, the visible footer last.
    pub body: String,
}

/// The mail of a turn; `None` for a language, bank or turn that does not exist.
#[must_use]
pub fn text(exchange: &[u8; 16], turn: u8, language: u8, bank: u8) -> Option<MailText> {
    if bank != BANK_VERSION || turn >= crate::limits::TURNS {
        return None;
    }
    let source = match language {
        0 => EN,
        _ => return None,
    };
    let threads: Vec<&str> = source.split("\n====\n").collect();
    let mut pick = Stream::new("text-thread", &[exchange]);
    let thread = threads.get(usize::try_from(pick.below(threads.len() as u64)).ok()?)?;
    let parts: Vec<&str> = thread.split("\n----\n").collect();
    let slots = slots::Slots::draw(exchange);
    let expand = |part: usize| -> Option<String> {
        let mut stream = Stream::new("text-turn", &[exchange, &[u8::try_from(part).ok()?]]);
        grammar::expand(parts.get(part)?.trim(), &mut stream, &slots)
    };
    let subject = expand(0)?;
    let body = expand(usize::from(turn) + 1)?;
    let subject = if turn == 0 { subject } else { format!("Re: {subject}") };
    let footer = format!("Warmnet exchange {}: automated mail between consenting mailboxes", hex::encode(exchange));
    Some(MailText { subject, body: format!("{body}\n\n{footer}\n") })
}

/// The form in which texts are compared and signed: every run of white space becomes one blank, none at the ends.
#[must_use]
pub fn normalise(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a normalised mail holds the normalised expected text; a banner before or behind it is tolerated.
#[must_use]
pub fn contains(mail: &str, expected: &str) -> bool {
    !expected.is_empty() && mail.contains(expected)
}
