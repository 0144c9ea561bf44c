//! The log lines about jobs.
//!
//! They tell who ran which commands, so none is left out in ordinary use. But whoever may open jobs
//! can do so in a loop: beyond [`MAX_LINES`] a minute, lines are only counted.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use log::Level;

use super::locked;
use crate::text::printable;

/// Lines in one interval.
const MAX_LINES: u32 = 120;
const INTERVAL: Duration = Duration::from_secs(60);
/// Longer lines are cut.
const MAX_LINE_BYTES: usize = 2_000;

/// Writes lines about jobs.
#[derive(Default)]
pub(super) struct JobLog(Mutex<LineBudget>);

impl JobLog {
    /// Writes a line, escaped.
    pub(super) fn note(&self, level: Level, text: &str) {
        let Some(omitted) = locked(&self.0).admit(Instant::now()) else { return };
        if omitted > 0 {
            log::warn!("{omitted} lines about jobs were left out");
        }
        let end = text.floor_char_boundary(MAX_LINE_BYTES);
        let cut = if end < text.len() { "..." } else { "" };
        log::log!(level, "{}{cut}", printable(&text[..end]));
    }
}

/// The lines of the current interval.
#[derive(Default)]
struct LineBudget {
    since: Option<Instant>,
    lines: u32,
    omitted: u64,
}

impl LineBudget {
    /// Whether a line may be written: the number of lines that were left out since the last one, or
    /// `None` if this one is left out as well.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.since.is_none_or(|since| now.duration_since(since) >= INTERVAL) {
            self.since = Some(now);
            self.lines = 0;
        }
        if self.lines == MAX_LINES {
            self.omitted += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.omitted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_jobs_is_counted() {
        let mut budget = LineBudget::default();
        let start = Instant::now();
        for _ in 0..MAX_LINES {
            assert_eq!(budget.admit(start), Some(0));
        }
        for _ in 0..1_000 {
            assert_eq!(budget.admit(start + INTERVAL / 2), None);
        }
        assert_eq!(budget.admit(start + INTERVAL), Some(1_000));
        assert_eq!(budget.admit(start + INTERVAL), Some(0));
    }
}
