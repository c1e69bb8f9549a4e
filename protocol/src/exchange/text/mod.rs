//! The text bank: what a warming mail says, as a pure function of (exchange, turn, language, bank version).
//!
//! A label can't carry somebody's own words, because everybody can compute the words it stands for. Threads are
//! written for this project; a keyed stream draws a thread's slots and expands its grammar:
//!
//! ```text
//! {a|b|c}   one of the alternatives, which may nest
//! [name]    a slot from the language's lists, drawn once a thread, so that all turns speak of the same things
//! ```
//! Plain text, no links, five turns a thread.
//!
//! **Never the same text twice.** Two members' meetings are counted: meeting m of epoch e has the number 10 e + m. The
//! number's quotient by the count of threads is a block, in which every thread comes once, in an order of that pair; its
//! turns take the block's number (plus a start of their own) as the digits of their leading choices. So any 90 epochs hold
//! at most [`needed`] meetings over one thread, and each has other digits. Other digits are other words, because the linter
//! sees to it that alternatives differ before either ends ([`lint`]).

mod bank;
pub mod lint;
mod occasion;
mod slots;
mod template;
#[cfg(test)]
mod tests;
mod words;

pub use bank::{LANGUAGES, source};
pub use occasion::{EPOCHS, MEETINGS, Occasion, needed};
pub use template::Malformed;

use crate::entropy::Stream;
use crate::limits::TURNS;

/// The bank's version; a label of another version is not understood.
pub const BANK_VERSION: u8 = 1;

/// German, in which a line after a salutation's comma goes on in small letters.
const DE: u8 = 1;

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
pub fn text(occasion: &Occasion<'_>, turn: u8, language: u8, bank: u8) -> Option<MailText> {
    if bank != BANK_VERSION || turn >= TURNS {
        return None;
    }
    let threads = bank::threads(source(language)?);
    let place = occasion.place(threads.len());
    let thread = threads.get(place.thread)?.1;
    let needed = needed(threads.len());
    let number = |part: usize, numbers: u64| occasion.number(&place, part, numbers);
    render(thread, turn, language, occasion.exchange, needed, number)
}

/// The number of threads of a bank.
#[must_use]
pub fn thread_count(source: &str) -> usize {
    bank::threads(source).len()
}

/// A mail of one thread of a bank, drawn from `seed`; for looking at a bank. `None` for a thread or turn that does not
/// exist or is malformed.
#[must_use]
pub fn sample(source: &str, language: u8, thread: usize, turn: u8, seed: &[u8; 16]) -> Option<MailText> {
    let threads = bank::threads(source);
    let number = |part: usize, numbers: u64| Stream::new("text-sample", &[seed, &part.to_be_bytes()]).below(numbers);
    render(threads.get(thread)?.1, turn, language, seed, needed(threads.len()), number)
}

fn render(thread: &str, turn: u8, language: u8, exchange: &[u8; 16], needed: u64, number: impl Fn(usize, u64) -> u64) -> Option<MailText> {
    if turn >= TURNS {
        return None;
    }
    let slots = slots::Slots::draw(exchange, words::of(language)?);
    let expand = |part: usize| -> Option<String> {
        let template = bank::part(thread, part)?;
        let (groups, numbers) = template.numbered(needed);
        let mut stream = Stream::new("text-turn", &[exchange, &[u8::try_from(part).ok()?]]);
        let text = template.expand(number(part, numbers), groups, &mut stream, &slots)?;
        Some(template::sentences(&text, language != DE))
    };
    let subject = expand(0)?;
    let body = expand(usize::from(turn) + 1)?;
    let subject = if turn == 0 { subject } else { format!("Re: {subject}") };
    Some(MailText { subject, body: format!("{body}\n\n{}\n", footer(exchange)) })
}

/// The visible marker. The id stands in groups: in one piece, some look like a Bitcoin address to SpamAssassin (PDS_BTC_ID).
fn footer(exchange: &[u8; 16]) -> String {
    let groups: Vec<String> = exchange.chunks(4).map(hex::encode).collect();
    format!("Warmnet exchange {}: automated mail between consenting mailboxes", groups.join("-"))
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
