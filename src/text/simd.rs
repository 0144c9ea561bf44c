//! Processes sixteen bytes at a time with SSE2, which every x86-64 has; elsewhere eight bytes.
//!
//! # Soundness
//!
//! The only `unsafe` is the call of functions that are compiled for SSE2. They exist only where the
//! target is x86-64, and all such processors have SSE2. There are no raw pointers.

#![allow(unsafe_code)]

#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable;
#[cfg(target_arch = "x86_64")]
mod sse2;

/// The bytes of a chunk.
pub const CHUNK: usize = 64;

/// For each wanted byte, a bit for each position where it occurs; the first position is the lowest
/// bit.
#[inline]
pub fn byte_masks<const N: usize>(chunk: &[u8; CHUNK], wanted: [u8; N]) -> [u64; N] {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has SSE2.
    return unsafe { sse2::byte_masks(chunk, wanted) };
    #[cfg(not(target_arch = "x86_64"))]
    portable::byte_masks(chunk, wanted)
}

/// The two numbers whose eight digit values are the bytes of two words, each with the first digit
/// in the lowest byte. `None`: a byte is above 9.
#[inline]
pub(super) fn eight_digits_each(words: [u64; 2]) -> Option<[u64; 2]> {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has SSE2.
    return unsafe { sse2::eight_digits_each(words) };
    #[cfg(not(target_arch = "x86_64"))]
    portable::eight_digits_each(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    #[test]
    fn places_are_those_that_looking_one_by_one_finds() {
        each_seed(|seed| {
            let chunk = std::array::from_fn(|_| seed.below(256) as u8 & 0x8f);
            let wanted = [chunk[seed.below(CHUNK)], b'\n', 0x81];
            let expected = wanted.map(|wanted| {
                let found = chunk.iter().enumerate().filter(|(_, byte)| **byte == wanted);
                found.fold(0, |masks, (position, _)| masks | 1 << position)
            });
            assert_eq!(byte_masks(&chunk, wanted), expected);
            assert_eq!(portable::byte_masks(&chunk, wanted), expected);
        });
    }

    #[test]
    fn digits_are_converted_to_their_number() {
        each_seed(|seed| {
            let digits: [[u8; 8]; 2] =
                std::array::from_fn(|_| std::array::from_fn(|_| seed.below(10) as u8));
            let shown = digits.map(|digits| {
                digits.iter().fold(0, |number, digit| number * 10 + u64::from(*digit))
            });
            let words = digits.map(u64::from_le_bytes);
            assert_eq!(eight_digits_each(words), Some(shown));
            assert_eq!(portable::eight_digits_each(words), Some(shown));
            let mut wrong = words;
            let (above, position) = ((10 + seed.below(246)) as u64, seed.below(8));
            wrong[seed.below(2)] |= above << (8 * position);
            let is_wrong = wrong.iter().any(|word| word.to_le_bytes().iter().any(|byte| *byte > 9));
            assert_eq!(eight_digits_each(wrong).is_none(), is_wrong);
            assert_eq!(portable::eight_digits_each(wrong).is_none(), is_wrong);
        });
    }
}
