//! Received bytes that wait for the rest of their message or for their handler.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use agora::call::{CallId, ClientSink, Code, Limits, Metadata, Status};
use agora::session::{ClientSession, Protocol};

use super::server::{KEEP, LENGTH, LENGTH_BY_WORKER, MEBIBYTE, Process, WITH_METADATA};
use crate::fixture::{LONG, both};
use crate::wait::pause;

const NOW: Duration = Duration::ZERO;
/// A connection on which nothing moves for this long waits for the server.
const STILL: Duration = Duration::from_secs(2);

/// How many calls of a client have ended, and how.
#[derive(Default)]
pub struct Ends {
    pub ok: usize,
    pub exhausted: usize,
    pub others: Vec<Status>,
}

impl ClientSink for Ends {
    fn headers(&mut self, _: CallId, _: &Metadata) {}

    fn message(&mut self, _: CallId, _: &[u8]) {}

    fn finished(&mut self, _: CallId, status: Status, _: bool) {
        match status.code {
            Code::Ok => self.ok += 1,
            Code::ResourceExhausted => self.exhausted += 1,
            _ => self.others.push(status),
        }
    }

    fn writable(&mut self, _: CallId) {}
}

/// A client that never half-closes.
pub struct Client {
    socket: TcpStream,
    session: ClientSession,
    pub ends: Ends,
    /// The most bytes that it writes.
    pub budget: usize,
    buffer: Vec<u8>,
}

impl Client {
    pub fn new(server: SocketAddr, protocol: Protocol) -> Client {
        let socket = TcpStream::connect(server).unwrap();
        socket.set_nonblocking(true).unwrap();
        let session = ClientSession::new(protocol, "test", false, &Limits::DEFAULT, NOW);
        let (ends, buffer) = (Ends::default(), vec![0; 64 * 1024]);
        Client { socket, session, ends, budget: usize::MAX, buffer }
    }

    pub fn start(&mut self, path: &str, metadata: &Metadata, message: Option<&[u8]>) -> CallId {
        let call = self.session.start(NOW, path, metadata, None).unwrap();
        if let Some(message) = message {
            self.session.send_message(call, message, false).unwrap();
        }
        call
    }

    /// Whether a call has queued output.
    pub fn is_sending(&self, call: CallId) -> bool {
        self.session.queued(call) > 0 || !self.session.output().is_empty()
    }

    /// Writes and reads once. Returns whether anything moved.
    pub fn turn(&mut self) -> bool {
        let mut moved = false;
        let output = self.session.output();
        let count = output.len().min(self.budget);
        if count > 0
            && let Ok(written) = self.socket.write(&output[..count])
        {
            self.session.consume_output(written);
            self.budget -= written;
            moved = written > 0;
        }
        match self.socket.read(&mut self.buffer) {
            Ok(0) => (),
            Ok(read) => {
                self.session.receive(NOW, &self.buffer[..read], &mut self.ends);
                moved = true;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
        moved
    }
}

/// Runs clients until nothing moves any more.
fn drive(clients: &mut [Client]) {
    let started = Instant::now();
    let mut moved_at = started;
    while moved_at.elapsed() < STILL {
        assert!(started.elapsed() < 3 * LONG, "data still moves");
        let moved = clients.iter_mut().fold(false, |moved, client| client.turn() | moved);
        if moved {
            moved_at = Instant::now();
        } else {
            pause();
        }
    }
}

/// Runs clients until `done` holds for each.
fn drive_until(clients: &mut [Client], done: impl Fn(&Client) -> bool) {
    let mut moved_at = Instant::now();
    while !clients.iter().all(&done) {
        assert!(moved_at.elapsed() < 3 * LONG, "the condition never holds");
        if clients.iter_mut().fold(false, |moved, client| client.turn() | moved) {
            moved_at = Instant::now();
        } else {
            pause();
        }
    }
}

/// So many clients send so many messages of 4 MiB each, one after the other.
fn send_whole(
    server: &Process,
    protocol: Protocol,
    path: &str,
    (clients, messages): (usize, usize),
) -> Vec<Client> {
    let message = vec![7; 4 * MEBIBYTE];
    let send = |_| {
        let mut client = Client::new(server.address, protocol);
        for _ in 0..messages {
            let call = client.start(path, &Metadata::new(), Some(&message));
            let mut moved_at = Instant::now();
            while client.is_sending(call) {
                if client.turn() {
                    moved_at = Instant::now();
                } else if moved_at.elapsed() > STILL {
                    break;
                } else {
                    pause();
                }
            }
        }
        client
    };
    let mut clients: Vec<_> = (0..clients).map(send).collect();
    drive(&mut clients);
    clients
}

/// Clients that start messages and do not finish them: each writes so many bytes.
fn send_parts(server: &Process, protocol: Protocol, count: usize, bytes: usize) -> Vec<Client> {
    let message = vec![7; 4 * MEBIBYTE];
    let mut clients: Vec<_> = (0..count).map(|_| Client::new(server.address, protocol)).collect();
    for client in &mut clients {
        client.budget = bytes;
        for _ in 0..bytes / message.len() + 1 {
            client.start(LENGTH, &Metadata::new(), Some(&message));
        }
    }
    drive(&mut clients);
    clients
}

fn total(clients: &[Client], of: impl Fn(&Ends) -> usize) -> usize {
    clients.iter().map(|client| of(&client.ends)).sum()
}

#[test]
fn a_unary_call_is_answered_after_its_first_complete_message() {
    both(|protocol| {
        for (path, most) in [(LENGTH, 60), (LENGTH_BY_WORKER, 150)] {
            let server = Process::start();
            // 800 MiB on two connections whose calls stay open.
            let clients = send_whole(&server, protocol, path, (2, 100));
            assert_eq!(total(&clients, |ends| ends.ok), 200, "{:?}", clients[0].ends.others);
            let peak = server.peak_mib();
            assert!(peak < most, "{path}: {peak} MiB were held");
            server.serves(protocol);
        }
    });
}

#[test]
fn messages_that_wait_to_be_handled_are_bounded_over_all_connections() {
    both(|protocol| {
        let mut server = Process::start();
        // 480 MiB that a handler would keep.
        let clients = send_whole(&server, protocol, KEEP, (120, 1));
        assert!(total(&clients, |ends| ends.exhausted) > 0);
        assert_eq!(total(&clients, |ends| ends.ok + ends.others.len()), 0);
        server.settled_mib();
        let peak = server.peak_mib();
        assert!((100..450).contains(&peak), "{peak} MiB were held");
        server.serves(protocol);
        drop(clients);
    });
}

#[test]
fn unfinished_messages_are_bounded_over_all_connections() {
    // Over the native protocol a connection has one at a time.
    for (protocol, count, bytes) in
        [(Protocol::Grpc, 40, 15 * MEBIBYTE), (Protocol::Native, 120, 4 * MEBIBYTE - 100_000)]
    {
        let mut server = Process::start();
        let clients = send_parts(&server, protocol, count, bytes);
        assert!(total(&clients, |ends| ends.exhausted) > 0, "over {protocol:?}");
        server.settled_mib();
        let peak = server.peak_mib();
        assert!((100..400).contains(&peak), "over {protocol:?}: {peak} MiB were held");
        server.serves(protocol);
        // The budget is free again.
        drop(clients);
        let held = server.settled_mib();
        assert!(held < 200, "over {protocol:?}: {held} MiB are still held");
    }
}

#[test]
fn interleaved_large_messages_wait_for_each_other_and_none_is_refused() {
    both(|protocol| {
        let mut server = Process::start();
        let message = vec![7; 4 * MEBIBYTE];
        // 480 MiB on four connections.
        let mut clients: Vec<_> = (0..4).map(|_| Client::new(server.address, protocol)).collect();
        for client in &mut clients {
            (0..30).for_each(|_| {
                client.start(LENGTH, &Metadata::new(), Some(&message));
            });
        }
        let ended = |client: &Client| client.ends.ok + client.ends.exhausted == 30;
        drive_until(&mut clients, ended);
        assert_eq!(total(&clients, |ends| ends.ok), 120);
        let peak = server.peak_mib();
        assert!(peak < 200, "{peak} MiB were held");
        let held = server.settled_mib();
        assert!(held < 60, "{held} MiB are still held");
    });
}

#[test]
fn a_process_limited_to_one_gibibyte_survives() {
    both(|protocol| {
        let mut server = Process::start_after("ulimit -v 1048576;");
        let kept = send_whole(&server, protocol, KEEP, (120, 1));
        let parts = send_parts(&server, protocol, 40, 4 * MEBIBYTE - 100_000);
        server.settled_mib();
        server.serves(protocol);
        drop((kept, parts));
    });
}

#[test]
fn metadata_is_kept_only_on_request_and_bounded() {
    let mut metadata = Metadata::new();
    for n in 0..14 {
        // Bytes that no Huffman code makes shorter, since that would cost the test time.
        metadata.insert(&format!("x-{n}"), &[b'~'; 1000]).unwrap();
    }
    both(|protocol| {
        let server = Process::start();
        let mut clients: Vec<_> = (0..45).map(|_| Client::new(server.address, protocol)).collect();
        // 60 MiB of metadata of calls that are open and have sent nothing else. The last request is
        // answered once all of them were processed.
        for client in &mut clients {
            (0..99).for_each(|_| {
                client.start(KEEP, &metadata, None);
            });
            client.start(LENGTH, &metadata, Some(b"last"));
        }
        drive_until(&mut clients, |client| client.ends.ok == 1);
        assert_eq!(total(&clients, |ends| ends.exhausted + ends.others.len()), 0);
        let peak = server.peak_mib();
        assert!(peak < 45, "{peak} MiB are held");
        let mut client = Client::new(server.address, protocol);
        (0..99).for_each(|_| {
            client.start(WITH_METADATA, &metadata, None);
        });
        client.start(LENGTH, &metadata, Some(b"last"));
        drive_until(std::slice::from_mut(&mut client), |client| client.ends.ok == 1);
        let refused = client.ends.exhausted;
        let others = &client.ends.others;
        assert!((20..40).contains(&refused), "{refused} of 100 calls were refused, {others:?}");
    });
}
