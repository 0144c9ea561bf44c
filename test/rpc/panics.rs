//! A handler of any kind that panics anywhere fails its own call only.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use agora::call::{Code, Status};
use agora::rpc::{
    CallHandler, CallOptions, Channel, ChannelOptions, Responder, Server, ServerHandle,
    ServerOptions, Services, Shape,
};
use agora::session::Protocol;

use crate::fixture::{LONG, both, eventually, within};

const GOOD: &str = "/test.Panics/Good";
const UNARY: &str = "/test.Panics/Unary";
const DEFERRED: &str = "/test.Panics/Deferred";
const DEFERRABLE: &str = "/test.Panics/Deferrable";
const BLOCKING: &str = "/test.Panics/Blocking";
const SHORT_OR_BLOCKING: &str = "/test.Panics/Brief";
const STREAMING: &str = "/test.Panics/Streaming";
/// One request, any number of answers.
const ONE: &str = "/test.Panics/One";

/// Panics where its first message says: `message`, `half-close`, `writable`, `cancelled`, `later`.
struct Fragile {
    responder: Responder,
    first: Vec<u8>,
    given_up: Arc<AtomicUsize>,
}

impl CallHandler for Fragile {
    fn message(&mut self, message: &[u8]) {
        assert_ne!(message, b"message", "on purpose");
        if self.first.is_empty() {
            self.first = message.to_vec();
        }
        if self.first == b"writable" {
            self.responder.send(b"answer".to_vec());
            self.responder.when_drained();
        }
    }

    fn half_close(&mut self) {
        assert_ne!(self.first, b"half-close", "on purpose");
        if self.first != b"writable" {
            self.responder.finish(Status::OK);
        }
    }

    fn cancelled(&mut self, _: &Status) {
        self.given_up.fetch_add(1, Ordering::Relaxed);
        assert_ne!(self.first, b"cancelled", "on purpose");
    }

    fn writable(&mut self) {
        panic!("on purpose");
    }
}

struct Fixture {
    address: String,
    handle: ServerHandle,
    given_up: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Fixture {
    fn new() -> Fixture {
        let given_up = Arc::<AtomicUsize>::default();
        let mut services = Services::new();
        services.unary(GOOD, |_, message, response| {
            response.extend_from_slice(message);
            Ok(())
        });
        services.unary(UNARY, |_, _, response| {
            response.extend_from_slice(b"half an ans");
            panic!("on purpose")
        });
        services.deferred(DEFERRED, |_, _, _| panic!("on purpose"));
        services.deferrable(DEFERRABLE, |_, message, answer| {
            if message == b"later" {
                let _kept = answer.later();
            }
            panic!("on purpose")
        });
        services.blocking(BLOCKING, Shape::Unary, |_| panic!("on purpose"));
        services.blocking_unless_short(SHORT_OR_BLOCKING, |_| panic!("on purpose"), |_| Ok(()));
        for (path, shape) in [(STREAMING, Shape::Bidirectional), (ONE, Shape::ServerStreaming)] {
            let given_up = Arc::clone(&given_up);
            services.streaming(path, shape, move |context, responder| {
                assert!(context.deadline.is_some(), "on purpose");
                let given_up = Arc::clone(&given_up);
                Ok(Box::new(Fragile { responder, first: Vec::new(), given_up }))
            });
        }
        services.on_shutdown(|| panic!("on purpose"));
        let address = "127.0.0.1:0".parse().unwrap();
        let server = Server::bind(address, services, ServerOptions::default()).unwrap();
        let (address, handle) = (server.local_addr().to_string(), server.handle());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Fixture { address, handle, given_up, thread }
    }

    fn channel(&self, protocol: Protocol) -> Channel {
        let options = ChannelOptions { protocol, ..ChannelOptions::default() };
        Channel::new(&self.address, options).unwrap()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.handle.shut_down();
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_none_or(|ended| ended.is_ok()));
    }
}

#[track_caller]
fn is_internal(status: Status) {
    assert_eq!(status.code, Code::Internal, "{status}");
}

#[test]
fn a_unary_handler_that_panics_fails_its_own_call() {
    let server = Fixture::new();
    both(|protocol| {
        let channel = server.channel(protocol);
        for path in [UNARY, DEFERRED, DEFERRABLE, BLOCKING, SHORT_OR_BLOCKING] {
            for request in [&b""[..], b"later"] {
                let mut other = channel.start(GOOD, &within(LONG)).unwrap();
                is_internal(channel.unary(path, request, &within(LONG)).unwrap_err());
                other.send_last(b"still here").unwrap();
                assert_eq!(other.receive().unwrap().unwrap(), b"still here", "{path}");
            }
        }
    });
}

#[test]
fn a_streaming_handler_that_panics_fails_its_own_call_wherever_it_does() {
    let server = Fixture::new();
    both(|protocol| {
        let channel = server.channel(protocol);
        for path in [STREAMING, ONE] {
            // It panics when it is created, because it needs a deadline.
            let unlimited = CallOptions { timeout: None, ..CallOptions::default() };
            let mut call = channel.start(path, &unlimited).unwrap();
            let _ = call.send_last(b"");
            is_internal(call.receive().unwrap_err());
            for first in [&b"message"[..], b"half-close", b"writable"] {
                let mut call = channel.start(path, &within(LONG)).unwrap();
                call.send_last(first).unwrap();
                let end = loop {
                    match call.receive() {
                        Ok(Some(answer)) => assert_eq!(answer, b"answer"),
                        Ok(None) => panic!("it ended well"),
                        Err(status) => break status,
                    }
                };
                is_internal(end);
            }
            assert_eq!(channel.unary(GOOD, b"1", &within(LONG)).unwrap(), b"1");
        }
        let before = server.given_up.load(Ordering::Relaxed);
        let mut call = channel.start(STREAMING, &within(LONG)).unwrap();
        call.send(b"cancelled").unwrap();
        channel.unary(GOOD, b"the server has it", &within(LONG)).unwrap();
        drop(call);
        eventually("it hears that the call is over", || {
            server.given_up.load(Ordering::Relaxed) > before
        });
        assert_eq!(channel.unary(GOOD, b"2", &within(LONG)).unwrap(), b"2");
    });
}
