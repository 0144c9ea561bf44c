//! Counters and histograms. Any thread may read them at any time.
//!
//! An instrument is changed in one of two ways. `add` and `observe` may be used by several threads at
//! once. `add_alone` and `observe_alone` are for an instrument that one thread changes: a load and a
//! store, without the locked instruction that costs ten times as much. All accesses are relaxed: a
//! scrape may see one counter before and another after the same event.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A count that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Adds `n` to a counter that no other thread changes.
    #[inline]
    pub fn add_alone(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// The count.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// An upper bound of a histogram's bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Nanoseconds, inclusive.
    pub ns: u64,
    /// The same in seconds, as the label `le` has it in both formats.
    pub seconds: &'static str,
}

const fn bound(ns: u64, seconds: &'static str) -> Bound {
    Bound { ns, seconds }
}

/// The buckets of all histograms: from a call that is answered at once to one that nearly fails. The
/// last bucket has no bound.
pub const BOUNDS: [Bound; 18] = [
    bound(10_000, "0.00001"),
    bound(25_000, "0.000025"),
    bound(50_000, "0.00005"),
    bound(100_000, "0.0001"),
    bound(250_000, "0.00025"),
    bound(500_000, "0.0005"),
    bound(1_000_000, "0.001"),
    bound(2_500_000, "0.0025"),
    bound(5_000_000, "0.005"),
    bound(10_000_000, "0.01"),
    bound(25_000_000, "0.025"),
    bound(50_000_000, "0.05"),
    bound(100_000_000, "0.1"),
    bound(250_000_000, "0.25"),
    bound(500_000_000, "0.5"),
    bound(1_000_000_000, "1.0"),
    bound(2_500_000_000, "2.5"),
    bound(10_000_000_000, "10.0"),
];

const BUCKETS: usize = BOUNDS.len() + 1;

/// Durations, counted in buckets.
#[derive(Debug)]
pub struct Histogram {
    /// Each counts the durations up to its bound and above the one before.
    buckets: [Counter; BUCKETS],
    sum_ns: Counter,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { buckets: array::from_fn(|_| Counter::default()), sum_ns: Counter::default() }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn observe(&self, duration: Duration) {
        let ns = nanoseconds(duration);
        if let Some(bucket) = self.buckets.get(bucket_of(ns)) {
            bucket.add(1);
        }
        self.sum_ns.add(ns);
    }

    /// Counts `n` equal durations in a histogram that no other thread changes.
    pub fn observe_alone(&self, duration: Duration, n: u64) {
        let ns = nanoseconds(duration);
        if let Some(bucket) = self.buckets.get(bucket_of(ns)) {
            bucket.add_alone(n);
        }
        self.sum_ns.add_alone(ns.wrapping_mul(n));
    }

    /// The present counts.
    pub fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            buckets: array::from_fn(|at| self.buckets.get(at).map_or(0, Counter::get)),
            sum_ns: self.sum_ns.get(),
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The first bucket whose bound is not below `ns`.
fn bucket_of(ns: u64) -> usize {
    BOUNDS.iter().position(|bound| ns <= bound.ns).unwrap_or(BOUNDS.len())
}

/// The counts of a [`Histogram`] at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// For each bound how many durations were up to it and above the one before, then the rest.
    pub buckets: [u64; BUCKETS],
    /// The sum of all durations.
    pub sum_ns: u64,
}

impl HistogramSnapshot {
    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Adds the counts of another one.
    pub fn merge(&mut self, other: &HistogramSnapshot) {
        for (own, other) in self.buckets.iter_mut().zip(other.buckets) {
            *own += other;
        }
        self.sum_ns = self.sum_ns.wrapping_add(other.sum_ns);
    }

    /// The duration that a fraction of all durations does not exceed, between 0 and 1, estimated as
    /// Prometheus does: values are spread evenly in their bucket. `None` without durations. A value
    /// beyond the last bound counts as that bound.
    pub fn quantile(&self, fraction: f64) -> Option<Duration> {
        let rank = self.count() as f64 * fraction;
        let (mut below, mut lower) = (0.0, 0);
        for (count, bound) in self.buckets.iter().zip(BOUNDS) {
            let count = *count as f64;
            if count > 0.0 && below + count >= rank {
                let share = ((rank - below) / count).clamp(0.0, 1.0);
                let width = (bound.ns - lower) as f64;
                return Some(Duration::from_nanos(lower + (width * share) as u64));
            }
            below += count;
            lower = bound.ns;
        }
        (self.count() > 0).then(|| Duration::from_nanos(lower))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn us(us: u64) -> Duration {
        Duration::from_micros(us)
    }

    #[test]
    fn the_bounds_grow_and_are_what_they_say() {
        assert!(BOUNDS.windows(2).all(|pair| pair[0].ns < pair[1].ns));
        for bound in BOUNDS {
            let seconds: f64 = bound.seconds.parse().unwrap();
            assert_eq!((seconds * 1e9).round() as u64, bound.ns);
            assert!(bound.seconds.contains('.'), "OpenMetrics wants a float");
        }
    }

    #[test]
    fn a_duration_counts_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        let histogram = Histogram::default();
        histogram.observe(us(10));
        histogram.observe(us(10) + Duration::from_nanos(1));
        histogram.observe_alone(Duration::from_secs(11), 3);
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.buckets[..3], [1, 1, 0]);
        assert_eq!(snapshot.buckets[BUCKETS - 1], 3);
        assert_eq!(snapshot.count(), 5);
        assert_eq!(snapshot.sum_ns, 20_001 + 33_000_000_000);
    }

    #[test]
    fn both_ways_to_change_an_instrument_count_the_same() {
        let (shared, alone) = (Histogram::default(), Histogram::default());
        let (a, b) = (Counter::default(), Counter::default());
        for us in [0, 1, 9, 40, 100, 101, 999, 1_000_000, 100_000_000] {
            shared.observe(Duration::from_micros(us));
            alone.observe_alone(Duration::from_micros(us), 1);
            a.add(us);
            b.add_alone(us);
        }
        assert_eq!(shared.snapshot(), alone.snapshot());
        assert_eq!(a.get(), b.get());
    }

    #[test]
    fn quantiles_lie_in_their_bucket() {
        let histogram = Histogram::default();
        assert_eq!(histogram.snapshot().quantile(0.5), None);
        histogram.observe_alone(us(30), 90);
        histogram.observe_alone(us(2_000), 10);
        let snapshot = histogram.snapshot();
        let median = snapshot.quantile(0.5).unwrap();
        assert!(median > us(25) && median <= us(50), "{median:?}");
        let high = snapshot.quantile(0.99).unwrap();
        assert!(high > us(1_000) && high <= us(2_500), "{high:?}");
        histogram.observe_alone(Duration::from_secs(60), 1_000);
        assert_eq!(histogram.snapshot().quantile(0.9), Some(Duration::from_secs(10)));
        let mut twice = snapshot;
        twice.merge(&snapshot);
        assert_eq!(twice.count(), 200);
        assert_eq!(twice.quantile(0.5), Some(median));
    }
}
