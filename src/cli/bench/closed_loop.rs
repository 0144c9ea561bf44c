//! A closed loop: calls are sent as fast as they are answered, with a fixed number in flight on each
//! connection, from one thread.
//!
//! In a group of servers one server, the leader, takes calls. After a call that was refused or
//! lost, the leader is searched, and all calls in flight are sent again to it. The longest time
//! without a reply is part of the result.

mod pending_calls;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

use self::pending_calls::PendingCalls;
use super::latency::Histogram;
use crate::call::{Code, Status};
use crate::cli::Failure;
use crate::rpc::{ChannelOptions, Completion, Multiplexer};
use crate::text::printable;

/// Finds the leader of a group; an error if there is none for long.
pub(super) type FindLeader<'f> = dyn Fn() -> Result<String, Failure> + 'f;

/// The target and the parameters of the load.
pub(super) struct ClosedLoop<'l> {
    pub(super) target: String,
    /// Finds another target when this one takes no calls any more. `None`: the first failure ends
    /// the run.
    pub(super) find: Option<&'l FindLeader<'l>>,
    pub(super) options: ChannelOptions,
    pub(super) connections: usize,
    pub(super) in_flight: usize,
    pub(super) duration: Duration,
    pub(super) warm_up: Duration,
}

/// The result.
pub(super) struct Measured {
    pub(super) latencies: Histogram,
    /// The same, for each path.
    pub(super) by_path: BTreeMap<&'static str, Histogram>,
    pub(super) failed: u64,
    pub(super) first_failure: Option<String>,
    pub(super) elapsed: Duration,
    /// Calls that were refused or lost, and the status of the first.
    pub(super) refused: u64,
    pub(super) first_refusal: Option<String>,
    /// Calls that were sent again.
    pub(super) retried: u64,
    /// The longest time without a successful reply.
    pub(super) longest_pause: Duration,
    answered_at: Instant,
}

/// The timeout of a call with one server.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The timeout of a call in a group of servers.
const GROUP_CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause before the leader is searched.
const FIND_PAUSE: Duration = Duration::from_millis(2);
/// The pause between two attempts to connect to the leader.
const CONNECT_PAUSE: Duration = Duration::from_millis(20);
/// The timeout for connecting to a leader.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

impl Measured {
    fn from(from: Instant) -> Measured {
        Measured {
            latencies: Histogram::new(),
            by_path: BTreeMap::new(),
            failed: 0,
            first_failure: None,
            elapsed: Duration::ZERO,
            refused: 0,
            first_refusal: None,
            retried: 0,
            longest_pause: Duration::ZERO,
            answered_at: from,
        }
    }

    /// A call succeeded that was started at `began`.
    fn answered(&mut self, path: &'static str, began: Instant, from: Instant) {
        let now = Instant::now();
        if now < from {
            return;
        }
        self.longest_pause =
            self.longest_pause.max(now.saturating_duration_since(self.answered_at));
        self.answered_at = now;
        self.latencies.record(now - began);
        self.by_path.entry(path).or_insert_with(Histogram::new).record(now - began);
    }
}

/// Whether a call with this status may succeed at another server, or later.
fn is_retryable(status: &Status) -> bool {
    matches!(
        status.code,
        Code::Unavailable
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Cancelled
    )
}

impl ClosedLoop<'_> {
    /// Runs until the time is over, `next` has no more calls, or a call fails. `next` gets the
    /// number of a free connection, writes a request and returns its path (if the server limits the
    /// calls in flight, another connection may take it). `is_good` checks a reply.
    pub(super) fn run(
        &self,
        mut next: impl FnMut(usize, &mut Vec<u8>) -> Option<&'static str>,
        is_good: impl Fn(&Completion<'_>) -> bool,
    ) -> Result<Measured, Failure> {
        let failed = |error| Failure::because(&self.target, error);
        let mut multiplexer = Multiplexer::new().map_err(failed)?;
        let mut pending = PendingCalls::new(self.connections, self.in_flight);
        let first = self.connect(&mut multiplexer, &self.target).map_err(failed)?;
        pending.connected(first);
        let from = Instant::now() + self.warm_up;
        let until = from.checked_add(self.duration);
        let mut measured = Measured::from(from);
        let timeout = if self.find.is_some() { GROUP_CALL_TIMEOUT } else { CALL_TIMEOUT };
        while until.is_none_or(|until| Instant::now() < until) && measured.failed == 0 {
            pending.begin(&mut next, |link, call| {
                multiplexer.start(link, call.path, &call.request, Some(timeout)).ok()
            });
            let mut is_refused = false;
            if pending.is_empty() {
                if pending.is_over() {
                    break;
                }
                if self.find.is_none() {
                    return Err(Failure::because(&self.target, "the server takes no calls"));
                }
                is_refused = true;
            }
            let wait = if is_refused { Duration::ZERO } else { Duration::from_millis(100) };
            let turn = multiplexer.poll(wait, |done| {
                let Some(call) = pending.ended(done.link, done.call) else { return };
                if is_good(&done) {
                    measured.answered(call.path, call.began, from);
                    pending.reuse_buffer(call);
                } else if self.find.is_some() && is_retryable(done.status) {
                    measured.refused += 1;
                    measured.first_refusal.get_or_insert_with(|| done.status.to_string());
                    pending.requeue(call);
                    is_refused = true;
                } else {
                    measured.failed += 1;
                    measured.first_failure.get_or_insert_with(|| done.status.to_string());
                }
            });
            turn.map_err(failed)?;
            if let Some(find) = self.find
                && is_refused
                && measured.failed == 0
            {
                (0..self.connections).for_each(|link| multiplexer.disconnect(pending.link(link)));
                measured.retried += pending.requeue_all();
                pending.connected(self.find_and_connect(&mut multiplexer, find)?);
            }
        }
        let now = Instant::now();
        measured.elapsed = now.saturating_duration_since(from);
        let pause = now.saturating_duration_since(measured.answered_at);
        measured.longest_pause = measured.longest_pause.max(pause);
        Ok(measured)
    }

    /// Makes all connections. Returns the number of the first; the others follow it.
    fn connect(&self, multiplexer: &mut Multiplexer, target: &str) -> std::io::Result<usize> {
        let first = multiplexer.connect(target, &self.options)?;
        for _ in 1..self.connections {
            multiplexer.connect(target, &self.options)?;
        }
        Ok(first)
    }

    fn find_and_connect(
        &self,
        multiplexer: &mut Multiplexer,
        find: &FindLeader<'_>,
    ) -> Result<usize, Failure> {
        let until = Instant::now() + CONNECT_TIMEOUT;
        thread::sleep(FIND_PAUSE);
        loop {
            let target = find()?;
            match self.connect(multiplexer, &target) {
                Ok(first) => return Ok(first),
                Err(error) if Instant::now() >= until => {
                    return Err(Failure::because(&target, error));
                }
                Err(_) => thread::sleep(CONNECT_PAUSE),
            }
        }
    }

    /// Prints the result, one figure a line; `of` describes the load.
    pub(super) fn report(&self, measured: Measured, of: impl Display) -> Result<(), Failure> {
        let Measured { latencies, by_path, elapsed, failed, first_failure, .. } = measured;
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
        if self.find.is_some() {
            println!("longest_pause_ms {:.1}", measured.longest_pause.as_secs_f64() * 1e3);
            println!("refused        {}", measured.refused);
            println!("retried        {}", measured.retried);
            if let Some(refusal) = measured.first_refusal {
                println!("the first refusal: {}", printable(&refusal.to_string()));
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
