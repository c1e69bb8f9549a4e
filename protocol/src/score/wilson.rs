//! Wilson lower bounds in integers (PROTOCOL.md section 8): counts in Q16.16, results in ppm, rounded down.

use crate::params::MILLION;

/// 1.0 in Q16.16.
pub(super) const ONE: u64 = 1 << 16;

/// Square root, rounded up.
fn isqrt_up(n: u128) -> u128 {
    let root = n.isqrt();
    root + u128::from(root * root < n)
}

fn bound(k: u64, n: u64, scale: impl Fn(u128, u128, u128) -> (u128, u128)) -> u32 {
    // Above 2^40 (16 million mails) both are scaled down, so that nothing overflows.
    let shift = (64 - n.leading_zeros()).saturating_sub(40);
    let (n, k) = (n >> shift, (k >> shift).min(n >> shift));
    if n == 0 {
        return 0;
    }
    let (numerator, denominator) = scale(u128::from(k), u128::from(n), u128::from(ONE));
    (u128::from(MILLION) * numerator / denominator) as u32
}

/// Lower bound of `k` of `n` at z = 1, ppm. `k` is cut to `n`; 0 when `n` is 0.
///
/// # Example
/// ```
/// use warmnet_protocol::score::wilson_lower_z1;
/// assert_eq!(wilson_lower_z1(100 << 16, 100 << 16), 990_099);
/// ```
#[must_use]
pub fn wilson_lower_z1(k_q16: u64, n_q16: u64) -> u32 {
    bound(k_q16, n_q16, |k, n, s| {
        let root = isqrt_up((4 * s * k * (n - k)).div_ceil(n) + s * s);
        ((2 * k + s).saturating_sub(root), 2 * (n + s))
    })
}

/// Lower bound of `k` of `n` at z = 2, ppm. `k` is cut to `n`; 0 when `n` is 0.
#[must_use]
pub fn wilson_lower_z2(k_q16: u64, n_q16: u64) -> u32 {
    bound(k_q16, n_q16, |k, n, s| {
        let root = isqrt_up((4 * s * k * (n - k)).div_ceil(n) + 4 * s * s);
        ((k + 2 * s).saturating_sub(root), n + 4 * s)
    })
}
