//! Exact numbers as text: an integer in decimal digits and a power of two.

use std::fmt;
use std::str::FromStr;

use super::superaccumulator::{MAX_BITS, MIN_EXPONENT};
use super::{Dyadic, Superaccumulator};
use crate::text::{parse_digits, push_u64};

/// The number of decimal digits that always fit in one limb.
const DIGITS: usize = 19;
const TEN_TO_DIGITS: u64 = 10_u64.pow(DIGITS as u32);

/// At least the number of digits of the longest integer.
const MAX_DIGITS: usize = 1_400;

/// The error of text that is not an exact number in the range of sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotDyadic;

impl fmt::Display for NotDyadic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an exact number such as -43p-7")
    }
}

impl std::error::Error for NotDyadic {}

impl fmt::Display for Dyadic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.push_text(&mut text);
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl Dyadic {
    /// Appends its text.
    pub fn push_text(&self, text: &mut Vec<u8>) {
        self.with_limbs(|negative, limbs, exponent| {
            if negative {
                text.push(b'-');
            }
            let zeros = limbs.first().map_or(0, |limb| limb.trailing_zeros());
            match *limbs {
                [] => text.push(b'0'),
                [low] => push_u64(low >> zeros, text),
                [low, high] => push_u128((u128::from(high) << 64 | u128::from(low)) >> zeros, text),
                _ => push_long(limbs, zeros, text),
            }
            let exponent = exponent + zeros as i32;
            if exponent != 0 {
                text.extend_from_slice(if exponent < 0 { b"p-" } else { b"p" });
                push_u64(exponent.unsigned_abs().into(), text);
            }
        });
    }
}

/// Writes a number below `2^127`.
fn push_u128(number: u128, text: &mut Vec<u8>) {
    // 2^63 / 10^19, as a fraction of 2^64, rounded down: the quotient is at most two too small.
    const RATIO: u128 = (1 << 127) / TEN_TO_DIGITS as u128;
    let mut groups = ((number >> 63) * RATIO) >> 64;
    let mut rest = number - groups * u128::from(TEN_TO_DIGITS);
    while rest >= u128::from(TEN_TO_DIGITS) {
        rest -= u128::from(TEN_TO_DIGITS);
        groups += 1;
    }
    if groups == 0 {
        push_u64(rest as u64, text);
    } else {
        push_u64(groups as u64, text);
        push_group(rest as u64, text);
    }
}

/// Writes a number with leading zeros.
fn push_group(mut number: u64, text: &mut Vec<u8>) {
    let mut digits = [b'0'; DIGITS + 1];
    for pair in digits.as_chunks_mut::<2>().0.iter_mut().rev() {
        let two = (number % 100) as u8;
        number /= 100;
        *pair = [b'0' + two / 10, b'0' + two % 10];
    }
    text.extend_from_slice(&digits[1..]);
}

/// Writes `limbs >> zeros` in decimal.
fn push_long(limbs: &[u64], zeros: u32, text: &mut Vec<u8>) {
    let mut quotient: Vec<u64> = limbs.to_vec();
    let mut carried = 0;
    for limb in quotient.iter_mut().rev() {
        let below = limb.checked_shl(64 - zeros).unwrap_or(0);
        *limb = *limb >> zeros | carried;
        carried = below;
    }
    let mut groups = Vec::new();
    while quotient.iter().any(|limb| *limb != 0) {
        let mut rest = 0_u128;
        for limb in quotient.iter_mut().rev() {
            let dividend = rest << 64 | u128::from(*limb);
            *limb = (dividend / u128::from(TEN_TO_DIGITS)) as u64;
            rest = dividend % u128::from(TEN_TO_DIGITS);
        }
        groups.push(rest as u64);
    }
    let mut groups = groups.iter().rev();
    push_u64(*groups.next().unwrap_or(&0), text);
    groups.for_each(|group| push_group(*group, text));
}

impl FromStr for Dyadic {
    type Err = NotDyadic;

    fn from_str(text: &str) -> Result<Dyadic, NotDyadic> {
        let (integer, exponent) = match text.split_once('p') {
            Some((integer, exponent)) => (integer, signed(exponent)?),
            None => (text, 0),
        };
        let (negative, digits) = match integer.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, integer),
        };
        if !(MIN_EXPONENT..=MAX_BITS).contains(&exponent) {
            return Err(NotDyadic);
        }
        let digits = digits.as_bytes();
        if let Some(integer) = short_integer(digits)
            && 128 - integer.leading_zeros() as i32 + exponent <= MAX_BITS
        {
            let integer = integer as i128;
            return Ok(Dyadic::scaled(if negative { -integer } else { integer }, exponent));
        }
        let all_digits = digits.iter().all(u8::is_ascii_digit);
        if digits.is_empty() || digits.len() > MAX_DIGITS || !all_digits {
            return Err(NotDyadic);
        }
        let limbs = integer_of(digits);
        let zeros = limbs.last().map_or(0, |limb| limb.leading_zeros());
        let bits = limbs.len() as i32 * 64 - zeros as i32;
        if bits + exponent > MAX_BITS {
            return Err(NotDyadic);
        }
        let mut wide = Superaccumulator::default();
        wide.add_limbs(negative, &limbs, exponent);
        Ok(wide.into())
    }
}

/// The number of these digits, if there are few enough that it fits in 127 bits.
fn short_integer(digits: &[u8]) -> Option<u128> {
    match digits.len().checked_sub(DIGITS) {
        None | Some(0) => parse_digits(digits).map(u128::from),
        Some(above @ 1..DIGITS) => {
            let (high, low) = digits.split_at(above);
            let high = u128::from(parse_digits(high)?) * u128::from(TEN_TO_DIGITS);
            Some(high + u128::from(parse_digits(low)?))
        }
        _ => None,
    }
}

/// Converts decimal digits to limbs, the lowest first; the last one is not zero.
fn integer_of(digits: &[u8]) -> Vec<u64> {
    let mut limbs: Vec<u64> = Vec::new();
    let (first, rest) = digits.split_at(digits.len() % DIGITS);
    for group in std::iter::once(first).chain(rest.chunks(DIGITS)) {
        let value = group.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
        let mut carry = value;
        for limb in &mut limbs {
            (*limb, carry) = limb.carrying_mul(TEN_TO_DIGITS, carry);
        }
        if carry != 0 {
            limbs.push(carry);
        }
    }
    limbs
}

/// A small integer, without a plus sign.
fn signed(text: &str) -> Result<i32, NotDyadic> {
    if text.len() > 6 || text.starts_with('+') {
        return Err(NotDyadic);
    }
    text.parse().map_err(|_| NotDyadic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    fn read(text: &str) -> Option<Dyadic> {
        text.parse().ok()
    }

    #[test]
    fn numbers_parse_as_written() {
        for (x, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (12.0, "3p2"),
            (-0.3359375, "-43p-7"),
            (5e-324, "1p-1074"),
            (0.1, "3602879701896397p-55"),
            (f64::MAX, "9007199254740991p971"),
        ] {
            assert_eq!(Dyadic::new(x).to_string(), text);
            assert_eq!(read(text), Some(Dyadic::new(x)), "{text}");
        }
        assert_eq!(read("12"), Some(Dyadic::new(12.0)));
        assert_eq!(read("-0"), Some(Dyadic::ZERO));
        assert_eq!(read("00012p0"), Some(Dyadic::new(12.0)));
    }

    #[test]
    fn integers_are_written_and_parsed_like_those_of_the_language() {
        each_seed(|seed| {
            let integer = u128::from(seed.next_u64()) << 64 | u128::from(seed.next_u64());
            let integer = integer >> (1 + seed.below(127)) | 1;
            let dyadic = Dyadic::scaled(integer as i128, 0);
            assert_eq!(dyadic.to_string(), integer.to_string());
            assert_eq!(read(&integer.to_string()), Some(dyadic));
        });
        for integer in
            [10_u128.pow(19) - 1, 10_u128.pow(19) + 1, 10_u128.pow(38) - 1, (1 << 127) - 1]
        {
            assert_eq!(Dyadic::scaled(integer as i128, 0).to_string(), integer.to_string());
        }
    }

    #[test]
    fn a_sum_of_all_magnitudes_has_a_long_text_that_parses() {
        let mut sum = Superaccumulator::default();
        sum.add_product(f64::MAX, f64::MAX);
        sum.add_product(5e-324, 5e-324);
        sum.add(-1e-100);
        let sum = Dyadic::from(sum);
        let text = sum.to_string();
        assert!(text.len() > 1_200 && text.ends_with("p-2148"), "{text}");
        assert_eq!(read(&text), Some(sum.clone()));
        assert_eq!(read(&(-sum.clone()).to_string()), Some(-sum));
    }

    #[test]
    fn any_sum_parses_from_its_text() {
        each_seed(|seed| {
            let mut sum = Dyadic::ZERO;
            for _ in 0..=seed.below(4) {
                let x = f64::from_bits(seed.next_u64());
                sum += &Dyadic::new(if x.is_finite() { x } else { 1.0 });
            }
            assert_eq!(read(&sum.to_string()), Some(sum));
        });
    }

    #[test]
    fn other_text_is_refused() {
        let long = "9".repeat(MAX_DIGITS + 1);
        for text in [
            "",
            "-",
            "p",
            "1p",
            "p1",
            "+1",
            "1p+1",
            "1.5",
            "1e5",
            " 1",
            "1 ",
            "--1",
            "1p-2149",
            "1p2150",
            "1p1p1",
            "1p--1",
            "1p0000001",
            "0x1",
            "nan",
            &long,
            &long[..700],
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert!(read("1p2149").is_some() && read("1p-2148").is_some());
    }

    #[test]
    fn damaged_text_is_refused_or_parsed_and_never_panics() {
        each_seed(|seed| {
            let mut text = b"-123456789012345678901234567890123456789012345p-1074".to_vec();
            seed.mutate(&mut text);
            if let Some(read) = std::str::from_utf8(&text).ok().and_then(read) {
                assert_eq!(read.to_string().parse(), Ok(read));
            }
        });
    }
}
