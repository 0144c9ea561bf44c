//! The log lines of a node: written to the log, with fields for collectors, and the last of them kept
//! for the node's page.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use log::kv::Value;
use log::{Level, Record};

use crate::replica::clock::wall_ms;
use crate::rpc::{Notice, Notices};
use crate::text::printable;

/// Lines that are kept.
const KEPT_LINES: usize = 100;
/// Lines about refusals that are kept, apart from the others: strangers cause them.
const KEPT_REFUSALS: usize = 10;
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
    refusals: VecDeque<EventLine>,
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
        self.keep(level, text, false);
    }

    /// Keeps lines that other modules write to the log.
    pub fn notices(&self) -> Notices {
        let events = self.clone();
        Notices::new(move |notice| match notice {
            Notice::Refused(text) => events.keep(Level::Warn, text, true),
            // With one certificate for clients and peers both of its users write the line.
            Notice::Certificates(_, text) if events.ends_with(text) => (),
            Notice::Certificates(level, text) => events.keep(level, text, false),
        })
    }

    fn ends_with(&self, text: &str) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.lines.back().is_some_and(|line| line.text == text)
    }

    pub(super) fn info(&self, fields: &[Field<'_>], text: &str) {
        self.write(Level::Info, fields, text);
    }

    pub(super) fn warn(&self, fields: &[Field<'_>], text: &str) {
        self.write(Level::Warn, fields, text);
    }

    fn keep(&self, level: Level, text: &str, is_refusal: bool) {
        let end = text.floor_char_boundary(MAX_KEPT_BYTES);
        let cut = if end < text.len() { "..." } else { "" };
        let text = format!("{}{cut}", printable(&text[..end]));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last_number += 1;
        let number = kept.last_number;
        let (lines, most) = match is_refusal {
            true => (&mut kept.refusals, KEPT_REFUSALS),
            false => (&mut kept.lines, KEPT_LINES),
        };
        if lines.len() == most {
            lines.pop_front();
        }
        lines.push_back(EventLine { number, at_ms: wall_ms(), level, text });
    }

    /// The number of the newest line; 0 if there is none.
    pub fn last_number(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last_number
    }

    /// The kept lines behind a number, oldest first.
    pub fn after(&self, number: u64) -> Vec<EventLine> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = kept.lines.iter().chain(&kept.refusals);
        let mut newer: Vec<_> = all.filter(|line| line.number > number).cloned().collect();
        newer.sort_unstable_by_key(|line| line.number);
        newer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_leave_the_other_lines_their_room() {
        let events = Events::default();
        let notices = events.notices();
        events.info(&[], "node 1 leads");
        for minute in 0..1_000 {
            notices.show(Notice::Refused(&format!("{minute} more connections were refused")));
            if minute == 995 {
                notices.show(Notice::Certificates(Level::Info, "read again"));
                notices.show(Notice::Certificates(Level::Info, "read again"));
            }
        }
        let kept = events.after(0);
        assert_eq!(kept.len(), 1 + 1 + KEPT_REFUSALS);
        assert_eq!((kept[0].number, kept[0].text.as_str()), (1, "node 1 leads"));
        assert!(kept.is_sorted_by_key(|line| line.number));
        assert!(kept.iter().any(|line| line.text == "read again"));
        assert_eq!(kept.last().unwrap().text, "999 more connections were refused");
        assert_eq!(kept.last().unwrap().level, Level::Warn);
    }

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
