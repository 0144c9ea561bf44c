//! Calls and requests that do not end as their handler, or as no handler, meant them to: what is counted is
//! what the client receives.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;

use agora::call::{Access, ResourceResponse, Status};
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
    services.resource("/page", Access::Anyone, |_, _| ResourceResponse::text(200, "page"));
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

    fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    }

    /// Sends bytes, and reads until the server closes the connection.
    fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.send(bytes);
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

/// Over HTTP/1.1: what is wrong with the head of a request, and with the body of a call.
#[test]
fn requests_that_never_become_calls_are_counted() {
    let process = Process::start();
    let json = "content-type: application/json";
    let call = |method: &str, fields: &[&str]| {
        process.request(&format!("POST {method}"), &[&[json], fields].concat(), b"{}")
    };
    assert!(call("/agora.kv.v1.KvService/Nothing", &[]).contains("unimplemented"));
    assert!(call("/stranger.Service/Method", &[]).contains("unimplemented"));
    process.await_calls("unknown", "UNIMPLEMENTED", 2.0);
    assert!(call(NOW, &["connect-timeout-ms: x"]).contains("invalid_argument"));
    process.await_calls(NOW, "INVALID_ARGUMENT", 1.0);
    assert!(call(NOW, &["content-encoding: br"]).contains("unimplemented"));
    process.await_calls(NOW, "UNIMPLEMENTED", 1.0);
    // What is wrong with the body of a call, which has begun.
    let answer = process.request(&format!("POST {NOW}"), &[json], b"{");
    assert!(answer.contains("invalid_argument"), "{answer}");
    process.await_calls(NOW, "INVALID_ARGUMENT", 2.0);
    let gzip = "content-encoding: gzip";
    assert!(call(NOW, &[gzip]).contains("\"code\":"));
    process.await_sample("agora_rpc_calls_total{method=\"agora.kv.v1.KvService/Get\"", 4.0);
    process.await_calls(NOW, "OK", 0.0);

    let other = |class: &str, count| {
        let labels = format!("path=\"other\",status=\"{class}\"");
        process.await_sample(&format!("agora_http_requests_total{{{labels}}}"), count);
    };
    assert!(process.request("PUT /x", &[], b"").starts_with("HTTP/1.1 405 "));
    assert!(process.request("POST /x", &["content-type: text/xml"], b"").contains(" 415 "));
    assert!(process.exchange(b"GET / HTTP/1.1\r\n: bad\r\n\r\n").contains(" 400 "));
    other("4xx", 3.0);
    assert!(process.request("BREW /x", &[], b"").starts_with("HTTP/1.1 501 "));
    other("5xx", 1.0);
    assert!(process.request("OPTIONS /x", &[], b"").starts_with("HTTP/1.1 204 "));
    other("2xx", 1.0);
    let put = process.request("PUT /page", &[], b"");
    assert!(put.starts_with("HTTP/1.1 405 "), "{put}");
    let page = "agora_http_requests_total{path=\"/page\",status=";
    process.await_sample(&format!("{page}\"4xx\"}}"), 1.0);

    // A page that is refused because of the body that its request announces was not sent.
    let long = b"GET /page HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000\r\n\r\n";
    let answer = process.exchange(long);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    other("4xx", 4.0);
    process.await_sample(&format!("{page}\"2xx\"}}"), 0.0);
    process.await_sample("agora_rpc_open_calls", 0.0);
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A frame of HTTP/2 with one field block, none of it compressed.
fn headers(flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(text.len() as u8);
            block.extend_from_slice(text.as_bytes());
        }
    }
    let mut frame = vec![0, 0, block.len() as u8, 1, flags, 0, 0, 0, 1];
    frame.extend_from_slice(&block);
    frame
}

#[test]
fn calls_with_bad_headers_are_counted_in_every_protocol() {
    let process = Process::start();
    let grpc = |path, name, value| {
        let fields = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "a"),
            ("content-type", "application/grpc"),
            (name, value),
        ];
        process.send(&[PREFACE, &headers(0b101, &fields)].concat())
    };
    let _first = grpc(NOW, "grpc-timeout", "x");
    process.await_calls(NOW, "INTERNAL", 1.0);
    let _second = grpc("/stranger.Service/Method", "grpc-encoding", "br");
    process.await_calls("unknown", "UNIMPLEMENTED", 1.0);

    let hello = b"AGR1\0\0\0\x0a\x01\0\0\0\0\x08\x80\x80\x10\x10\x80\x80\x40\x18\x00";
    let request = b"\0\0\0\x05\x83\0\0\0\x01\0\0\0\x01\xff";
    let _third = process.send(&[&hello[..], request].concat());
    process.await_calls("unknown", "INTERNAL", 1.0);
    process.await_sample("agora_rpc_open_calls", 0.0);
}

/// Nothing was sent: the bytes that bring the request bring its end as well.
#[test]
fn a_call_that_is_cancelled_before_its_answer_is_sent_is_counted_as_cancelled() {
    let process = Process::start();
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", NOW),
        (":authority", "a"),
        ("content-type", "application/grpc"),
    ];
    let request = b"\0\0\x05\0\x01\0\0\0\x01\0\0\0\0\0";
    let reset = b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08";
    let _client = process.send(&[PREFACE, &headers(0b100, &fields), request, reset].concat());
    process.await_calls(NOW, "CANCELLED", 1.0);
    process.await_calls(NOW, "OK", 0.0);
    process.await_sample("agora_rpc_open_calls", 0.0);
}

#[test]
fn a_client_without_a_known_protocol_is_a_refused_connection() {
    let process = Process::start();
    assert!(process.exchange(b"\x01\x02\x03\x04 what is this").starts_with("HTTP/1.1 400 "));
    let refused = "agora_rpc_connections_refused_total{";
    process.await_sample(&format!("{refused}reason=\"protocol\"}}"), 1.0);
    process.await_sample(refused, 1.0);
}
