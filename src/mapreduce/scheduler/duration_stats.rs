//! How long the tasks of a kind take.

use std::collections::VecDeque;
use std::time::Duration;

/// How long the last tasks of a kind took, over all rounds.
#[derive(Debug, Default)]
pub(super) struct DurationStats {
    recent: VecDeque<Duration>,
    median: Option<Duration>,
}

/// As many durations are remembered.
const REMEMBERED: usize = 15;

impl DurationStats {
    pub(super) fn note(&mut self, took: Duration) {
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(took);
        let mut sorted: Vec<Duration> = self.recent.iter().copied().collect();
        sorted.sort_unstable();
        self.median = sorted.get(sorted.len() / 2).copied();
    }

    /// Asked for each attempt whenever something happens.
    pub(super) fn median(&self) -> Option<Duration> {
        self.median
    }
}
