//! Calls made as fast as they are answered, with a fixed number in flight on each connection, from
//! one thread.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::time::{Duration, Instant};

use super::latency::Histogram;
use crate::call::CallId;
use crate::cli::Failure;
use crate::rpc::{ChannelOptions, Completion, Multiplexer};

/// What to load, and for how long.
pub(super) struct ClosedLoop {
    pub(super) target: String,
    pub(super) options: ChannelOptions,
    pub(super) connections: usize,
    pub(super) in_flight: usize,
    pub(super) duration: Duration,
    pub(super) warm_up: Duration,
}

/// What was measured.
pub(super) struct Measured {
    pub(super) latencies: Histogram,
    /// The same, by the path that was called.
    pub(super) by_path: BTreeMap<&'static str, Histogram>,
    pub(super) failed: u64,
    pub(super) first_failure: Option<String>,
    pub(super) elapsed: Duration,
}

/// One call's own time limit: beyond it the server counts as stuck.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

impl ClosedLoop {
    /// Runs until the time is over, until `next` has no further call, or until one fails. `next`
    /// writes a request and names its path, knowing the number of the connection that is free (when
    /// the server allows fewer calls at once than are wanted, another one may take it); `is_good`
    /// says whether an answer is what was wanted.
    pub(super) fn run(
        &self,
        mut next: impl FnMut(usize, &mut Vec<u8>) -> Option<&'static str>,
        is_good: impl Fn(&Completion<'_>) -> bool,
    ) -> Result<Measured, Failure> {
        let failed = |error| Failure::because(&self.target, error);
        let mut multiplexer = Multiplexer::new().map_err(failed)?;
        for _ in 0..self.connections {
            multiplexer.connect(&self.target, &self.options).map_err(failed)?;
        }
        let mut flights: HashMap<(usize, CallId), (Instant, &'static str)> = HashMap::new();
        // Connections that may begin a call, as often as they may. The server may allow fewer at
        // once than we want: then a connection waits here until one of its calls ends.
        let mut wanted = Vec::with_capacity(self.connections * self.in_flight);
        for _ in 0..self.in_flight {
            wanted.extend(0..self.connections);
        }
        let mut refused = Vec::new();
        let mut measured = Measured {
            latencies: Histogram::new(),
            by_path: BTreeMap::new(),
            failed: 0,
            first_failure: None,
            elapsed: Duration::ZERO,
        };
        let from = Instant::now() + self.warm_up;
        let until = from.checked_add(self.duration);
        let mut is_over = false;
        let mut request = Vec::new();
        let mut path = None;
        while until.is_none_or(|until| Instant::now() < until) && measured.failed == 0 {
            while !is_over && let Some(link) = wanted.pop() {
                if path.is_none() {
                    request.clear();
                    path = next(link, &mut request);
                }
                let Some(named) = path else {
                    is_over = true;
                    break;
                };
                match multiplexer.start(link, named, &request, Some(CALL_TIMEOUT)) {
                    Ok(call) => {
                        path = None;
                        flights.insert((link, call), (Instant::now(), named));
                    }
                    Err(_) => refused.push(link),
                }
            }
            wanted.append(&mut refused);
            if flights.is_empty() {
                if is_over {
                    break;
                }
                return Err(Failure::because(&self.target, "the server takes no calls"));
            }
            let turn = multiplexer.turn(Duration::from_millis(100), |done| {
                wanted.push(done.link);
                let flight = flights.remove(&(done.link, done.call));
                let Some((began, path)) = flight else { return };
                let now = Instant::now();
                if !is_good(&done) {
                    measured.failed += 1;
                    measured.first_failure.get_or_insert_with(|| done.status.to_string());
                } else if now >= from {
                    measured.latencies.record(now - began);
                    let of_path = measured.by_path.entry(path).or_insert_with(Histogram::new);
                    of_path.record(now - began);
                }
            });
            turn.map_err(failed)?;
        }
        measured.elapsed = Instant::now().saturating_duration_since(from);
        Ok(measured)
    }

    /// Prints what was measured, one line a figure; `of` says what was called for, in words.
    pub(super) fn report(&self, measured: Measured, of: impl Display) -> Result<(), Failure> {
        let Measured { latencies, by_path, elapsed, failed, first_failure } = measured;
        println!(
            "{:?}{}, {} connections x {} in flight, {of}, {:.1} s",
            self.options.protocol,
            if self.options.tls.is_some() { " in TLS" } else { "" },
            self.connections,
            self.in_flight,
            elapsed.as_secs_f64()
        );
        figures("", &latencies, elapsed);
        if by_path.len() > 1 {
            for (path, latencies) in &by_path {
                let method = path.rsplit('/').next().unwrap_or(path);
                figures(&format!("{method} "), latencies, elapsed);
            }
        }
        match first_failure {
            Some(failure) => {
                Err(Failure::Failed(format!("{failed} calls failed, the first: {failure}")))
            }
            None => Ok(()),
        }
    }
}

fn figures(prefix: &str, latencies: &Histogram, elapsed: Duration) {
    let micros = |latency: Duration| latency.as_secs_f64() * 1e6;
    println!("{prefix}calls          {}", latencies.count());
    println!("{prefix}calls_per_s    {:.0}", latencies.count() as f64 / elapsed.as_secs_f64());
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
        println!("{prefix}latency_us {name:<6} {:.1}", micros(latencies.quantile(share)));
    }
    println!("{prefix}latency_us max    {:.1}", micros(latencies.longest()));
}
