//! Strings in the Huffman code (RFC 7541 section 5.2).

use super::Error;
use super::huffman_code::{BITS, CODES, EOS, MAX_BITS, SHORT, long};

/// The shortest code, in bits: it bounds the length of a string by the length of its code.
const MIN_BITS: usize = 5;

/// How many octets `text` takes in the code, padding included.
pub(super) fn encoded_len(text: &[u8]) -> usize {
    let bits: usize = text.iter().map(|&octet| usize::from(BITS[usize::from(octet)])).sum();
    bits.div_ceil(8)
}

/// Appends `text` in the code, padded with ones to a whole octet.
pub(super) fn encode(text: &[u8], out: &mut Vec<u8>) {
    // The low `pending` bits of `window` are not written yet: fewer than 32 between two symbols.
    let mut window: u64 = 0;
    let mut pending: u32 = 0;
    for &octet in text {
        let bits = u32::from(BITS[usize::from(octet)]);
        window = window << bits | u64::from(CODES[usize::from(octet)]);
        pending += bits;
        if pending >= 32 {
            pending -= 32;
            out.extend_from_slice(&((window >> pending) as u32).to_be_bytes());
        }
    }
    let padding = pending.next_multiple_of(8) - pending;
    window = window << padding | ((1 << padding) - 1);
    pending += padding;
    while pending > 0 {
        pending -= 8;
        out.push((window >> pending) as u8);
    }
}

/// Decodes `code`, appends at most `keep` octets of the text to `out`, and returns the whole length of
/// the text. All of the code is checked, even if no octet is kept.
///
/// # Errors
/// [`Error::Huffman`]; `out` may then hold a part.
pub(super) fn decode(code: &[u8], keep: usize, out: &mut Vec<u8>) -> Result<usize, Error> {
    let longest = code.len() * 8 / MIN_BITS;
    let start = out.len();
    if longest <= keep {
        out.reserve(longest);
        decode_symbols(code, |symbol| out.push(symbol))?;
        return Ok(out.len() - start);
    }
    let mut len = 0;
    decode_symbols(code, |symbol| {
        if len < keep {
            out.push(symbol);
        }
        len += 1;
    })?;
    Ok(len)
}

/// Calls `put` with each symbol.
fn decode_symbols(mut code: &[u8], mut put: impl FnMut(u8)) -> Result<(), Error> {
    // The high `filled` bits of `window` are the next bits of the code. The bits below them may be
    // set: they are the same as those of the next refill.
    let mut window: u64 = 0;
    let mut filled: u32 = 0;
    while let Some(next) = code.first_chunk() {
        window |= u64::from_be_bytes(*next) >> filled;
        let octets = (63 - filled) / 8;
        code = &code[octets as usize..];
        filled += octets * 8;
        while filled >= MAX_BITS as u32 {
            let (symbol, bits) = first_symbol(window)?;
            put(symbol);
            window <<= bits;
            filled -= bits;
        }
    }
    loop {
        while filled < 56
            && let Some((&octet, rest)) = code.split_first()
        {
            window |= u64::from(octet) << (56 - filled);
            filled += 8;
            code = rest;
        }
        // Behind the end of the code the bits count as ones, like padding.
        let padded = window | (u64::MAX >> filled);
        if filled < 8 && padded == u64::MAX {
            return Ok(());
        }
        let (symbol, bits) = first_symbol(padded)?;
        filled = filled.checked_sub(bits).ok_or(Error::Huffman)?;
        put(symbol);
        window <<= bits;
    }
}

#[inline]
fn first_symbol(window: u64) -> Result<(u8, u32), Error> {
    let short = SHORT[(window >> 56) as usize];
    if short.bits > 0 {
        return Ok((short.symbol, u32::from(short.bits)));
    }
    let (symbol, bits) = long((window >> 32) as u32);
    u8::try_from(symbol).map(|symbol| (symbol, bits)).map_err(|_| {
        debug_assert_eq!(symbol, EOS);
        Error::Huffman
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::seed::each_seed;

    fn code(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(text, &mut out);
        assert_eq!(out.len(), encoded_len(text));
        out
    }

    fn text(code: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        assert_eq!(decode(code, usize::MAX, &mut out)?, out.len());
        Ok(out)
    }

    /// Appendix C.4.1.
    #[test]
    fn a_name_is_encoded_as_in_the_appendix() {
        let coded = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(code(b"www.example.com"), coded);
        assert_eq!(text(&coded).unwrap(), b"www.example.com");
    }

    #[test]
    fn every_octet_alone_and_among_others_survives_the_round_trip() {
        assert_eq!(text(&code(b"")).unwrap(), b"");
        let all: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        assert_eq!(text(&code(&all)).unwrap(), all);
        for octet in 0..=255_u8 {
            for count in 1..10 {
                let run = vec![octet; count];
                assert_eq!(text(&code(&run)).unwrap(), run);
            }
        }
    }

    #[test]
    fn random_strings_survive_the_round_trip_and_are_truncated_to_keep() {
        each_seed(|seed| {
            let len = seed.below(80);
            let mut original = seed.bytes(len);
            if seed.one_in(2) {
                original.iter_mut().for_each(|octet| *octet = 0x20 + *octet % 0x5f);
            }
            let coded = code(&original);
            assert_eq!(text(&coded).unwrap(), original);
            let keep = seed.below(90);
            let mut part = Vec::new();
            assert_eq!(decode(&coded, keep, &mut part), Ok(len));
            assert_eq!(part, original[..keep.min(len)]);
        });
    }

    /// The same bit by bit, literally as in section 5.2.
    fn slow_text(code: &[u8], symbols: &BTreeMap<(u8, u32), u8>) -> Result<Vec<u8>, Error> {
        let bits = code.iter().flat_map(|octet| (0..8).rev().map(move |at| octet >> at & 1));
        let mut out = Vec::new();
        let (mut word, mut len) = (0_u32, 0_u8);
        for bit in bits {
            (word, len) = (word << 1 | u32::from(bit), len + 1);
            if let Some(&octet) = symbols.get(&(len, word)) {
                out.push(octet);
                (word, len) = (0, 0);
            } else if len == BITS[usize::from(EOS)] {
                return Err(Error::Huffman);
            }
        }
        if len < 8 && word == (1 << len) - 1 { Ok(out) } else { Err(Error::Huffman) }
    }

    #[test]
    fn mutated_code_decodes_as_bit_by_bit() {
        let symbols = (0..=255_u8)
            .map(|octet| ((BITS[usize::from(octet)], CODES[usize::from(octet)]), octet))
            .collect();
        each_seed(|seed| {
            let len = seed.below(12);
            let mut coded = code(&seed.bytes(len));
            seed.mutate(&mut coded);
            assert_eq!(text(&coded), slow_text(&coded, &symbols));
        });
    }

    /// Section 5.2: "a padding strictly longer than 7 bits MUST be treated as a decoding error".
    #[test]
    fn padding_of_more_than_7_bits_is_refused() {
        for len in 0..20 {
            let mut padded = code(&b"0123456789abcdefghij"[..len]);
            padded.push(0xff);
            assert_eq!(text(&padded), Err(Error::Huffman), "{len}");
        }
    }

    /// Section 5.2: "a padding not corresponding to the most significant bits of the code for the
    /// EOS symbol MUST be treated as a decoding error".
    #[test]
    fn padding_with_anything_but_ones_is_refused() {
        // "o" is 00111: three bits of padding.
        assert_eq!(text(&[0b0011_1111]), Ok(b"o".to_vec()));
        for padding in 0..0b111 {
            assert_eq!(text(&[0b0011_1000 | padding]), Err(Error::Huffman), "{padding:03b}");
        }
    }

    /// Section 5.2: "a Huffman-encoded string literal containing the EOS symbol MUST be treated as
    /// a decoding error".
    #[test]
    fn the_symbol_eos_is_refused_wherever_it_stands() {
        assert_eq!(text(&[0xff, 0xff, 0xff, 0xff]), Err(Error::Huffman));
        for len in 0..20 {
            // EOS behind `len` times "&" (8 bits), then more.
            let mut coded = vec![0xf8; len];
            coded.extend([0xff, 0xff, 0xff, 0xfc, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8]);
            assert_eq!(text(&coded), Err(Error::Huffman), "{len}");
        }
    }

    #[test]
    fn a_code_cut_short_is_refused() {
        // 0x16 has a code of 30 bits; its first 24 are ones.
        let coded = code(&[0x16]);
        for cut in 1..coded.len() {
            assert_eq!(text(&coded[..cut]), Err(Error::Huffman), "{cut}");
        }
    }
}
