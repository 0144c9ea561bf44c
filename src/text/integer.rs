//! Integers as text, without allocation. A number has one spelling: no sign, no leading zero,
//! lower-case hexadecimal digits.

/// `00` to `99`: two digits cost one division.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};
/// Digits of `u64::MAX`.
const MAX_DIGITS: usize = 20;
const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes a number in decimal.
pub fn push_u64(mut number: u64, text: &mut Vec<u8>) {
    let mut digits = [0; MAX_DIGITS];
    let mut start = MAX_DIGITS;
    while number >= 10 {
        start -= 2;
        digits[start..start + 2].copy_from_slice(&PAIRS[(number % 100) as usize]);
        number /= 100;
        if number == 0 {
            // This was the first pair: a leading zero is dropped.
            start += usize::from(digits[start] == b'0');
            text.extend_from_slice(&digits[start..]);
            return;
        }
    }
    start -= 1;
    digits[start] = b'0' + number as u8;
    text.extend_from_slice(&digits[start..]);
}

/// Parses what [`push_u64`] writes; `None` for any other text.
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > MAX_DIGITS || (text.len() > 1 && text[0] == b'0') {
        return None;
    }
    text.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// Writes eight hexadecimal digits.
pub fn push_hex(number: u32, text: &mut Vec<u8>) {
    let digit = |place: usize| HEX_DIGITS[(number >> (28 - 4 * place) & 15) as usize];
    text.extend_from_slice(&std::array::from_fn::<u8, 8, _>(digit));
}

/// Parses what [`push_hex`] writes; `None` for any other text.
pub fn parse_hex(text: &[u8]) -> Option<u32> {
    let digits: &[u8; 8] = text.try_into().ok()?;
    digits.iter().try_fold(0, |number, &byte| Some(number << 4 | u32::from(hex_digit(byte)?)))
}

/// Writes two hexadecimal digits.
pub(super) fn push_hex_byte(byte: u8, text: &mut Vec<u8>) {
    let digit = |four: u8| HEX_DIGITS[usize::from(four)];
    text.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
}

/// The value of a lower-case hexadecimal digit.
pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    fn decimal(number: u64) -> String {
        let mut text = b"x".to_vec();
        push_u64(number, &mut text);
        String::from_utf8(text.split_off(1)).unwrap()
    }

    #[test]
    fn numbers_are_written_like_in_the_standard_library() {
        let powers = (0..64).map(|bits| 1_u64 << bits);
        let tens = (0..20).map(|digits| 10_u64.pow(digits));
        for number in powers.chain(tens).flat_map(|n| [n - 1, n, n.wrapping_add(1)]) {
            assert_eq!(decimal(number), number.to_string());
            assert_eq!(parse_u64(decimal(number).as_bytes()), Some(number));
        }
        assert_eq!(decimal(u64::MAX), u64::MAX.to_string());
        each_seed(|seed| {
            let number = seed.next_u64() >> seed.below(64);
            assert_eq!(decimal(number), number.to_string());
            assert_eq!(parse_u64(decimal(number).as_bytes()), Some(number));
        });
    }

    #[test]
    fn another_spelling_is_refused() {
        for text in ["", "00", "07", "+7", "-7", "7 ", " 7", "1_000", "1e3", "0x7", "\u{0663}"] {
            assert_eq!(parse_u64(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        for text in ["18446744073709551616", "99999999999999999999", "100000000000000000000"] {
            assert_eq!(parse_u64(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn eight_hexadecimal_digits() {
        for number in [0, 1, 0xf, 0x10, 0x5f0c_2a91, u32::MAX] {
            let mut text = Vec::new();
            push_hex(number, &mut text);
            assert_eq!(text, format!("{number:08x}").as_bytes());
            assert_eq!(parse_hex(&text), Some(number));
        }
        for text in ["", "5f0c2a9", "5f0c2a911", "5F0C2A91", "5f0c2a9g", "+f0c2a91"] {
            assert_eq!(parse_hex(text.as_bytes()), None, "{text:?}");
        }
    }
}
