//! Which thread and which of its texts fall to an exchange, so that two members never read the same text twice.

use crate::entropy::Stream;
use crate::ids::MemberId;
use crate::time::Epoch;

/// Meetings of one pair an epoch: one each way on a ring, or at most so many golden seats
/// (`golden_per_member`, twice for a member that is listed twice).
pub const MEETINGS: u8 = 10;
/// Epochs in which no text comes twice between two members.
pub const EPOCHS: u64 = 90;

/// Texts of one part that [`EPOCHS`] can ask for in a bank of so many threads: numbers in a row fall into at most so many
/// blocks, and a block holds a thread once.
#[must_use]
pub const fn needed(threads: usize) -> u64 {
    let threads = if threads == 0 { 1 } else { threads as u64 };
    (EPOCHS * MEETINGS as u64 - 1).div_ceil(threads) + 1
}

/// The exchange a text is for, and what makes its text another than those the pair read before.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The exchange's id.
    pub exchange: &'a [u8; 16],
    /// Its two members, in any order.
    pub members: [&'a MemberId; 2],
    /// The epoch that dealt it.
    pub epoch: Epoch,
    /// Which of the pair's meetings in that epoch it is, below [`MEETINGS`].
    pub meeting: u8,
}

/// A thread in a block.
pub(super) struct Place {
    pub(super) thread: usize,
    block: u64,
}

impl Occasion<'_> {
    fn pair(&self) -> [&[u8]; 2] {
        let [a, b] = self.members;
        if a <= b { [&a.0, &b.0] } else { [&b.0, &a.0] }
    }

    /// Where this meeting falls in a bank of so many threads.
    pub(super) fn place(&self, threads: usize) -> Place {
        let count = u64::from(self.epoch.0) * u64::from(MEETINGS) + u64::from(self.meeting % MEETINGS);
        let size = (threads as u64).max(1);
        let (block, seat) = (count / size, (count % size) as usize);
        let [a, b] = self.pair();
        let mut stream = Stream::new("text-order", &[a, b, &block.to_be_bytes()]);
        let mut order: Vec<usize> = (0..threads).collect();
        for last in (1..threads).rev() {
            order.swap(last, stream.below(last as u64 + 1) as usize);
        }
        Place { thread: order.get(seat).copied().unwrap_or_default(), block }
    }

    /// Which of a part's `numbers` texts it is.
    pub(super) fn number(&self, place: &Place, part: usize, numbers: u64) -> u64 {
        let [a, b] = self.pair();
        let key = [(place.thread as u64).to_be_bytes(), (part as u64).to_be_bytes()].concat();
        let start = Stream::new("text-number", &[a, b, &key]).below(numbers);
        (start + place.block) % numbers.max(1)
    }
}
