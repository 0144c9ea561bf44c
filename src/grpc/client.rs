//! A client's connection.

use std::fmt;
use std::time::Duration;

use super::CallEnded;
use super::calls::Calls;
use super::fault::Fault;
use super::inbound::{self, Inbound};
use super::message::{self, MessageLimits};
use super::request::{self, RequestTemplate};
use super::response::Response;
use super::response_state::ResponseState;
use super::{KEPT_FIELD_BYTES, PING};
use super::{call_id, connection_error, status, stream_id, trim};
use crate::call::{CallId, ClientSink, Code, Limits, Metadata, Status};
use crate::hpack::FieldBlock;
use crate::http2::{Connection, ErrorCode, Event, OpenError, StreamId};

/// How much of the text in a GOAWAY is kept.
const MAX_GOAWAY_TEXT_BYTES: usize = 256;

/// A client's side of one gRPC connection: calls in, bytes out, bytes in, answers out to a
/// [`ClientSink`].
///
/// ```text
///           start             trailers, fault, reset, cancel
///   (none) ───────▶ open call ──────────────────────────────▶ (none)
/// ```
///
/// Every call that was started ends with one [`ClientSink::finished`], unless it is cancelled.
pub struct ClientConnection {
    http: Connection,
    template: RequestTemplate,
    calls: Calls<Call>,
    messages: MessageLimits,
    /// Of the headers that are being read.
    metadata: Metadata,
    /// Of the request that is being written.
    fields: FieldBlock,
    /// What the server's GOAWAY said: it often tells why the connection is lost a moment later.
    goaway_text: Option<String>,
    pongs: u64,
}

#[derive(Debug)]
struct Call {
    inbound: Inbound,
    response: ResponseState,
    /// We have ended our side.
    half_closed: bool,
}

impl Call {
    const NEW: Call =
        Call { inbound: Inbound::new(), response: ResponseState::Waiting, half_closed: false };
}

/// Why a call cannot be started on a connection now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// As many calls are open as the server allows: try again when one has ended.
    TooManyCalls,
    /// The connection ends: use another one.
    GoingAway,
    /// The connection has used up its stream identifiers: use another one.
    Exhausted,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StartError::TooManyCalls => "the server allows no more calls at once",
            StartError::GoingAway => "the connection takes no new calls",
            StartError::Exhausted => "the connection has used up its call ids",
        })
    }
}

impl std::error::Error for StartError {}

impl ClientConnection {
    /// A connection that was just opened to a server. `authority` is the host, and the port unless
    /// it is the scheme's own; `tls` decides the scheme.
    pub fn new(limits: &Limits, now: Duration, authority: &str, tls: bool) -> ClientConnection {
        ClientConnection {
            http: Connection::new_client(limits, now),
            template: RequestTemplate::new(authority, tls),
            calls: Calls::new(),
            messages: MessageLimits::new(limits),
            metadata: Metadata::new(),
            fields: FieldBlock::new(),
            goaway_text: None,
            pongs: 0,
        }
    }

    /// Starts a call of the method with this full path, `/package.Service/Method`. The server
    /// is told the timeout; to keep it is up to the caller.
    ///
    /// # Errors
    /// [`StartError`]; nothing is sent then.
    pub fn start(
        &mut self,
        path: &str,
        metadata: &Metadata,
        timeout: Option<Duration>,
    ) -> Result<CallId, StartError> {
        self.fields.clear();
        self.template.write(path, timeout, metadata, &mut self.fields);
        let opened = self.http.open(request::indexed(&self.fields), false);
        trim(&mut self.fields);
        let stream = opened.map_err(|error| match error {
            OpenError::TooManyStreams => StartError::TooManyCalls,
            OpenError::GoingAway => StartError::GoingAway,
            OpenError::Exhausted => StartError::Exhausted,
        })?;
        let call = self.calls.insert(call_id(stream), || Call::NEW);
        call.response = ResponseState::Waiting;
        call.half_closed = false;
        Ok(call_id(stream))
    }

    /// Sends a message; with `last` nothing more will follow.
    ///
    /// # Errors
    /// [`CallEnded`], also after [`ClientConnection::half_close`]. A message of more than 4 GiB has
    /// no prefix: it cancels the call.
    pub fn send_message(
        &mut self,
        call: CallId,
        message: &[u8],
        last: bool,
    ) -> Result<(), CallEnded> {
        let state = self.calls.get_mut(call).ok_or(CallEnded)?;
        let Some(prefix) = message::prefix(message.len()) else {
            self.cancel(call);
            return Err(CallEnded);
        };
        state.half_closed |= last;
        self.http.send_data(stream_id(call), &[&prefix, message], last).map_err(|_| CallEnded)
    }

    /// Says that no message follows.
    ///
    /// # Errors
    /// [`CallEnded`].
    pub fn half_close(&mut self, call: CallId) -> Result<(), CallEnded> {
        let state = self.calls.get_mut(call).ok_or(CallEnded)?;
        if std::mem::replace(&mut state.half_closed, true) {
            return Ok(());
        }
        self.http.send_data(stream_id(call), &[], true).map_err(|_| CallEnded)
    }

    /// Gives a call up. Nothing more is reported of it.
    pub fn cancel(&mut self, call: CallId) {
        if self.close_call(call).is_some() {
            self.http.reset(stream_id(call), ErrorCode::CANCEL);
        }
    }

    /// Takes bytes from the server and reports to `sink` what they mean. Returns how many were
    /// used; the rest is the beginning of a frame, to be presented again with more behind it.
    ///
    /// A connection error shows as [`ClientSink::finished`] for all open calls, and in
    /// [`ClientConnection::is_closed`].
    pub fn receive(&mut self, now: Duration, input: &[u8], sink: &mut impl ClientSink) -> usize {
        let mut rest = input;
        while let Some(event) = self.http.next_event(now, &mut rest) {
            self.handle(event, sink);
        }
        input.len() - rest.len()
    }

    fn handle(&mut self, event: Event<'_>, sink: &mut impl ClientSink) {
        match event {
            Event::Headers { stream, fields, end_stream } => {
                self.headers(call_id(stream), &fields, end_stream, sink);
                if fields.size() > KEPT_FIELD_BYTES {
                    self.metadata = Metadata::new();
                }
                self.http.recycle(fields);
            }
            Event::Data { stream, data, end_stream } => self.data(stream, data, end_stream, sink),
            Event::Trailers { stream, fields } => {
                self.trailers(call_id(stream), &fields, sink);
                self.http.recycle(fields);
            }
            Event::Reset { stream, error, by_peer } => {
                let who = if by_peer { "the server" } else { "the client" };
                let status =
                    Status::new(status::from_reset(error), format!("{who} reset it: {error}"));
                let retriable = error == ErrorCode::REFUSED_STREAM;
                if self.close_call(call_id(stream)).is_some() {
                    sink.finished(call_id(stream), status, retriable);
                }
            }
            Event::Writable { stream } => {
                if self.calls.get_mut(call_id(stream)).is_some() {
                    sink.writable(call_id(stream));
                }
            }
            Event::Closed { reason, by_peer, .. } => {
                let goaway_text = if by_peer { self.goaway_text.take() } else { None };
                let why = goaway_text.unwrap_or_else(|| reason.to_owned());
                self.finish_all(&Status::new(Code::Unavailable, why), sink);
            }
            Event::Pong { .. } => self.pongs += 1,
            // Streams beyond the last one come as resets, new ones are refused by `open`.
            Event::GoAway { error, debug, .. } => {
                let debug = &debug[..debug.len().min(MAX_GOAWAY_TEXT_BYTES)];
                let mut goaway_text = format!("the server has gone away: {error}");
                if !debug.is_empty() {
                    goaway_text = format!("{goaway_text}, {}", String::from_utf8_lossy(debug));
                }
                self.goaway_text = Some(goaway_text);
            }
            // Only a server's.
            Event::HeadersTooLarge { .. } => {}
        }
    }

    fn headers(
        &mut self,
        id: CallId,
        fields: &FieldBlock,
        end_stream: bool,
        sink: &mut impl ClientSink,
    ) {
        let Some(call) = self.calls.get_mut(id) else { return };
        self.metadata.clear();
        let response = Response::read(fields, end_stream, &mut self.metadata);
        if end_stream {
            let status = call.response.end(response, std::mem::take(&mut self.metadata));
            return self.conclude(id, status, true, sink);
        }
        call.response.headers(&response);
        if call.response.compressed().is_none() {
            return;
        }
        match response.fault {
            None => sink.headers(id, &self.metadata),
            Some(fault) => self.conclude(id, fault.status(), false, sink),
        }
    }

    fn trailers(&mut self, id: CallId, fields: &FieldBlock, sink: &mut impl ClientSink) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let mut metadata = Metadata::new();
        let response = Response::read(fields, true, &mut metadata);
        let mut status = call.response.end(response, metadata);
        if status.is_ok() && !call.inbound.is_between_messages() {
            status = Fault::Truncated.status();
        }
        self.conclude(id, status, true, sink);
    }

    fn data(
        &mut self,
        stream: StreamId,
        data: &[u8],
        end_stream: bool,
        sink: &mut impl ClientSink,
    ) {
        let id = call_id(stream);
        let Some(call) = self.calls.get_mut(id) else {
            return self.http.release(stream, data.len());
        };
        let Some(compressed) = call.response.compressed() else {
            let status = call.response.text(data, end_stream);
            self.http.release(stream, data.len());
            if let Some(status) = status {
                self.conclude(id, status, end_stream, sink);
            }
            return;
        };
        let deliver = |message: &[u8], _| sink.message(id, message);
        match call.inbound.receive(id, data, end_stream, compressed, &mut self.messages, deliver) {
            Ok(received) => {
                self.http.release_separately(stream, received.of_stream, received.released);
                self.grant_reservations();
                if end_stream {
                    self.conclude(id, Fault::NoTrailers.status(), true, sink);
                }
            }
            Err(fault) => self.conclude(id, fault.status(), end_stream, sink),
        }
    }

    /// The call has its status. `server_ended` says that the server will send nothing more; what
    /// is left of the stream is reset.
    fn conclude(
        &mut self,
        id: CallId,
        status: Status,
        server_ended: bool,
        sink: &mut impl ClientSink,
    ) {
        let Some(half_closed) = self.close_call(id) else { return };
        let stream = stream_id(id);
        if !server_ended {
            self.http.reset(stream, ErrorCode::CANCEL);
        } else if !half_closed {
            // "Early Server Closure" in PROTOCOL-HTTP2.md.
            self.http.reset(stream, ErrorCode::NO_ERROR);
        } else if self.http.queued(stream) > 0 {
            // Nobody waits for what was not sent in time; NO_ERROR would send it first.
            self.http.reset(stream, ErrorCode::CANCEL);
        }
        sink.finished(id, status, false);
    }

    fn finish_all(&mut self, status: &Status, sink: &mut impl ClientSink) {
        while let Some(call) = self.calls.first() {
            self.close_call(call);
            sink.finished(call, status.clone(), false);
        }
    }

    /// Forgets a call. Returns whether we had half-closed it.
    fn close_call(&mut self, id: CallId) -> Option<bool> {
        let call = self.calls.get_mut(id)?;
        let half_closed = call.half_closed;
        call.response = ResponseState::Waiting;
        let released = call.inbound.close(id, &mut self.messages);
        self.calls.remove(id);
        if released > 0 {
            self.http.release(stream_id(id), released);
        }
        self.grant_reservations();
        Some(half_closed)
    }

    fn grant_reservations(&mut self) {
        let Self { calls, messages, http, .. } = self;
        inbound::grant_reservations(calls, |call| &mut call.inbound, messages, http);
    }

    /// Bytes of the call that still wait for window.
    pub fn queued(&self, call: CallId) -> usize {
        self.http.queued(stream_id(call))
    }

    /// The application took a message of this many bytes: the server may send as much more.
    pub fn message_taken(&mut self, call: CallId, bytes: usize) {
        let Some(state) = self.calls.get_mut(call) else { return };
        let released = state.inbound.consume_message(bytes);
        if released > 0 {
            self.http.release(stream_id(call), released);
        }
    }

    /// Whether [`ClientConnection::receive`] has something to report without input: call it with none.
    pub fn has_events(&self) -> bool {
        self.http.has_events()
    }

    /// Asks the peer for a sign of life, which [`ClientConnection::pongs`] counts.
    pub fn ping(&mut self) {
        self.http.ping(PING);
    }

    /// How many pings were answered.
    pub fn pongs(&self) -> u64 {
        self.pongs
    }

    /// Ends the connection gracefully: no call can be started any more, open ones are finished,
    /// and then [`ClientConnection::is_closed`].
    pub fn go_away(&mut self) {
        self.http.go_away(ErrorCode::NO_ERROR, b"");
    }

    /// Ends the connection at once: GOAWAY with an error code that fits `code`, and `reason` for
    /// people. All open calls end with both.
    pub fn close(&mut self, code: Code, reason: &str, sink: &mut impl ClientSink) {
        self.finish_all(&Status::new(code, reason), sink);
        let why = "the connection was closed here";
        self.http.end(connection_error(code), reason.as_bytes(), why);
        self.drain(sink);
    }

    /// The connection ended under us: all open calls end with it.
    pub fn connection_lost(&mut self, sink: &mut impl ClientSink) {
        let goaway_text = self.goaway_text.take();
        let why = goaway_text.unwrap_or_else(|| "the connection was lost".to_owned());
        self.finish_all(&Status::new(Code::Unavailable, why), sink);
    }

    /// How many calls the server takes at once, as far as it has said so.
    pub fn max_calls(&self) -> usize {
        self.http.max_streams()
    }

    /// Calls that are open, or whose last bytes still wait to be sent.
    pub fn open_calls(&self) -> usize {
        self.http.open_streams()
    }

    /// What the socket should write.
    pub fn output(&self) -> &[u8] {
        self.http.output()
    }

    /// The socket has taken this many bytes of [`ClientConnection::output`].
    pub fn consume_output(&mut self, bytes: usize) {
        self.http.consume_output(bytes);
    }

    /// False while the peer makes us say more than it reads: reading on would only add to it.
    pub fn wants_input(&self) -> bool {
        self.http.wants_input()
    }

    /// When [`ClientConnection::handle_timeout`] should be called.
    pub fn next_timeout(&self) -> Option<Duration> {
        self.http.next_timeout()
    }

    /// Time has passed: a peer that has not said hello in time is sent away.
    pub fn handle_timeout(&mut self, now: Duration, sink: &mut impl ClientSink) {
        self.http.handle_timeout(now);
        self.drain(sink);
    }

    /// Whether the connection is over: write what is left of the output, then close the socket.
    pub fn is_closed(&self) -> bool {
        self.http.is_closed()
    }

    /// Reports what there is to report without input.
    fn drain(&mut self, sink: &mut impl ClientSink) {
        // HTTP/2 keeps the latest time that it has heard of.
        self.receive(Duration::ZERO, &[], sink);
    }
}
