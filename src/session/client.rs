//! The client side of a connection.

use std::time::Duration;

use super::deadlines::Deadlines;
use super::input::PartialInput;
use super::keepalive::{Keepalive, KeepaliveAction};
use crate::call::{CallEnded, CallId, ClientSink, Code, Limits, Metadata, Status};
use crate::{grpc, gzip, native};

/// The protocol of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC over HTTP/2, for any gRPC server.
    Grpc,
    /// Agora's native protocol, for an Agora server, at less than half the cost.
    #[default]
    Native,
}

impl std::str::FromStr for Protocol {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Protocol, &'static str> {
        match text {
            "grpc" => Ok(Protocol::Grpc),
            "native" => Ok(Protocol::Native),
            _ => Err("expected grpc or native"),
        }
    }
}

/// Why a call could not start on this connection. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The server's limit of concurrent calls is reached: wait until a call ends.
    TooManyCalls,
    /// The server or the client has sent GOAWAY: use another connection.
    GoingAway,
    /// All ids of this connection are used up: use another connection.
    Exhausted,
    /// The path or the metadata is invalid.
    Invalid(&'static str),
}

/// The client side of one connection. It is used like [`super::ServerSession`].
pub struct ClientSession {
    limits: Limits,
    wire: Wire,
    partial: PartialInput,
    deadlines: Deadlines,
    keepalive: Keepalive,
    /// No new calls start: the connection ends with the last call.
    going_away: bool,
    /// The protocol left complete frames in `partial`, because it wanted no more input.
    held_back: bool,
}

enum Wire {
    Grpc(Box<grpc::ClientConnection>),
    Native(Box<native::ClientConnection>),
}

/// Calls the same method of either protocol.
macro_rules! either {
    ($wire:expr, $connection:ident => $then:expr) => {
        match $wire {
            Wire::Grpc($connection) => $then,
            Wire::Native($connection) => $then,
        }
    };
}

impl ClientSession {
    /// A connection that was established at `now` to `authority` (`host:port`). With `tls` gRPC
    /// sends `:scheme https`.
    pub fn new(
        protocol: Protocol,
        authority: &str,
        tls: bool,
        limits: &Limits,
        now: Duration,
    ) -> ClientSession {
        let wire = match protocol {
            Protocol::Grpc => {
                Wire::Grpc(Box::new(grpc::ClientConnection::new(limits, now, authority, tls)))
            }
            Protocol::Native => Wire::Native(Box::new(native::ClientConnection::new(limits, now))),
        };
        ClientSession {
            limits: limits.clone(),
            wire,
            partial: PartialInput::default(),
            deadlines: Deadlines::default(),
            keepalive: Keepalive::new(now),
            going_away: false,
            held_back: false,
        }
    }

    /// Starts a call. The timeout is sent to the server; the client also ends the call when it
    /// passes.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(
        &mut self,
        now: Duration,
        path: &str,
        metadata: &Metadata,
        timeout: Option<Duration>,
    ) -> Result<CallId, StartError> {
        self.start_either(now, path, metadata, timeout, false)
    }

    /// The same for a call whose requests are compressed. The native protocol does not compress.
    ///
    /// # Errors
    /// See [`StartError`]; this build has no gzip.
    pub fn start_compressed(
        &mut self,
        now: Duration,
        path: &str,
        metadata: &Metadata,
        timeout: Option<Duration>,
    ) -> Result<CallId, StartError> {
        if !gzip::IS_AVAILABLE {
            return Err(StartError::Invalid("this build has no gzip"));
        }
        self.start_either(now, path, metadata, timeout, true)
    }

    fn start_either(
        &mut self,
        now: Duration,
        path: &str,
        metadata: &Metadata,
        timeout: Option<Duration>,
        compressed: bool,
    ) -> Result<CallId, StartError> {
        let call = match &mut self.wire {
            Wire::Grpc(connection) => {
                let started = if compressed {
                    connection.start_compressed(path, metadata, timeout)
                } else {
                    connection.start(path, metadata, timeout)
                };
                started.map_err(|error| match error {
                    grpc::StartError::TooManyCalls => StartError::TooManyCalls,
                    grpc::StartError::GoingAway => StartError::GoingAway,
                    grpc::StartError::Exhausted => StartError::Exhausted,
                })?
            }
            Wire::Native(connection) => {
                connection.start(path, metadata, timeout).map_err(|error| match error {
                    native::StartError::TooManyCalls => StartError::TooManyCalls,
                    native::StartError::GoingAway => StartError::GoingAway,
                    native::StartError::Exhausted => StartError::Exhausted,
                    native::StartError::Path => StartError::Invalid("the method path is malformed"),
                    native::StartError::Metadata => StartError::Invalid("too much metadata"),
                })?
            }
        };
        if let Some(deadline) = timeout.and_then(|timeout| now.checked_add(timeout)) {
            self.deadlines.insert(call, deadline);
        }
        if self.open_calls() == 1 {
            // Silence counts from the first call: an idle connection is not pinged.
            self.keepalive.received(now);
        }
        Ok(call)
    }

    /// Chooses whether the next requests of a call are compressed that was
    /// [started](Self::start_compressed) for compression.
    pub fn choose_compression(&mut self, call: CallId, compressed: bool) {
        if let Wire::Grpc(connection) = &mut self.wire {
            connection.choose_compression(call, compressed);
        }
    }

    /// Sends a message; with `last` it half-closes as well.
    ///
    /// # Errors
    /// [`CallEnded`]: the call is over.
    pub fn send_message(
        &mut self,
        call: CallId,
        message: &[u8],
        last: bool,
    ) -> Result<(), CallEnded> {
        either!(&mut self.wire, connection => {
            connection.send_message(call, message, last)
        })
    }

    /// Half-closes the call: no more messages follow.
    ///
    /// # Errors
    /// [`CallEnded`]: the call is over.
    pub fn half_close(&mut self, call: CallId) -> Result<(), CallEnded> {
        either!(&mut self.wire, connection => connection.half_close(call))
    }

    /// Cancels a call. No more events are reported for it.
    pub fn cancel(&mut self, call: CallId) {
        self.deadlines.remove(call);
        either!(&mut self.wire, connection => connection.cancel(call));
    }

    /// Processes bytes from the server and reports events.
    pub fn receive(&mut self, now: Duration, input: &[u8], sink: &mut impl ClientSink) {
        self.keepalive.received(now);
        self.feed(now, input, sink);
    }

    fn feed(&mut self, now: Duration, input: &[u8], sink: &mut impl ClientSink) {
        let ClientSession { wire, partial, deadlines, .. } = self;
        let mut sink = Deadlined { sink, deadlines };
        partial.feed(
            input,
            |input| either!(wire, connection => connection.receive(now, input, &mut sink)),
        );
        self.held_back = !self.partial.is_empty() && !self.wants_input();
    }

    /// As [`super::ServerSession::has_more`].
    pub fn has_more(&self) -> bool {
        let events = either!(&self.wire, connection => connection.has_events());
        events || (self.held_back && self.wants_input())
    }

    /// As [`super::ServerSession::resume`].
    pub fn resume(&mut self, now: Duration, sink: &mut impl ClientSink) {
        self.feed(now, &[], sink);
    }

    /// The connection is lost (end of file, or an error of the socket): every open call ends.
    pub fn connection_lost(&mut self, sink: &mut impl ClientSink) {
        self.partial.clear();
        self.deadlines = Deadlines::default();
        either!(&mut self.wire, connection => connection.connection_lost(sink));
    }

    /// As [`connection_lost`](Self::connection_lost), with the cause.
    pub fn connection_failed(&mut self, cause: &str, sink: &mut impl ClientSink) {
        self.partial.clear();
        self.deadlines = Deadlines::default();
        either!(&mut self.wire, connection => connection.connection_failed(cause, sink));
    }

    /// Queued bytes of the call, which wait for the server's window.
    pub fn queued(&self, call: CallId) -> usize {
        either!(&self.wire, connection => connection.queued(call))
    }

    /// The application has consumed a received message of so many bytes: the server may send more.
    pub fn message_taken(&mut self, call: CallId, bytes: usize) {
        either!(&mut self.wire, connection => connection.message_taken(call, bytes));
    }

    /// Announces that no new calls start.
    pub fn go_away(&mut self) {
        self.going_away = true;
        either!(&mut self.wire, connection => connection.go_away(""));
    }

    /// Calls that are not finished.
    pub fn open_calls(&self) -> usize {
        either!(&self.wire, connection => connection.open_calls())
    }

    /// The limit of concurrent calls that the server has announced.
    pub fn max_calls(&self) -> usize {
        either!(&self.wire, connection => connection.max_calls())
    }

    /// The bytes to write to the socket.
    pub fn output(&self) -> &[u8] {
        either!(&self.wire, connection => connection.output())
    }

    /// The socket accepted `n` bytes of the output.
    pub fn consume_output(&mut self, n: usize) {
        self.keepalive.wrote();
        either!(&mut self.wire, connection => connection.consume_output(n));
    }

    /// The socket accepted none of the output.
    pub fn write_blocked(&mut self, now: Duration) {
        self.keepalive.write_blocked(now);
    }

    /// Whether to read more input.
    pub fn wants_input(&self) -> bool {
        either!(&self.wire, connection => connection.wants_input())
    }

    /// Whether the connection is finished: write the remaining output, then close the socket.
    pub fn is_closed(&self) -> bool {
        (self.going_away && self.open_calls() == 0)
            || either!(&self.wire, connection => connection.is_closed())
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    pub fn next_timeout(&self) -> Duration {
        let keepalive = self.keepalive.next(self.open_calls(), None, &self.limits);
        let wire = either!(&self.wire, connection => connection.next_timeout());
        [wire, self.deadlines.earliest()].into_iter().flatten().fold(keepalive, Duration::min)
    }

    /// Handles timeouts: ends calls after their deadline, pings a silent server, closes the
    /// connection to one that does not answer.
    pub fn handle_timeout(&mut self, now: Duration, sink: &mut impl ClientSink) {
        for call in self.deadlines.expire(now) {
            either!(&mut self.wire, connection => connection.cancel(call));
            sink.finished(call, Status::new(Code::DeadlineExceeded, "the deadline passed"), false);
        }
        either!(&mut self.wire, connection => connection.handle_timeout(now, sink));
        let (code, reason) = match self.keepalive.action(now, self.open_calls(), None, &self.limits)
        {
            Some(KeepaliveAction::SendPing) => {
                either!(&mut self.wire, connection => connection.ping());
                self.keepalive.ping_sent(now);
                return;
            }
            Some(KeepaliveAction::CloseIdle) => (Code::Ok, "idle"),
            Some(KeepaliveAction::PingTimedOut) => {
                (Code::Unavailable, "no answer to a keepalive ping")
            }
            Some(KeepaliveAction::WriteStalled) => (Code::Unavailable, "the server takes no bytes"),
            None => return,
        };
        self.deadlines = Deadlines::default();
        either!(&mut self.wire, connection => connection.close(code, reason, sink));
    }
}

/// Removes the deadlines of calls when their ends are reported to the sink.
struct Deadlined<'a, S> {
    sink: &'a mut S,
    deadlines: &'a mut Deadlines,
}

impl<S: ClientSink> ClientSink for Deadlined<'_, S> {
    fn headers(&mut self, call: CallId, metadata: &Metadata) {
        self.sink.headers(call, metadata);
    }

    fn compressed(&mut self, call: CallId) {
        self.sink.compressed(call);
    }

    fn message(&mut self, call: CallId, message: &[u8]) {
        self.sink.message(call, message);
    }

    fn finished(&mut self, call: CallId, status: Status, retriable: bool) {
        self.deadlines.remove(call);
        self.sink.finished(call, status, retriable);
    }

    fn writable(&mut self, call: CallId) {
        self.sink.writable(call);
    }
}
