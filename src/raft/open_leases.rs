//! The lengths of the promises that are not over yet. After a restart the node has to wait for the
//! longest (rule 10 of the lease).

use std::collections::VecDeque;
use std::time::Duration;

/// Promises that may still last, without those that end before a longer one does.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenLeases {
    /// The length and the end of each. Lengths fall and ends rise along the queue.
    open: VecDeque<(Duration, Duration)>,
}

impl OpenLeases {
    /// Adds a promise.
    pub(super) fn promise(&mut self, lease: Duration, until: Duration) {
        let covers = |a: (Duration, Duration), b: (Duration, Duration)| a.0 >= b.0 && a.1 >= b.1;
        while self.open.back().is_some_and(|last| covers((lease, until), *last)) {
            self.open.pop_back();
        }
        if !self.open.back().is_some_and(|last| covers(*last, (lease, until))) {
            self.open.push_back((lease, until));
        }
    }

    /// The greatest length of those that are not over; zero if there is none.
    pub(super) fn longest(&mut self, now: Duration) -> Duration {
        while self.open.pop_front_if(|(_, until)| *until < now).is_some() {}
        self.open.front().map_or(Duration::ZERO, |(lease, _)| *lease)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_long_promise_counts_until_it_is_over_and_no_longer() {
        let mut open = OpenLeases::default();
        assert_eq!(open.longest(MS), Duration::ZERO);
        open.promise(1000 * MS, 2000 * MS);
        open.promise(300 * MS, 1400 * MS);
        open.promise(300 * MS, 2100 * MS);
        open.promise(300 * MS, 2200 * MS);
        assert_eq!(open.longest(2000 * MS), 1000 * MS, "to the last moment");
        assert_eq!(open.longest(2001 * MS), 300 * MS);
        assert_eq!(open.open.len(), 1, "heartbeats do not add up");
        open.promise(500 * MS, 2600 * MS);
        assert_eq!(open.longest(2201 * MS), 500 * MS);
        assert_eq!(open.longest(2601 * MS), Duration::ZERO);
    }
}
