//! Parses the stderr of a command: reports, and the last lines for an error text.

use std::collections::VecDeque;

/// A line of stderr.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Report<'l> {
    /// `reporter:counter:GROUP,NAME,COUNT`
    Count {
        /// The group of the counter.
        group: &'l str,
        /// The name of the counter.
        name: &'l str,
        /// The number to add.
        count: u64,
    },
    /// `reporter:status:TEXT`
    Status(&'l str),
    /// Any other line, also an invalid report.
    Text(&'l str),
}

/// Parses a line.
pub(super) fn parse(line: &str) -> Report<'_> {
    let line = line.trim_end_matches(['\r', '\n']);
    if let Some(status) = line.strip_prefix("reporter:status:") {
        return Report::Status(status);
    }
    let counter = line.strip_prefix("reporter:counter:").and_then(|rest| {
        let mut parts = rest.splitn(3, ',');
        let (group, name, count) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Report::Count { group, name, count: count.trim().parse().ok()? })
    });
    counter.unwrap_or(Report::Text(line))
}

/// The last lines of a command's stderr.
#[derive(Debug, Default)]
pub(super) struct StderrTail {
    lines: VecDeque<String>,
}

const KEPT_LINES: usize = 10;
const KEPT_LINE_BYTES: usize = 400;

impl StderrTail {
    pub(super) fn add(&mut self, line: &str) {
        if self.lines.len() == KEPT_LINES {
            self.lines.pop_front();
        }
        let end = line.floor_char_boundary(KEPT_LINE_BYTES);
        self.lines.push_back(line[..end].to_owned());
    }

    /// All lines, after the text `what`.
    pub(super) fn append_to(&self, what: &str) -> String {
        let mut text = what.to_owned();
        for line in self.lines.iter().filter(|line| !line.trim().is_empty()) {
            text.push_str("\n    ");
            text.push_str(line);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_distinguished_from_text() {
        let count = Report::Count { group: "Words", name: "long, longer", count: 3 };
        assert_eq!(
            parse("reporter:counter:Words,long, longer,3\n"),
            Report::Text("reporter:counter:Words,long, longer,3")
        );
        assert_ne!(parse("reporter:counter:Words,long,3"), count);
        let count = Report::Count { group: "Words", name: "long", count: 3 };
        assert_eq!(parse("reporter:counter:Words,long,3\r\n"), count);
        assert_eq!(parse("reporter:status:half way"), Report::Status("half way"));
        for words in ["", "reporter:", "reporter:counter:a,b", "reporter:counter:a,b,-1", "hello"] {
            assert_eq!(parse(words), Report::Text(words));
        }
    }

    #[test]
    fn the_stderr_tail_is_short() {
        let mut words = StderrTail::default();
        (0..1000).for_each(|number| words.add(&format!("line {number} {}", "x".repeat(1000))));
        let text = words.append_to("exit status: 1");
        assert!(text.starts_with("exit status: 1\n    line 990 xxx"));
        assert!(text.len() < 5_000);
    }
}
