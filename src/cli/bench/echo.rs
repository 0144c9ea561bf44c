//! `agora bench echo`: calls an echo service as fast as it answers.

use std::time::Duration;

use super::closed_loop::ClosedLoop;
use super::wire::{ECHO, echo_request};
use crate::cli::flags::Flags;
use crate::cli::{Failure, connect};
use crate::session::Protocol;

/// Measures, and prints one figure a line.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new(
        "agora bench echo --target HOST:PORT [FLAGS]",
        "Calls agora.bench.v1.EchoService/Echo with a fixed number of calls in flight.",
    )
    .value("target", "the server (required)", "HOST:PORT")
    .value("connections", "connections (default 1)", "C")
    .value("inflight", "calls in flight on each connection (default 1)", "M")
    .value("bytes", "payload bytes (default 100)", "B")
    .value("seconds", "how long to measure (default 3)", "S")
    .value("warm-up", "seconds before that are not counted (default 0.5)", "S");
    let parsed = connect::flags(flags, Protocol::Native).parse(arguments)?;
    parsed.no_arguments()?;
    let bytes = parsed.number("bytes", 100, 0..=4_000_000)? as usize;
    let load = ClosedLoop {
        find: None,
        target: parsed.required("target")?,
        options: connect::options(&parsed, Protocol::Native)?,
        connections: parsed.number("connections", 1, 1..=10_000)? as usize,
        in_flight: parsed.number("inflight", 1, 1..=100_000)? as usize,
        duration: parsed.seconds("seconds", Duration::from_secs(3))?,
        warm_up: parsed.seconds_or_none("warm-up", Duration::from_millis(500))?,
    };
    let message = echo_request(&vec![b'x'; bytes]);
    let measured = load.run(
        |_, request| {
            request.extend_from_slice(&message);
            Some(ECHO)
        },
        |done| done.status.is_ok() && done.message.len() == message.len(),
    )?;
    load.report(measured, format_args!("{bytes} bytes"))
}
