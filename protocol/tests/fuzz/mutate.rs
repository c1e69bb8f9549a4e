//! Inputs out of inputs: golden messages with something wrong in them, the same ones for the same seed.

use warmnet_protocol::entropy::Stream;

/// Integers at their limits, as the wire spells them: one byte, and each longer spelling with small and greatest values.
const INTEGERS: [&[u8]; 13] = [
    &[0],
    &[1],
    &[0x7f],
    &[250],
    &[251, 0, 0],
    &[251, 251, 0],
    &[251, 0xff, 0xff],
    &[252, 1, 0, 0, 0],
    &[252, 0xff, 0xff, 0xff, 0xff],
    &[253, 1, 0, 0, 0, 0, 0, 0, 0],
    &[253, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[254; 17],
    &[255],
];
/// Most edits of one input: with more, nothing of the message is left.
const EDITS: u64 = 4;
/// Bytes that one edit removes, repeats or adds at most.
const RUN: u64 = 48;

/// A source of inputs.
pub(crate) struct Mutator {
    stream: Stream,
    words: &'static [&'static str],
}

impl Mutator {
    /// The inputs of `seed` for a target, whose dictionary is `words`.
    pub(crate) fn new(target: &str, seed: u64, words: &'static [&'static str]) -> Self {
        Self { stream: Stream::new("fuzz", &[target.as_bytes(), &seed.to_be_bytes()]), words }
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.stream.below(n as u64)).unwrap_or(0)
    }

    /// `len` bytes of anything.
    pub(crate) fn noise(&mut self, len: usize) -> Vec<u8> {
        (0..len.div_ceil(8)).flat_map(|_| self.stream.next_u64().to_le_bytes()).take(len).collect()
    }

    /// The next input: one of `corpus` as it is or edited, now and then one at the edge of `limit` bytes.
    pub(crate) fn next(&mut self, corpus: &[Vec<u8>], limit: usize) -> Vec<u8> {
        match self.below(1_024) {
            0 => vec![0; limit + self.below(3) - 1],
            1..64 => corpus[self.below(corpus.len())].clone(),
            _ => {
                let mut input = corpus[self.below(corpus.len())].clone();
                for _ in 0..=self.stream.below(EDITS) {
                    self.edit(&mut input, corpus);
                }
                input
            }
        }
    }

    /// Changes one thing.
    pub(crate) fn edit(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let run = (at + 1 + usize::try_from(self.stream.below(RUN)).unwrap_or(0)).min(input.len());
        match self.below(10) {
            0 | 1 if at < input.len() => input[at] ^= 1 << self.below(8),
            2 if at < input.len() => input[at] = self.noise(1)[0],
            3 => {
                let integer = INTEGERS[self.below(INTEGERS.len())];
                input.splice(at..(at + 1).min(input.len()), integer.iter().copied());
            }
            4 if !self.words.is_empty() => {
                let word = self.words[self.below(self.words.len())];
                let until = if self.below(2) == 0 { at } else { run };
                input.splice(at..until, word.bytes());
            }
            5 if at < run => drop(input.drain(at..run)),
            6 if at < run => {
                let again = input[at..run].to_vec();
                input.splice(at..at, again);
            }
            7 => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            // A small integer spelt longer than needed.
            8 if at < input.len() => drop(input.splice(at..=at, [251, input[at], 0])),
            9 if self.below(2) == 0 => input.truncate(at),
            _ => {
                let len = 1 + self.below(9);
                let noise = self.noise(len);
                input.splice(at..at, noise);
            }
        }
    }
}
