//! Random election timeouts, from a seed, so that a run can be repeated.

use std::time::Duration;

/// splitmix64 (Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub(super) fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A duration in `least .. least + spread`, uniformly distributed.
    pub(super) fn span(&mut self, least: Duration, spread: Duration) -> Duration {
        let nanos = u64::try_from(spread.as_nanos()).unwrap_or(u64::MAX).max(1);
        least.saturating_add(Duration::from_nanos(self.next() % nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_fill_their_range_and_a_seed_repeats_them() {
        let least = Duration::from_millis(300);
        let spans = |seed| -> Vec<Duration> {
            let mut random = Random::new(seed);
            (0..1000).map(|_| random.span(least, least)).collect()
        };
        let some = spans(1);
        assert_eq!(some, spans(1));
        assert_ne!(some, spans(2));
        assert!(some.iter().all(|span| (least..2 * least).contains(span)));
        assert!(some.iter().any(|span| *span < least * 11 / 10));
        assert!(some.iter().any(|span| *span > least * 19 / 10));
        assert_eq!(Random::new(1).span(Duration::ZERO, Duration::ZERO), Duration::ZERO);
    }
}
