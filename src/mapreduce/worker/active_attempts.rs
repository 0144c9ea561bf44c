//! The number of running attempts of a worker, and waiting for their end.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::locked;

/// The number of running attempts.
#[derive(Default)]
pub(super) struct ActiveAttempts {
    running: Mutex<usize>,
    changed: Condvar,
}

impl ActiveAttempts {
    /// Changes the number of running attempts.
    pub(super) fn change(&self, change: impl FnOnce(&mut usize)) {
        change(&mut locked(&self.running));
        self.changed.notify_all();
    }

    /// Waits until no attempt runs. Returns false on a timeout.
    pub(super) fn wait_until_idle(&self, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        let mut running = locked(&self.running);
        while *running > 0 {
            let retained = until.saturating_duration_since(Instant::now());
            if retained.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(running, retained);
            running = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}
