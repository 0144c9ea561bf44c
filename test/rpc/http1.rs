//! HTTP/1.1 on real sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use agora::call::{Access, Limits, ResourceResponse};
use agora::hpack::Indexing;
use agora::http2::{Connection, Event};
use agora::rpc::{
    CallOptions, Channel, ChannelOptions, Reply, Server, ServerHandle, ServerOptions, Services,
};
use agora::session::Protocol;

use crate::fixture::{LONG, eventually, within};

const ECHO: &str = "/test.Echo/Unary";
/// Is answered when the test does it.
const LATER: &str = "/test.Echo/Later";

struct Web {
    address: SocketAddr,
    handle: ServerHandle,
    /// Calls of LATER.
    held: Arc<Mutex<Vec<Reply>>>,
    thread: Option<JoinHandle<()>>,
}

impl Web {
    fn with(options: ServerOptions) -> Web {
        let mut services = Services::new();
        services.resource("/page", Access::Anyone, |_, request| {
            ResourceResponse::text(200, format!("page {}", request.query))
        });
        services.resource("/large", Access::Anyone, |_, _| {
            ResourceResponse::text(200, "x".repeat(2 * 1024 * 1024))
        });
        services.unary(ECHO, |_, message, response| {
            response.extend_from_slice(message);
            Ok(())
        });
        let held = Arc::new(Mutex::new(Vec::new()));
        let holding = Arc::clone(&held);
        services.deferred(LATER, move |_, _, reply| holding.lock().unwrap().push(reply));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(address, services, options).unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Web { address, handle, held, thread }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    /// The whole answer of a connection that sends these bytes and is closed by the server.
    fn answer(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        read_all(&mut stream)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.handle.shut_down();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn with_limits(change: impl FnOnce(&mut Limits)) -> ServerOptions {
    let mut options = ServerOptions::default();
    change(&mut options.limits);
    options
}

#[test]
fn a_resource_is_served_beside_calls_on_one_port() {
    let web = Web::with(ServerOptions::default());
    let requests = "GET /page?1 HTTP/1.1\r\nhost: x\r\n\r\nGET /none HTTP/1.1\r\nhost: x\r\n\r\n\
                    GET /page?2 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = web.answer(requests.as_bytes());
    let statuses: Vec<_> = answer.split("HTTP/1.1 ").skip(1).map(|head| &head[..3]).collect();
    assert_eq!(statuses, ["200", "404", "200"], "{answer}");
    assert!(answer.contains("\r\n\r\npage 1HTTP/1.1 404") && answer.ends_with("page 2"));
    assert!(answer.contains("\r\ndate: ") && answer.contains(" GMT\r\n"), "{answer}");
    for protocol in [Protocol::Grpc, Protocol::Native] {
        let options = ChannelOptions { protocol, ..ChannelOptions::default() };
        let channel = Channel::new(&web.address.to_string(), options).unwrap();
        let options: CallOptions = within(LONG);
        assert_eq!(channel.unary(ECHO, b"hi", &options).unwrap(), b"hi");
    }
}

/// Senders that never complete a head hold their slots only until the deadline, and nobody waits for
/// them.
#[test]
fn slow_senders_end_in_time_and_delay_nobody() {
    let timeout = Duration::from_millis(500);
    let web = Web::with(with_limits(|limits| {
        limits.request_head_timeout = timeout;
        limits.request_body_timeout = timeout;
    }));
    let started = Instant::now();
    let mut slow: Vec<_> = (0..20).map(|_| web.connect()).collect();
    for (n, stream) in slow.iter_mut().enumerate() {
        let beginning: &[u8] = match n % 2 {
            0 => b"GET /page HTTP/1.1\r\nhost",
            _ => {
                b"GET /page HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 9\r\n\r\nx"
            }
        };
        stream.write_all(beginning).unwrap();
    }
    let quick = web.answer(b"GET /page HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(quick.starts_with("HTTP/1.1 200 "), "{quick}");
    for (n, stream) in slow.iter_mut().enumerate() {
        let answer = read_all(stream);
        // The second kind was answered: a GET needs no body.
        let status = if n % 2 == 0 { "HTTP/1.1 408 " } else { "HTTP/1.1 200 " };
        assert!(answer.starts_with(status), "{answer}");
    }
    assert!(started.elapsed() >= timeout && started.elapsed() < LONG);
}

#[test]
fn bytes_that_are_no_request_are_refused_before_they_fill_the_memory() {
    let web = Web::with(ServerOptions::default());
    for (byte, status) in [(b'A', "414"), (b'\n', "400")] {
        let mut stream = web.connect();
        // The server may have closed already.
        let _ = stream.write_all(&[&b"GET "[..], &[byte; 100_000]].concat());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[test]
fn a_client_beyond_the_limit_of_connections_gets_a_503() {
    let web = Web::with(ServerOptions { max_connections: 1, ..ServerOptions::default() });
    let options = ChannelOptions { protocol: Protocol::Native, ..ChannelOptions::default() };
    let channel = Channel::new(&web.address.to_string(), options).unwrap();
    std::thread::scope(|scope| {
        // An idle connection would give way.
        let busy = scope.spawn(|| channel.unary(LATER, b"", &within(LONG)));
        eventually("the call has begun", || !web.held.lock().unwrap().is_empty());
        let answer = web.answer(b"GET /page HTTP/1.1\r\nhost: x\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
        assert!(
            answer.ends_with("the server has as many connections as it may have\n"),
            "{answer}"
        );
        let reply = web.held.lock().unwrap().pop().unwrap();
        reply.send(Ok(b"late".to_vec()));
        assert_eq!(busy.join().unwrap().unwrap(), b"late");
    });
}

/// `printf ... | nc -N` does so.
#[test]
fn a_client_that_ends_its_side_behind_its_request_is_answered() {
    let web = Web::with(ServerOptions::default());
    for _ in 0..20 {
        let mut stream = web.connect();
        stream.write_all(b"GET /page HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let answer = read_all(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("page "), "{answer}");
    }
}

#[test]
fn an_idle_connection_ends_with_the_server() {
    let mut web = Web::with(ServerOptions::default());
    let mut stream = web.connect();
    stream.write_all(b"GET /page HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    web.handle.shut_down();
    let rest = read_all(&mut stream);
    assert!(rest.ends_with("\r\n\r\npage "), "{rest}");
    web.thread.take().unwrap().join().unwrap();
}

/// Over HTTP/2 a client can ask for many pages at once: they count in the budget of unread answers.
#[test]
fn pages_that_are_not_read_are_refused_beyond_the_budget() {
    let web = Web::with(ServerOptions { max_unread_bytes: 1024, ..ServerOptions::default() });
    let mut http = Connection::new_client(&Limits::DEFAULT, Duration::ZERO);
    for _ in 0..2 {
        let fields =
            [(":method", "GET"), (":scheme", "http"), (":path", "/large"), (":authority", "x")];
        let fields = fields.map(|(n, v)| (n.as_bytes(), v.as_bytes(), Indexing::Incremental));
        http.open(fields, true).unwrap();
    }
    let mut stream = web.connect();
    stream.write_all(http.output()).unwrap();
    let (mut answers, mut arrived) = (Vec::new(), Vec::new());
    let mut buffer = vec![0; 64 * 1024];
    while answers.len() < 2 {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "{answers:?}");
        arrived.extend_from_slice(&buffer[..read]);
        let mut rest = &arrived[..];
        while let Some(event) = http.next_event(Duration::ZERO, &mut rest) {
            let Event::Headers { fields, .. } = event else { continue };
            let of = |wanted: &[u8]| {
                let value = fields.iter().find(|(name, _)| *name == wanted).map(|field| field.1);
                String::from_utf8(value.unwrap_or_default().to_vec()).unwrap()
            };
            answers.push((of(b":status"), of(b"retry-after")));
        }
        let used = arrived.len() - rest.len();
        arrived.drain(..used);
    }
    let text = |status: &str, retry_after: &str| (status.to_owned(), retry_after.to_owned());
    assert_eq!(answers, [text("200", ""), text("429", "1")]);
}
