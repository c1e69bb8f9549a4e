//! A keyed permutation of `0..size`: a balanced 4-round Feistel network over the next even power of two, walked along
//! its cycles until the value falls inside. Constant time both ways on average (under 4 walks), no table.

use super::RingKind;
use crate::identity::hash;
use crate::ids::Digest;

/// Feistel rounds. 4: the fewest that make a random function of each half a pseudo-random permutation both ways (Luby, Rackoff).
const FEISTEL_ROUNDS: u8 = 4;
/// Bits of half a block at least. 5: on the smallest blocks four rounds show which values are close to each other
/// (measured on rings of 12: a quarter too often neighbours with 2 bits, nothing left with 5); walking costs nothing there.
const HALF_BITS: u32 = 5;

/// One permutation of `0..size`.
#[derive(Clone, Debug)]
pub(super) struct Permutation {
    size: u32,
    half: u32,
    keys: [u64; FEISTEL_ROUNDS as usize],
}

impl Permutation {
    /// The permutation of `0..size` that a seed, class and round name.
    pub(super) fn new(seed: &Digest, ring: RingKind, round: u16, size: u32) -> Self {
        let bits = u32::BITS - size.saturating_sub(1).leading_zeros();
        let mut keys = [0; FEISTEL_ROUNDS as usize];
        for (feistel, key) in (0..FEISTEL_ROUNDS).zip(&mut keys) {
            let mut h = hash::keyed("ring");
            h.update(&seed.0).update(&[ring as u8]).update(&round.to_be_bytes()).update(&[feistel]);
            let mut bytes = [0; 8];
            h.finalize_xof().fill(&mut bytes);
            *key = u64::from_le_bytes(bytes);
        }
        Self { size, half: bits.div_ceil(2).max(HALF_BITS), keys }
    }

    /// Where `x` goes; `x` must be below `size`.
    pub(super) fn forward(&self, x: u32) -> u32 {
        debug_assert!(x < self.size);
        let mut x = u64::from(x);
        // Ends: the cycle of a point inside comes back to it at the latest.
        loop {
            x = self.encrypt(x);
            if x < u64::from(self.size) {
                return x as u32;
            }
        }
    }

    /// What goes to `y`; `y` must be below `size`.
    pub(super) fn backward(&self, y: u32) -> u32 {
        debug_assert!(y < self.size);
        let mut y = u64::from(y);
        loop {
            y = self.decrypt(y);
            if y < u64::from(self.size) {
                return y as u32;
            }
        }
    }

    /// Where each of `0..size` goes, in order: [`Permutation::forward`] of all of them. A Feistel round knows half a block, so
    /// that its function is a small table, made once.
    pub(super) fn places(&self) -> Vec<u32> {
        let mask = (1u32 << self.half) - 1;
        let table = |key: u64| -> Vec<u32> { (0..=mask).map(|right| mix(key ^ u64::from(right)) as u32 & mask).collect() };
        let tables = self.keys.map(table);
        let encrypt = |x: u32| {
            let (mut left, mut right) = (x >> self.half, x & mask);
            for table in &tables {
                (left, right) = (right, left ^ table[right as usize]);
            }
            left << self.half | right
        };
        let walk = |x: u32| {
            let mut y = encrypt(x);
            while y >= self.size {
                y = encrypt(y);
            }
            y
        };
        (0..self.size).map(walk).collect()
    }

    fn encrypt(&self, x: u64) -> u64 {
        let mask = (1u64 << self.half) - 1;
        let (mut left, mut right) = (x >> self.half, x & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mix(key ^ right) & mask));
        }
        left << self.half | right
    }

    fn decrypt(&self, y: u64) -> u64 {
        let mask = (1u64 << self.half) - 1;
        let (mut left, mut right) = (y >> self.half, y & mask);
        for key in self.keys.into_iter().rev() {
            (left, right) = (right ^ (mix(key ^ left) & mask), left);
        }
        left << self.half | right
    }
}

/// The fixed mixer: the finaliser of SplitMix64 (Stafford's variant 13), a bijection of 64 bits.
fn mix(mut x: u64) -> u64 {
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}
