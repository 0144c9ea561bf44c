//! Eight bytes at a time.

use super::CHUNK;
use crate::text::number;

/// The factor that repeats a byte in all eight bytes of a word.
const EACH: u64 = 0x0101_0101_0101_0101;
/// The top bit of each byte.
const TOPS: u64 = EACH * 0x80;

pub(super) fn byte_masks<const N: usize>(chunk: &[u8; CHUNK], wanted: [u8; N]) -> [u64; N] {
    let (words, _) = chunk.as_chunks::<8>();
    wanted.map(|wanted| {
        words.iter().rev().fold(0, |masks, word| {
            let difference = u64::from_le_bytes(*word) ^ (EACH * u64::from(wanted));
            // The top bit of each byte that differs: no sum of 7 bits carries into the next byte.
            let differs = ((difference & !TOPS) + !TOPS) | difference;
            // The multiplication gathers the eight bits in the top byte.
            let found = (!differs & TOPS) >> 7;
            masks << 8 | found.wrapping_mul(0x0102_0408_1020_4080) >> 56
        })
    })
}

pub(super) fn eight_digits_each(words: [u64; 2]) -> Option<[u64; 2]> {
    let are_digits = words.into_iter().all(|word| number::not_digits(word) == 0);
    are_digits.then(|| words.map(number::eight_digits))
}
