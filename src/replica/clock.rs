//! The clocks of a node: one for leases and timeouts, one for people.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A monotonic clock that goes on while the machine is suspended, as promises need it: what was
/// promised for a second is over after a second, asleep or awake.
///
/// Without the feature `boot-time` it stands still meanwhile. Then a machine that holds a lease must
/// not be suspended and resumed: it would believe in its lease for as long as it slept.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    #[cfg(not(feature = "boot-time"))]
    started: std::time::Instant,
}

impl Clock {
    /// A clock of this machine.
    #[cfg(feature = "boot-time")]
    pub fn new() -> Clock {
        Clock {}
    }

    /// The time since the machine was booted.
    #[cfg(feature = "boot-time")]
    pub fn now(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        // The kernel counts it from zero, and nanoseconds are fewer than 10^9.
        Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
    }

    /// A clock of this process.
    #[cfg(not(feature = "boot-time"))]
    pub fn new() -> Clock {
        Clock { started: std::time::Instant::now() }
    }

    /// The time since the clock was made.
    #[cfg(not(feature = "boot-time"))]
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Default for Clock {
    fn default() -> Clock {
        Clock::new()
    }
}

/// The wall clock, in milliseconds since 1970. It may jump.
pub fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_advance() {
        let clock = Clock::new();
        let before = clock.now();
        let now = std::iter::repeat_with(|| clock.now()).find(|now| *now > before);
        assert!(now.is_some_and(|now| now - before < Duration::from_secs(60)));
        assert!(wall_ms() > 1_600_000_000_000);
    }
}
