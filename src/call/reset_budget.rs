//! A limit on how often a peer may cancel what it has started.

use std::time::Duration;

/// A token bucket for resets, those that the peer sends and those that it provokes.
///
/// A call that is started and reset costs the peer almost nothing, and the receiver a whole request
/// (the "rapid reset" attack). A peer has the same effect when it breaks a rule of a call, so that
/// the receiver resets it.
#[derive(Clone, Copy, Debug)]
pub struct ResetBudget {
    /// In thousandths of a reset: then one reset a second is one unit a millisecond.
    available: u64,
    capacity: u64,
    per_ms: u64,
    filled_at: Duration,
}

impl ResetBudget {
    /// A full bucket of `burst` resets that refills at `per_s` a second.
    pub fn new(burst: u32, per_s: u32, now: Duration) -> ResetBudget {
        let capacity = u64::from(burst) * 1000;
        ResetBudget { available: capacity, capacity, per_ms: u64::from(per_s), filled_at: now }
    }

    /// Takes one reset out; false when there is none left.
    pub fn spend(&mut self, now: Duration) -> bool {
        let elapsed_ms = now.saturating_sub(self.filled_at).as_millis();
        if elapsed_ms > 0 {
            let elapsed_ms = u64::try_from(elapsed_ms).unwrap_or(u64::MAX);
            let refill = elapsed_ms.saturating_mul(self.per_ms);
            self.available = self.available.saturating_add(refill).min(self.capacity);
            // Whole milliseconds only, so that nothing is lost to rounding.
            self.filled_at += Duration::from_millis(elapsed_ms);
        }
        let Some(rest) = self.available.checked_sub(1000) else { return false };
        self.available = rest;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spend_all(budget: &mut ResetBudget, now: Duration) -> usize {
        std::iter::repeat_with(|| budget.spend(now)).take_while(|&spent| spent).count()
    }

    #[test]
    fn the_burst_is_there_at_once() {
        let mut budget = ResetBudget::new(200, 33, Duration::ZERO);
        assert_eq!(spend_all(&mut budget, Duration::ZERO), 200);
    }

    #[test]
    fn it_refills_steadily_up_to_the_burst() {
        let mut budget = ResetBudget::new(200, 33, Duration::ZERO);
        spend_all(&mut budget, Duration::ZERO);
        assert_eq!(spend_all(&mut budget, Duration::from_secs(1)), 33);
        assert_eq!(spend_all(&mut budget, Duration::from_secs(2)), 33);
        assert_eq!(spend_all(&mut budget, Duration::from_secs(3600)), 200);
    }

    #[test]
    fn small_steps_of_time_add_up() {
        let mut budget = ResetBudget::new(10, 33, Duration::ZERO);
        spend_all(&mut budget, Duration::ZERO);
        let steps = (1..=10_000).map(|step| Duration::from_micros(step * 300));
        assert_eq!(steps.filter(|&now| budget.spend(now)).count(), 3 * 33);
    }

    #[test]
    fn a_burst_is_followed_by_the_rate() {
        let mut budget = ResetBudget::new(3, 2, Duration::ZERO);
        let takes = |budget: &mut ResetBudget, ms| budget.spend(Duration::from_millis(ms));
        assert!((0..3).all(|_| takes(&mut budget, 0)));
        assert!(!takes(&mut budget, 499));
        assert!(takes(&mut budget, 500));
        assert!(!takes(&mut budget, 500));
        assert!((0..3).all(|_| takes(&mut budget, 60_000)));
        assert!(!takes(&mut budget, 60_000), "no more than the burst is saved up");
    }
}
