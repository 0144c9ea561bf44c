//! Money: minor units inside, `499.99` typed, `$499.99` shown.

use std::fmt;
use std::str::FromStr;

/// Minor units in one unit: cents in a dollar.
const MINOR_PER_UNIT: u64 = 100;

/// An amount of money in minor units (cents). Never negative, never a floating-point number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(u64);

impl Money {
    /// No money.
    pub const ZERO: Money = Money(0);

    /// An amount given in minor units.
    pub const fn from_minor(minor: u64) -> Money {
        Money(minor)
    }

    /// The amount in minor units.
    pub const fn minor(self) -> u64 {
        self.0
    }

    /// The price of `quantity` pieces; none if it overflows.
    pub const fn times(self, quantity: u32) -> Option<Money> {
        match self.0.checked_mul(quantity as u64) {
            Some(minor) => Some(Money(minor)),
            None => None,
        }
    }
}

/// Shown as `$500` without cents, as `$499.99` with them.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (units, minor) = (self.0 / MINOR_PER_UNIT, self.0 % MINOR_PER_UNIT);
        if minor == 0 { write!(f, "${units}") } else { write!(f, "${units}.{minor:02}") }
    }
}

/// The reason why a text is not a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceError {
    /// It has other characters than digits with at most one point between them.
    Form,
    /// More than two digits after the point.
    TooFine,
    /// More than 64 bits of minor units.
    TooLarge,
}

impl fmt::Display for PriceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PriceError::Form => "a price is written like 500 or 499.99",
            PriceError::TooFine => "a price has at most two decimals",
            PriceError::TooLarge => "the price is too large",
        })
    }
}

impl std::error::Error for PriceError {}

/// Parses `500`, `499.9` and `499.99`: decimal digits, and after a point one or two more. No sign,
/// no blanks, no grouping, no exponent.
impl FromStr for Money {
    type Err = PriceError;

    fn from_str(text: &str) -> Result<Money, PriceError> {
        let (units, decimals) = text.split_once('.').unwrap_or((text, "0"));
        if [units, decimals].iter().any(|part| !is_digits(part)) {
            return Err(PriceError::Form);
        }
        let minor = match (decimals.len(), decimals.parse::<u64>()) {
            (1, Ok(tenths)) => tenths * 10,
            (2, Ok(hundredths)) => hundredths,
            _ => return Err(PriceError::TooFine),
        };
        let units = units.parse::<u64>().ok().and_then(|units| units.checked_mul(MINOR_PER_UNIT));
        let amount = units.and_then(|units| units.checked_add(minor));
        amount.map(Money).ok_or(PriceError::TooLarge)
    }
}

/// One ASCII digit or more, and nothing else.
fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    #[test]
    fn prices_are_typed_and_shown_as_people_write_them() {
        for (typed, minor, shown) in [
            ("500", 50_000, "$500"),
            ("499.99", 49_999, "$499.99"),
            ("499.9", 49_990, "$499.90"),
            ("499.00", 49_900, "$499"),
            ("0.05", 5, "$0.05"),
            ("0", 0, "$0"),
            ("007", 700, "$7"),
            ("184467440737095516.15", u64::MAX, "$184467440737095516.15"),
        ] {
            assert_eq!(typed.parse(), Ok(Money::from_minor(minor)), "{typed}");
            assert_eq!(Money::from_minor(minor).to_string(), shown);
        }
    }

    #[test]
    fn other_characters_than_digits_and_a_point_are_refused() {
        let forms = [
            "",
            ".",
            "5.",
            ".5",
            "-5",
            "+5",
            " 5",
            "5 ",
            "1,000",
            "1_000",
            "1e3",
            "0x10",
            "NaN",
            "inf",
            "$5",
            "5.5.5",
            "5.-1",
            "5.+1",
            "\u{0665}",
            "5\u{ff0e}5",
            "--1",
            "5.a",
        ];
        for typed in forms {
            assert_eq!(typed.parse::<Money>(), Err(PriceError::Form), "{typed:?}");
        }
    }

    #[test]
    fn more_than_two_decimals_are_refused_not_rounded() {
        assert_eq!("1.005".parse::<Money>(), Err(PriceError::TooFine));
        assert_eq!("1.00000000000000000000001".parse::<Money>(), Err(PriceError::TooFine));
        assert_eq!("1.000".parse::<Money>(), Err(PriceError::TooFine));
    }

    #[test]
    fn an_amount_beyond_64_bits_is_refused_not_wrapped() {
        for typed in ["184467440737095516.16", "184467440737095517", "99999999999999999999999"] {
            assert_eq!(typed.parse::<Money>(), Err(PriceError::TooLarge), "{typed}");
        }
        assert_eq!(Money::from_minor(u64::MAX).times(2), None);
        assert_eq!(Money::from_minor(49_999).times(3), Some(Money::from_minor(149_997)));
    }

    #[test]
    fn a_shown_amount_parses_to_the_same_amount() {
        each_seed(|seed| {
            let amount = Money::from_minor(seed.next_u64() >> seed.below(64));
            let shown = amount.to_string();
            assert_eq!(shown[1..].parse(), Ok(amount), "{shown}");
        });
    }

    #[test]
    fn any_text_is_read_or_refused_without_a_panic() {
        each_seed(|seed| {
            let mut text = seed.next_u64().to_string().into_bytes();
            text.insert(seed.below(text.len()), b'.');
            seed.mutate(&mut text);
            let _ = String::from_utf8_lossy(&text).parse::<Money>();
        });
    }
}
