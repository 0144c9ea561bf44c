//! Puts answers on stdout.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write};

use crate::cli::Failure;
use crate::market::client::{Item, Order};
use crate::market::print::{Card, Entry};

/// Writes text and a line's end to stdout. A reader that has gone (`| head`) wants no more: the
/// process ends, and well.
pub(in crate::cli) fn say(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        result => result.map_err(|error| Failure::because("cannot write to stdout", error)),
    }
}

/// Writes a remark to stderr. Whether anybody reads it changes nothing.
pub(in crate::cli) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Items, each between its two lines.
pub(in crate::cli) fn cards<'a>(items: impl IntoIterator<Item = &'a Item>) -> String {
    lines(items.into_iter().map(|item| Card(&item.view()).to_string()))
}

/// Orders.
pub(in crate::cli) fn entries<'a>(orders: impl IntoIterator<Item = &'a Order>) -> String {
    lines(orders.into_iter().map(|order| Entry(&order.view()).to_string()))
}

fn lines(parts: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for part in parts {
        let separator = if text.is_empty() { "" } else { "\n" };
        // Writing to a String does not fail.
        let _ = write!(text, "{separator}{part}");
    }
    text
}
