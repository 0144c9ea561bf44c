//! The clocks of a node: a monotonic one for leases and timeouts, and the wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A monotonic clock that continues while the machine is suspended, as leases require: a promise
/// for one second is over after one second, suspended or not.
///
/// Without the feature `boot-time` the clock stops during a suspension. A machine that holds a
/// lease must not be suspended then: after it resumes it would still count on the lease.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    #[cfg(not(feature = "boot-time"))]
    started: std::time::Instant,
}

impl Clock {
    /// The clock of this machine.
    #[cfg(feature = "boot-time")]
    pub fn new() -> Clock {
        Clock {}
    }

    /// The time since the machine was booted.
    #[cfg(feature = "boot-time")]
    pub fn now(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        // The kernel counts from zero, and there are fewer than 10^9 nanoseconds.
        Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
    }

    /// The clock of this process.
    #[cfg(not(feature = "boot-time"))]
    pub fn new() -> Clock {
        Clock { started: std::time::Instant::now() }
    }

    /// The time since the clock was created.
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

/// A time in whole milliseconds.
pub fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The wall clock, in milliseconds since 1970. It may jump.
pub fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    whole_ms(since)
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
