//! A digest of a file's bytes that can be computed in any order: the digests of parts are added.
//!
//! ```text
//!   digest = sum over i of word(i) * key(i)   modulo 2^128
//! ```
//!
//! `word(i)` is the `i`th eight bytes of the file as a little-endian number, with zeros for bytes
//! that are not in the part; `key(i)` is a pseudo-random number of 64 bits (splitmix64 of `i`). A
//! word that lies in two parts is the sum of its two halves. So the digest of a file is the sum of
//! the digests of its parts, wherever it is cut and in whatever order the parts are read.
//!
//! The digest detects accidental changes. It does not protect against an attacker, since the keys
//! are known. Two different contents of the same length have the same digest with a probability of
//! about `2^-64`. Zeros at the end do not change the digest, so it is always compared together with
//! the length. Computing it takes a fraction of the time of parsing the text.

use std::fmt;
use std::str::FromStr;

/// The digest of some bytes of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(u128);

const WORD_BYTES: u64 = 8;

/// A pseudo-random number (splitmix64).
fn key(index: u64) -> u64 {
    let mut z = index.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Digest {
    /// Adds bytes that begin at this offset of their file. Each byte must be added only once.
    pub fn add(&mut self, offset: u64, bytes: &[u8]) {
        let (mut index, inside) = (offset / WORD_BYTES, (offset % WORD_BYTES) as usize);
        let mut rest = bytes;
        if inside > 0 {
            let head = rest.len().min(WORD_BYTES as usize - inside);
            self.add_part(index, inside, &rest[..head]);
            rest = &rest[head..];
            index += 1;
        }
        let (words, tail) = rest.as_chunks::<8>();
        let mut sum = self.0;
        for word in words {
            let product = u128::from(u64::from_le_bytes(*word)) * u128::from(key(index));
            sum = sum.wrapping_add(product);
            index += 1;
        }
        self.0 = sum;
        self.add_part(index, 0, tail);
    }

    /// Adds bytes of one word, `inside` bytes after its beginning.
    fn add_part(&mut self, index: u64, inside: usize, bytes: &[u8]) {
        let mut word = [0; WORD_BYTES as usize];
        for (place, byte) in word.iter_mut().skip(inside).zip(bytes) {
            *place = *byte;
        }
        let product = u128::from(u64::from_le_bytes(word)) * u128::from(key(index));
        self.0 = self.0.wrapping_add(product);
    }

    /// Adds another part of the same file.
    pub fn merge(&mut self, other: Digest) {
        self.0 = self.0.wrapping_add(other.0);
    }

    /// The digest as bytes, little-endian.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// The digest that [`to_bytes`](Self::to_bytes) gave.
    pub fn from_bytes(bytes: [u8; 16]) -> Digest {
        Digest(u128::from_le_bytes(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The text is not a digest of 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoDigest;

impl FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Digest, NoDigest> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok().filter(|_| is_hex);
        number.map(Digest).ok_or(NoDigest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    fn of(offset: u64, bytes: &[u8]) -> Digest {
        let mut digest = Digest::default();
        digest.add(offset, bytes);
        digest
    }

    #[test]
    fn the_digest_does_not_depend_on_the_cuts() {
        each_seed(|seed| {
            if !seed.one_in(20) {
                return;
            }
            let bytes: Vec<u8> = (0..seed.below(200)).map(|_| seed.below(256) as u8).collect();
            let start = seed.below(50) as u64;
            let mut parts = Vec::new();
            let mut at = 0;
            while at < bytes.len() {
                let end = bytes.len().min(at + seed.below(30));
                parts.push(of(start + at as u64, &bytes[at..end]));
                at = end;
            }
            let mut sum = Digest::default();
            // In reverse order.
            parts.iter().rev().for_each(|part| sum.merge(*part));
            assert_eq!(sum, of(start, &bytes));
            assert_eq!(sum.to_string().parse(), Ok(sum));
            assert_eq!(Digest::from_bytes(sum.to_bytes()), sum);
        });
    }

    #[test]
    fn a_changed_input_has_another_digest() {
        each_seed(|seed| {
            if !seed.one_in(20) {
                return;
            }
            let lines: Vec<String> =
                (0..2 + seed.below(40)).map(|_| format!("{}\n", seed.below(1000))).collect();
            let text = lines.concat().into_bytes();
            let mut other = text.clone();
            match seed.below(3) {
                0 => {
                    let at = seed.below(other.len());
                    other[at] ^= 1 << seed.below(8);
                }
                1 => {
                    // The highest bits of two words.
                    let at = [seed.below(other.len()) | 7, seed.below(other.len()) | 7];
                    for at in at {
                        if let Some(byte) = other.get_mut(at) {
                            *byte ^= 0x80;
                        }
                    }
                }
                _ => {
                    let mut swapped = lines.clone();
                    let (one, two) = (seed.below(lines.len()), seed.below(lines.len()));
                    swapped.swap(one, two);
                    other = swapped.concat().into_bytes();
                }
            }
            assert_eq!(of(0, &other) == of(0, &text), other == text);
        });
    }

    #[test]
    fn what_is_no_digest_is_none() {
        for text in
            ["", "0", "00000000000000000000000000000000 ", "+0000000000000000000000000000000"]
        {
            assert_eq!(text.parse::<Digest>(), Err(NoDigest), "{text:?}");
        }
    }
}
