//! The durations of tasks.

use std::collections::VecDeque;
use std::time::Duration;

/// The durations of the last tasks of a kind, over all rounds.
#[derive(Debug, Default)]
pub(super) struct DurationStats {
    recent: VecDeque<Duration>,
    median: Option<Duration>,
}

/// The number of durations that are kept.
const REMEMBERED: usize = 15;

impl DurationStats {
    pub(super) fn record(&mut self, took: Duration) {
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(took);
        let mut sorted: Vec<Duration> = self.recent.iter().copied().collect();
        sorted.sort_unstable();
        self.median = sorted.get(sorted.len() / 2).copied();
    }

    /// Stored, because it is read for each attempt on each event.
    pub(super) fn median(&self) -> Option<Duration> {
        self.median
    }
}
