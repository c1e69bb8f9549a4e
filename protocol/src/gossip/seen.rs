//! What was judged already: a bounded memory of digests.

use crate::ids::Digest;
use std::collections::{BTreeSet, VecDeque};

/// Remembers the last `limit` digests.
pub struct Seen {
    order: VecDeque<Digest>,
    set: BTreeSet<Digest>,
    limit: usize,
}

impl Seen {
    /// An empty memory of at most `limit` digests.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { order: VecDeque::new(), set: BTreeSet::new(), limit }
    }
    /// Remembers `digest`; whether it is new.
    pub fn insert(&mut self, digest: Digest) -> bool {
        if !self.set.insert(digest) {
            return false;
        }
        self.order.push_back(digest);
        if self.order.len() > self.limit
            && let Some(old) = self.order.pop_front()
        {
            self.set.remove(&old);
        }
        true
    }
    /// Whether `digest` is remembered.
    #[must_use]
    pub fn contains(&self, digest: &Digest) -> bool {
        self.set.contains(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_bounded() {
        let mut seen = Seen::new(3);
        assert!((0..5u8).all(|i| seen.insert(Digest([i; 32]))));
        assert!(!seen.insert(Digest([4; 32])));
        assert!(!seen.contains(&Digest([0; 32])) && seen.contains(&Digest([2; 32])));
        assert_eq!(seen.set.len(), 3);
    }
}
