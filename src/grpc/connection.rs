//! What both roles of a connection share: HTTP/2, the open calls, their messages and windows.

use std::fmt;
use std::time::Duration;

use super::calls::Calls;
use super::inbound::Inbound;
use super::message::MessageLimits;
use super::{PING, call_id, connection_error, stream_id};
use crate::call::{CallId, Code, Metadata, Status};
use crate::hpack::FieldBlock;
use crate::http2::{self, ErrorCode, Event};

/// One gRPC connection. The role is [`Client`](super::client::Client) or
/// [`Server`](super::server::Server), and holds what only that role needs.
pub struct Connection<R: Role> {
    pub(super) role: R,
    pub(super) http: http2::Connection,
    pub(super) calls: Calls<Call<R::CallState>>,
    pub(super) messages: MessageLimits,
    /// Metadata of the field block that is being read; kept for its memory.
    pub(super) metadata: Metadata,
    /// The field block that is being written; kept for its memory.
    pub(super) fields: FieldBlock,
    pongs: u64,
}

/// A role, and what it keeps of each call.
pub trait Role {
    /// How far a call has come.
    type CallState: fmt::Debug;
    /// The state of a call that has just started.
    const NEW_CALL: Self::CallState;

    /// The application has consumed a message of a request that is not gRPC.
    fn message_of_exchange_taken(_: &mut Connection<Self>, _: CallId, _: usize)
    where
        Self: Sized,
    {
    }
    /// Takes an open request that is not gRPC, and the bytes of its messages that were not consumed: the
    /// connection has ended.
    fn take_exchange(&mut self) -> Option<(CallId, usize)> {
        None
    }
    /// The reason that the peer gave for its shutdown, if it gave one.
    fn take_goaway_text(&mut self) -> Option<String>;
}

/// A role that reports what happens to a sink of type `S`.
pub trait ReportTo<S>: Role + Sized {
    /// Handles one event of the HTTP/2 connection.
    fn handle(connection: &mut Connection<Self>, event: Event<'_>, sink: &mut S);
    /// Reports that a call has ended with the connection.
    fn report_end(sink: &mut S, call: CallId, status: Status);
}

/// An open call.
#[derive(Debug)]
pub struct Call<S> {
    pub(super) inbound: Inbound,
    /// The client has ended its side.
    pub(super) half_closed: bool,
    pub(super) state: S,
}

impl<R: Role> Connection<R> {
    pub(super) fn with_role(role: R, http: http2::Connection, messages: MessageLimits) -> Self {
        Connection {
            role,
            http,
            calls: Calls::new(),
            messages,
            metadata: Metadata::new(),
            fields: FieldBlock::new(),
            pongs: 0,
        }
    }

    /// Adds a call with an id above all before it.
    pub(super) fn open_call(&mut self, id: CallId, half_closed: bool) -> &mut Call<R::CallState> {
        let call = self.calls.insert(id, || Call {
            inbound: Inbound::new(),
            half_closed,
            state: R::NEW_CALL,
        });
        call.half_closed = half_closed;
        call
    }

    /// Removes a call. Returns whether the client had half-closed it, and its state.
    pub(super) fn close_call(&mut self, id: CallId) -> Option<(bool, R::CallState)> {
        let call = self.calls.get_mut(id)?;
        let half_closed = call.half_closed;
        let state = std::mem::replace(&mut call.state, R::NEW_CALL);
        self.messages.unconsumed_bytes -= call.inbound.unconsumed();
        let released = call.inbound.close(id, &mut self.messages);
        self.calls.remove(id);
        if released > 0 {
            self.http.release(stream_id(id), released);
        }
        self.grant_reservations();
        Some((half_closed, state))
    }

    /// Opens the windows of calls that waited until the messages of other calls were complete.
    pub(super) fn grant_reservations(&mut self) {
        while let Some(id) = self.messages.reservations.first_waiting() {
            // A call that has ended does not wait any more.
            if let Some(call) = self.calls.get_mut(id) {
                let Some(bytes) = call.inbound.grant(&mut self.messages) else { return };
                self.http.release_separately(stream_id(id), bytes, 0);
            }
            self.messages.reservations.remove_first_waiting();
        }
    }

    /// Whether a stream belongs to an open call.
    pub(super) fn is_open(&mut self, stream: http2::StreamId) -> bool {
        self.calls.get_mut(call_id(stream)).is_some()
    }

    /// A ping was answered.
    pub(super) fn pong_received(&mut self) {
        self.pongs += 1;
    }

    /// Bytes of the call that still wait for window.
    pub fn queued(&self, call: CallId) -> usize {
        self.http.queued(stream_id(call))
    }

    /// Bytes of all calls together that still wait for window.
    pub fn total_queued(&self) -> usize {
        self.http.total_queued()
    }

    /// The application has consumed a message of this many bytes: the peer may send as many more.
    pub fn message_taken(&mut self, call: CallId, bytes: usize) {
        let Some(state) = self.calls.get_mut(call) else {
            return R::message_of_exchange_taken(self, call, bytes);
        };
        let before = state.inbound.unconsumed();
        let released = state.inbound.consume_message(bytes);
        self.messages.unconsumed_bytes -= before - state.inbound.unconsumed();
        if released > 0 {
            self.http.release(stream_id(call), released);
        }
    }

    /// Sends a PING; [`Connection::pongs`] counts the answers.
    pub fn ping(&mut self) {
        self.http.ping(PING);
    }

    /// How many pings were answered.
    pub fn pongs(&self) -> u64 {
        self.pongs
    }

    /// Ends the connection gracefully (GOAWAY with NO_ERROR): new calls are refused, open calls are
    /// finished, and then [`Connection::is_closed`] is true. A server still takes requests that were
    /// sent before its client had received the GOAWAY, or until [`Connection::drain`]. `reason` is its
    /// debug data.
    pub fn go_away(&mut self, reason: &str) {
        self.http.go_away(ErrorCode::NO_ERROR, reason.as_bytes());
    }

    /// Takes no further requests after a [`Connection::go_away`], even if the client has not confirmed
    /// it.
    pub fn drain(&mut self) {
        self.http.drain();
    }

    /// Stops limiting the peer's pings and settings.
    pub fn allow_pings(&mut self) {
        self.http.allow_pings();
    }

    /// Whether the exchange of SETTINGS is complete.
    pub fn is_established(&self) -> bool {
        self.http.is_established()
    }

    /// Calls that are open, or whose last bytes still wait to be sent.
    pub fn open_calls(&self) -> usize {
        self.http.open_streams()
    }

    /// Bytes to write to the socket.
    pub fn output(&self) -> &[u8] {
        self.http.output()
    }

    /// The socket has taken this many bytes of [`Connection::output`].
    pub fn consume_output(&mut self, bytes: usize) {
        self.http.consume_output(bytes);
    }

    /// False while the peer causes more replies than it reads: more input would cause still more.
    pub fn wants_input(&self) -> bool {
        self.http.wants_input()
    }

    /// When [`Connection::handle_timeout`] must be called.
    pub fn next_timeout(&self) -> Option<Duration> {
        self.http.next_timeout()
    }

    /// Whether the connection has ended: write the rest of the output, then close the socket.
    pub fn is_closed(&self) -> bool {
        self.http.is_closed()
    }

    /// Whether [`Connection::receive`] has something to report without input: call it with none.
    pub fn has_events(&self) -> bool {
        self.http.has_events()
    }

    /// Takes bytes from the peer and reports to `sink` what they mean. Returns how many bytes were
    /// used; the rest is the beginning of a frame, to be presented again with more bytes behind it.
    ///
    /// A connection error ends all open calls, and [`Connection::is_closed`] becomes true.
    pub fn receive<S>(&mut self, now: Duration, input: &[u8], sink: &mut S) -> usize
    where
        R: ReportTo<S>,
    {
        let mut rest = input;
        while let Some(event) = self.http.next_event(now, &mut rest) {
            R::handle(self, event, sink);
        }
        input.len() - rest.len()
    }

    /// Handles the passing of time: a peer whose SETTINGS are late is disconnected.
    pub fn handle_timeout<S>(&mut self, now: Duration, sink: &mut S)
    where
        R: ReportTo<S>,
    {
        self.http.handle_timeout(now);
        self.report_events(sink);
    }

    /// Ends the connection at once: GOAWAY with an error code that corresponds to `code`, and
    /// `reason` as its debug data. All open calls end with both.
    pub fn close<S>(&mut self, code: Code, reason: &str, sink: &mut S)
    where
        R: ReportTo<S>,
    {
        self.end_all_calls(&Status::new(code, reason), sink);
        let why = "the connection was closed here";
        self.http.end(connection_error(code), reason.as_bytes(), why);
        self.report_events(sink);
    }

    /// The socket is gone: all open calls end with UNAVAILABLE.
    pub fn connection_lost<S>(&mut self, sink: &mut S)
    where
        R: ReportTo<S>,
    {
        let goaway_text = self.role.take_goaway_text();
        let why = goaway_text.unwrap_or_else(|| "the connection was lost".to_owned());
        self.connection_failed(&why, sink);
    }

    /// The socket is gone for a reason that is known: all open calls end with UNAVAILABLE.
    pub fn connection_failed<S>(&mut self, cause: &str, sink: &mut S)
    where
        R: ReportTo<S>,
    {
        self.end_all_calls(&Status::new(Code::Unavailable, cause), sink);
    }

    /// Ends every open call with the same status, the oldest first.
    pub(super) fn end_all_calls<S>(&mut self, status: &Status, sink: &mut S)
    where
        R: ReportTo<S>,
    {
        while let Some(call) = self.calls.first() {
            self.close_call(call);
            R::report_end(sink, call, status.clone());
        }
        while let Some((call, unconsumed)) = self.role.take_exchange() {
            self.messages.unconsumed_bytes -= unconsumed;
            R::report_end(sink, call, status.clone());
        }
    }

    /// Reports events that need no input.
    fn report_events<S>(&mut self, sink: &mut S)
    where
        R: ReportTo<S>,
    {
        // HTTP/2 keeps the latest time that it was given.
        self.receive(Duration::ZERO, &[], sink);
    }
}
