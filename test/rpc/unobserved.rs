//! Clients that end their side, or send so much that nothing more of them is read, on real sockets.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use agora::call::{Limits, Metadata, Status};
use agora::rpc::{CallHandler, Reply, Server, ServerHandle, ServerOptions, Services, Shape};
use agora::session::{ClientSession, Protocol};

use crate::fixture::{LONG, both, eventually};

/// Is answered when the test does it.
const LATER: &str = "/agora.bench.v1.EchoService/Echo";
/// Sends nothing.
const QUIET: &str = "/grpc.testing.TestService/StreamingOutputCall";

struct Fixture {
    address: SocketAddr,
    handle: ServerHandle,
    /// Calls of LATER.
    held: Arc<Mutex<Vec<Reply>>>,
    /// Calls of QUIET: begun, and cancelled.
    begun: Arc<AtomicUsize>,
    cancelled: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

struct Quiet(Arc<AtomicUsize>);

impl CallHandler for Quiet {
    fn message(&mut self, _: &[u8]) {}

    fn cancelled(&mut self, _: &Status) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Fixture {
    /// A server for one connection at a time.
    fn new(change: impl FnOnce(&mut Limits)) -> Fixture {
        let mut options = ServerOptions { max_connections: 1, ..ServerOptions::default() };
        change(&mut options.limits);
        let mut services = Services::new();
        let held = Arc::new(Mutex::new(Vec::new()));
        let (begun, cancelled) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let holding = Arc::clone(&held);
        services.deferred(LATER, move |_, _, reply| holding.lock().unwrap().push(reply));
        let counters = (Arc::clone(&begun), Arc::clone(&cancelled));
        services.streaming(QUIET, Shape::ServerStreaming, move |_, _| {
            counters.0.fetch_add(1, Ordering::Relaxed);
            Ok(Box::new(Quiet(Arc::clone(&counters.1))))
        });
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(address, services, options).unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Fixture { address, handle, held, begun, cancelled, thread }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    /// A client of HTTP/1.1 with an open call of QUIET.
    fn in_a_stream(&self) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(call(QUIET, "connect+proto", "\0\0\0\0\0").as_bytes()).unwrap();
        eventually("the stream has begun", || self.begun.load(Ordering::Relaxed) == 1);
        stream
    }

    fn reply(&self) -> Reply {
        eventually("the call has begun", || !self.held.lock().unwrap().is_empty());
        self.held.lock().unwrap().remove(0)
    }

    /// The slot of the client before is free.
    #[track_caller]
    fn assert_free(&self) {
        eventually("the slot is free", || {
            let mut stream = self.connect();
            let request = "GET /none HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
            stream.write_all(request.as_bytes()).unwrap();
            read_all(&mut stream).starts_with("HTTP/1.1 404 ")
        });
    }

    #[track_caller]
    fn assert_cancelled(&self) {
        eventually("the handler is told", || self.cancelled.load(Ordering::Relaxed) == 1);
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.handle.shut_down();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn call(path: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/{kind}\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// `printf ... | nc -N` with calls whose answers take their time.
#[test]
fn deferred_calls_are_answered_after_the_end_of_the_client() {
    let fixture = Fixture::new(|_| ());
    let mut stream = fixture.connect();
    let one = call(LATER, "proto", "\n\x02hi");
    stream.write_all([&*one, &one].concat().as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    for answer in ["one", "two"] {
        fixture.reply().send(Ok(answer.as_bytes().to_vec()));
    }
    let answers = read_all(&mut stream);
    let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|head| &head[..3]).collect();
    assert_eq!(statuses, ["200", "200"], "{answers}");
    assert!(answers.contains("\r\n\r\noneHTTP/1.1 200") && answers.ends_with("two"), "{answers}");
    fixture.assert_free();
}

#[test]
fn a_client_that_has_ended_waits_no_longer_than_the_limit() {
    let fixture = Fixture::new(|limits| limits.unobserved_timeout = Duration::from_millis(200));
    let mut stream = fixture.connect();
    stream.write_all(call(LATER, "proto", "").as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let answer = read_all(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 499 ") && answer.contains("canceled"), "{answer}");
}

/// A stream may have nothing to send for long: its slot is not kept for somebody who may be gone.
#[test]
fn a_quiet_stream_ends_with_its_client() {
    let fixture = Fixture::new(|_| ());
    let stream = fixture.in_a_stream();
    stream.shutdown(Shutdown::Write).unwrap();
    fixture.assert_cancelled();
}

/// What a client sends behind a stream is not read, and its end neither.
#[test]
fn a_quiet_stream_ends_when_too_much_waits_behind_it() {
    let max = Limits::DEFAULT.max_pipelined_bytes;
    let fixture = Fixture::new(|_| ());
    let mut stream = fixture.in_a_stream();
    // More than the buffers of the sockets take; the server may have closed before the last.
    stream.set_nonblocking(true).unwrap();
    let mut sent = 0;
    eventually("the server has closed, or everything is sent", || {
        match stream.write(&[b'x'; 64 * 1024]) {
            Ok(bytes) => sent += bytes,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return true,
        }
        sent > 64 * max
    });
    drop(stream);
    fixture.assert_cancelled();
    fixture.assert_free();

    // In words, for a client that reads.
    let fixture = Fixture::new(|_| ());
    let mut stream = fixture.connect();
    stream.write_all(call(QUIET, "connect+proto", "\0\0\0\0\0").as_bytes()).unwrap();
    stream.write_all(&vec![b'x'; max]).unwrap();
    let answer = read_all(&mut stream);
    assert!(answer.contains("bytes wait behind the request"), "{answer}");
}

/// A client of gRPC or the native protocol has to go on sending while it waits, so its end is a loss.
#[test]
fn the_end_of_a_client_of_another_protocol_cancels_its_calls() {
    both(|protocol: Protocol| {
        let fixture = Fixture::new(|_| ());
        let now = Duration::ZERO;
        let mut session = ClientSession::new(protocol, "x", false, &Limits::DEFAULT, now);
        let id = session.start(now, QUIET, &Metadata::new(), None).unwrap();
        session.send_message(id, b"", true).unwrap();
        let mut stream = fixture.connect();
        stream.write_all(session.output()).unwrap();
        eventually("the stream has begun", || fixture.begun.load(Ordering::Relaxed) == 1);
        stream.shutdown(Shutdown::Write).unwrap();
        fixture.assert_cancelled();
    });
}
