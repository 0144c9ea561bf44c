//! A 64-bit hash that is the same on every machine and in every run.
//!
//! Eight bytes at a time are mixed in by one multiplication whose two halves are folded together
//! (the step of Wang Yi's wyhash). It does not resist a search for collisions, so no user of it
//! relies on their absence: each says what a collision does.

use std::hash::{BuildHasherDefault, Hasher};

/// An odd number without a pattern: the first 64 bits of the golden ratio's fraction.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash in the making.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hash64(u64);

impl Hash64 {
    /// Of nothing yet.
    pub const fn new() -> Hash64 {
        Hash64(MULTIPLIER)
    }

    /// Mixes in a number.
    pub const fn number(&mut self, number: u64) {
        let product = (self.0 ^ number) as u128 * MULTIPLIER as u128;
        self.0 = product as u64 ^ (product >> 64) as u64 ^ number.rotate_left(32);
    }

    /// Mixes in a text and its length, so that two texts in a row don't run together.
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.number(u64::from_le_bytes(word));
        }
    }

    /// Mixes in a number or its absence.
    pub fn option(&mut self, number: Option<u64>) {
        self.number(u64::from(number.is_some()));
        self.number(number.unwrap_or(0));
    }

    /// The hash.
    pub const fn finish(mut self) -> u64 {
        self.number(0);
        self.0
    }
}

/// For maps whose keys are such hashes already: takes the key as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlreadyHashed(Hash64);

/// Makes maps of hashes.
pub type ByHash = BuildHasherDefault<AlreadyHashed>;

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0.number(u64::from(*byte)));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = Hash64(hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> u64 {
        let mut hash = Hash64::new();
        texts.iter().for_each(|text| hash.text(text));
        hash.finish()
    }

    #[test]
    fn texts_in_a_row_do_not_run_together() {
        let distinct = [of(&["ab", "c"]), of(&["a", "bc"]), of(&["abc"]), of(&["abc", ""])];
        assert!((1..4).all(|i| !distinct[..i].contains(&distinct[i])), "{distinct:x?}");
    }

    #[test]
    fn a_million_inputs_that_resemble_each_other_do_not_collide() {
        let of = |n: u64| {
            let mut hash = Hash64::new();
            hash.number(n / 1_000);
            hash.number(n % 1_000);
            hash.finish()
        };
        let mut hashes: Vec<u64> = (0..1_000_000).map(of).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 1_000_000);
    }
}
