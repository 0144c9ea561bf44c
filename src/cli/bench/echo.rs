//! `agora bench echo`: calls an echo service as fast as it answers, with a fixed number of calls in
//! flight on each connection (a closed loop), from one thread.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::latency::Histogram;
use super::wire::{ECHO, request};
use crate::call::CallId;
use crate::cli::flags::{Flags, Parsed};
use crate::cli::{Failure, connect};
use crate::rpc::{ChannelOptions, Multiplexer};
use crate::session::Protocol;

/// What to measure.
struct Plan {
    target: String,
    options: ChannelOptions,
    connections: usize,
    in_flight: usize,
    bytes: usize,
    duration: Duration,
    warm_up: Duration,
}

/// What was measured.
struct Measured {
    latencies: Histogram,
    failed: u64,
    first_failure: Option<String>,
    elapsed: Duration,
}

/// One call's own time limit: beyond it the server counts as stuck.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Measures, and prints one line a figure.
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
    let plan = plan(&parsed)?;
    let measured = measure(&plan)?;
    report(&plan, &measured);
    match measured.first_failure {
        Some(failure) => {
            Err(Failure::Failed(format!("{} calls failed, the first: {failure}", measured.failed)))
        }
        None => Ok(()),
    }
}

fn plan(parsed: &Parsed) -> Result<Plan, Failure> {
    Ok(Plan {
        target: parsed.required("target")?,
        options: connect::options(parsed, Protocol::Native)?,
        connections: parsed.number("connections", 1, 1..=10_000)? as usize,
        in_flight: parsed.number("inflight", 1, 1..=100_000)? as usize,
        bytes: parsed.number("bytes", 100, 0..=4_000_000)? as usize,
        duration: parsed.seconds("seconds", Duration::from_secs(3))?,
        warm_up: parsed.seconds("warm-up", Duration::from_millis(500))?,
    })
}

fn measure(plan: &Plan) -> Result<Measured, Failure> {
    let failed = |error| Failure::because(&plan.target, error);
    let mut multiplexer = Multiplexer::new().map_err(failed)?;
    for _ in 0..plan.connections {
        multiplexer.connect(&plan.target, &plan.options).map_err(failed)?;
    }
    let request = request(&vec![b'x'; plan.bytes]);
    let mut flights: HashMap<(usize, CallId), Instant> = HashMap::new();
    // Calls that each connection may still begin. The server may allow fewer at once than we want.
    let mut wanted = vec![plan.in_flight; plan.connections];
    let mut measured = Measured {
        latencies: Histogram::new(),
        failed: 0,
        first_failure: None,
        elapsed: Duration::ZERO,
    };
    let from = Instant::now() + plan.warm_up;
    let until = from + plan.duration;
    while Instant::now() < until && measured.failed == 0 {
        for (link, wanted) in wanted.iter_mut().enumerate() {
            while *wanted > 0
                && let Ok(call) = multiplexer.start(link, ECHO, &request, Some(CALL_TIMEOUT))
            {
                flights.insert((link, call), Instant::now());
                *wanted -= 1;
            }
        }
        if flights.is_empty() {
            return Err(Failure::because(&plan.target, "the server takes no calls"));
        }
        let turn = multiplexer.turn(Duration::from_millis(100), |done| {
            wanted[done.link] += 1;
            let Some(began) = flights.remove(&(done.link, done.call)) else { return };
            let now = Instant::now();
            if !done.status.is_ok() || done.message.len() != request.len() {
                measured.failed += 1;
                measured.first_failure.get_or_insert_with(|| done.status.to_string());
            } else if now >= from {
                measured.latencies.record(now - began);
            }
        });
        turn.map_err(failed)?;
    }
    measured.elapsed = Instant::now().saturating_duration_since(from);
    Ok(measured)
}

fn report(plan: &Plan, measured: &Measured) {
    let Measured { latencies, elapsed, .. } = measured;
    let micros = |latency: Duration| latency.as_secs_f64() * 1e6;
    println!(
        "{:?}{}, {} connections x {} in flight, {} bytes, {:.1} s",
        plan.options.protocol,
        if plan.options.tls.is_some() { " in TLS" } else { "" },
        plan.connections,
        plan.in_flight,
        plan.bytes,
        elapsed.as_secs_f64()
    );
    println!("calls          {}", latencies.count());
    println!("calls_per_s    {:.0}", latencies.count() as f64 / elapsed.as_secs_f64());
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
        println!("latency_us {name:<6} {:.1}", micros(latencies.quantile(share)));
    }
    println!("latency_us max    {:.1}", micros(latencies.longest()));
}
