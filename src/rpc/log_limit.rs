//! Limits log lines of one kind that peers can cause: the first is written (or the first few), then
//! a count each minute.
//!
//! ```text
//!   Quiet --- one more: write it ---> Counting --- a minute with none unwritten ---> Quiet
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
    /// Lines after the first one that are written before the others are counted, and how many of
    /// them are left.
    further: u32,
    left: u32,
}

impl LogLimit {
    /// A limiter that writes so many lines (one at least) before it counts.
    pub fn with_lines(lines: u32) -> LogLimit {
        LogLimit { further: lines.saturating_sub(1), ..LogLimit::default() }
    }

    /// Counts an event. Returns whether to write a line for it.
    pub fn admit(&mut self, now: Instant) -> bool {
        match self.until {
            None => {
                self.until = now.checked_add(INTERVAL);
                self.left = self.further;
                true
            }
            Some(_) if self.left > 0 => {
                self.left -= 1;
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
    #[test]
    fn some_lines_may_be_written_before_the_count() {
        let mut limit = LogLimit::with_lines(3);
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let written = |limit: &mut LogLimit, s| (0..9).filter(|_| limit.admit(at(s))).count();
        assert_eq!(written(&mut limit, 0), 3);
        assert_eq!(limit.take_count(at(60)), Some(6));
        assert_eq!(written(&mut limit, 61), 0, "it was not quiet");
        assert_eq!(limit.take_count(at(120)), Some(9));
        assert_eq!(limit.take_count(at(180)), None);
        assert_eq!(written(&mut limit, 181), 3);
    }
}
