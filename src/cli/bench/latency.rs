//! A histogram of latencies.

use std::time::Duration;

/// Buckets of each power of two: the relative error of a value is 1/64.
const BUCKETS_PER_DOUBLING: usize = 64;
const DOUBLINGS: usize = 40;

/// A histogram of latencies from 1 ns to 18 minutes, of fixed size.
pub(super) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    longest: Duration,
}

impl Histogram {
    pub(super) fn new() -> Histogram {
        let counts = vec![0; BUCKETS_PER_DOUBLING * DOUBLINGS];
        Histogram { counts, total: 0, longest: Duration::ZERO }
    }

    pub(super) fn record(&mut self, latency: Duration) {
        let at = Histogram::bucket(latency.as_nanos() as u64).min(self.counts.len() - 1);
        self.counts[at] += 1;
        self.total += 1;
        self.longest = self.longest.max(latency);
    }

    fn bucket(nanos: u64) -> usize {
        let nanos = nanos.max(1);
        let doubling = nanos.ilog2() as usize;
        let within = if doubling >= 6 { nanos >> (doubling - 6) } else { nanos << (6 - doubling) };
        doubling * BUCKETS_PER_DOUBLING + (within as usize - BUCKETS_PER_DOUBLING)
    }

    /// The lower edge of a bucket.
    fn nanos(bucket: usize) -> u64 {
        let doubling = bucket / BUCKETS_PER_DOUBLING;
        let within = (bucket % BUCKETS_PER_DOUBLING + BUCKETS_PER_DOUBLING) as u64;
        if doubling >= 6 { within << (doubling - 6) } else { within >> (6 - doubling) }
    }

    pub(super) fn count(&self) -> u64 {
        self.total
    }

    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// The quantile of a share of the calls; zero without calls.
    pub(super) fn quantile(&self, share: f64) -> Duration {
        let rank = ((self.total as f64 * share).ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(Histogram::nanos(bucket));
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_within_one_part_in_64() {
        let mut histogram = Histogram::new();
        for micros in 1..=1000 {
            histogram.record(Duration::from_micros(micros));
        }
        for (share, micros) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0)] {
            let found = histogram.quantile(share).as_secs_f64() * 1e6;
            assert!((found - micros).abs() <= micros / 64.0 + 1.0, "{share}: {found}");
        }
        assert_eq!(histogram.longest(), Duration::from_millis(1));
        assert_eq!(histogram.count(), 1000);
    }

    #[test]
    fn extremes_have_a_bucket() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
        histogram.record(Duration::ZERO);
        histogram.record(Duration::MAX);
        assert_eq!(histogram.count(), 2);
    }
}
