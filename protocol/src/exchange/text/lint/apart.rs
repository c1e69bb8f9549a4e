//! Alternatives that a reader can tell apart before either ends.
//!
//! Read from the left, a text then shows which alternative was taken at every leading choice: whatever follows, other digits
//! are other texts. This is stricter than need be, and simple to follow for a person who writes.

use super::super::template::{Piece, Template};
use super::super::words::Words;

/// The pairs of alternatives of a choice (and of the choices in it) that can't be told apart, as their author wrote them.
pub(super) fn alike(piece: &Piece, words: &Words) -> Vec<(String, String)> {
    let Piece::Choice(options) = piece else { return vec![] };
    let mut found = Vec::new();
    for (i, one) in options.iter().enumerate() {
        for other in &options[i + 1..] {
            if !apart(one, other, words) {
                found.push((super::show_all(one), super::show_all(other)));
            }
        }
        found.extend(one.0.iter().flat_map(|inner| alike(inner, words)));
    }
    found
}

#[derive(PartialEq, Eq)]
enum Symbol<'a> {
    Char(char),
    Slot(&'a str),
    Choice,
}

fn symbols(template: &Template) -> Vec<Symbol<'_>> {
    let mut all = Vec::new();
    for piece in &template.0 {
        match piece {
            Piece::Text(text) => all.extend(text.to_lowercase().chars().map(Symbol::Char)),
            Piece::Slot(name) => all.push(Symbol::Slot(name)),
            Piece::Choice(_) => all.push(Symbol::Choice),
        }
    }
    all
}

/// Whether the two differ, whatever the slots hold, at a place that both reach.
fn apart(one: &Template, other: &Template, words: &Words) -> bool {
    let (one, other) = (symbols(one), symbols(other));
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b && **a != Symbol::Choice).count();
    let (one, other) = (next(&one[same..], words), next(&other[same..], words));
    let differ = |a: &String| other.iter().all(|b| !a.starts_with(b.as_str()) && !b.starts_with(a.as_str()));
    // Nothing can be said of an end or a choice.
    !one.is_empty() && !other.is_empty() && one.iter().all(differ)
}

/// What may come next: the words of a slot, or the characters up to the next slot or choice.
fn next(symbols: &[Symbol<'_>], words: &Words) -> Vec<String> {
    match symbols.first() {
        Some(Symbol::Slot(name)) => words.list(name).unwrap_or_default().iter().map(|word| word.to_lowercase()).collect(),
        Some(Symbol::Char(_)) => {
            vec![symbols.iter().map_while(|s| if let Symbol::Char(c) = s { Some(*c) } else { None }).collect()]
        }
        _ => vec![],
    }
}
