//! Calls and requests that do not end as their handler, or as no handler, meant them to: what is counted is
//! what the client receives.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;

use agora::call::Status;
use agora::metrics::{Format, Registry};
use agora::rpc::{
    CallHandler, Responder, Server, ServerHandle, ServerMetrics, ServerOptions, Services, Shape,
};

use crate::fixture::eventually;
use crate::samples::Samples;

/// Methods of this build's descriptors, so that they can be called with JSON.
const NOW: &str = "/agora.kv.v1.KvService/Get";
const LATER: &str = "/agora.kv.v1.KvService/Set";
const BLOCKING: &str = "/agora.kv.v1.KvService/Delete";
const STREAM: &str = "/agora.kv.v1.KvService/Watch";
const BLOCKING_STREAM: &str = "/agora.node.v1.NodeService/Watch";
const EMPTY: &str = "/agora.node.v1.NodeService/Describe";

/// No protobuf message, so that it has no JSON.
const MALFORMED: &[u8] = b"\xff";

/// Answers with what has no JSON.
struct Malformed {
    responder: Responder,
}

impl CallHandler for Malformed {
    fn message(&mut self, _: &[u8]) {
        self.responder.send(MALFORMED.to_vec());
        self.responder.finish(Status::OK);
    }

    fn cancelled(&mut self, _: &Status) {}

    fn writable(&mut self) {}
}

fn services() -> Services {
    let mut services = Services::new();
    services.unary(NOW, |_, _, response| {
        response.extend_from_slice(MALFORMED);
        Ok(())
    });
    services.deferred(LATER, |_, _, reply| {
        std::thread::spawn(move || reply.send(Ok(MALFORMED.to_vec())));
    });
    services.blocking(BLOCKING, Shape::Unary, |call| call.send(MALFORMED.to_vec()));
    services.streaming(STREAM, Shape::ServerStreaming, |_, responder| {
        Ok(Box::new(Malformed { responder }))
    });
    services
        .blocking(BLOCKING_STREAM, Shape::ServerStreaming, |call| call.send(MALFORMED.to_vec()));
    services.blocking(EMPTY, Shape::Unary, |_| Ok(()));
    services
}

struct Process {
    address: SocketAddr,
    handle: ServerHandle,
    registry: Registry,
    thread: Option<JoinHandle<()>>,
}

impl Process {
    fn start() -> Process {
        let registry = Registry::new();
        let metrics = Some(ServerMetrics::register(&registry));
        let options = ServerOptions { metrics, ..ServerOptions::default() };
        let at = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(at, services(), options).unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Process { address, handle, registry, thread }
    }

    /// Sends bytes, and reads until the server closes the connection.
    fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn request(&self, line: &str, fields: &[&str], body: &[u8]) -> String {
        let length = format!("content-length: {}", body.len());
        let fields = [&["host: a", "connection: close", &length], fields].concat().join("\r\n");
        let head = format!("{line} HTTP/1.1\r\n{fields}\r\n\r\n");
        self.exchange(&[head.as_bytes(), body].concat())
    }

    #[track_caller]
    fn await_sample(&self, sample: &str, expected: f64) {
        let get = || Samples::parse(&self.registry.render(Format::Prometheus)).sum(sample);
        eventually(&format!("{sample} is {expected}"), || get() == expected);
    }

    #[track_caller]
    fn await_calls(&self, method: &str, code: &str, expected: f64) {
        let method = method.trim_start_matches('/');
        self.await_sample(
            &format!("agora_rpc_calls_total{{method=\"{method}\",code=\"{code}\"}}"),
            expected,
        );
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.handle.shut_down();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[test]
fn an_answer_that_cannot_be_sent_is_counted_as_the_error_that_is_sent() {
    let process = Process::start();
    let unary = ["content-type: application/json"];
    for method in [NOW, LATER, BLOCKING] {
        let answer = process.request(&format!("POST {method}"), &unary, b"{}");
        assert!(answer.contains("\"internal\""), "{answer}");
        process.await_calls(method, "INTERNAL", 1.0);
        process.await_calls(method, "OK", 0.0);
    }
    let stream = ["content-type: application/connect+json"];
    for method in [STREAM, BLOCKING_STREAM] {
        let request = b"\0\0\0\0\x02{}";
        let answer = process.request(&format!("POST {method}"), &stream, request);
        assert!(answer.contains("\"internal\""), "{answer}");
        process.await_calls(method, "INTERNAL", 1.0);
        process.await_calls(method, "OK", 0.0);
        let sent = format!("agora_rpc_sent_messages_total{{method=\"{}\"}}", &method[1..]);
        process.await_sample(&sent, 0.0);
    }
    process.await_sample("agora_rpc_open_calls", 0.0);
}

#[test]
fn a_unary_call_without_an_answer_is_counted_as_the_error_that_is_sent() {
    let process = Process::start();
    let fields = ["content-type: application/json"];
    let answer = process.request(&format!("POST {EMPTY}"), &fields, b"{}");
    assert!(answer.contains("\"internal\""), "{answer}");
    process.await_calls(EMPTY, "INTERNAL", 1.0);
    process.await_calls(EMPTY, "OK", 0.0);
}
