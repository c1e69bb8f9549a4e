//! The beacon: a hash chain made in advance. `H(r_e) = r_(e-1)`, so a revealed value proves itself against the one
//! before, and nobody can compute the next one.

use warmnet_protocol::identity::hash;
use warmnet_protocol::ids::Beacon;
use warmnet_protocol::time::Epoch;

/// Links of the chain: a hundred years of daily epochs.
pub const LINKS: u32 = 36_500;
/// Every so many links one is kept, so that a value costs at most this many hashes.
const ANCHOR_STEP: u32 = 256;

/// The whole chain, by its kept links. Never printed.
pub struct BeaconChain {
    /// `r` at the last link of each block of [`ANCHOR_STEP`], block 0 first.
    anchors: Vec<Beacon>,
    first: Beacon,
}

fn down(link: Beacon, steps: u32) -> Beacon {
    (0..steps).fold(link, |b, _| Beacon(hash::digest(&b.0).0))
}

/// Last link of a block.
fn top(block: u32) -> u32 {
    ((block + 1) * ANCHOR_STEP - 1).min(LINKS - 1)
}

impl BeaconChain {
    /// The chain of a secret seed: about 36,500 hashes, some milliseconds.
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> Self {
        let mut h = hash::keyed("beacon-chain");
        h.update(seed);
        let mut link = Beacon(*h.finalize().as_bytes());
        let blocks = LINKS.div_ceil(ANCHOR_STEP);
        let mut anchors = Vec::with_capacity(blocks as usize);
        for block in (0..blocks).rev() {
            anchors.push(link);
            let below = if block == 0 { 0 } else { top(block - 1) };
            link = down(link, top(block) - below);
        }
        anchors.reverse();
        // `link` is r_0 now.
        Self { anchors, first: down(link, 1) }
    }
    /// `H(r_0)`, the genesis' first beacon.
    #[must_use]
    pub fn first(&self) -> Beacon {
        self.first
    }
    /// `r_e`; `None` when the chain is used up.
    #[must_use]
    pub fn at(&self, epoch: Epoch) -> Option<Beacon> {
        if epoch.0 >= LINKS {
            return None;
        }
        let block = epoch.0 / ANCHOR_STEP;
        let anchor = *self.anchors.get(block as usize)?;
        Some(down(anchor, top(block) - epoch.0))
    }
}

impl std::fmt::Debug for BeaconChain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BeaconChain(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_link_hashes_to_the_one_before() {
        let chain = BeaconChain::new(&[7; 32]);
        let mut before = chain.first();
        for e in 0..600 {
            let link = chain.at(Epoch(e)).unwrap();
            assert_eq!(down(link, 1), before, "epoch {e}");
            before = link;
        }
        for e in [LINKS - 1, LINKS - 200, 2 * ANCHOR_STEP, 100 * ANCHOR_STEP] {
            assert_eq!(down(chain.at(Epoch(e)).unwrap(), 1), chain.at(Epoch(e - 1)).unwrap(), "epoch {e}");
        }
        assert_eq!(chain.at(Epoch(LINKS)), None);
    }

    #[test]
    fn the_seed_decides() {
        assert_ne!(BeaconChain::new(&[1; 32]).first(), BeaconChain::new(&[2; 32]).first());
    }
}
