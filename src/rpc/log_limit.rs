//! Limits log lines of one kind that peers can cause: the first is written, then a count each
//! minute.
//!
//! ```text
//!   Quiet --- one more: write it ---> Counting --- a minute with none more ---> Quiet
//!                                        |  ^
//!                                        |  | a minute with some: write how many
//!                                        \--/
//! ```

use std::time::{Duration, Instant};

/// The time between two lines of a kind.
const INTERVAL: Duration = Duration::from_secs(60);

/// The limiter of one kind of lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogLimit {
    /// Until when further events are counted; `None` in state `Quiet`.
    until: Option<Instant>,
    unwritten: u64,
}

impl LogLimit {
    /// Counts an event. Returns whether to write a line for it.
    pub fn admit(&mut self, now: Instant) -> bool {
        match self.until {
            None => {
                self.until = now.checked_add(INTERVAL);
                true
            }
            Some(_) => {
                self.unwritten += 1;
                false
            }
        }
    }

    /// When to call [`take_count`](Self::take_count).
    pub fn next_timeout(&self) -> Option<Instant> {
        self.until
    }

    /// The number of events since the last line, once a minute is over; `None` if there were none.
    pub fn take_count(&mut self, now: Instant) -> Option<u64> {
        if self.until.is_none_or(|until| now < until) {
            return None;
        }
        let count = std::mem::take(&mut self.unwritten);
        self.until = if count > 0 { now.checked_add(INTERVAL) } else { None };
        (count > 0).then_some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_written_then_a_count_a_minute_until_it_is_quiet() {
        let mut limit = LogLimit::default();
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        assert_eq!((limit.next_timeout(), limit.take_count(start)), (None, None));
        assert!(limit.admit(start));
        for _ in 0..1000 {
            assert!(!limit.admit(at(3)));
        }
        assert_eq!(limit.take_count(at(59)), None);
        assert_eq!(limit.next_timeout(), Some(at(60)));
        assert_eq!(limit.take_count(at(60)), Some(1000));
        assert!(!limit.admit(at(61)), "a minute after the count");
        assert_eq!(limit.take_count(at(120)), Some(1));
        assert_eq!(limit.take_count(at(180)), None, "nothing happened in the last minute");
        assert_eq!(limit.next_timeout(), None);
        assert!(limit.admit(at(200)), "it was quiet: a line is written again");
    }
}
