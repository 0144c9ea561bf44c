//! Exact numbers as text: an integer in decimal digits and a power of two.

use std::fmt;
use std::str::FromStr;

use super::superaccumulator::{MAX_BITS, MIN_EXPONENT};
use super::{Dyadic, Superaccumulator};

/// As many decimal digits as one limb surely holds.
const DIGITS: usize = 19;
const TEN_TO_DIGITS: u64 = 10_u64.pow(DIGITS as u32);

/// More digits than the longest integer has.
const MAX_DIGITS: usize = 1_400;

/// What is not the text of an exact number in the range of sums.
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
        self.with_limbs(|negative, limbs, exponent| {
            if negative {
                f.write_str("-")?;
            }
            let zeros = limbs.first().map_or(0, |limb| limb.trailing_zeros());
            match *limbs {
                [] => f.write_str("0")?,
                [low] => write!(f, "{}", low >> zeros)?,
                [low, high] => {
                    write!(f, "{}", (u128::from(high) << 64 | u128::from(low)) >> zeros)?;
                }
                _ => write_long(f, limbs, zeros)?,
            }
            match exponent + zeros as i32 {
                0 => Ok(()),
                exponent => write!(f, "p{exponent}"),
            }
        })
    }
}

/// Writes `limbs >> zeros` in decimal.
fn write_long(f: &mut fmt::Formatter<'_>, limbs: &[u64], zeros: u32) -> fmt::Result {
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
    write!(f, "{}", groups.next().unwrap_or(&0))?;
    groups.try_for_each(|group| write!(f, "{group:0DIGITS$}"))
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
        let all_digits = digits.bytes().all(|digit| digit.is_ascii_digit());
        if digits.is_empty() || digits.len() > MAX_DIGITS || !all_digits {
            return Err(NotDyadic);
        }
        if !(MIN_EXPONENT..=MAX_BITS).contains(&exponent) {
            return Err(NotDyadic);
        }
        let limbs = integer_of(digits);
        let zeros = limbs.last().map_or(0, |limb| limb.leading_zeros());
        let bits = limbs.len() as i32 * 64 - zeros as i32;
        if bits + exponent > MAX_BITS {
            return Err(NotDyadic);
        }
        if let ([] | [_] | [_, _], 0..=127) = (&limbs[..], bits) {
            let limb = |index: usize| i128::from(limbs.get(index).copied().unwrap_or(0));
            let integer = limb(1) << 64 | limb(0);
            return Ok(Dyadic::scaled(if negative { -integer } else { integer }, exponent));
        }
        let mut wide = Superaccumulator::default();
        wide.add_limbs(negative, &limbs, exponent);
        Ok(wide.into())
    }
}

/// Decimal digits as limbs, the lowest first, the last not zero.
fn integer_of(digits: &str) -> Vec<u64> {
    let digits = digits.as_bytes();
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
    fn numbers_read_as_written() {
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
    fn a_sum_of_all_magnitudes_has_a_long_text_that_comes_back() {
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
    fn any_sum_comes_back() {
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
    fn what_is_no_exact_number_is_refused() {
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
    fn damaged_text_is_refused_or_read_and_never_panics() {
        each_seed(|seed| {
            let mut text = b"-123456789012345678901234567890123456789012345p-1074".to_vec();
            seed.mutate(&mut text);
            if let Some(read) = std::str::from_utf8(&text).ok().and_then(read) {
                assert_eq!(read.to_string().parse(), Ok(read));
            }
        });
    }
}
