//! Rounds exact numbers to f64.

/// The f64 nearest to `(integer + rest) * 2^exponent`, ties to even, where `0 <= rest < 1` and
/// `rest` is above zero if `inexact`; an infinity beyond the largest f64.
///
/// `integer` has at least 55 bits when `inexact`, so that `rest` is below the bit that decides.
pub(super) fn nearest(negative: bool, integer: u128, inexact: bool, exponent: i32) -> f64 {
    debug_assert!(!inexact || integer >> 54 != 0, "a rest below too short an integer");
    if integer == 0 {
        return 0.0;
    }
    let top = 127 - integer.leading_zeros() as i32;
    // The exponent of the last bit of the result: 53 bits are kept, fewer if the result is
    // subnormal.
    let last = (exponent + top - 52).max(-1074);
    let dropped = last - exponent;
    let mantissa = match dropped {
        ..=0 => (integer << -dropped) as u64,
        1..=128 => {
            let kept = integer.checked_shr(dropped as u32).unwrap_or(0) as u64;
            let half = 1 << (dropped - 1);
            let below = integer & (half - 1) != 0 || inexact;
            let up = integer & half != 0 && (below || kept & 1 == 1);
            kept + u64::from(up)
        }
        // All of it is less than half of the smallest number.
        _ => 0,
    };
    if last > 971 {
        return if negative { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    // A mantissa of 2^53 carries into the exponent, beyond the largest f64 to infinity; one below
    // 2^52 is subnormal, and then `last` is -1074.
    let magnitude = ((last + 1074) as u64) << 52;
    let magnitude = f64::from_bits(magnitude + mantissa);
    match negative {
        true if mantissa != 0 => -magnitude,
        _ => magnitude,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn integers_round_like_the_conversion_of_the_language() {
        let mut seed = Seed::new(1);
        for _ in 0..200_000 {
            let integer = u128::from(seed.next_u64()) << 64 | u128::from(seed.next_u64());
            let integer = integer >> seed.below(128);
            assert_eq!(nearest(false, integer, false, 0), integer as f64, "{integer}");
        }
    }

    #[test]
    fn a_tie_goes_to_the_even_neighbour_and_a_rest_breaks_it() {
        let tie = (1 << 53) + 1_u128;
        assert_eq!(nearest(false, tie << 4, false, -4), (1_u64 << 53) as f64);
        assert_eq!(nearest(false, tie << 4, true, -4), ((1_u64 << 53) + 2) as f64);
        assert_eq!(nearest(true, (tie + 2) << 4, false, -4), -(((1_u64 << 53) + 4) as f64));
    }

    #[test]
    fn both_ends_of_the_format() {
        let all_ones = (1_u128 << 53) - 1;
        assert_eq!(nearest(false, all_ones, false, 971), f64::MAX);
        assert_eq!(nearest(false, all_ones << 1 | 1, false, 970), f64::INFINITY);
        assert_eq!(nearest(true, 1, false, 1024), f64::NEG_INFINITY);
        assert_eq!(nearest(false, 1, false, -1074), f64::from_bits(1));
        // Half of the smallest number ties to zero, a little more does not.
        assert_eq!(nearest(false, 1 << 60, false, -1135), 0.0);
        assert_eq!(nearest(false, 1 << 60, true, -1135), f64::from_bits(1));
        assert_eq!(nearest(true, u128::MAX, true, -1300).to_bits(), 0);
        assert_eq!(nearest(false, all_ones << 70, false, -1145), f64::MIN_POSITIVE);
    }
}
