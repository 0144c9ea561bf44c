//! The log lines of a node: written to the log, with fields for collectors, and the last of them kept
//! for the node's page.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use log::kv::Value;
use log::{Level, Record};

use crate::replica::clock::wall_ms;
use crate::text::printable;

/// Lines that are kept.
const KEPT_LINES: usize = 100;
/// Of a longer line the beginning is kept.
const MAX_KEPT_BYTES: usize = 1_000;
/// The target of the lines, which `RUST_LOG` names.
const TARGET: &str = "agora::replica::node";

/// A field of a line: the sentence says the same to people.
pub(super) type Field<'f> = (&'static str, Value<'f>);

/// A kept line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLine {
    /// Counts the lines since the start, from 1.
    pub number: u64,
    /// Wall clock, milliseconds since 1970.
    pub at_ms: u64,
    /// How serious it is.
    pub level: Level,
    /// The sentence.
    pub text: String,
}

/// Writes the lines of a node from any of its threads. Clones share the kept lines.
#[derive(Clone, Debug, Default)]
pub struct Events(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<EventLine>,
    last_number: u64,
}

impl Events {
    /// Writes a line.
    pub(super) fn write(&self, level: Level, fields: &[Field<'_>], text: &str) {
        let arguments = format_args!("{text}");
        let record = Record::builder()
            .level(level)
            .target(TARGET)
            .key_values(&fields)
            .args(arguments)
            .build();
        if log::log_enabled!(target: TARGET, level) {
            log::logger().log(&record);
        }
        self.keep(level, text);
    }

    pub(super) fn info(&self, fields: &[Field<'_>], text: &str) {
        self.write(Level::Info, fields, text);
    }

    pub(super) fn warn(&self, fields: &[Field<'_>], text: &str) {
        self.write(Level::Warn, fields, text);
    }

    fn keep(&self, level: Level, text: &str) {
        let end = text.floor_char_boundary(MAX_KEPT_BYTES);
        let cut = if end < text.len() { "..." } else { "" };
        let text = format!("{}{cut}", printable(&text[..end]));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last_number += 1;
        let number = kept.last_number;
        if kept.lines.len() == KEPT_LINES {
            kept.lines.pop_front();
        }
        kept.lines.push_back(EventLine { number, at_ms: wall_ms(), level, text });
    }

    /// The number of the newest line; 0 if there is none.
    pub fn last_number(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last_number
    }

    /// The kept lines behind a number, oldest first.
    pub fn after(&self, number: u64) -> Vec<EventLine> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.lines.iter().filter(|line| line.number > number).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_long_ones_cut() {
        let events = Events::default();
        for number in 0..KEPT_LINES + 5 {
            events.info(&[("index", number.into())], &format!("line {number}"));
        }
        let kept = events.after(0);
        assert_eq!(kept.len(), KEPT_LINES);
        assert_eq!((kept[0].number, kept[0].text.as_str()), (6, "line 5"));
        assert_eq!(events.after(104).len(), 1);
        events.warn(&[], &"é".repeat(MAX_KEPT_BYTES));
        let last = events.after(105).remove(0);
        assert_eq!(last.level, Level::Warn);
        assert_eq!(last.text, "é".repeat(MAX_KEPT_BYTES / 2) + "...");
        events.warn(&[], "escape \x1b[2J");
        assert!(!events.after(106)[0].text.contains('\x1b'));
    }
}
