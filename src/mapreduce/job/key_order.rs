//! The order of keys.

use std::cmp::Ordering;

/// In which order keys come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyOrder {
    /// That of their bytes.
    #[default]
    Bytes,
    /// Shorter ones first, then that of their bytes: for whole numbers without leading zeros the
    /// order of numbers.
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

    /// A number that orders keys as they are, but for keys that it cannot tell apart.
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

    /// Keys up to this length are told apart by their prefix and length.
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
