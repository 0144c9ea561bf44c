//! Searches bytes in chunks. The loops over chunks have no branches, so that the compiler can use
//! vector instructions.

/// The bytes of a chunk: two vectors of the baseline of x86-64.
const CHUNK: usize = 32;

/// The position of the first `needle`.
pub fn find(needle: u8, bytes: &[u8]) -> Option<usize> {
    let needles = u64::from_ne_bytes([needle; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        // The lowest zero byte is the first needle; bytes above it may be misreported as zero
        // (H. Warren, *Hacker's Delight*, 6-1).
        let other = u64::from_le_bytes(*word) ^ needles;
        let zeros = other.wrapping_sub(LOWS) & !other & HIGHS;
        if zeros != 0 {
            return Some(number * 8 + zeros.trailing_zeros() as usize / 8);
        }
    }
    let within = rest.iter().position(|&byte| byte == needle)?;
    Some(bytes.len() - rest.len() + within)
}

/// The lowest bit of each byte.
const LOWS: u64 = u64::from_ne_bytes([1; 8]);
/// The highest bit of each byte.
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// The position of the first byte for which `is_wanted` is true.
#[inline]
pub(super) fn find_first(bytes: &[u8], is_wanted: impl Fn(u8) -> bool + Copy) -> Option<usize> {
    let (chunks, rest) = bytes.as_chunks::<CHUNK>();
    for (number, chunk) in chunks.iter().enumerate() {
        if chunk.iter().fold(false, |found, &byte| found | is_wanted(byte)) {
            let within = chunk.iter().position(|&byte| is_wanted(byte))?;
            return Some(number * CHUNK + within);
        }
    }
    let within = rest.iter().position(|&byte| is_wanted(byte))?;
    Some(bytes.len() - rest.len() + within)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    #[test]
    fn the_first_match_is_found_at_any_position() {
        for len in 0..100 {
            let mut bytes = vec![b'a'; len];
            assert_eq!(find(b'x', &bytes), None);
            for at in (0..len).rev() {
                bytes[at] = b'x';
                assert_eq!(find(b'x', &bytes), Some(at), "of {len}");
            }
        }
    }

    #[test]
    fn the_result_equals_that_of_a_simple_loop() {
        each_seed(|seed| {
            let len = seed.below(200);
            let bytes: Vec<u8> = (0..len).map(|_| seed.below(40) as u8).collect();
            let wanted = seed.below(40) as u8;
            assert_eq!(find(wanted, &bytes), bytes.iter().position(|&byte| byte == wanted));
        });
    }
}
