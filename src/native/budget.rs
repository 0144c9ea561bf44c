//! How many calls may be thrown away in a short time.

use std::time::Duration;

/// A bucket that holds a burst and refills at a rate; each reset takes one.
pub(super) struct ResetBudget {
    /// Thousandths of a reset that are left.
    left_milli: u64,
    burst_milli: u64,
    per_s: u64,
    /// When it was last filled.
    filled_at: Duration,
}

impl ResetBudget {
    pub(super) fn new(burst: u32, per_s: u32, now: Duration) -> ResetBudget {
        let burst_milli = u64::from(burst) * 1000;
        ResetBudget { left_milli: burst_milli, burst_milli, per_s: per_s.into(), filled_at: now }
    }

    /// Takes one; false when none is left.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let since_ms = now.saturating_sub(self.filled_at).as_millis();
        let since_ms = u64::try_from(since_ms).unwrap_or(u64::MAX);
        if since_ms > 0 {
            let more_milli = since_ms.saturating_mul(self.per_s);
            self.left_milli = self.left_milli.saturating_add(more_milli).min(self.burst_milli);
            self.filled_at = now;
        }
        match self.left_milli.checked_sub(1000) {
            Some(left) => {
                self.left_milli = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_followed_by_the_rate() {
        let mut budget = ResetBudget::new(3, 2, Duration::ZERO);
        let takes = |budget: &mut ResetBudget, ms| budget.take(Duration::from_millis(ms));
        assert!((0..3).all(|_| takes(&mut budget, 0)));
        assert!(!takes(&mut budget, 499));
        assert!(takes(&mut budget, 500));
        assert!(!takes(&mut budget, 500));
        assert!((0..3).all(|_| takes(&mut budget, 60_000)));
        assert!(!takes(&mut budget, 60_000), "no more than the burst is saved up");
    }
}
