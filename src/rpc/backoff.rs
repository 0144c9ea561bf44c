//! Growing pauses between attempts to connect ("gRPC Connection Backoff Protocol", with shorter
//! pauses: servers are started by the same script as their clients, and peers restart).

use std::time::Duration;

/// When the next attempt may be made.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    pause: Duration,
    not_before: Duration,
}

impl Backoff {
    /// With pauses from `first` to `longest`. The first attempt need not wait.
    pub(super) fn new(first: Duration, longest: Duration) -> Backoff {
        Backoff { first, longest, pause: Duration::ZERO, not_before: Duration::ZERO }
    }

    /// An attempt failed at `now`. Returns when the next may be made.
    pub(super) fn failed(&mut self, now: Duration) -> Duration {
        self.pause = (self.pause * 8 / 5).clamp(self.first, self.longest);
        self.not_before = now + self.pause;
        self.not_before
    }

    /// An attempt succeeded.
    pub(super) fn succeeded(&mut self) {
        self.pause = Duration::ZERO;
        self.not_before = Duration::ZERO;
    }

    /// How long to wait until the next attempt.
    pub(super) fn remaining(&self, now: Duration) -> Duration {
        self.not_before.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_start_over_after_a_success() {
        let (first, longest) = (Duration::from_millis(50), Duration::from_secs(5));
        let mut backoff = Backoff::new(first, longest);
        assert_eq!(backoff.remaining(Duration::ZERO), Duration::ZERO);
        assert_eq!(backoff.failed(longest), longest + first);
        assert_eq!(backoff.remaining(longest), first);
        for _ in 0..100 {
            backoff.failed(Duration::ZERO);
        }
        assert_eq!(backoff.remaining(Duration::ZERO), longest);
        backoff.succeeded();
        assert_eq!(backoff.remaining(Duration::ZERO), Duration::ZERO);
        assert_eq!(backoff.failed(Duration::ZERO), first);
    }
}
