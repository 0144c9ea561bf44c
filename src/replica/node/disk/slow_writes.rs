//! Log lines about writes that take long: the usual cause of leaders that change.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::lock;
use crate::replica::clock::whole_ms;
use crate::replica::node::events::Events;
use crate::rpc::LogLimit;

/// A write with its sync that takes as long is logged.
const SLOW: Duration = Duration::from_millis(100);
/// Lines in a minute before they are counted.
const LINES: u32 = 10;

/// Logs slow writes.
pub(super) struct SlowWrites {
    events: Events,
    limit: Mutex<LogLimit>,
}

impl SlowWrites {
    pub(super) fn new(events: Events) -> SlowWrites {
        SlowWrites { events, limit: Mutex::new(LogLimit::with_lines(LINES)) }
    }

    /// A write of so many bytes, with its sync, has begun at this time and ended now.
    pub(super) fn note(&self, began: Instant, bytes: usize) {
        let took = began.elapsed();
        if took >= SLOW {
            self.note_slow(took, bytes, Instant::now());
        }
    }

    fn note_slow(&self, took: Duration, bytes: usize, now: Instant) {
        let mut limit = lock(&self.limit);
        if let Some(count) = limit.take_count(now) {
            self.events.warn(&[], &format!("{count} more writes were slow"));
        }
        if limit.admit(now) {
            let ms = whole_ms(took);
            let text = format!("a write of {bytes} bytes to the log and its sync took {ms} ms");
            self.events.warn(&[("bytes", bytes.into()), ("ms", ms.into())], &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_writes_are_logged_and_many_of_them_counted() {
        let events = Events::default();
        let slow_writes = SlowWrites::new(events.clone());
        let start = Instant::now();
        slow_writes.note(start, 1);
        assert!(events.after(0).is_empty(), "it was fast");
        for _ in 0..LINES + 5 {
            slow_writes.note_slow(Duration::from_millis(120), 17, start);
        }
        let lines = events.after(0);
        assert_eq!(lines.len(), LINES as usize);
        assert_eq!(lines[0].text, "a write of 17 bytes to the log and its sync took 120 ms");
        slow_writes.note_slow(SLOW, 17, start + Duration::from_secs(60));
        assert_eq!(events.after(lines.len() as u64)[0].text, "5 more writes were slow");
    }
}
