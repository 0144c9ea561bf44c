//! The interactive shell: reads commands until the end of the input.
//!
//! A *verb* is a command of the shell (`sell`, `get`). The same verbs and words can be given behind
//! the flags of the subcommand, to run one verb.
//!
//! Results go to stdout. An error is `FAIL: reason` on stderr and exit status 1; the shell prints
//! it on stdout and continues.

mod line_reader;
mod words;

use std::io::{self, ErrorKind, IsTerminal, Write};

use line_reader::InputLine;
pub(super) use line_reader::{LineReader, NotificationPrinter};
use words::{OpenQuote, split};

use super::Failure;
use crate::text::printable_lines;

/// A command of the shell; `W` is its context.
pub(super) struct Verb<W> {
    pub(super) name: &'static str,
    /// The words behind it.
    pub(super) words: &'static str,
    pub(super) about: &'static str,
    pub(super) run: fn(&W, &[String]) -> Result<(), Failure>,
}

/// The verb with this name.
pub(super) fn verb<'v, W>(verbs: &'v [Verb<W>], name: &str) -> Option<&'v Verb<W>> {
    verbs.iter().find(|verb| verb.name == name)
}

/// A line for each verb.
pub(super) fn overview<W>(verbs: &[Verb<W>]) -> String {
    let lines = verbs.iter().map(|verb| {
        let call = format!("{} {}", verb.name, verb.words);
        let (call, about) = (call.trim_end(), verb.about);
        if call.len() <= 26 {
            format!("  {call:<26} {about}\n")
        } else {
            format!("  {call}\n  {:<26} {about}\n", "")
        }
    });
    lines.collect()
}

/// Runs commands until the end of the input. If the input is not a terminal, the result says
/// whether all of them succeeded. Calls `on_success` after each that did.
pub(super) fn run<W>(
    context: &W,
    verbs: &[Verb<W>],
    prompt: &str,
    reader: &mut LineReader,
    on_success: impl Fn(),
) -> Result<(), Failure> {
    let mut failed = 0;
    loop {
        match reader.read(prompt) {
            Ok(InputLine::Text(line)) => match execute_line(context, verbs, &line) {
                LineOutcome::Done => on_success(),
                LineOutcome::Failed => failed += 1,
                LineOutcome::Exit => break,
            },
            #[cfg(feature = "line-editor")]
            Ok(InputLine::Interrupted) => (),
            Ok(InputLine::EndOfInput) => break,
            Err(error) => return Err(Failure::because("cannot read a line", error)),
        }
    }
    match failed {
        0 => Ok(()),
        _ if reader.is_interactive() => Ok(()),
        failed => Err(Failure::Failed(format!("{failed} commands failed"))),
    }
}

enum LineOutcome {
    Done,
    Failed,
    Exit,
}

/// Runs the command of a line, and prints its error.
fn execute_line<W>(context: &W, verbs: &[Verb<W>], line: &str) -> LineOutcome {
    let words = match split(line) {
        Ok(words) => words,
        Err(OpenQuote(quote)) => {
            return print_failure(&format!("FAIL: a quote {quote} is not closed"));
        }
    };
    let Some((word, rest)) = words.split_first() else { return LineOutcome::Done };
    match word.as_str() {
        "help" | "?" => {
            let text = format!("{}  {:<26} leave\n", overview(verbs), "exit");
            return if print_line(text.trim_end()).is_ok() {
                LineOutcome::Done
            } else {
                LineOutcome::Exit
            };
        }
        "exit" | "quit" => return LineOutcome::Exit,
        word if word.starts_with('#') => return LineOutcome::Done,
        _ => (),
    }
    let Some(verb) = verb(verbs, word) else {
        return print_failure(&format!("FAIL: no command {word:?}; `help` lists them"));
    };
    match (verb.run)(context, rest) {
        Ok(()) => LineOutcome::Done,
        Err(Failure::Help(text)) => {
            if print_line(text.trim_end()).is_ok() {
                LineOutcome::Done
            } else {
                LineOutcome::Exit
            }
        }
        Err(Failure::Usage(text)) => {
            let reason = text.lines().next().unwrap_or_default().trim_start_matches("agora: ");
            print_failure(&format!("FAIL: {reason} (usage: {} {})", verb.name, verb.words))
        }
        Err(Failure::Failed(text)) => print_failure(&text),
    }
}

fn print_failure(text: &str) -> LineOutcome {
    match print_line(&printable_lines(text)) {
        Ok(()) => LineOutcome::Failed,
        Err(_) => LineOutcome::Exit,
    }
}

/// Writes text and a newline to stdout. If the reader has gone (`| head`), the process exits with
/// status 0.
///
/// On a terminal, hidden characters of the text are escaped. Otherwise stored keys and values may
/// be read by a program.
pub(super) fn print_line(text: &str) -> Result<(), Failure> {
    match io::stdout().is_terminal() {
        true => print_bytes(printable_lines(text).as_bytes()),
        false => print_bytes(text.as_bytes()),
    }
}

/// As [`print_line`], for bytes that need not be UTF-8.
pub(super) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.write_all(b"\n"));
    match written.and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        result => result.map_err(|error| Failure::because("cannot write to stdout", error)),
    }
}

/// Writes a note to stderr, with hidden characters escaped; errors are ignored.
pub(super) fn print_note(text: &str) {
    let _ = writeln!(io::stderr(), "{}", printable_lines(text));
}
