//! The progress of a job on stderr: a bar on a terminal, a line for each round, or every event.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use super::seconds;
use crate::mapreduce::master::JobEvent;
use crate::text::{printable, printable_lines};

/// The screen. Write errors are ignored.
pub(super) struct Screen {
    verbose: bool,
    quiet: bool,
    is_terminal: bool,
    /// The last line is a bar without a newline.
    has_bar: bool,
    round: String,
}

const BAR_CHARS: usize = 30;
/// The status text of a task is cut: a bar that does not fit into one row cannot be cleared.
const MAX_STATUS_CHARS: usize = 30;

impl Screen {
    pub(super) fn new(verbose: bool, quiet: bool) -> Screen {
        let is_terminal = io::stderr().is_terminal();
        Screen { verbose, quiet, is_terminal, has_bar: false, round: String::new() }
    }

    pub(super) fn write_if_verbose(&mut self, text: &str) {
        if self.verbose && !self.quiet {
            self.write(text);
        }
    }

    /// A line for a finished round.
    pub(super) fn line(&mut self, text: &str) {
        if !self.quiet {
            self.write(text);
        }
    }

    pub(super) fn warn(&mut self, text: &str) {
        self.write(&format!("agora: {text}"));
    }

    pub(super) fn summary(&mut self, text: &str) {
        if !self.quiet {
            self.write(text);
        }
    }

    pub(super) fn on_event(&mut self, event: &JobEvent<'_>) {
        if self.verbose || self.quiet {
            return;
        }
        match event {
            JobEvent::RoundBegan { name, .. } => (*name).clone_into(&mut self.round),
            JobEvent::Gone { .. } | JobEvent::Silent { .. } => {
                if let Some(text) = event.to_text() {
                    self.write(&text);
                }
            }
            JobEvent::Progress { maps, reduces, elapsed, status, .. } if self.is_terminal => {
                let mut text = format!("{} {}", self.round, bar(*maps, *reduces));
                let _ = write!(text, " {}", seconds(*elapsed));
                if let Some(status) = status {
                    let shown: String = status.chars().take(MAX_STATUS_CHARS).collect();
                    let _ = write!(text, " {shown}");
                }
                let _ = write!(io::stderr(), "\r\x1b[K{}", printable(&text));
                self.has_bar = true;
            }
            _ => {}
        }
    }

    fn write(&mut self, text: &str) {
        let clear = if std::mem::take(&mut self.has_bar) { "\r\x1b[K" } else { "" };
        // One write: stderr has no buffer.
        let line = format!("{clear}{}\n", printable_lines(text.trim_end_matches('\n')));
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.has_bar {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// A bar of the completed maps and reduces.
fn bar(maps: (usize, usize), reduces: (usize, usize)) -> String {
    let (done, all) = (maps.0 + reduces.0, (maps.1 + reduces.1).max(1));
    let filled = BAR_CHARS * done / all;
    let mut text = format!("[{}{}]", "#".repeat(filled), ".".repeat(BAR_CHARS - filled));
    let _ = write!(text, " map {}/{}", maps.0, maps.1);
    if reduces.1 > 0 {
        let _ = write!(text, ", reduce {}/{}", reduces.0, reduces.1);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_fills_with_its_tasks() {
        let half = format!("[{}{}] map 2/2, reduce 0/2", "#".repeat(15), ".".repeat(15));
        assert_eq!(bar((2, 2), (0, 2)), half);
        assert_eq!(bar((0, 1), (0, 0)), format!("[{}] map 0/1", ".".repeat(30)));
    }
}
