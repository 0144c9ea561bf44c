//! Unpredictable random numbers, used as ids of directories, processes, jobs and accounts.
//!
//! They come from the standard library's hasher, whose keys the operating system chooses: that
//! needs neither a file nor `unsafe`, so it works in a root file system without `/dev`. The hasher
//! is SipHash, a pseudo-random function (Aumasson and Bernstein, *SipHash: a fast short-input
//! PRF*), here applied to a counter.

use std::hash::{BuildHasher, RandomState};

/// Unpredictable random bytes.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let keys = RandomState::new();
    let words = (0_u64..).flat_map(|number| keys.hash_one(number).to_le_bytes());
    let mut bytes = [0; N];
    bytes.iter_mut().zip(words).for_each(|(byte, random)| *byte = random);
    bytes
}

/// An unpredictable random number above 0.
pub fn random_number() -> u64 {
    u64::from_le_bytes(random_bytes()).max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_numbers_are_equal() {
        let numbers: BTreeSet<u64> = (0..1000).map(|_| random_number()).collect();
        assert_eq!(numbers.len(), 1000);
        let halves: BTreeSet<[u8; 8]> = (0..1000)
            .flat_map(|_| {
                let bytes: [u8; 16] = random_bytes();
                let (one, other) = bytes.split_at(8);
                [one, other].map(|half| half.try_into().unwrap())
            })
            .collect();
        assert_eq!(halves.len(), 2000);
    }

    #[test]
    fn every_bit_is_set_in_about_half_of_the_numbers() {
        const COUNT: usize = 4000;
        let mut set = [0; 20 * 8];
        for _ in 0..COUNT {
            let bytes: [u8; 20] = random_bytes();
            for (bit, count) in set.iter_mut().enumerate() {
                *count += usize::from(bytes[bit / 8] >> (bit % 8) & 1);
            }
        }
        // Ten standard deviations.
        let most = 10 * COUNT.isqrt() / 2;
        assert!(set.iter().all(|count| count.abs_diff(COUNT / 2) < most), "{set:?}");
    }
}
