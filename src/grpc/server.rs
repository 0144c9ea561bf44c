//! A server's connection.

use std::time::Duration;

use super::CallEnded;
use super::calls::Calls;
use super::fault::Fault;
use super::inbound::{self, Inbound};
use super::message::{self, MessageLimits};
use super::request::Request;
use super::{KEPT_FIELD_BYTES, PING};
use super::{call_id, connection_error, metadata, response, status, stream_id, trim};
use crate::call::{CallId, CallStart, Code, Limits, Metadata, ServerSink, Status};
use crate::hpack::FieldBlock;
use crate::http2::{Connection, ErrorCode, Event, StreamId};

/// A server's side of one gRPC connection: bytes in, calls out to a [`ServerSink`], answers in,
/// bytes out.
///
/// ```text
///            request headers             finish, fault, reset
///   (none) ──────────────────▶ open call ────────────────────▶ (none)
///      │                                                         ▲
///      └───────── faulty request: answered, never reported ──────┘
/// ```
///
/// After [`ServerConnection::finish`] the answer may still wait for window; HTTP/2 sends it when
/// it can, and [`ServerConnection::open_calls`] counts the call until then.
pub struct ServerConnection {
    http: Connection,
    calls: Calls<Call>,
    messages: MessageLimits,
    /// Bytes of messages that the application has, and has not taken.
    unconsumed: usize,
    /// Of the request that is being read.
    metadata: Metadata,
    /// Of the response that is being written.
    fields: FieldBlock,
    pongs: u64,
}

#[derive(Debug)]
struct Call {
    inbound: Inbound,
    /// The client has ended its side.
    half_closed: bool,
    /// The response headers are out.
    headers_sent: bool,
}

impl Call {
    const NEW: Call = Call { inbound: Inbound::new(), half_closed: false, headers_sent: false };
}

impl ServerConnection {
    /// A connection that a client has just opened.
    pub fn new(limits: &Limits, now: Duration) -> ServerConnection {
        ServerConnection {
            http: Connection::new_server(limits, now),
            calls: Calls::new(),
            messages: MessageLimits::new(limits),
            unconsumed: 0,
            metadata: Metadata::new(),
            fields: FieldBlock::new(),
            pongs: 0,
        }
    }

    /// Takes bytes from the client and reports to `sink` what they mean. Returns how many were
    /// used; the rest is the beginning of a frame, to be presented again with more behind it.
    ///
    /// A connection error shows as [`ServerSink::cancelled`] for all open calls, and in
    /// [`ServerConnection::is_closed`].
    pub fn receive(&mut self, now: Duration, input: &[u8], sink: &mut impl ServerSink) -> usize {
        let mut rest = input;
        while let Some(event) = self.http.next_event(now, &mut rest) {
            self.handle(event, sink);
        }
        input.len() - rest.len()
    }

    fn handle(&mut self, event: Event<'_>, sink: &mut impl ServerSink) {
        match event {
            Event::Headers { stream, fields, end_stream } => {
                self.request(stream, &fields, end_stream, sink);
                if fields.size() > KEPT_FIELD_BYTES {
                    self.metadata = Metadata::new();
                }
                self.http.recycle(fields);
            }
            Event::Data { stream, data, end_stream } => self.data(stream, data, end_stream, sink),
            Event::Trailers { stream, fields } => {
                self.http.recycle(fields);
                self.data(stream, &[], true, sink);
            }
            Event::Reset { stream, error, .. } => {
                let status = Status::new(status::from_reset(error), format!("reset: {error}"));
                self.cancelled(call_id(stream), status, sink);
            }
            Event::Writable { stream } => {
                if self.calls.get_mut(call_id(stream)).is_some() {
                    sink.writable(call_id(stream));
                }
            }
            Event::HeadersTooLarge { stream, end_stream } => {
                self.refuse(stream, Fault::HeadersTooLarge, end_stream);
            }
            Event::Closed { reason, .. } => {
                self.cancel_all(&Status::new(Code::Unavailable, reason), sink);
            }
            Event::Pong { .. } => self.pongs += 1,
            Event::GoAway { .. } => {}
        }
    }

    fn request(
        &mut self,
        stream: StreamId,
        fields: &FieldBlock,
        end_stream: bool,
        sink: &mut impl ServerSink,
    ) {
        self.metadata.clear();
        let request = match Request::read(fields, &mut self.metadata) {
            Ok(request) => request,
            Err(fault) => return self.refuse(stream, fault, end_stream),
        };
        let id = call_id(stream);
        let call = self.calls.insert(id, || Call::NEW);
        call.half_closed = end_stream;
        call.headers_sent = false;
        let Request { path, timeout } = request;
        sink.call(CallStart { call: id, path, metadata: &self.metadata, timeout });
        if end_stream {
            sink.half_close(id);
        }
    }

    /// Answers a request that is no call.
    fn refuse(&mut self, stream: StreamId, fault: Fault, end_stream: bool) {
        if fault == Fault::ContentType {
            let headers = response::UNSUPPORTED_MEDIA_TYPE;
            let text = response::UNSUPPORTED_MEDIA_TYPE_TEXT;
            // A stream that is gone needs no answer.
            let _ = self.http.send_headers(stream, headers, false);
            let _ = self.http.send_data(stream, &[text], true);
            if !end_stream {
                self.http.reset(stream, ErrorCode::NO_ERROR);
            }
            return;
        }
        let mut status = fault.status();
        if fault == Fault::Encoding {
            // Reserved, so that `insert` would not take it; far from too large for `append`.
            let _ = status.metadata.append(b"grpc-accept-encoding", b"identity");
        }
        self.send_status(stream, &status, false, end_stream);
    }

    fn data(
        &mut self,
        stream: StreamId,
        data: &[u8],
        end_stream: bool,
        sink: &mut impl ServerSink,
    ) {
        let id = call_id(stream);
        let Some(call) = self.calls.get_mut(id) else {
            // Answered already; the client does not know yet.
            return self.http.release(stream, data.len());
        };
        call.half_closed |= end_stream;
        let compressed = Fault::CompressedWithoutEncoding;
        let deliver = |message: &[u8], last| sink.message(id, message, last);
        let before = call.inbound.unconsumed();
        let received =
            call.inbound.receive(id, data, end_stream, compressed, &mut self.messages, deliver);
        self.unconsumed += call.inbound.unconsumed() - before;
        match received {
            Ok(received) => {
                self.http.release_separately(stream, received.of_stream, received.released);
                self.grant_reservations();
                if end_stream && !received.last {
                    sink.half_close(id);
                }
            }
            Err(fault) => {
                let status = fault.status();
                // The call is there: it was a moment ago.
                let _ = self.finish(id, &status);
                sink.cancelled(id, status);
            }
        }
    }

    fn cancelled(&mut self, call: CallId, status: Status, sink: &mut impl ServerSink) {
        if self.close_call(call).is_some() {
            sink.cancelled(call, status);
        }
    }

    fn cancel_all(&mut self, status: &Status, sink: &mut impl ServerSink) {
        while let Some(call) = self.calls.first() {
            self.cancelled(call, status.clone(), sink);
        }
    }

    /// Forgets a call. Returns whether headers were sent and whether the client had half-closed.
    fn close_call(&mut self, id: CallId) -> Option<(bool, bool)> {
        let call = self.calls.get_mut(id)?;
        let ended = (call.headers_sent, call.half_closed);
        self.unconsumed -= call.inbound.unconsumed();
        let released = call.inbound.close(id, &mut self.messages);
        self.calls.remove(id);
        if released > 0 {
            self.http.release(stream_id(id), released);
        }
        self.grant_reservations();
        Some(ended)
    }

    /// Sends initial metadata. Without it, the first message or the end implies empty metadata.
    ///
    /// # Errors
    /// [`CallEnded`]. Headers that were sent before are not sent again.
    pub fn send_headers(&mut self, call: CallId, metadata: &Metadata) -> Result<(), CallEnded> {
        let state = self.calls.get_mut(call).ok_or(CallEnded)?;
        if std::mem::replace(&mut state.headers_sent, true) {
            return Ok(());
        }
        if metadata.is_empty() {
            let sent = self.http.send_headers(stream_id(call), response::HEADERS, false);
            return sent.map_err(|_| CallEnded);
        }
        self.fields.clear();
        metadata::send(metadata, &mut self.fields);
        let fields = response::HEADERS.into_iter().chain(metadata::indexed(&self.fields));
        let sent = self.http.send_headers(stream_id(call), fields, false);
        trim(&mut self.fields);
        sent.map_err(|_| CallEnded)
    }

    /// Sends a message, and before the first one the headers.
    ///
    /// # Errors
    /// [`CallEnded`]. A message of more than 4 GiB has no prefix: it ends the call with
    /// RESOURCE_EXHAUSTED.
    pub fn send_message(&mut self, call: CallId, message: &[u8]) -> Result<(), CallEnded> {
        let state = self.calls.get_mut(call).ok_or(CallEnded)?;
        let Some(prefix) = message::prefix(message.len()) else {
            let fault = Fault::TooLarge { bytes: message.len(), limit: u32::MAX as usize };
            self.finish(call, &fault.status())?;
            return Err(CallEnded);
        };
        let stream = stream_id(call);
        if !std::mem::replace(&mut state.headers_sent, true) {
            self.http.send_headers(stream, response::HEADERS, false).map_err(|_| CallEnded)?;
        }
        self.http.send_data(stream, &[&prefix, message], false).map_err(|_| CallEnded)
    }

    /// Ends a call with its status. If the client has not half-closed, it is told that nothing more
    /// of the call will be read (RST_STREAM with NO_ERROR).
    ///
    /// # Errors
    /// [`CallEnded`].
    pub fn finish(&mut self, call: CallId, status: &Status) -> Result<(), CallEnded> {
        let (headers_sent, half_closed) = self.close_call(call).ok_or(CallEnded)?;
        self.send_status(stream_id(call), status, headers_sent, half_closed);
        Ok(())
    }

    /// Sends trailers, or a trailers-only response.
    fn send_status(
        &mut self,
        stream: StreamId,
        status: &Status,
        headers_sent: bool,
        half_closed: bool,
    ) {
        let headers = if headers_sent { &[][..] } else { &response::HEADERS };
        let headers = headers.iter().copied();
        let plain = status.is_ok() && status.message.is_empty() && status.metadata.is_empty();
        // A stream that is gone needs no status.
        let _ = if plain {
            self.http.send_headers(stream, headers.chain(response::OK_TRAILERS), true)
        } else {
            self.fields.clear();
            response::write_trailers(status, &mut self.fields);
            let fields = headers.chain(metadata::indexed(&self.fields));
            let sent = self.http.send_headers(stream, fields, true);
            trim(&mut self.fields);
            sent
        };
        if !half_closed {
            self.http.reset(stream, ErrorCode::NO_ERROR);
        }
    }

    fn grant_reservations(&mut self) {
        let Self { calls, messages, http, .. } = self;
        inbound::grant_reservations(calls, |call| &mut call.inbound, messages, http);
    }

    /// Bytes of the call that still wait for window.
    pub fn queued(&self, call: CallId) -> usize {
        self.http.queued(stream_id(call))
    }

    /// Bytes of all calls together that still wait for window.
    pub fn total_queued(&self) -> usize {
        self.http.total_queued()
    }

    /// The application took a message of this many bytes: the client may send as much more.
    pub fn message_taken(&mut self, call: CallId, bytes: usize) {
        let Some(state) = self.calls.get_mut(call) else { return };
        let before = state.inbound.unconsumed();
        let released = state.inbound.consume_message(bytes);
        self.unconsumed -= before - state.inbound.unconsumed();
        if released > 0 {
            self.http.release(stream_id(call), released);
        }
    }

    /// Bytes that were received and wait: for the rest of their message, or to be taken.
    pub fn received_bytes(&self) -> usize {
        self.messages.unfinished_bytes + self.unconsumed
    }

    /// Lets no more than so many bytes wait for the rest of their messages; what is there already
    /// may stay, but not grow.
    pub fn limit_unfinished(&mut self, bytes: usize) {
        self.messages.max_unfinished_bytes = bytes;
    }

    /// Whether there is something to [look at](Self::check_unfinished).
    pub fn has_unfinished(&self) -> bool {
        self.messages.unfinished_bytes > 0
    }

    /// Looks how unfinished messages get on, and ends the calls of those that do not, if memory is
    /// short: that have not grown since the last look, though the client might send.
    pub fn check_unfinished(&mut self, sink: &mut impl ServerSink) {
        let idle_checks = self.messages.begin_stall_check();
        for id in self.calls.ids() {
            let may_come = self.http.may_receive(stream_id(id));
            let Some(call) = self.calls.get_mut(id) else { continue };
            if call.inbound.is_stalled(may_come, idle_checks)
                && self.messages.reservations.memory_pressure
            {
                let status = Fault::Stalled.status();
                // The call is there.
                let _ = self.finish(id, &status);
                sink.cancelled(id, status);
            }
        }
    }

    /// Whether memory is short: then one message at a time may be larger than its window.
    pub fn set_memory_pressure(&mut self, memory_pressure: bool) {
        self.messages.reservations.memory_pressure = memory_pressure;
    }

    /// Whether [`ServerConnection::receive`] has something to report without input: call it with none.
    pub fn has_events(&self) -> bool {
        self.http.has_events()
    }

    /// Asks the peer for a sign of life, which [`ServerConnection::pongs`] counts.
    pub fn ping(&mut self) {
        self.http.ping(PING);
    }

    /// How many pings were answered.
    pub fn pongs(&self) -> u64 {
        self.pongs
    }

    /// Ends the connection gracefully: the client is told, calls under way are taken and finished,
    /// and then [`ServerConnection::is_closed`].
    pub fn go_away(&mut self) {
        self.http.go_away(ErrorCode::NO_ERROR, b"");
    }

    /// Ends the connection at once: GOAWAY with an error code that fits `code`, and `reason` for
    /// people. All open calls end with both.
    pub fn close(&mut self, code: Code, reason: &str, sink: &mut impl ServerSink) {
        self.cancel_all(&Status::new(code, reason), sink);
        let why = "the connection was closed here";
        self.http.end(connection_error(code), reason.as_bytes(), why);
        self.drain(sink);
    }

    /// The connection ended under us: all open calls end with it.
    pub fn connection_lost(&mut self, sink: &mut impl ServerSink) {
        self.cancel_all(&Status::new(Code::Unavailable, "the connection was lost"), sink);
    }

    /// Calls that are open, or whose last bytes still wait to be sent.
    pub fn open_calls(&self) -> usize {
        self.http.open_streams()
    }

    /// What the socket should write.
    pub fn output(&self) -> &[u8] {
        self.http.output()
    }

    /// The socket has taken this many bytes of [`ServerConnection::output`].
    pub fn consume_output(&mut self, bytes: usize) {
        self.http.consume_output(bytes);
    }

    /// False while the peer makes us say more than it reads: reading on would only add to it.
    pub fn wants_input(&self) -> bool {
        self.http.wants_input()
    }

    /// When [`ServerConnection::handle_timeout`] should be called.
    pub fn next_timeout(&self) -> Option<Duration> {
        self.http.next_timeout()
    }

    /// Time has passed: a peer that has not said hello in time is sent away.
    pub fn handle_timeout(&mut self, now: Duration, sink: &mut impl ServerSink) {
        self.http.handle_timeout(now);
        self.drain(sink);
    }

    /// Whether the connection is over: write what is left of the output, then close the socket.
    pub fn is_closed(&self) -> bool {
        self.http.is_closed()
    }

    /// Reports what there is to report without input.
    fn drain(&mut self, sink: &mut impl ServerSink) {
        // HTTP/2 keeps the latest time that it has heard of.
        self.receive(Duration::ZERO, &[], sink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::ClientConnection;
    use crate::grpc::tests::trace::{ServerTrace, Trace};

    #[test]
    fn memory_of_large_fields_is_released() {
        let mut client = ClientConnection::new(&Limits::DEFAULT, Duration::ZERO, "host", false);
        let mut server = ServerConnection::new(&Limits::DEFAULT, Duration::ZERO);
        let mut metadata = Metadata::new();
        metadata.insert("large", &[b'v'; 10_000]).unwrap();
        let call = client.start("/a.B/C", &metadata, None).unwrap();
        let mut trace = Trace::default();
        server.receive(Duration::ZERO, client.output(), &mut ServerTrace(&mut trace));
        assert!(trace.take()[0].contains("vvvv"));
        server.send_headers(call, &metadata).unwrap();
        server.finish(call, &Status { metadata, ..Status::OK }).unwrap();
        assert!(server.fields.capacity_bytes() <= KEPT_FIELD_BYTES);
        assert_eq!(server.metadata, Metadata::new());
    }
}
