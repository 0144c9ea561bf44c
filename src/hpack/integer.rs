//! Prefix integers (RFC 7541 section 5.1).
//!
//! A number occupies the low bits of an octet whose high bits have another meaning. If it does not fit
//! there, those bits are all ones and the rest follows in groups of 7 bits, lowest first.

use super::Error;

/// How many octets may follow the first: enough for 32 bits.
const MAX_CONTINUATION_OCTETS: usize = 5;

/// Takes an integer with a prefix of `prefix_bits` (1 to 8) from the front of `input`. The bits above
/// the prefix are ignored.
///
/// # Errors
/// [`Error::Truncated`] when the input ends inside the integer; [`Error::Integer`] beyond 32 bits, or
/// when the last octet is zero: no useful encoder pads its numbers.
#[inline]
pub(super) fn decode(input: &mut &[u8], prefix_bits: u32) -> Result<usize, Error> {
    let (&first, rest) = input.split_first().ok_or(Error::Truncated)?;
    let mask = prefix_mask(prefix_bits);
    *input = rest;
    if first & mask < mask {
        return Ok(usize::from(first & mask));
    }
    decode_continuation(input, mask)
}

fn decode_continuation(input: &mut &[u8], prefix: u8) -> Result<usize, Error> {
    let mut value = u64::from(prefix);
    for position in 0..MAX_CONTINUATION_OCTETS {
        let (&octet, rest) = input.split_first().ok_or(Error::Truncated)?;
        *input = rest;
        value += u64::from(octet & 0x7f) << (7 * position);
        if octet & 0x80 == 0 {
            if octet == 0 && position > 0 {
                return Err(Error::Integer);
            }
            let value = u32::try_from(value).map_err(|_| Error::Integer)?;
            return usize::try_from(value).map_err(|_| Error::Integer);
        }
    }
    Err(Error::Integer)
}

/// Appends `value` with a prefix of `prefix_bits` (1 to 8) below the bits of `pattern`.
#[inline]
pub(super) fn encode(value: usize, prefix_bits: u32, pattern: u8, out: &mut Vec<u8>) {
    let mask = prefix_mask(prefix_bits);
    if value < usize::from(mask) {
        out.push(pattern | value as u8);
        return;
    }
    out.push(pattern | mask);
    let mut rest = value - usize::from(mask);
    while rest >= 0x80 {
        out.push(0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    out.push(rest as u8);
}

const fn prefix_mask(prefix_bits: u32) -> u8 {
    (0xff_u16 >> (8 - prefix_bits)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(value: usize, prefix_bits: u32) -> Vec<u8> {
        let mut out = Vec::new();
        encode(value, prefix_bits, 0, &mut out);
        let mut input = &out[..];
        assert_eq!(decode(&mut input, prefix_bits), Ok(value));
        assert!(input.is_empty());
        out
    }

    /// Appendix C.1.1.
    #[test]
    fn ten_in_a_5_bit_prefix_is_one_octet() {
        assert_eq!(round_trip(10, 5), [0b01010]);
    }

    /// Appendix C.1.2.
    #[test]
    fn thirteen_hundred_and_37_in_a_5_bit_prefix_is_three_octets() {
        assert_eq!(round_trip(1337, 5), [0b11111, 0b1001_1010, 0b0000_1010]);
    }

    /// Appendix C.1.3.
    #[test]
    fn forty_two_at_an_octet_boundary_is_one_octet() {
        assert_eq!(round_trip(42, 8), [0b0010_1010]);
    }

    #[test]
    fn every_prefix_carries_every_width() {
        for prefix_bits in 1..=8 {
            for shift in 0..=32 {
                let around = (1_u64 << shift) as usize;
                for value in [around - 1, around, around + 1] {
                    if value <= u32::MAX as usize {
                        round_trip(value, prefix_bits);
                    }
                }
            }
        }
    }

    #[test]
    fn the_bits_above_the_prefix_are_the_callers() {
        let mut out = Vec::new();
        encode(10, 5, 0b1110_0000, &mut out);
        assert_eq!(out, [0b1110_1010]);
        assert_eq!(decode(&mut &out[..], 5), Ok(10));
    }

    #[test]
    fn an_integer_cut_short_is_refused() {
        for cut in [&[][..], &[0x1f], &[0x1f, 0x9a]] {
            assert_eq!(decode(&mut &cut[..], 5), Err(Error::Truncated), "{cut:?}");
        }
    }

    /// Section 5.1: "integer encodings that exceed implementation limits -- in value or octet
    /// length -- MUST be treated as decoding errors".
    #[test]
    fn an_integer_beyond_32_bits_is_refused() {
        let largest = round_trip(u32::MAX as usize, 7);
        assert_eq!(largest.len(), 6);
        let mut beyond = largest.clone();
        beyond[1] += 1;
        assert_eq!(decode(&mut &beyond[..], 7), Err(Error::Integer));
        let endless = [0x7f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
        assert_eq!(decode(&mut &endless[..], 7), Err(Error::Integer));
        let all_ones = [0xff; 32];
        assert_eq!(decode(&mut &all_ones[..], 7), Err(Error::Integer));
    }

    #[test]
    fn an_integer_longer_than_necessary_is_refused() {
        for padded in [&[0x1f, 0x80, 0x00][..], &[0x1f, 0x9a, 0x8a, 0x00]] {
            assert_eq!(decode(&mut &padded[..], 5), Err(Error::Integer), "{padded:x?}");
        }
        assert_eq!(decode(&mut &[0x1f, 0x00][..], 5), Ok(31));
    }
}
