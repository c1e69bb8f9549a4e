//! The spintax grammar: `{a|b}` picks, `[slot]` inserts.

use super::slots::Slots;
use crate::entropy::Stream;

/// Deepest nesting; the bank uses two.
const MAX_DEPTH: usize = 6;

/// Expands a template; `None` when it is not well-formed.
pub(super) fn expand(template: &str, stream: &mut Stream, slots: &Slots) -> Option<String> {
    let mut out = String::new();
    let mut rest = template;
    sequence(&mut rest, stream, slots, &mut out, 0)?;
    rest.is_empty().then(|| sentences(&out))
}

/// Begins every sentence and line with a capital: an alternative or a slot does not know whether it comes first.
fn sentences(text: &str) -> String {
    let mut starts = true;
    let mut ended = false;
    let capital = |c: char| match c {
        '\n' => {
            starts = true;
            c
        }
        '.' | '?' | '!' => {
            ended = true;
            c
        }
        ' ' => {
            starts |= std::mem::take(&mut ended);
            c
        }
        _ => {
            ended = false;
            if std::mem::take(&mut starts) { c.to_ascii_uppercase() } else { c }
        }
    };
    text.chars().map(capital).collect()
}

/// Text up to an unmatched `|` or `}` or the end.
fn sequence(rest: &mut &str, stream: &mut Stream, slots: &Slots, out: &mut String, depth: usize) -> Option<()> {
    while let Some(c) = rest.chars().next() {
        match c {
            '|' | '}' if depth > 0 => return Some(()),
            '|' | '}' | ']' => return None,
            '{' => {
                *rest = &rest[1..];
                out.push_str(&choice(rest, stream, slots, depth + 1)?);
            }
            '[' => {
                let end = rest.find(']')?;
                out.push_str(slots.get(&rest[1..end])?);
                *rest = &rest[end + 1..];
            }
            _ => {
                out.push(c);
                *rest = &rest[c.len_utf8()..];
            }
        }
    }
    Some(())
}

/// The alternatives up to the closing brace; all are expanded so that the stream advances the same way whichever is picked.
fn choice(rest: &mut &str, stream: &mut Stream, slots: &Slots, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut options = Vec::new();
    loop {
        let mut option = String::new();
        sequence(rest, stream, slots, &mut option, depth)?;
        options.push(option);
        let closed = match rest.chars().next()? {
            '}' => true,
            '|' => false,
            _ => return None,
        };
        *rest = &rest[1..];
        if closed {
            break;
        }
    }
    let picked = usize::try_from(stream.below(options.len() as u64)).ok()?;
    Some(options.swap_remove(picked))
}
