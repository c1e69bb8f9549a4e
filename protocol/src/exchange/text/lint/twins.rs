//! Whether two turns of a bank, of one thread or two, could ever say the same.
//!
//! A template's texts are the words of a small automaton; two templates share a text if both automata reach their ends
//! together. Exact but for capitals, which are ignored.

use super::super::template::{Piece, Template};
use super::super::words::Words;
use super::{Finding, Part, Rule};
use std::collections::BTreeSet;

/// Edges by state: on a character, or on nothing. The last state made is the end.
struct Automaton(Vec<Vec<(Option<char>, usize)>>);

impl Automaton {
    fn new(template: &Template, words: &Words) -> Self {
        let mut automaton = Self(vec![vec![]]);
        let end = automaton.template(template, 0, words);
        let last = automaton.state();
        automaton.edge(end, None, last);
        automaton
    }
    fn state(&mut self) -> usize {
        self.0.push(vec![]);
        self.0.len() - 1
    }
    fn edge(&mut self, from: usize, on: Option<char>, to: usize) {
        self.0[from].push((on, to));
    }
    fn word(&mut self, from: usize, text: &str) -> usize {
        text.to_lowercase().chars().fold(from, |at, c| {
            let next = self.state();
            self.edge(at, Some(c), next);
            next
        })
    }
    fn template(&mut self, template: &Template, from: usize, words: &Words) -> usize {
        template.0.iter().fold(from, |at, piece| match piece {
            Piece::Text(text) => self.word(at, text),
            Piece::Slot(name) => {
                let ends: Vec<usize> = words.list(name).unwrap_or_default().iter().map(|word| self.word(at, word)).collect();
                self.join(&ends)
            }
            Piece::Choice(options) => {
                let ends: Vec<usize> = options
                    .iter()
                    .map(|option| {
                        let begin = self.state();
                        self.edge(at, None, begin);
                        self.template(option, begin, words)
                    })
                    .collect();
                self.join(&ends)
            }
        })
    }
    fn join(&mut self, ends: &[usize]) -> usize {
        let joined = self.state();
        ends.iter().for_each(|end| self.edge(*end, None, joined));
        joined
    }
}

/// Whether both can produce one and the same text.
fn meet(one: &Automaton, other: &Automaton) -> bool {
    let goal = (one.0.len() - 1, other.0.len() - 1);
    let mut seen = BTreeSet::from([(0, 0)]);
    let mut open = vec![(0, 0)];
    while let Some((a, b)) = open.pop() {
        if (a, b) == goal {
            return true;
        }
        let mut next = Vec::new();
        for (on, to) in &one.0[a] {
            match on {
                None => next.push((*to, b)),
                Some(c) => next.extend(other.0[b].iter().filter(|(d, _)| *d == Some(*c)).map(|(_, t)| (*to, *t))),
            }
        }
        next.extend(other.0[b].iter().filter(|(on, _)| on.is_none()).map(|(_, to)| (a, *to)));
        open.extend(next.into_iter().filter(|state| seen.insert(*state)));
    }
    false
}

/// Adds a finding for every two turns that share a text.
pub(super) fn check(parts: &[Part<'_>], words: &Words, findings: &mut Vec<Finding>) {
    let turns: Vec<(usize, Automaton)> =
        parts.iter().filter(|p| p.index > 0).map(|p| (p.line, Automaton::new(&p.template, words))).collect();
    for (i, (line, one)) in turns.iter().enumerate() {
        for (first, _) in turns[..i].iter().filter(|(_, other)| meet(one, other)) {
            let what = format!("this turn can say the same as the one in line {first}");
            findings.push(Finding { line: *line, rule: Rule::Duplicate, what });
        }
    }
}
