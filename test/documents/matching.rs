//! Whether the output of a command is the one that a document shows.

use crate::shell::Output;
use crate::transcript::Command;

/// Compares a command's output and exit status with those of the document.
pub fn compare(command: &Command, output: &Output) -> Result<(), String> {
    let mut expected: Vec<String> = command.output.iter().map(|line| normal(line)).collect();
    let mut actual: Vec<String> = output.lines.iter().map(|line| normal(line)).collect();
    if command.is_background() {
        expected.sort();
        actual.sort();
    }
    if !lines_match(&expected, &actual) {
        let (expected, actual) = (command.output.join("\n"), output.lines.join("\n"));
        return Err(format!("the document shows:\n{expected}\nthe output is:\n{actual}"));
    }
    match (output.status == 0, command.fails()) {
        (true, false) | (false, true) => Ok(()),
        _ => Err(format!("exit status {}\n{}", output.status, output.lines.join("\n"))),
    }
}

/// A line with single spaces, and `N` for the number of each duration.
fn normal(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_unit = |word: &str| ["us", "ms", "s"].contains(&word.trim_matches([',', ';', '.']));
    let with_numbers = words.iter().enumerate().map(|(index, word)| {
        let duration =
            words.get(index + 1).is_some_and(|next| is_unit(next)) && word.parse::<f64>().is_ok();
        if duration { "N" } else { word }
    });
    with_numbers.collect::<Vec<_>>().join(" ")
}

/// Matches lines; an expected line `...` stands for any number of lines.
fn lines_match(expected: &[String], actual: &[String]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=actual.len()).any(|skipped| lines_match(rest, &actual[skipped..]))
        }
        Some((first, rest)) => actual
            .split_first()
            .is_some_and(|(line, others)| line_matches(first, line) && lines_match(rest, others)),
    }
}

/// Matches one line; `...` in the expected one stands for any characters.
fn line_matches(expected: &str, actual: &str) -> bool {
    match expected.split_once("...") {
        None => expected == actual,
        Some((head, tail)) => actual.strip_prefix(head).is_some_and(|rest| {
            let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.into_iter().any(|at| line_matches(tail, &rest[at..]))
        }),
    }
}

#[test]
fn dots_stand_for_anything_and_durations_may_differ() {
    assert!(line_matches("a=... c ...", "a=1 b c d"));
    assert!(!line_matches("a=... c", "a=1 b c d"));
    let lines = |text: &str| text.lines().map(normal).collect::<Vec<_>>();
    assert!(lines_match(&lines("one\n...\nlast  12.5 ms"), &lines("one\ntwo\nthree\nlast 3 ms")));
    assert!(!lines_match(&lines("one\n...\nlast 12.5 mm"), &lines("one\nlast 3 mm")));
    assert!(!lines_match(&lines("one"), &lines("one\ntwo")));
}
