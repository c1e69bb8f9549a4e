//! The one hash, BLAKE3-256, and its uses: each keyed use has a `derive_key` context of its own.

use crate::ids::Digest;

/// A hasher whose domain is `"warmnet/v1/<purpose>"`.
#[must_use]
pub fn keyed(purpose: &str) -> blake3::Hasher {
    blake3::Hasher::new_derive_key(&format!("warmnet/v1/{purpose}"))
}

/// Plain BLAKE3-256 of `bytes`.
#[must_use]
pub fn digest(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

/// Merkle root over `rows`: leaf `H(0x00 || row)`, node `H(0x01 || left || right)`, an odd node is promoted.
/// No rows give the digest of the empty string.
#[must_use]
pub fn merkle<I, B>(rows: I) -> Digest
where
    I: IntoIterator<Item = B>,
    B: AsRef<[u8]>,
{
    let mut level: Vec<[u8; 32]> =
        rows.into_iter().map(|row| *blake3::Hasher::new().update(&[0]).update(row.as_ref()).finalize().as_bytes()).collect();
    if level.is_empty() {
        return digest(&[]);
    }
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [l, r] => *blake3::Hasher::new().update(&[1]).update(l).update(r).finalize().as_bytes(),
                [odd] => *odd,
                _ => unreachable!("chunks of two"),
            })
            .collect();
    }
    Digest(level[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merkle_promotes_the_odd_node() {
        let leaf = |x: &[u8]| *blake3::Hasher::new().update(&[0]).update(x).finalize().as_bytes();
        let node = |l: &[u8; 32], r: &[u8; 32]| *blake3::Hasher::new().update(&[1]).update(l).update(r).finalize().as_bytes();
        let want = node(&node(&leaf(b"a"), &leaf(b"b")), &leaf(b"c"));
        assert_eq!(merkle([b"a", b"b", b"c"]), Digest(want));
        assert_ne!(merkle([b"a", b"b"]), merkle([b"b", b"a"]));
    }
}
