//! What a server counts of its calls and connections.

use std::sync::Arc;
use std::time::Duration;

use agora::call::Code;
use agora::metrics::{Format, Registry};
use agora::rpc::{ServerMetrics, ServerOptions};
use agora::session::Protocol;

use crate::fixture::*;
use crate::samples::Samples;

struct Counted {
    server: Fixture,
    registry: Registry,
    metrics: Arc<ServerMetrics>,
}

impl Counted {
    fn new() -> Counted {
        let registry = Registry::new();
        let metrics = ServerMetrics::register(&registry);
        let options =
            ServerOptions { metrics: Some(Arc::clone(&metrics)), ..ServerOptions::default() };
        Counted { server: Fixture::with(options), registry, metrics }
    }

    fn samples(&self) -> Samples {
        Samples::parse(&self.registry.render(Format::Prometheus))
    }

    /// The calls of a method that ended with a code.
    fn calls(&self, path: &str, code: &str) -> f64 {
        let method = path.trim_start_matches('/');
        let name = format!("agora_rpc_calls_total{{method=\"{method}\",code=\"{code}\"}}");
        self.samples().sum(&name)
    }

    /// Waits until the calls of a method have ended with a code.
    #[track_caller]
    fn await_calls(&self, path: &str, code: &str, count: f64) {
        eventually(&format!("{path} {code} {count}"), || self.calls(path, code) == count);
    }
}

#[test]
fn every_kind_of_handler_is_counted_by_method_and_code() {
    both(|protocol| {
        let counted = Counted::new();
        let channel = counted.server.channel(protocol);
        for (path, request, code) in [
            (ECHO, &b"x"[..], "OK"),
            (LATER, b"x", "OK"),
            (EITHER, b"now", "OK"),
            (EITHER, b"later", "OK"),
            (EITHER, b"refuse", "ABORTED"),
            (EITHER, b"drop", "INTERNAL"),
            (FAIL, b"x", "ABORTED"),
            (PANIC, b"x", "INTERNAL"),
            (MAYBE_SHORT, b"brief", "OK"),
            (MAYBE_SHORT, b"not brief", "OK"),
        ] {
            let before = counted.calls(path, code);
            let answer = channel.unary(path, request, &within(LONG));
            assert_eq!(answer.map_or_else(|status| status.code.name(), |_| "OK"), code, "{path}");
            counted.await_calls(path, code, before + 1.0);
        }
        let unknown = channel.unary("/no.Such/Method", b"", &within(LONG)).unwrap_err();
        assert_eq!(unknown.code, Code::Unimplemented);
        counted.await_calls("unknown", "UNIMPLEMENTED", 1.0);
        let totals = counted.metrics.totals("/");
        assert_eq!((totals.ended, totals.failed, totals.open), (11, 5, 0));
        eventually("each has a latency", || counted.metrics.totals("/").latency.count() == 11);
    });
}

#[test]
fn a_latency_lasts_from_the_arrival_of_a_call_to_its_answer() {
    let counted = Counted::new();
    let channel = counted.server.channel(Protocol::Native);
    let pending = std::thread::scope(|scope| {
        let call = scope.spawn(|| channel.unary(STUBBORN, b"", &within(LONG)));
        eventually("it is open", || counted.metrics.totals(STUBBORN).open == 1);
        // At least the time of some calls: nothing waits for a fixed time.
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_millis(30) {
            channel.unary(ECHO, b"", &within(LONG)).unwrap();
        }
        counted.server.seen.released.store(true, std::sync::atomic::Ordering::Relaxed);
        call.join().unwrap()
    });
    assert_eq!(pending.unwrap_err().code, Code::Internal, "it ends without an answer");
    eventually("it has ended", || counted.metrics.totals(STUBBORN).latency.count() == 1);
    let latency = counted.metrics.totals(STUBBORN).latency;
    assert!(latency.sum_ns >= 30_000_000, "{latency:?}");
    let echo = counted.metrics.totals(ECHO).latency;
    assert!(echo.sum_ns / echo.count() < 30_000_000, "{echo:?}");
}

#[test]
fn streams_count_their_messages_and_cancellations() {
    both(|protocol| {
        let counted = Counted::new();
        let channel = counted.server.channel(protocol);
        let mut call = channel.start(CHAT, &within(LONG)).unwrap();
        for _ in 0..3 {
            call.send(b"x").unwrap();
            assert_eq!(call.receive().unwrap().unwrap(), b"x");
        }
        assert_eq!(counted.metrics.totals(CHAT).open, 1);
        call.half_close().unwrap();
        assert_eq!(call.receive().unwrap(), None);
        counted.await_calls(CHAT, "OK", 1.0);
        let samples = counted.samples();
        let method = CHAT.trim_start_matches('/');
        for direction in ["received", "sent"] {
            let name = format!("agora_rpc_{direction}_messages_total{{method=\"{method}\"}}");
            assert_eq!(samples.get(&name), 3.0);
        }
        assert!(samples.get("agora_rpc_received_bytes_total") > 6.0);
        assert!(samples.get("agora_rpc_sent_bytes_total") > 6.0);

        let mut call = channel.start(COUNT, &within(LONG)).unwrap();
        call.send_last(b"four").unwrap();
        while call.receive().unwrap().is_some() {}
        counted.await_calls(COUNT, "OK", 1.0);
        let name = format!(
            "agora_rpc_sent_messages_total{{method=\"{}\"}}",
            COUNT.trim_start_matches('/')
        );
        assert_eq!(counted.samples().get(&name), 4.0);

        let mut call = channel.start(CHAT, &within(LONG)).unwrap();
        call.send(b"x").unwrap();
        eventually("it is open", || counted.metrics.totals(CHAT).open == 1);
        drop(call);
        counted.await_calls(CHAT, "CANCELLED", 1.0);
        assert_eq!(counted.metrics.totals(CHAT).open, 0);

        // The end of a deferred call whose client does not wait for the answer.
        let short = within(Duration::from_millis(20));
        let late = channel.unary(STUBBORN, b"", &short).unwrap_err();
        assert_eq!(late.code, Code::DeadlineExceeded);
        eventually("it has ended", || counted.metrics.totals(STUBBORN).failed == 1);
        counted.server.seen.released.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn connections_are_counted_by_protocol_until_they_end() {
    let counted = Counted::new();
    let open = |protocol: &str| {
        let name = format!("agora_rpc_connections{{protocol=\"{protocol}\",tls=\"false\"}}");
        counted.samples().get(&name)
    };
    let channels = [Protocol::Native, Protocol::Grpc, Protocol::Grpc].map(|protocol| {
        let channel = counted.server.channel(protocol);
        channel.unary(ECHO, b"", &within(LONG)).unwrap();
        channel
    });
    let silent = std::net::TcpStream::connect(counted.server.address).unwrap();
    eventually("all are open", || {
        (open("native"), open("grpc"), open("unknown")) == (1.0, 2.0, 1.0)
    });
    assert_eq!(counted.samples().get("agora_rpc_connections_accepted_total"), 4.0);
    drop((channels, silent));
    eventually("none is open", || counted.samples().sum("agora_rpc_connections{") == 0.0);
}

#[test]
fn a_lost_connection_ends_its_calls_in_the_count() {
    both(|protocol| {
        let counted = Counted::new();
        let channel = counted.server.channel(protocol);
        let mut call = channel.start(NEVER, &within(LONG)).unwrap();
        call.send_last(b"").unwrap();
        let never = || counted.metrics.totals(NEVER);
        eventually("it is open", || never().open == 1);
        drop((call, channel));
        eventually("it has ended", || (never().open, never().failed) == (0, 1));
    });
}

#[test]
fn refused_connections_are_counted_by_reason() {
    let registry = Registry::new();
    let options = ServerOptions {
        metrics: Some(ServerMetrics::register(&registry)),
        max_connections_per_address: Some(1),
        ..ServerOptions::default()
    };
    let server = Fixture::with(options);
    let first = server.channel(Protocol::Native);
    first.unary(ECHO, b"", &within(LONG)).unwrap();
    let _second = std::net::TcpStream::connect(server.address).unwrap();
    let samples = || Samples::parse(&registry.render(Format::Prometheus));
    let refused = "agora_rpc_connections_refused_total{";
    eventually("it is refused", || samples().get(&format!("{refused}reason=\"address\"}}")) == 1.0);
    assert_eq!(samples().sum(refused), 1.0);
}

#[test]
fn the_families_of_a_server_keep_the_rules() {
    let counted = Counted::new();
    assert_eq!(counted.registry.problems(), [""; 0]);
}
