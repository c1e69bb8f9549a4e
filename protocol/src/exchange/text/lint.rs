//! The linter of a bank: what a person who writes threads can get wrong, each with its line.
//!
//! Pure: it reads one bank's source. That filters have nothing against the texts is measured elsewhere (`content lint --spamd`).

mod apart;
#[cfg(test)]
mod tests;
mod twins;
mod wording;

use super::bank::{self, PARTS};
use super::needed;
use super::template::{Piece, Template};
use super::words::{self, Words};
use std::collections::BTreeMap;
use std::fmt;

/// One thing to correct.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Line in the bank's file, from 1.
    pub line: usize,
    /// The rule.
    pub rule: Rule,
    /// What is wrong there.
    pub what: String,
}

/// What the linter looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A brace or bracket without its partner, a bar outside of braces.
    Grammar,
    /// A thread without a subject and five turns.
    Turns,
    /// An alternative that says nothing.
    Empty,
    /// A slot that no list fills.
    Slot,
    /// A link, an address or HTML.
    Link,
    /// Digits that look like a telephone number.
    Phone,
    /// A line or a mail that is too long or too short.
    Length,
    /// Words in capitals, rows of exclamation marks.
    Shouting,
    /// A word that content filters weigh.
    Word,
    /// A character that a text doesn't need.
    Character,
    /// The same words in two places.
    Duplicate,
    /// Fewer texts than 90 epochs between two members need.
    Variants,
    /// Alternatives that could give the same text.
    Alike,
}

impl Rule {
    /// Its short name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Grammar => "grammar",
            Self::Turns => "turns",
            Self::Empty => "empty",
            Self::Slot => "slot",
            Self::Link => "link",
            Self::Phone => "phone",
            Self::Length => "length",
            Self::Shouting => "shouting",
            Self::Word => "word",
            Self::Character => "character",
            Self::Duplicate => "duplicate",
            Self::Variants => "variants",
            Self::Alike => "alike",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A parsed part and where it stands.
struct Part<'a> {
    line: usize,
    thread: usize,
    /// 0 is the subject.
    index: usize,
    text: &'a str,
    template: Template,
}

/// Everything that is wrong with a bank, by line; empty for a good one, and for a language that does not exist.
#[must_use]
pub fn lint(source: &str, language: u8) -> Vec<Finding> {
    let Some(words) = words::of(language) else { return vec![] };
    let mut findings = Vec::new();
    let mut parsed = Vec::new();
    let threads = bank::threads(source);
    for (thread, (line, text)) in threads.iter().enumerate() {
        let parts = bank::parts(text, *line);
        if parts.len() != PARTS {
            let what = format!("thread {} has {} parts; it needs a subject and {} turns", thread + 1, parts.len(), PARTS - 1);
            findings.push(Finding { line: *line, rule: Rule::Turns, what });
        }
        for (index, (line, text)) in parts.into_iter().enumerate() {
            match Template::parse(text) {
                Ok(template) => parsed.push(Part { line, thread, index, text, template }),
                Err((at, e)) => findings.push(Finding { line: line_of(line, text, at), rule: Rule::Grammar, what: e.to_string() }),
            }
        }
    }
    for part in &parsed {
        shape(part, words, needed(threads.len()), &mut findings);
        wording::check(part, language, &mut findings);
    }
    duplicates(&parsed, &mut findings);
    // The comparison of whole texts takes for granted that each is well-formed.
    if findings.is_empty() {
        twins::check(&parsed, words, &mut findings);
    }
    findings.sort();
    findings
}

fn line_of(first: usize, text: &str, at: usize) -> usize {
    first + text.get(..at).map_or(0, |before| before.matches('\n').count())
}

/// Empty alternatives, unknown slots, and whether its leading choices number enough different texts.
fn shape(part: &Part<'_>, words: &Words, needed: u64, findings: &mut Vec<Finding>) {
    let mut add = |rule, what: String| findings.push(Finding { line: part.line, rule, what });
    if part.template.0.is_empty() {
        add(Rule::Empty, "a part without text".to_owned());
    }
    for piece in pieces(&part.template) {
        match piece {
            Piece::Slot(name) if words.list(name).is_none() => add(Rule::Slot, format!("there is no slot [{name}]")),
            Piece::Choice(options) if options.len() < 2 => add(Rule::Empty, "braces with one alternative only".to_owned()),
            Piece::Choice(options) if options.iter().any(|o| o.0.iter().all(blank)) => {
                add(Rule::Empty, format!("an alternative is empty in {}", show(piece)));
            }
            _ => {}
        }
    }
    if part.index == 0 {
        return;
    }
    let (groups, numbers) = part.template.numbered(needed);
    if numbers < needed {
        add(Rule::Variants, format!("its choices give {numbers} texts; 90 epochs between two members need {needed}"));
    }
    let choices = part.template.0.iter().filter(|p| matches!(p, Piece::Choice(_))).take(groups);
    for (one, other) in choices.flat_map(|piece| apart::alike(piece, words)) {
        add(Rule::Alike, format!("\"{one}\" and \"{other}\" begin alike to the end of one of them, so the rest could make them the same"));
    }
}

fn blank(piece: &Piece) -> bool {
    matches!(piece, Piece::Text(text) if text.trim().is_empty())
}

/// Every piece, nested ones too.
fn pieces(template: &Template) -> Vec<&Piece> {
    let mut all = Vec::new();
    let mut open: Vec<&Template> = vec![template];
    while let Some(template) = open.pop() {
        for piece in &template.0 {
            all.push(piece);
            if let Piece::Choice(options) = piece {
                open.extend(options);
            }
        }
    }
    all
}

/// A piece as its author wrote it.
fn show(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) => text.clone(),
        Piece::Slot(name) => format!("[{name}]"),
        Piece::Choice(options) => format!("{{{}}}", options.iter().map(show_all).collect::<Vec<_>>().join("|")),
    }
}

fn show_all(template: &Template) -> String {
    template.0.iter().map(show).collect()
}

/// Sentences from this length on are remembered by a reader who meets them again.
const SENTENCE: usize = 48;

/// The same part, or the same long words, in two threads.
fn duplicates(parts: &[Part<'_>], findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for part in parts {
        let mut own: Vec<String> = pieces(&part.template)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Choice(options) => Some(options.iter().map(show_all).filter(|o| o.chars().count() >= SENTENCE)),
                _ => None,
            })
            .flatten()
            .collect();
        own.push(part.text.to_owned());
        for text in own {
            let here = (part.thread, part.line);
            match seen.get(&text) {
                Some((_, line)) if *line != part.line => findings.push(Finding {
                    line: part.line,
                    rule: Rule::Duplicate,
                    what: format!("\"{}\" stands in line {line} as well", text.lines().next().unwrap_or_default()),
                }),
                _ => drop(seen.insert(text, here)),
            }
        }
    }
}
