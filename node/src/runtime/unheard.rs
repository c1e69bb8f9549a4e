//! Gossip that no peer was there for: it waits to be said again.

use crate::p2p::Topic;
use std::collections::VecDeque;
use warmnet_protocol::limits;

/// Messages that wait at most: the words of every member of a large node on the open epochs. Beyond it the oldest is dropped; sync closes
/// the gap.
const UNHEARD: usize = 5 * limits::HOSTED_MEMBERS;

/// What waits, oldest first.
#[derive(Default)]
pub(super) struct Unheard(VecDeque<(Topic, Vec<u8>)>);

impl Unheard {
    /// Keeps a message for later.
    pub(super) fn keep(&mut self, topic: Topic, bytes: Vec<u8>) {
        if self.0.len() >= UNHEARD {
            self.0.pop_front();
        }
        self.0.push_back((topic, bytes));
    }

    /// The message to say next.
    pub(super) fn next(&mut self) -> Option<(Topic, Vec<u8>)> {
        self.0.pop_front()
    }

    /// Puts it back: nobody is there still.
    pub(super) fn put_back(&mut self, topic: Topic, bytes: Vec<u8>) {
        self.0.push_front((topic, bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_keeps_its_order_and_its_bound() {
        let mut unheard = Unheard::default();
        let bytes = |n: usize| n.to_be_bytes().to_vec();
        (0..UNHEARD + 2).for_each(|n| unheard.keep(Topic::Bundles, bytes(n)));
        assert_eq!(unheard.next(), Some((Topic::Bundles, bytes(2))), "the two oldest are dropped");
        unheard.put_back(Topic::Bundles, bytes(2));
        for n in 2..UNHEARD + 2 {
            assert_eq!(unheard.next(), Some((Topic::Bundles, bytes(n))));
        }
        assert_eq!(unheard.next(), None);
    }
}
