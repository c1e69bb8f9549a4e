//! BLAKE3 of many four-byte inputs. A close hashes the evidence of every mail; one by one most of that time is spent waiting, since a
//! single compression is one chain of steps. Four of them side by side fill the processor's vectors.

/// Inputs hashed side by side.
const WIDTH: usize = 4;
type Lanes = [u32; WIDTH];

/// BLAKE3's initial chaining value: that of SHA-256.
const IV: [u32; 8] = [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
/// Flags of the only block of a message: chunk start, chunk end, root.
const FLAGS: u32 = 1 | 2 | 8;
/// Where the first message word, the only one that is not zero, stands in each round: BLAKE3's permutation applied again and again.
const WORD: [usize; 7] = [0, 5, 11, 9, 12, 10, 3];
/// State words of the four column steps and the four diagonal ones.
const STEPS: [[usize; 4]; 8] =
    [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15], [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]];

#[inline(always)]
fn add(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|i| a[i].wrapping_add(b[i]))
}

#[inline(always)]
fn turn(a: Lanes, b: Lanes, bits: u32) -> Lanes {
    std::array::from_fn(|i| (a[i] ^ b[i]).rotate_right(bits))
}

/// First words of the digests of four inputs.
fn compress(word: Lanes) -> Lanes {
    let mut v: [Lanes; 16] = std::array::from_fn(|i| [IV[i % 8]; WIDTH]);
    v[12] = [0; WIDTH];
    v[13] = [0; WIDTH];
    v[14] = [4; WIDTH];
    v[15] = [FLAGS; WIDTH];
    for at in WORD {
        for (step, [a, b, c, d]) in STEPS.into_iter().enumerate() {
            v[a] = add(v[a], v[b]);
            if at == 2 * step {
                v[a] = add(v[a], word);
            }
            v[d] = turn(v[d], v[a], 16);
            v[c] = add(v[c], v[d]);
            v[b] = turn(v[b], v[c], 12);
            v[a] = add(v[a], v[b]);
            if at == 2 * step + 1 {
                v[a] = add(v[a], word);
            }
            v[d] = turn(v[d], v[a], 8);
            v[c] = add(v[c], v[d]);
            v[b] = turn(v[b], v[c], 7);
        }
    }
    std::array::from_fn(|i| v[0][i] ^ v[8][i])
}

/// The first four bytes of the BLAKE3 digest of each input.
pub(crate) fn first4<const N: usize>(inputs: [[u8; 4]; N]) -> [[u8; 4]; N] {
    let mut out = inputs;
    for four in out.chunks_mut(WIDTH) {
        let mut words = [0; WIDTH];
        for (word, input) in words.iter_mut().zip(&*four) {
            *word = u32::from_le_bytes(*input);
        }
        for (output, word) in four.iter_mut().zip(compress(words)) {
            *output = word.to_le_bytes();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_is_the_digest_that_blake3_gives(inputs in any::<[[u8; 4]; 7]>()) {
            let plain = inputs.map(|input| *blake3::hash(&input).as_bytes().first_chunk().unwrap());
            prop_assert_eq!(first4(inputs), plain);
        }
    }
}
