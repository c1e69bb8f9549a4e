//! The banks as they are shipped, one file a language: threads parted by lines `====`, in a thread the subject and five
//! turns parted by lines `----`.

use super::template::Template;
use crate::limits::TURNS;

/// Parts of a thread: subject and turns.
pub(super) const PARTS: usize = TURNS as usize + 1;

/// Languages by their code; a roster row's bit is its place. A language is only ever added, at the end.
pub const LANGUAGES: [&str; 4] = ["en", "de", "fr", "es"];

/// The text of a language's bank; `None` for a language that does not exist.
#[must_use]
pub fn source(language: u8) -> Option<&'static str> {
    Some(match language {
        0 => include_str!("bank_en.txt"),
        1 => include_str!("bank_de.txt"),
        2 => include_str!("bank_fr.txt"),
        3 => include_str!("bank_es.txt"),
        _ => return None,
    })
}

/// The threads of a bank, each with the line it begins on.
pub(super) fn threads(source: &str) -> Vec<(usize, &str)> {
    numbered_split(source, "\n====\n", 1)
}

/// The parts of a thread that begins on `line`, each with its own line, white space at the ends removed.
pub(super) fn parts(thread: &str, line: usize) -> Vec<(usize, &str)> {
    let skipped = |part: &str| part[..part.len() - part.trim_start().len()].matches('\n').count();
    numbered_split(thread, "\n----\n", line).into_iter().map(|(line, part)| (line + skipped(part), part.trim())).collect()
}

/// One part of a thread, parsed; `None` when it is missing or malformed.
pub(super) fn part(thread: &str, index: usize) -> Option<Template> {
    Template::parse(thread.split("\n----\n").nth(index)?.trim()).ok()
}

fn numbered_split<'a>(text: &'a str, mark: &str, first: usize) -> Vec<(usize, &'a str)> {
    let mut line = first;
    text.split(mark)
        .map(|piece| {
            let begins = line;
            line += piece.matches('\n').count() + mark.matches('\n').count();
            (begins, piece)
        })
        .collect()
}
