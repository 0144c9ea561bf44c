//! The last events of a run, printed when a run fails that was selected by `AGORA_SEED`.

use std::collections::VecDeque;
use std::time::Duration;

/// The number of lines that a failure prints.
const MAX_LINES: usize = 2000;

/// Records nothing unless `AGORA_SEED` is set.
#[derive(Debug)]
pub struct EventLog {
    is_enabled: bool,
    lines: VecDeque<String>,
}

impl EventLog {
    pub fn new() -> EventLog {
        let is_enabled = std::env::var_os("AGORA_SEED").is_some();
        EventLog { is_enabled, lines: VecDeque::new() }
    }

    /// Adds a line with the number of the event and the time.
    pub fn record(&mut self, at: (u64, Duration), what: impl FnOnce() -> String) {
        if !self.is_enabled {
            return;
        }
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(format!("{} {:?} {}", at.0, at.1, what()));
    }
}

impl Drop for EventLog {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.lines.iter().for_each(|line| println!("{line}"));
        }
    }
}
