//! Numbers of JSON, exactly.

/// The value of a number that is an integer, whatever its spelling: `100`, `1e2`, `100.0`, `1000e-1`.
/// `None` if the text is no number of JSON, is not integral, or has more than 20 digits.
pub(super) fn integer(text: &str) -> Option<i128> {
    let parts = Parts::read(text)?;
    let count = parts.whole.len() + parts.fraction.len();
    let digits = || parts.whole.bytes().chain(parts.fraction.bytes());
    let leading = digits().take_while(|digit| *digit == b'0').count();
    if leading == count {
        return Some(0);
    }
    let trailing = digits().rev().take_while(|digit| *digit == b'0').count();
    let significant = count - leading - trailing;
    let exponent = parts.exponent - parts.fraction.len() as i64 + trailing as i64;
    if exponent < 0 || significant as i64 + exponent > 20 {
        return None;
    }
    let digits = digits().skip(leading).take(significant);
    let value = digits.fold(0, |value: i128, digit| value * 10 + i128::from(digit - b'0'));
    let value = value * 10_i128.pow(exponent as u32);
    Some(if parts.negative { -value } else { value })
}

/// Whether a text is a number of JSON (RFC 8259 section 6).
pub(super) fn is_number(text: &str) -> bool {
    Parts::read(text).is_some()
}

/// A number, taken apart.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    /// Cut to a range far beyond every number of 64 bits.
    exponent: i64,
}

impl Parts<'_> {
    fn read(text: &str) -> Option<Parts<'_>> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let is_whole = !whole.is_empty() && (whole == "0" || !whole.starts_with('0'));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = is_whole && digits(whole) && digits(fraction);
        is_number.then_some(Parts { negative, whole, fraction, exponent })
    }
}

fn read_exponent(text: &str) -> Option<i64> {
    const FAR: i64 = 1 << 40;
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |number: i64, digit: &u8| (number * 10 + i64::from(digit - b'0')).min(FAR);
    let exponent = digits.iter().fold(0, add);
    Some(if negative { -exponent } else { exponent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_integer_is_read_exactly() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("0.000", 0),
            ("0e99999999999999999999", 0),
            ("100", 100),
            ("1e2", 100),
            ("1E+2", 100),
            ("100.0", 100),
            ("1000e-1", 100),
            ("1.5e1", 15),
            ("0.0015e4", 15),
            ("-10.50e1", -105),
            ("9007199254740993.0", 9_007_199_254_740_993),
            ("18446744073709551615", i128::from(u64::MAX)),
            ("1.8446744073709551615e19", i128::from(u64::MAX)),
            ("-9223372036854775808", i128::from(i64::MIN)),
        ] {
            assert_eq!(integer(text), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_integer_or_far_too_large_is_refused() {
        let long = format!("1e{}", "9".repeat(1000));
        for text in ["1.5", "1e-1", "10.01e1", "1e21", "1e99999999999999999999", &long] {
            assert_eq!(integer(text), None, "{text}");
            assert!(is_number(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_of_json_is_refused() {
        for text in [
            "", "-", "+1", "01", "-01", ".5", "1.", "1e", "1e+", "1e1.5", "0x1", " 1", "1 ", "1_0",
            "٣",
        ] {
            assert!(!is_number(text), "{text:?}");
            assert_eq!(integer(text), None, "{text:?}");
        }
    }
}
