//! The last events of a job.

use std::collections::VecDeque;
use std::time::Duration;

use super::shown;

/// The number of events that are kept.
pub const MAX_EVENTS: usize = 100;

/// How serious an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// As it should be.
    Info,
    /// A retry will mend it.
    Warning,
    /// The job's end.
    Error,
}

/// An event, human-readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLine {
    /// Since the job was started.
    pub at: Duration,
    /// How serious it is.
    pub severity: Severity,
    /// Printable, one line.
    pub text: String,
}

/// The last events, the newest last.
#[derive(Debug, Default)]
pub(super) struct Events {
    kept: VecDeque<EventLine>,
    count: u64,
}

impl Events {
    pub(super) fn add(&mut self, at: Duration, severity: Severity, text: &str) {
        if self.kept.len() == MAX_EVENTS {
            self.kept.pop_front();
        }
        self.count += 1;
        self.kept.push_back(EventLine { at, severity, text: shown(text) });
    }

    /// The number of all events.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn lines(&self) -> Vec<EventLine> {
        self.kept.iter().cloned().collect()
    }
}
