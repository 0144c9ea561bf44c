//! Exponential backoff between attempts to connect ("gRPC Connection Backoff Protocol", with
//! shorter pauses, because one script often starts servers and clients together, and peers
//! restart).

use std::time::Duration;

/// When the next attempt may be made.
#[derive(Debug)]
pub(super) struct Backoff {
    first_pause: Duration,
    longest_pause: Duration,
    pause: Duration,
    next_attempt_at: Duration,
}

impl Backoff {
    /// Pauses grow from `first_pause` to `longest_pause`. The first attempt does not wait.
    pub(super) fn new(first_pause: Duration, longest_pause: Duration) -> Backoff {
        Backoff {
            first_pause,
            longest_pause,
            pause: Duration::ZERO,
            next_attempt_at: Duration::ZERO,
        }
    }

    /// An attempt failed at `now`. Returns when the next may be made.
    pub(super) fn failed(&mut self, now: Duration) -> Duration {
        self.pause = (self.pause * 8 / 5).clamp(self.first_pause, self.longest_pause);
        self.next_attempt_at = now + self.pause;
        self.next_attempt_at
    }

    /// An attempt succeeded.
    pub(super) fn succeeded(&mut self) {
        self.pause = Duration::ZERO;
        self.next_attempt_at = Duration::ZERO;
    }

    /// How long to wait until the next attempt.
    pub(super) fn remaining(&self, now: Duration) -> Duration {
        self.next_attempt_at.saturating_sub(now)
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
