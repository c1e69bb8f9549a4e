//! Deterministic randomness: a stream expanded from a named key. The same key gives the same plan again.

use crate::identity::hash;

/// An endless stream of pseudo-random numbers under one purpose and key.
pub struct Stream(blake3::OutputReader);

impl Stream {
    /// The stream of `purpose` over the concatenated, length-prefixed `parts`.
    #[must_use]
    pub fn new(purpose: &str, parts: &[&[u8]]) -> Self {
        let mut h = hash::keyed(purpose);
        for part in parts {
            h.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        Self(h.finalize_xof())
    }
    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let mut b = [0u8; 8];
        self.0.fill(&mut b);
        u64::from_le_bytes(b)
    }
    /// Uniform in `0..n` (0 when `n` is 0), by widening multiplication: bias below 2^-32 for every n used here.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }
    /// True with probability `ppm` / 1,000,000.
    pub fn chance(&mut self, ppm: u32) -> bool {
        self.below(1_000_000) < u64::from(ppm)
    }
    /// Log-normal around `median` with the given sigma of the logarithm, times the returned factor.
    /// Floating point is fine here: only the member's own plan depends on it, never a shared value.
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        let unit = |x: u64| (x >> 11) as f64 / (1u64 << 53) as f64;
        let (u, v) = (unit(self.next_u64()).max(1e-12), unit(self.next_u64()));
        median * (sigma * (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ_by_key() {
        let draw = |p: &str, k: &[u8]| Stream::new(p, &[k]).next_u64();
        assert_eq!(draw("a", b"k"), draw("a", b"k"));
        assert_ne!(draw("a", b"k"), draw("b", b"k"));
        assert_ne!(Stream::new("a", &[b"x", b"yz"]).next_u64(), Stream::new("a", &[b"xy", b"z"]).next_u64());
        let mut s = Stream::new("a", &[b"k"]);
        let hits = (0..10_000).filter(|_| s.chance(300_000)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
    }
}
