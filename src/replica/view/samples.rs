//! The load of the last minutes, at a fixed cost.

use crate::replica::clock::whole_ms;
use std::collections::VecDeque;
use std::time::Duration;

/// The time between two samples.
pub const SAMPLE_INTERVAL: Duration = Duration::from_secs(2);
/// Samples that are kept: ten minutes.
const KEPT_SAMPLES: usize = 300;

/// Calls of one kind in an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// How many were answered.
    pub count: u64,
    /// Half of them took no longer, in microseconds.
    pub p50_us: u64,
    /// 99 of 100 of them took no longer.
    pub p99_us: u64,
}

/// The load in one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Counts the samples from 1.
    pub number: u64,
    /// The end of the interval, milliseconds since 1970.
    pub at_ms: u64,
    /// Its length in milliseconds.
    pub interval_ms: u64,
    /// Calls that read.
    pub reads: Calls,
    /// Calls that write.
    pub writes: Calls,
}

/// The last samples.
#[derive(Debug, Default)]
pub struct Samples {
    kept: VecDeque<Sample>,
    last_number: u64,
}

impl Samples {
    /// Adds the newest.
    pub fn push(&mut self, at_ms: u64, interval: Duration, reads: Calls, writes: Calls) {
        self.last_number += 1;
        if self.kept.len() == KEPT_SAMPLES {
            self.kept.pop_front();
        }
        let (number, interval_ms) = (self.last_number, whole_ms(interval));
        self.kept.push_back(Sample { number, at_ms, interval_ms, reads, writes });
    }

    /// Those behind a number, oldest first.
    pub fn after(&self, number: u64) -> impl Iterator<Item = &Sample> {
        self.kept.iter().filter(move |sample| sample.number > number)
    }

    /// The number of the newest; 0 if there is none.
    pub fn last_number(&self) -> u64 {
        self.last_number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_minutes_are_kept() {
        let mut samples = Samples::default();
        for at_ms in 0..1000 {
            samples.push(at_ms, SAMPLE_INTERVAL, Calls::default(), Calls::default());
        }
        let kept: Vec<u64> = samples.after(0).map(|sample| sample.number).collect();
        assert_eq!((kept.len(), kept[0], kept[299]), (300, 701, 1000));
        assert_eq!(samples.after(999).count(), 1);
        assert_eq!(samples.last_number(), 1000);
    }
}
