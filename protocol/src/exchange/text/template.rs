//! The spintax grammar: `{a|b}` picks, `[slot]` inserts; alternatives may nest.

use super::slots::Slots;
use crate::entropy::Stream;

/// Deepest nesting; the banks use two.
const MAX_DEPTH: usize = 6;

/// A part of a thread, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(pub(super) Vec<Piece>);

/// What a template is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Words as they are.
    Text(String),
    /// A slot's name.
    Slot(String),
    /// Alternatives.
    Choice(Vec<Template>),
}

/// Why a text is no template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A brace or bracket without its partner.
    #[error("a brace or bracket has no partner")]
    Unbalanced,
    /// A bar outside of braces.
    #[error("a bar stands outside of braces")]
    Bar,
    /// Braces in braces in braces ...
    #[error("alternatives nest deeper than {MAX_DEPTH}")]
    Deep,
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// What is wrong, and at which byte.
    pub(super) fn parse(text: &str) -> Result<Self, (usize, Malformed)> {
        let mut rest = text;
        let at = |rest: &str| text.len() - rest.len();
        let template = sequence(&mut rest, 0).map_err(|(left, e)| (text.len() - left, e))?;
        match rest.chars().next() {
            None => Ok(template),
            Some('|') => Err((at(rest), Malformed::Bar)),
            Some(_) => Err((at(rest), Malformed::Unbalanced)),
        }
    }

    /// The leading choices that number a text: as many as are needed to tell `needed` texts apart, and how many they tell.
    pub(super) fn numbered(&self, needed: u64) -> (usize, u64) {
        let (mut groups, mut numbers) = (0, 1u64);
        for piece in &self.0 {
            if numbers >= needed {
                break;
            }
            if let Piece::Choice(options) = piece {
                groups += 1;
                numbers = numbers.saturating_mul(options.len() as u64);
            }
        }
        (groups, numbers)
    }

    /// The text of a number: the first `groups` choices are its digits, the stream picks the rest. `None` for an unknown slot.
    pub(super) fn expand(&self, number: u64, groups: usize, stream: &mut Stream, slots: &Slots) -> Option<String> {
        let mut out = String::new();
        let (mut left, mut digits) = (number, groups);
        for piece in &self.0 {
            match piece {
                Piece::Choice(options) if digits > 0 => {
                    let radix = options.len() as u64;
                    options.get(usize::try_from(left % radix.max(1)).ok()?)?.draw(stream, slots, &mut out)?;
                    left /= radix.max(1);
                    digits -= 1;
                }
                other => other.draw(stream, slots, &mut out)?,
            }
        }
        Some(out)
    }

    fn draw(&self, stream: &mut Stream, slots: &Slots, out: &mut String) -> Option<()> {
        self.0.iter().try_for_each(|piece| piece.draw(stream, slots, out))
    }
}

impl Piece {
    fn draw(&self, stream: &mut Stream, slots: &Slots, out: &mut String) -> Option<()> {
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Slot(name) => out.push_str(slots.get(name)?),
            Self::Choice(options) => {
                let picked = usize::try_from(stream.below(options.len() as u64)).ok()?;
                options.get(picked)?.draw(stream, slots, out)?;
            }
        }
        Some(())
    }
}

/// Pieces up to an unmatched `|` or `}` or the end. An error names the bytes left.
fn sequence(rest: &mut &str, depth: usize) -> Result<Template, (usize, Malformed)> {
    let mut pieces = Vec::new();
    while let Some(c) = rest.chars().next() {
        let here = rest.len();
        match c {
            '|' | '}' => break,
            ']' => return Err((here, Malformed::Unbalanced)),
            '[' => {
                let end = rest.find(']').ok_or((here, Malformed::Unbalanced))?;
                pieces.push(Piece::Slot(rest[1..end].to_owned()));
                *rest = &rest[end + 1..];
            }
            '{' if depth == MAX_DEPTH => return Err((here, Malformed::Deep)),
            '{' => {
                let mut options = Vec::new();
                loop {
                    *rest = &rest[1..];
                    options.push(sequence(rest, depth + 1)?);
                    match rest.chars().next() {
                        Some('|') => {}
                        Some('}') => break,
                        _ => return Err((here, Malformed::Unbalanced)),
                    }
                }
                *rest = &rest[1..];
                pieces.push(Piece::Choice(options));
            }
            _ => {
                let end = rest.find(['{', '}', '[', ']', '|']).unwrap_or(rest.len());
                pieces.push(Piece::Text(rest[..end].to_owned()));
                *rest = &rest[end..];
            }
        }
    }
    Ok(Template(pieces))
}

/// Begins every sentence and line with a capital: an alternative or a slot does not know whether it comes first.
/// `after_comma`: whether a line does so too after one that ends with a comma (in German the salutation's line doesn't end
/// the sentence).
pub(super) fn sentences(text: &str, after_comma: bool) -> String {
    let (mut starts, mut ended, mut comma) = (true, false, false);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => starts = after_comma || !comma,
            '.' | '?' | '!' => ended = true,
            ' ' => starts |= std::mem::take(&mut ended),
            // They open a sentence; the first word comes after.
            '¿' | '¡' => {}
            _ => {
                ended = false;
                if std::mem::take(&mut starts) {
                    out.extend(c.to_uppercase());
                    comma = c == ',';
                    continue;
                }
            }
        }
        if !c.is_whitespace() {
            comma = c == ',';
        }
        out.push(c);
    }
    out
}
