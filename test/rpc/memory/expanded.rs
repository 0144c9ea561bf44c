//! Messages that are small on the wire and large in memory: bombs of gzip.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use agora::call::Limits;
use agora::gzip;
use agora::hpack::Indexing;
use agora::http2::{Connection, Event};
use agora::session::Protocol;

use super::server::{KEEP, LENGTH, MEBIBYTE, Process};
use crate::fixture::LONG;
use crate::wait::pause;

const NOW: Duration = Duration::ZERO;
const RESOURCE_EXHAUSTED: &[u8] = b"8";

/// A client that sends messages as they are, compressed long before.
struct Client {
    socket: TcpStream,
    http: Connection,
    /// The `grpc-status` of each call that has ended.
    ended: Vec<Vec<u8>>,
    buffer: Vec<u8>,
}

impl Client {
    fn new(server: SocketAddr) -> Client {
        let socket = TcpStream::connect(server).unwrap();
        socket.set_nonblocking(true).unwrap();
        let http = Connection::new_client(&Limits::DEFAULT, NOW);
        Client { socket, http, ended: Vec::new(), buffer: vec![0; 64 * 1024] }
    }

    fn call(&mut self, path: &str, frame: &[u8]) {
        let fields = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "test"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("grpc-encoding", "gzip"),
        ];
        let fields = fields.map(|(n, v)| (n.as_bytes(), v.as_bytes(), Indexing::Incremental));
        let stream = self.http.open(fields, false).unwrap();
        self.http.send_data(stream, &[frame], true).unwrap();
    }

    /// Writes and reads once. Returns whether anything moved.
    fn turn(&mut self) -> bool {
        let mut moved = false;
        if !self.http.output().is_empty()
            && let Ok(written) = self.socket.write(self.http.output())
        {
            self.http.consume_output(written);
            moved = written > 0;
        }
        match self.socket.read(&mut self.buffer) {
            Ok(read) => {
                self.take(read);
                moved |= read > 0;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
        moved
    }

    /// The server's frames are small and arrive whole.
    fn take(&mut self, read: usize) {
        let mut input = &self.buffer[..read];
        while let Some(event) = self.http.next_event(NOW, &mut input) {
            match event {
                Event::Headers { fields, .. } | Event::Trailers { fields, .. } => {
                    let status = fields.iter().find(|(name, _)| *name == b"grpc-status");
                    self.ended.extend(status.map(|(_, value)| value.to_vec()));
                }
                Event::Data { stream, data, .. } => self.http.release(stream, data.len()),
                _ => (),
            }
        }
        assert!(input.is_empty(), "a frame is cut: {} bytes", input.len());
    }
}

/// The frame of a message of so many zeros.
fn frame(zeros: usize) -> Vec<u8> {
    let mut frame = vec![1, 0, 0, 0, 0];
    gzip::compress(&vec![0; zeros], &mut frame).unwrap();
    let length = u32::try_from(frame.len() - 5).unwrap().to_be_bytes();
    frame[1..5].copy_from_slice(&length);
    frame
}

fn drive_until(clients: &mut [Client], done: impl Fn(&[Client]) -> bool) {
    let started = Instant::now();
    while !done(clients) {
        assert!(started.elapsed() < 3 * LONG, "the condition never holds");
        if !clients.iter_mut().fold(false, |moved, client| client.turn() | moved) {
            pause();
        }
    }
}

#[test]
fn a_bomb_is_refused_and_never_held() {
    // Each of 200 calls would expand to 8 MiB, which is more than a message may have.
    let bomb = frame(8 * MEBIBYTE);
    assert!(bomb.len() < 50_000, "{}", bomb.len());
    let server = Process::start();
    let mut clients: Vec<_> = (0..4).map(|_| Client::new(server.address)).collect();
    for client in &mut clients {
        (0..50).for_each(|_| client.call(LENGTH, &bomb));
    }
    drive_until(&mut clients, |clients| clients.iter().all(|client| client.ended.len() == 50));
    let refused = |client: &Client| client.ended.iter().all(|code| code == RESOURCE_EXHAUSTED);
    assert!(clients.iter().all(refused));
    let peak = server.peak_mib();
    assert!(peak < 60, "{peak} MiB were held");
    server.serves(Protocol::Grpc);
}

#[test]
fn what_messages_expand_to_counts_in_the_budget_of_all_connections() {
    // 480 MiB for a handler that keeps them, in 480 kB.
    let message = frame(4 * MEBIBYTE - 16);
    let mut server = Process::start();
    let mut clients: Vec<_> = (0..120).map(|_| Client::new(server.address)).collect();
    clients.iter_mut().for_each(|client| client.call(KEEP, &message));
    drive_until(&mut clients, |clients| {
        clients.iter().all(|client| client.http.output().is_empty())
            && clients.iter().any(|client| !client.ended.is_empty())
    });
    server.settled_mib();
    while clients.iter_mut().fold(false, |moved, client| client.turn() | moved) {}
    let ended: Vec<_> = clients.iter().flat_map(|client| &client.ended).collect();
    assert!(ended.iter().all(|code| *code == RESOURCE_EXHAUSTED), "{ended:?}");
    let peak = server.peak_mib();
    assert!((100..450).contains(&peak), "{peak} MiB were held");
    server.serves(Protocol::Grpc);
}
