//! The order of keys.

use std::cmp::Ordering;

/// In which order keys come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyOrder {
    /// Bytewise.
    #[default]
    Bytes,
    /// By length, then bytewise: the numeric order of whole numbers without leading zeros.
    Numbers,
}

impl KeyOrder {
    /// Compares two keys.
    pub fn compare(self, left: &[u8], right: &[u8]) -> Ordering {
        match self {
            KeyOrder::Bytes => left.cmp(right),
            KeyOrder::Numbers => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
        }
    }

    /// The beginning of a key as a number. Different prefixes have the order of their keys; equal
    /// prefixes decide nothing.
    pub(super) fn prefix(self, key: &[u8]) -> u64 {
        let mut first = [0; 8];
        let count = key.len().min(8);
        first[..count].copy_from_slice(&key[..count]);
        let bytes = u64::from_be_bytes(first);
        match self {
            KeyOrder::Bytes => bytes,
            KeyOrder::Numbers => (key.len().min(255) as u64) << 56 | bytes >> 8,
        }
    }

    /// Keys up to this length are equal if their prefix and length are equal.
    pub(super) fn whole_prefix_bytes(self) -> u32 {
        match self {
            KeyOrder::Bytes => 8,
            KeyOrder::Numbers => 7,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_their_order() {
        let mut numbers: Vec<u64> = vec![0, 7, 9, 10, 99, 100, 12_345_678, 123_456_789, u64::MAX];
        numbers.extend((0..18).map(|digits| 10_u64.pow(digits) + 3));
        let mut texts: Vec<String> = numbers.iter().map(u64::to_string).collect();
        texts.sort_by(|left, right| KeyOrder::Numbers.compare(left.as_bytes(), right.as_bytes()));
        numbers.sort_unstable();
        assert_eq!(texts, numbers.iter().map(u64::to_string).collect::<Vec<_>>());
    }
}
