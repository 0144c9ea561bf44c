//! Counts calls while they happen.
//!
//! # What latency means
//!
//! A call arrives in the turn of the event loop that reads its first bytes, and its arrival is the
//! start of that turn: the moment when the server learned that there was something to read. It ends in
//! the turn in which the server ends it, and its end is the end of that turn, when its answer has been
//! written to the socket as far as the socket accepted it. So the latency contains the time that a
//! call waited for other calls of the same turn, and one reading of the clock serves all calls of a
//! turn. It does not contain the time in the kernel's buffers before the turn.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::access_log::{self, AccessRecord};
use super::{ConnectionKind, MethodMetrics, ServerMetrics};
use crate::call::{CallStart, Code, Principal};
use crate::rpc::refusals::Refusal;
use crate::rpc::service::Services;

/// What is known of a call until it ends. It is moved several times for each call, so it is small.
#[derive(Debug, Default)]
pub(in crate::rpc) struct Tally {
    /// The start of the turn in which it arrived, since the server's start.
    arrived: Duration,
    /// A message was sent.
    has_sent: bool,
    /// For the access log, if one is written.
    traffic: Option<Box<Traffic>>,
}

/// What the line of a call tells beside its end.
#[derive(Debug, Default)]
struct Traffic {
    received_bytes: u64,
    sent_bytes: u64,
    /// The client's trace context.
    trace: Option<Box<str>>,
}

impl Tally {
    /// Whether a message was sent to the client.
    pub(in crate::rpc) fn has_sent(&self) -> bool {
        self.has_sent
    }
}

/// Records the calls of a server. All of it runs on the server's thread.
pub(in crate::rpc) struct Recorder {
    metrics: Option<Arc<ServerMetrics>>,
    /// The start of the turn.
    turn: Cell<Duration>,
    ended: RefCell<EndedCalls>,
    /// The lines of this turn, if an access log is written.
    access: Option<RefCell<Vec<AccessRecord>>>,
}

/// The calls that ended in this turn. Their memory is reused.
#[derive(Default)]
struct EndedCalls {
    /// For each method how many calls arrived and ended in this turn.
    at_once: Vec<u64>,
    /// The methods with such calls.
    touched: Vec<usize>,
    /// Method and arrival of calls that arrived in an earlier turn.
    earlier: Vec<(usize, Duration)>,
}

impl Recorder {
    /// Records what is asked for, for these methods.
    pub(in crate::rpc) fn new(
        metrics: Option<Arc<ServerMetrics>>,
        has_access_log: bool,
        services: &Services,
    ) -> Recorder {
        let mut ended = EndedCalls::default();
        if let Some(metrics) = &metrics {
            metrics.set_services(services);
            ended.at_once.resize(metrics.methods().len(), 0);
        }
        Recorder {
            metrics,
            turn: Cell::default(),
            ended: RefCell::new(ended),
            access: has_access_log.then(RefCell::default),
        }
    }

    /// A turn of the event loop begins.
    pub(in crate::rpc) fn begin_turn(&self, now: Duration) {
        self.turn.set(now);
    }

    /// A turn ends: everything was written. `clock` is called if a call has ended.
    pub(in crate::rpc) fn end_turn(&self, clock: impl FnOnce() -> Duration) {
        let ended = &mut *self.ended.borrow_mut();
        let has_lines = self.access.as_ref().is_some_and(|lines| !lines.borrow().is_empty());
        if ended.touched.is_empty() && ended.earlier.is_empty() && !has_lines {
            return;
        }
        let now = clock();
        let since = |arrived: Duration| now.saturating_sub(arrived);
        for at in ended.touched.drain(..) {
            if let (Some(method), Some(count)) = (self.method(at), ended.at_once.get_mut(at)) {
                method.latency.observe_alone(since(self.turn.get()), std::mem::take(count));
            }
        }
        for (at, arrived) in ended.earlier.drain(..) {
            if let Some(method) = self.method(at) {
                method.latency.observe_alone(since(arrived), 1);
            }
        }
        if let Some(lines) = &self.access {
            lines.borrow_mut().drain(..).for_each(|line| line.write(now));
        }
    }

    /// A call of a method arrived; `None`: of an unknown one.
    pub(in crate::rpc) fn started(&self, method: Option<usize>, start: &CallStart<'_>) -> Tally {
        if let Some(method) = self.method_or_unknown(method) {
            method.started.add_alone(1);
        }
        let mut tally = Tally { arrived: self.turn.get(), ..Tally::default() };
        if self.access.is_some() {
            let trace = access_log::trace_context(start.metadata);
            tally.traffic = Some(Box::new(Traffic { trace, ..Traffic::default() }));
        }
        tally
    }

    /// A message of a call arrived.
    #[inline]
    pub(in crate::rpc) fn received(&self, method: usize, tally: &mut Tally, bytes: usize) {
        if let Some(traffic) = &mut tally.traffic {
            traffic.received_bytes += bytes as u64;
        }
        if let Some(method) = self.method(method) {
            method.received_messages.add_alone(1);
        }
    }

    /// A message of a call was sent.
    #[inline]
    pub(in crate::rpc) fn sent(&self, method: usize, tally: &mut Tally, bytes: usize) {
        tally.has_sent = true;
        if let Some(traffic) = &mut tally.traffic {
            traffic.sent_bytes += bytes as u64;
        }
        if let Some(method) = self.method(method) {
            method.sent_messages.add_alone(1);
        }
    }

    /// A call is over; `path` is the one that its client asked for, if there is no such method.
    #[inline]
    pub(in crate::rpc) fn ended(
        &self,
        method: Option<usize>,
        tally: Tally,
        code: Code,
        caller: (SocketAddr, &Arc<Principal>),
        path: &str,
    ) {
        if let Some(metrics) = &self.metrics {
            let at = method.unwrap_or(metrics.methods().len().saturating_sub(1));
            if let Some(method) = self.method(at)
                && let Some(counter) = method.ended.get(usize::from(code.number()))
            {
                counter.add_alone(1);
            }
            self.ended.borrow_mut().add(at, tally.arrived, self.turn.get());
        }
        if let Some(lines) = &self.access {
            let (peer, principal) = caller;
            let Traffic { received_bytes, sent_bytes, trace } =
                tally.traffic.map_or_else(Traffic::default, |traffic| *traffic);
            lines.borrow_mut().push(AccessRecord {
                peer,
                principal: Arc::clone(principal),
                path: path.into(),
                status: code.name().into(),
                arrived: tally.arrived,
                received_bytes,
                sent_bytes,
                trace,
            });
        }
    }

    /// A call was answered before it began. `path` is empty if none was read.
    pub(in crate::rpc) fn refused_call(
        &self,
        method: Option<usize>,
        code: Code,
        caller: (SocketAddr, &Arc<Principal>),
        path: &str,
    ) {
        if let Some(method) = self.method_or_unknown(method) {
            method.started.add_alone(1);
        }
        let tally = Tally { arrived: self.turn.get(), ..Tally::default() };
        self.ended(method, tally, code, caller, path);
    }

    /// A request for a resource was answered with a status of HTTP and so many bytes; `None`: there is
    /// none at this path.
    pub(in crate::rpc) fn resource(
        &self,
        found: Option<usize>,
        path: &str,
        status: u16,
        bytes: usize,
        caller: (SocketAddr, &Arc<Principal>),
    ) {
        if let Some(metrics) = self.metrics() {
            metrics.count_resource(found, status);
        }
        let Some(lines) = &self.access else { return };
        let (peer, principal) = caller;
        lines.borrow_mut().push(AccessRecord {
            peer,
            principal: Arc::clone(principal),
            path: path.into(),
            status: status.to_string().into(),
            arrived: self.turn.get(),
            received_bytes: 0,
            sent_bytes: bytes as u64,
            trace: None,
        });
    }

    /// The metrics of the server, if there are any.
    fn metrics(&self) -> Option<&ServerMetrics> {
        self.metrics.as_deref()
    }

    /// A connection was accepted.
    pub(in crate::rpc) fn accepted(&self) {
        if let Some(metrics) = self.metrics() {
            metrics.accepted.add_alone(1);
        }
    }

    /// So many bytes were read from a connection.
    pub(in crate::rpc) fn read(&self, bytes: usize) {
        if let Some(metrics) = self.metrics() {
            metrics.received_bytes.add_alone(bytes as u64);
        }
    }

    /// So many bytes were written to a connection.
    pub(in crate::rpc) fn wrote(&self, bytes: usize) {
        if let Some(metrics) = self.metrics() {
            metrics.sent_bytes.add_alone(bytes as u64);
        }
    }

    /// A connection was refused.
    pub(in crate::rpc) fn refused(&self, refusal: Refusal) {
        let counters = self.metrics().map(|metrics| &metrics.refused);
        if let Some(counter) = counters.and_then(|counters| counters.get(refusal as usize)) {
            counter.add_alone(1);
        }
    }

    /// A connection changes from one kind to another; `None` before its begin and after its end.
    pub(in crate::rpc) fn connection_changed(
        &self,
        from: Option<ConnectionKind>,
        to: Option<ConnectionKind>,
    ) {
        let Some(metrics) = self.metrics() else { return };
        for (kind, is_end) in [(from, true), (to, false)] {
            if let Some(kind) = kind {
                metrics.count_kind(kind, is_end);
            }
        }
    }

    #[inline]
    fn method(&self, at: usize) -> Option<&MethodMetrics> {
        self.metrics.as_ref()?.methods().get(at)
    }

    fn method_or_unknown(&self, at: Option<usize>) -> Option<&MethodMetrics> {
        match at {
            Some(at) => self.method(at),
            None => self.metrics.as_ref()?.methods().last(),
        }
    }
}

impl EndedCalls {
    fn add(&mut self, method: usize, arrived: Duration, turn: Duration) {
        if arrived != turn {
            return self.earlier.push((method, arrived));
        }
        let Some(count) = self.at_once.get_mut(method) else { return };
        if *count == 0 {
            self.touched.push(method);
        }
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Access, CallId, Metadata, ResourceResponse};
    use crate::metrics::{Format, Registry};

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn recorder(has_access_log: bool) -> (Recorder, Arc<ServerMetrics>, Registry) {
        let (mut services, registry) = (Services::new(), Registry::new());
        for path in ["/a.B/C", "/a.B/D"] {
            services.unary(path, |_, _, _| Ok(()));
        }
        services.resource("/page", Access::Anyone, |_, _| ResourceResponse::text(200, ""));
        let metrics = ServerMetrics::register(&registry);
        let recorder = Recorder::new(Some(Arc::clone(&metrics)), has_access_log, &services);
        (recorder, metrics, registry)
    }

    fn start(recorder: &Recorder, method: Option<usize>) -> Tally {
        let metadata = &Metadata::new();
        let start = CallStart { call: CallId(1), path: "/a.B/C", metadata, timeout: None };
        recorder.started(method, &start)
    }

    fn end(recorder: &Recorder, method: Option<usize>, tally: Tally, code: Code) {
        let caller = (SocketAddr::from(([127, 0, 0, 1], 1)), &Arc::new(Principal::Unchecked));
        recorder.ended(method, tally, code, caller, "/a.B/C");
    }

    #[test]
    fn calls_of_one_turn_share_one_reading_of_the_clock() {
        let (recorder, metrics, _) = recorder(false);
        recorder.begin_turn(MS(5));
        for _ in 0..3 {
            let tally = start(&recorder, Some(0));
            end(&recorder, Some(0), tally, Code::Ok);
        }
        let later = start(&recorder, Some(1));
        let mut readings = 0;
        recorder.end_turn(|| {
            readings += 1;
            MS(7)
        });
        assert_eq!(readings, 1);
        let totals = metrics.totals("/a.B/C");
        assert_eq!((totals.ended, totals.failed, totals.open), (3, 0, 0));
        assert_eq!(totals.latency.count(), 3);
        assert_eq!(totals.latency.sum_ns, 3 * 2_000_000, "from the start of the turn to its end");
        assert_eq!(metrics.totals("/a.B/D").open, 1);

        recorder.begin_turn(MS(10));
        recorder.end_turn(|| panic!("no call has ended"));
        recorder.begin_turn(MS(20));
        end(&recorder, Some(1), later, Code::NotFound);
        recorder.end_turn(|| MS(25));
        let totals = metrics.totals("/a.B/D");
        assert_eq!((totals.ended, totals.failed, totals.open), (1, 1, 0));
        assert_eq!(totals.latency.sum_ns, 20_000_000, "from the turn of its arrival");
        assert_eq!(metrics.totals("/").ended, 4);
    }

    #[test]
    fn unknown_methods_are_counted_together() {
        let (recorder, metrics, registry) = recorder(false);
        for _ in 0..2 {
            let tally = start(&recorder, None);
            end(&recorder, None, tally, Code::Unimplemented);
        }
        recorder.end_turn(|| MS(1));
        assert_eq!(metrics.totals("/").failed, 2);
        let text = registry.render(Format::Prometheus);
        let line = "agora_rpc_calls_total{method=\"unknown\",code=\"UNIMPLEMENTED\"} 2\n";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn resources_are_counted_by_path_and_class_and_other_paths_together() {
        let (recorder, _, registry) = recorder(true);
        let caller = (SocketAddr::from(([127, 0, 0, 1], 1)), &Arc::new(Principal::Unchecked));
        for (found, path, status) in [
            (Some(0), "/page", 200),
            (Some(0), "/page", 304),
            (Some(0), "/page", 200),
            (Some(0), "/page", 99),
            (None, "/a\nb", 404),
            (None, "/c", 404),
        ] {
            recorder.resource(found, path, status, 0, caller);
        }
        let text = registry.render(Format::Prometheus);
        let samples: Vec<&str> =
            text.lines().filter(|line| line.starts_with("agora_http_requests_total")).collect();
        let expected = [
            "{path=\"/page\",status=\"2xx\"} 2",
            "{path=\"/page\",status=\"3xx\"} 1",
            "{path=\"other\",status=\"4xx\"} 2",
        ];
        assert_eq!(samples, expected.map(|sample| format!("agora_http_requests_total{sample}")));
    }

    #[test]
    fn lines_wait_for_the_end_of_their_turn() {
        let (recorder, _, _) = recorder(true);
        let tally = start(&recorder, Some(0));
        end(&recorder, Some(0), tally, Code::Ok);
        let lines = |recorder: &Recorder| recorder.access.as_ref().unwrap().borrow().len();
        assert_eq!(lines(&recorder), 1);
        recorder.end_turn(|| MS(1));
        assert_eq!(lines(&recorder), 0);
    }

    #[test]
    fn without_metrics_and_log_nothing_is_kept() {
        let recorder = Recorder::new(None, false, &Services::new());
        let tally = start(&recorder, Some(0));
        end(&recorder, Some(0), tally, Code::Ok);
        recorder.end_turn(|| panic!("there is nothing to do"));
    }
}
