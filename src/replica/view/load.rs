//! The calls of a node between two samples, from the metrics of its server.

use std::sync::Arc;
use std::time::Duration;

use super::samples::Calls;
use crate::metrics::HistogramSnapshot;
use crate::rpc::ServerMetrics;

/// Counts the calls of some methods from sample to sample.
#[derive(Debug)]
pub(super) struct Load {
    metrics: Arc<ServerMetrics>,
    reads: HistogramSnapshot,
    writes: HistogramSnapshot,
}

impl Load {
    pub(super) fn new(metrics: Arc<ServerMetrics>) -> Load {
        let (reads, writes) = Default::default();
        Load { metrics, reads, writes }
    }

    /// The calls of these methods, given by their paths, since the last time.
    pub(super) fn take(&mut self, reads: &[&str], writes: &[&str]) -> (Calls, Calls) {
        let all = |paths: &[&str]| {
            let mut all = HistogramSnapshot::default();
            paths.iter().for_each(|path| all.merge(&self.metrics.totals(path).latency));
            all
        };
        let (reads, writes) = (all(reads), all(writes));
        let calls = (since(&self.reads, &reads), since(&self.writes, &writes));
        (self.reads, self.writes) = (reads, writes);
        calls
    }
}

/// The calls that were counted between two moments.
fn since(before: &HistogramSnapshot, after: &HistogramSnapshot) -> Calls {
    let mut between = *after;
    for (count, before) in between.buckets.iter_mut().zip(before.buckets) {
        *count = count.saturating_sub(before);
    }
    let us = |took: Duration| u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    let quantile = |fraction| between.quantile(fraction).map_or(0, us);
    Calls { count: between.count(), p50_us: quantile(0.5), p99_us: quantile(0.99) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Histogram;

    #[test]
    fn calls_are_those_between_two_samples() {
        let histogram = Histogram::default();
        for _ in 0..1000 {
            histogram.observe(Duration::from_millis(80));
        }
        let before = histogram.snapshot();
        assert_eq!(since(&before, &before), Calls::default());
        for _ in 0..90 {
            histogram.observe(Duration::from_micros(40));
        }
        for _ in 0..10 {
            histogram.observe(Duration::from_micros(900));
        }
        let calls = since(&before, &histogram.snapshot());
        assert_eq!(calls.count, 100);
        assert!((25..=50).contains(&calls.p50_us), "{calls:?}");
        assert!((500..=1000).contains(&calls.p99_us), "{calls:?}");
    }
}
