//! Reproducible random numbers.

/// 64 pseudo-random bits that depend only on a seed, a round and an offset.
pub(in crate::kmeans) fn hash(seed: u64, round: u64, offset: u64) -> u64 {
    mix(mix(mix(seed).wrapping_add(round)).wrapping_add(offset))
}

/// A permutation of 64-bit numbers that changes half of the bits when one changes: the output
/// function of splitmix64 (G. Steele, D. Lea and C. Flood, *Fast splittable pseudorandom number
/// generators*, 2014), after its increment.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A uniform number above 0 and below 1 from 64 random bits.
fn unit(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
}

/// An exponentially distributed number from 64 random bits.
pub(super) fn exponential(bits: u64) -> f64 {
    -logarithm(unit(bits))
}

/// A lower bound on [`exponential`] of the same bits: `1 - x <= -ln x`.
pub(super) fn at_least(bits: u64) -> f64 {
    1.0 - unit(bits)
}

/// The natural logarithm of a number above 0 and below 1, to 14 digits or more.
///
/// The standard function is that of the platform and may differ in the last bit; this is a fixed
/// sequence of operations. With `x = m * 2^e` and `s = (m - 1) / (m + 1)`, `|s| <= 0.172`, it is
/// `e ln 2 + 2 (s + s^3/3 + s^5/5 + ...)`.
fn logarithm(x: f64) -> f64 {
    let bits = x.to_bits();
    let above_root = bits & ((1 << 52) - 1) > 0x6_a09e_667f_3bcd;
    let exponent = (bits >> 52) as i32 - 1023 + i32::from(above_root);
    let m = f64::from_bits(bits & ((1 << 52) - 1) | (1023 - u64::from(above_root)) << 52);
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let mut series = 0.0;
    for odd in (1..=21).rev().step_by(2) {
        series = series * square + 1.0 / f64::from(odd);
    }
    f64::from(exponent) * std::f64::consts::LN_2 + 2.0 * s * series
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    #[test]
    fn the_logarithm_is_the_logarithm() {
        each_seed(|seed| {
            let x = unit(seed.next_u64());
            assert!(1.0 - x <= -logarithm(x) * (1.0 + 1e-15), "{x}");
            assert!((logarithm(x) - x.ln()).abs() <= 1e-15 * x.ln().abs().max(0.1), "{x}");
        });
        assert_eq!(logarithm(0.5), -std::f64::consts::LN_2);
    }

    #[test]
    fn the_smallest_and_the_largest_number_are_inside_the_range() {
        assert!(unit(0) > 0.0 && unit(u64::MAX) < 1.0);
        assert!(exponential(0) > 36.0 && exponential(u64::MAX) > 0.0);
    }

    #[test]
    fn hashes_of_neighbours_differ_in_about_half_of_their_bits() {
        let first = hash(1, 0, 0);
        for other in [hash(2, 0, 0), hash(1, 1, 0), hash(1, 0, 1), hash(0, 1, 0), hash(0, 0, 1)] {
            assert!((20..44).contains(&(first ^ other).count_ones()), "{first:x} {other:x}");
        }
    }
}
