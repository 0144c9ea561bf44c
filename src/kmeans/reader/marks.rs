//! Where numbers end and have their points: the places of three bytes, found in words of eight before anything is parsed.
//!
//! A parser that goes from number to number knows where one begins only after it read the one
//! before; a processor that is told beforehand reads several at a time.

/// Bytes looked at together.
const CHUNK: usize = 64;

/// The places of any of three bytes, rising.
pub(super) struct Marks<'a> {
    chunks: std::slice::Chunks<'a, u8>,
    wanted: [u8; 3],
    /// Where the chunk begins that comes next.
    next: usize,
    /// A bit for each place in the chunk before that is still to be given.
    left: u64,
}

impl<'a> Marks<'a> {
    pub(super) fn new(bytes: &'a [u8], wanted: [u8; 3]) -> Marks<'a> {
        Marks { chunks: bytes.chunks(CHUNK), wanted, next: 0, left: 0 }
    }
}

impl Iterator for Marks<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.left == 0 {
            let chunk = self.chunks.next()?;
            self.left = match chunk.as_chunks::<8>() {
                (words, []) => words.iter().rev().fold(0, |places, word| {
                    places << 8 | eight(u64::from_le_bytes(*word), self.wanted)
                }),
                _ => chunk
                    .iter()
                    .rev()
                    .fold(0, |places, byte| places << 1 | u64::from(self.wanted.contains(byte))),
            };
            self.next += CHUNK;
        }
        let place = self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        Some(self.next - CHUNK + place)
    }
}

/// A bit for each of eight bytes.
#[inline]
fn eight(word: u64, wanted: [u8; 3]) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = EACH * 0x80;
    // The top bit of each byte that differs: no sum of 7 bits carries into the next byte.
    let differs = |byte: u8| {
        let difference = word ^ (EACH * u64::from(byte));
        ((difference & !TOPS) + !TOPS) | difference
    };
    let found = !(differs(wanted[0]) & differs(wanted[1]) & differs(wanted[2])) & TOPS;
    // The multiplication gathers the eight bits in the top byte.
    (found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    #[test]
    fn they_are_those_that_looking_one_by_one_finds() {
        each_seed(|seed| {
            let len = seed.below(300);
            let bytes: Vec<u8> = (0..len).map(|_| seed.below(256) as u8 & 0x8f).collect();
            let wanted = [bytes.first().copied().unwrap_or(1), 0x0a, 0x81];
            let places: Vec<usize> = Marks::new(&bytes, wanted).collect();
            let expected = bytes.iter().enumerate().filter(|(_, byte)| wanted.contains(byte));
            assert_eq!(places, expected.map(|(place, _)| place).collect::<Vec<_>>());
        });
    }
}
