//! The attacker's connections: bytes that a polite client would not send.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use agora::call::{CallId, ClientSink, Code, Limits, Metadata, Status};
use agora::session::{ClientSession, Protocol};

use crate::connect_from::connect_from;
use crate::wait::pause;

const NOW: Duration = Duration::ZERO;

/// What the server has answered.
#[derive(Default)]
pub struct Answers {
    pub messages: usize,
    pub ends: Vec<Status>,
}

impl ClientSink for Answers {
    fn headers(&mut self, _: CallId, _: &Metadata) {}

    fn message(&mut self, _: CallId, _: &[u8]) {
        self.messages += 1;
    }

    fn finished(&mut self, _: CallId, status: Status, _: bool) {
        self.ends.push(status);
    }

    fn writable(&mut self, _: CallId) {}
}

/// One connection that never blocks.
pub struct Attacker {
    pub socket: TcpStream,
    pub session: ClientSession,
    pub answers: Answers,
    /// The most bytes that it writes.
    pub budget: usize,
    /// The server has closed the connection.
    pub closed: bool,
    buffer: Vec<u8>,
}

impl Attacker {
    pub fn new(from: Ipv4Addr, server: SocketAddr, protocol: Protocol) -> Attacker {
        let socket = connect_from(from, server);
        socket.set_nonblocking(true).unwrap();
        let session = ClientSession::new(protocol, "attack", false, &Limits::DEFAULT, NOW);
        let (answers, buffer) = (Answers::default(), vec![0; 64 * 1024]);
        Attacker { socket, session, answers, budget: usize::MAX, closed: false, buffer }
    }

    /// Starts a call, as far as the session allows it.
    pub fn start(&mut self, path: &str, message: Option<&[u8]>, last: bool) -> bool {
        let Ok(call) = self.session.start(NOW, path, &Metadata::new(), None) else { return false };
        message.is_none_or(|message| self.session.send_message(call, message, last).is_ok())
    }

    /// Writes and reads once. Returns whether anything moved.
    pub fn turn(&mut self) -> bool {
        let mut moved = false;
        let output = self.session.output();
        let count = output.len().min(self.budget);
        if count > 0 && !self.closed {
            match self.socket.write(&output[..count]) {
                Ok(written) => {
                    self.session.consume_output(written);
                    self.budget -= written;
                    moved = written > 0;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => (),
                Err(_) => self.closed = true,
            }
        }
        match self.socket.read(&mut self.buffer) {
            Ok(0) => self.closed = true,
            Ok(read) => {
                self.session.receive(NOW, &self.buffer[..read], &mut self.answers);
                moved = true;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => (),
            Err(_) => self.closed = true,
        }
        moved
    }

    /// How many calls were refused with RESOURCE_EXHAUSTED.
    pub fn refused(&self) -> usize {
        let is_refused = |status: &&Status| status.code == Code::ResourceExhausted;
        self.answers.ends.iter().filter(is_refused).count()
    }
}

/// Runs attackers until nothing has moved for a while.
pub fn drive(attackers: &mut [Attacker]) {
    let mut moved_at = Instant::now();
    let until = Instant::now() + Duration::from_secs(60);
    while moved_at.elapsed() < Duration::from_millis(500) {
        assert!(Instant::now() < until, "data still moves");
        if attackers.iter_mut().fold(false, |moved, attacker| attacker.turn() | moved) {
            moved_at = Instant::now();
        } else {
            pause();
        }
    }
}

/// Whether the server has closed a silent connection; discards what it has sent.
pub fn is_closed(socket: &mut TcpStream) -> bool {
    socket.set_nonblocking(true).unwrap();
    let mut buffer = [0; 1024];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => (),
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}
