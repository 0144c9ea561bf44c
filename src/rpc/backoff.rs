//! Growing pauses between attempts to connect ("gRPC Connection Backoff Protocol", with a shorter
//! first pause, for servers that are started by the same script as their clients).

use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// When the next attempt may be made.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    pause: Duration,
    not_before: Duration,
}

impl Backoff {
    /// An attempt failed at `now`.
    pub(super) fn failed(&mut self, now: Duration) {
        self.pause = (self.pause * 8 / 5).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.not_before = now + self.pause;
    }

    /// An attempt succeeded.
    pub(super) fn succeeded(&mut self) {
        *self = Backoff::default();
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
        let mut backoff = Backoff::default();
        assert_eq!(backoff.remaining(Duration::ZERO), Duration::ZERO);
        backoff.failed(Duration::ZERO);
        assert_eq!(backoff.remaining(Duration::ZERO), FIRST_PAUSE);
        for _ in 0..100 {
            backoff.failed(Duration::ZERO);
        }
        assert_eq!(backoff.remaining(Duration::ZERO), LONGEST_PAUSE);
        backoff.succeeded();
        assert_eq!(backoff.remaining(Duration::ZERO), Duration::ZERO);
    }
}
