//! Parses decimal numbers to the same bits as the standard library, and several times as fast for
//! common numbers.
//!
//! ```text
//! number   = [ "+" | "-" ] ( digits [ "." [ digits ] ] | "." digits ) [ exponent ]
//! exponent = ( "e" | "E" ) [ "+" | "-" ] digits
//! ```
//!
//! A number of at most 19 digits is an integer `w` times a power of ten. The nearest f64, ties to
//! even, is computed in one of three ways:
//!
//! - `w <= 2^53` and a power of ten up to 22: both are f64, and one operation on them rounds once
//!   (W. Clinger, *How to read floating point numbers accurately*, 1990).
//! - `w / 10^k` for `k <= 27`: an integer division to 63 bits or more, and whether there is a
//!   remainder.
//! - All others, which are rare: the standard library.
//!
//! Words for infinity and NaN are refused. Numbers beyond the largest f64 become infinite.

use super::simd::eight_digits_each;

/// The factor that repeats a byte in all eight bytes of a word.
const EACH: u64 = 0x0101_0101_0101_0101;

/// The most digits that always fit in 64 bits.
const MAX_DIGITS: usize = 19;

/// The powers of ten that f64 represents exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Powers of ten up to that of a chunk of digits.
const CHUNK_TENS: [u64; 9] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// Powers of five below `2^63`, shifted so that their top bit is set, with the shift.
const FIVES: [(u64, u32); 28] = {
    let mut fives = [(0, 0); 28];
    let mut power: u64 = 1;
    let mut k = 0;
    while k < 28 {
        let shift = power.leading_zeros();
        fives[k] = (power << shift, shift);
        if k < 27 {
            power *= 5;
        }
        k += 1;
    }
    fives
};

/// Parses the bytes as a number.
pub fn parse_f64(bytes: &[u8]) -> Option<f64> {
    let (number, len) = parse_f64_prefix(bytes)?;
    (len == bytes.len()).then_some(number)
}

/// Parses up to 19 digits as an integer; leading zeros are allowed.
pub fn parse_digits(bytes: &[u8]) -> Option<u64> {
    let (number, end) = digits(bytes, 0, 0);
    ((1..=MAX_DIGITS).contains(&end) && end == bytes.len()).then_some(number)
}

/// Parses the longest number at the start of the bytes. Returns it and its length.
pub fn parse_f64_prefix(bytes: &[u8]) -> Option<(f64, usize)> {
    let sign = bytes.first().copied().unwrap_or_default();
    let start = usize::from(sign == b'-' || sign == b'+');
    let (whole, point) = digits(bytes, start, 0);
    let mut mantissa = whole;
    let mut end = point;
    let mut fraction_digits = 0;
    if bytes.get(point) == Some(&b'.') {
        (mantissa, end) = digits(bytes, point + 1, whole);
        fraction_digits = end - point - 1;
    }
    let digit_count = point - start + fraction_digits;
    if digit_count == 0 {
        return None;
    }
    let mut power = -(fraction_digits as i32);
    if let Some(b'e' | b'E') = bytes.get(end)
        && let Some((exponent, after)) = exponent(bytes, end + 1)
    {
        power = power.saturating_add(exponent);
        end = after;
    }
    let magnitude = match (digit_count <= MAX_DIGITS).then(|| nearest(mantissa, power)) {
        Some(Some(nearest)) => nearest,
        _ => parse_with_std(bytes.get(start..end)?)?,
    };
    Some((if sign == b'-' { -magnitude } else { magnitude }, end))
}

/// Parses `bytes[start..end]` in fixed notation. The first decimal point is at `point`; without
/// one, `point` is at least `end`. `None`: it has an exponent, more than 8 digits on a side or 15
/// in all, too few bytes before it, or is not a number; then [`parse_f64`] decides.
///
/// With known positions parsing takes half the time: the processor works on several numbers at
/// once.
#[inline]
pub fn parse_fixed_f64(bytes: &[u8], start: usize, point: usize, end: usize) -> Option<f64> {
    let sign = *bytes.get(start)?;
    let negative = sign == b'-';
    let start = start + usize::from(negative || sign == b'+');
    let point = point.min(end);
    let whole_digits = point.checked_sub(start)?;
    let fraction_digits = end.saturating_sub(point + 1);
    let digit_count = whole_digits + fraction_digits;
    if whole_digits > 8 || fraction_digits > 8 || digit_count == 0 || digit_count > 15 {
        return None;
    }
    let whole = digits_before(bytes, point, whole_digits)?;
    let fraction = digits_before(bytes, end, fraction_digits)?;
    let [whole, fraction] = eight_digits_each([whole, fraction])?;
    // Below 2^53, so that both are f64 and the division is all that rounds.
    let mantissa = whole * CHUNK_TENS[fraction_digits] + fraction;
    let magnitude = mantissa as i64 as f64 / TENS[fraction_digits];
    let sign = u64::from(negative) << 63;
    Some(f64::from_bits(magnitude.to_bits() | sign))
}

/// The values of up to eight digits that end at `end`, the last one in the top byte, after zeros.
#[inline]
fn digits_before(bytes: &[u8], end: usize, count: usize) -> Option<u64> {
    let word = *bytes.get(end.checked_sub(8)?..end)?.first_chunk()?;
    let values = u64::from_le_bytes(word) ^ (EACH * 0x30);
    Some(values & u64::MAX.unbounded_shl(64 - 8 * count as u32))
}

/// The f64 nearest to `whole * 10^power`, for powers with a fast method.
#[inline]
fn nearest(whole: u64, power: i32) -> Option<f64> {
    if whole <= 1 << 53 {
        if let -22..=0 = power {
            return Some(whole as f64 / TENS[-power as usize]);
        }
        if let 1..=22 = power {
            return Some(whole as f64 * TENS[power as usize]);
        }
    }
    match power {
        -27..=0 if whole != 0 => Some(quotient(whole, -power)),
        _ => None,
    }
}

/// The f64 nearest to `whole / 10^k` for `whole` above 0 and `k` up to 27.
///
/// `whole / 5^k` is computed from both, normalized to set top bits, so that the quotient has 63 or
/// 64 bits. Its lowest bit also represents the remainder: rounding to 53 bits in the conversion
/// depends only on whether the lower bits are all zero. The remaining factor is a power of two, and
/// the result is far from both ends of the format.
fn quotient(whole: u64, k: i32) -> f64 {
    let (five, five_shift) = FIVES[k as usize];
    let shift = whole.leading_zeros();
    let numerator = u128::from(whole << shift) << 63;
    let quotient = (numerator / u128::from(five)) as u64;
    let rest = numerator % u128::from(five);
    let two = five_shift as i32 - shift as i32 - 63 - k;
    (quotient | u64::from(rest != 0)) as f64 * f64::from_bits(((1023 + two) as u64) << 52)
}

/// Parses digits, a point and an exponent by the standard library; all bytes are ASCII.
#[cold]
fn parse_with_std(bytes: &[u8]) -> Option<f64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// Appends the digits from `at` on to `number`. Returns the number, modulo `2^64`, and the end of
/// the digits.
#[inline]
fn digits(bytes: &[u8], mut at: usize, mut number: u64) -> (u64, usize) {
    while let Some(chunk) = bytes.get(at..at + 8).and_then(|chunk| chunk.try_into().ok()) {
        let (value, count) = leading_digits(u64::from_le_bytes(chunk));
        number = number.wrapping_mul(CHUNK_TENS[count]).wrapping_add(value);
        at += count;
        if count < 8 {
            return (number, at);
        }
    }
    while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        at += 1;
    }
    (number, at)
}

/// The number at the start of eight bytes, and its number of digits.
#[inline]
fn leading_digits(bytes: u64) -> (u64, usize) {
    let values = bytes ^ (EACH * 0x30);
    let count = not_digits(values).trailing_zeros() as usize / 8;
    // The shift puts zeros in front and drops the bytes after the digits.
    (eight_digits(values.unbounded_shl(64 - 8 * count as u32)), count)
}

/// The top bit of the first byte above 9, and possibly of later bytes.
#[inline]
pub(super) fn not_digits(values: u64) -> u64 {
    // A carry affects only bytes after one that is above 9 itself.
    (values.wrapping_add(EACH * 0x76) | values) & (EACH * 0x80)
}

/// The number with these eight digit values, the first in the lowest byte.
///
/// Pairs of digits become numbers below 100, pairs of those numbers below 10,000, and the last pair
/// the result (D. Lemire, *Quickly parsing eight digits*, 2018).
#[inline]
pub(super) fn eight_digits(values: u64) -> u64 {
    let pairs = values.wrapping_mul(10 << 8 | 1) >> 8;
    let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(100 << 16 | 1) >> 16;
    (fours & 0x0000_ffff_0000_ffff).wrapping_mul(10_000 << 32 | 1) >> 32
}

/// Parses a signed integer, which saturates at 99,999,999. Returns it and its end.
#[inline]
fn exponent(bytes: &[u8], at: usize) -> Option<(i32, usize)> {
    let sign = bytes.get(at).copied()?;
    let start = at + usize::from(sign == b'-' || sign == b'+');
    let mut end = start;
    let mut exponent: i32 = 0;
    while let Some(digit @ b'0'..=b'9') = bytes.get(end) {
        exponent = (exponent * 10 + i32::from(digit - b'0')).min(99_999_999);
        end += 1;
    }
    let exponent = if sign == b'-' { -exponent } else { exponent };
    (end > start).then_some((exponent, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Seed, each_seed};

    /// The result of the standard library, except for words such as `inf`.
    fn reference(text: &str) -> Option<f64> {
        let words = text.bytes().any(|byte| byte.is_ascii_alphabetic() && !b"eE".contains(&byte));
        text.parse().ok().filter(|_| !words)
    }

    fn assert_like_reference(text: &str) {
        let (ours, theirs) = (parse_f64(text.as_bytes()), reference(text));
        assert_eq!(ours.map(f64::to_bits), theirs.map(f64::to_bits), "{text}");
        // With a known end and point, and enough bytes before it.
        let before = format!("12345.,8{text}");
        let point = text.find('.').map_or(before.len(), |point| point + 8);
        if let Some(usual) = parse_fixed_f64(before.as_bytes(), 8, point, before.len()) {
            assert_eq!(Some(usual.to_bits()), theirs.map(f64::to_bits), "{text}");
        }
        // With more bytes after it, so that eight bytes can be loaded.
        let longer = format!("{text},17 and more");
        let found = parse_f64_prefix(longer.as_bytes());
        if let Some(theirs) = theirs {
            assert_eq!(
                found.map(|(x, len)| (x.to_bits(), len)),
                Some((theirs.to_bits(), text.len()))
            );
        }
    }

    fn any_digits(seed: &mut Seed, most: usize) -> String {
        let count = seed.below(most + 1);
        (0..count).map(|_| char::from(b'0' + seed.below(10) as u8)).collect()
    }

    #[test]
    fn every_common_form() {
        for (text, number) in [
            ("1e-3", 1e-3),
            ("+4.", 4.0),
            (".5", 0.5),
            ("-0", -0.0),
            ("007", 7.0),
            ("1E+5", 1e5),
            ("-.25e1", -2.5),
            ("42.53176", 42.53176),
            ("12345678", 12_345_678.0),
            ("1.e2", 100.0),
            ("123456789012345678", 123_456_789_012_345_680.0),
            ("0.1", 0.1),
            ("5e-324", 5e-324),
            ("1e400", f64::INFINITY),
            ("-1e999999999999", f64::NEG_INFINITY),
            ("0e99999", 0.0),
            ("1e-99999999999", 0.0),
            ("9007199254740993", 9_007_199_254_740_992.0),
        ] {
            assert_eq!(
                parse_f64(text.as_bytes()).map(f64::to_bits),
                Some(number.to_bits()),
                "{text}"
            );
            assert_like_reference(text);
        }
    }

    #[test]
    fn other_text_is_not_a_number() {
        for text in [
            "", "+", "-", ".", "+.", "e5", "1e", "1e+", "--1", "+-1", "1 ", " 1", "0x1", "1_0",
            "inf", "nan", "infinity", "-inf", "1.2.3", "1,5", "\u{661}",
        ] {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_prefix_ends_where_the_number_does() {
        for (text, len) in
            [("1e", 1), ("1e+x", 1), ("2.5;", 3), ("1.2.3", 3), ("3 4", 1), ("4.e1", 4)]
        {
            assert_eq!(parse_f64_prefix(text.as_bytes()).map(|(_, len)| len), Some(len), "{text}");
        }
    }

    #[test]
    fn digits_parse_as_an_integer() {
        for text in ["0", "007", "1234567", "12345678", "123456789012", "9999999999999999999"] {
            assert_eq!(parse_digits(text.as_bytes()), text.parse().ok(), "{text}");
        }
        for text in ["", "-1", "+1", "1x", "12345678x", "10000000000000000000", "1 "] {
            assert_eq!(parse_digits(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn common_numbers_take_the_fast_path() {
        for text in ["42.53176", "-7", "+12345678.1234567", ".5", "5.", "0", "-0.0", "-122.41942"] {
            let before = format!("12345.,8{text}");
            let point = text.find('.').map_or(usize::MAX, |point| point + 8);
            let usual = parse_fixed_f64(before.as_bytes(), 8, point, before.len());
            assert_eq!(usual.map(f64::to_bits), text.parse().ok().map(f64::to_bits), "{text}");
            assert_eq!(parse_fixed_f64(text.as_bytes(), 0, 9, 99), None);
        }
        for text in ["", "-", ".", "1e5", "--1", "123456789", "1.123456789", "1.2.3", "x"] {
            let before = format!("12345.,8{text}");
            let point = text.find('.').map_or(usize::MAX, |point| point + 8);
            assert_eq!(parse_fixed_f64(before.as_bytes(), 8, point, before.len()), None, "{text}");
        }
    }

    #[test]
    fn random_numbers_parse_like_those_of_the_standard_library() {
        each_seed(|seed| {
            for _ in 0..20 {
                let mut text = String::from(*seed.pick(&["", "-", "+", ""]));
                let most = *seed.pick(&[2, 4, 9, 20, 40]);
                text += &any_digits(seed, most);
                if seed.one_in(2) {
                    text += ".";
                    text += &any_digits(seed, most);
                }
                if seed.one_in(4) {
                    text += *seed.pick(&["e", "E", "e-", "e+"]);
                    text += &any_digits(seed, 3);
                }
                assert_like_reference(&text);
            }
        });
    }

    #[test]
    fn any_number_parses_from_its_shortest_text_and_from_longer_ones() {
        each_seed(|seed| {
            for _ in 0..10 {
                let x = f64::from_bits(seed.next_u64());
                let x = if x.is_finite() { x } else { 1.0 };
                let unit = (seed.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                for x in [x, unit, unit * 1e6, (unit * 1e5).round() / 1e5] {
                    assert_like_reference(&format!("{x:?}"));
                    assert_like_reference(&format!("{x:e}"));
                    assert_like_reference(&format!("{x:.17e}"));
                }
            }
        });
    }

    /// Numbers halfway between two neighbours and next to that: wrong rounding would be visible.
    #[test]
    fn ties_and_near_ties_round_correctly() {
        each_seed(|seed| {
            // A tie: 54 bits, the last of them set, times a power of two from 1 down.
            let odd = seed.next_u64() >> 10 | 1 << 53 | 1;
            let k = seed.below(28) as u32;
            let two = seed.below(28) as u32;
            assert_like_reference(&format!("{odd}"));
            if let Some(scaled) = odd.checked_mul(5_u64.saturating_pow(two)) {
                for whole in [scaled - 1, scaled, scaled + 1] {
                    assert_like_reference(&format!("{whole}e-{two}"));
                    assert_like_reference(&format!("{whole}e-{k}"));
                }
            }
        });
    }

    #[test]
    fn damaged_text_parses_like_in_the_standard_library() {
        each_seed(|seed| {
            let mut text = b"-12345.678901e-12".to_vec();
            seed.mutate(&mut text);
            let theirs = std::str::from_utf8(&text).ok().and_then(reference);
            assert_eq!(parse_f64(&text).map(f64::to_bits), theirs.map(f64::to_bits), "{text:?}");
        });
    }
}
