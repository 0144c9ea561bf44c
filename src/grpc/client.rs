//! The role of a client.

use std::fmt;
use std::time::Duration;

use super::KEPT_FIELD_BYTES;
use super::compression::Sending;
use super::connection::{Connection, ReportTo, Role};
use super::fault::Fault;
use super::message::{self, MessageLimits};
use super::request::{self, RequestTemplate};
use super::response::Response;
use super::response_state::ResponseState;
use super::{call_id, status, stream_id, trim};
use crate::call::{CallEnded, CallId, ClientSink, Code, Limits, Metadata, Status};
use crate::hpack::FieldBlock;
use crate::http2::{self, ErrorCode, Event, OpenError, StreamId};

/// How many bytes of the debug data of a GOAWAY are kept.
const MAX_GOAWAY_TEXT_BYTES: usize = 256;

/// A client's side of one gRPC connection: calls in, bytes out, bytes in, responses reported to a
/// [`ClientSink`].
///
/// ```text
///           start             trailers, fault, reset, cancel
///   (none) ───────▶ open call ──────────────────────────────▶ (none)
/// ```
///
/// Every call that was started ends with one [`ClientSink::finished`], unless it is cancelled.
pub type ClientConnection = Connection<Client>;

/// The role of a client.
pub struct Client {
    template: RequestTemplate,
    /// The reason in the server's GOAWAY: often it explains a connection that is lost soon after.
    goaway_text: Option<String>,
    /// The GOAWAY had debug data.
    has_goaway_debug: bool,
}

/// What a client keeps of a call.
#[derive(Debug)]
pub struct CallState {
    response: ResponseState,
    /// Which requests are compressed.
    sending: Sending,
}

impl Role for Client {
    type CallState = CallState;
    const NEW_CALL: CallState =
        CallState { response: ResponseState::Waiting, sending: Sending::Plain };

    fn take_goaway_text(&mut self) -> Option<String> {
        self.goaway_text.take()
    }
}

/// Why a call cannot be started on a connection now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// As many calls are open as the server allows: retry when one has ended.
    TooManyCalls,
    /// The connection is shutting down: use another one.
    GoingAway,
    /// The connection has used up its stream identifiers: use another one.
    Exhausted,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StartError::TooManyCalls => "the server allows no more concurrent calls",
            StartError::GoingAway => "the connection accepts no new calls",
            StartError::Exhausted => "the connection has used up its call ids",
        })
    }
}

impl std::error::Error for StartError {}

impl<S: ClientSink> ReportTo<S> for Client {
    fn handle(connection: &mut ClientConnection, event: Event<'_>, sink: &mut S) {
        match event {
            Event::Headers { stream, fields, end_stream } => {
                connection.headers(call_id(stream), &fields, end_stream, sink);
                if fields.size() > KEPT_FIELD_BYTES {
                    connection.metadata = Metadata::new();
                }
                connection.http.recycle(fields);
            }
            Event::Data { stream, data, end_stream } => {
                connection.data(stream, data, end_stream, sink);
            }
            Event::Trailers { stream, fields } => {
                connection.trailers(call_id(stream), &fields, sink);
                connection.http.recycle(fields);
            }
            Event::Reset { stream, error, by_peer } => {
                let side = if by_peer { "the server" } else { "the client" };
                let retriable = error == ErrorCode::REFUSED_STREAM;
                let why = match &connection.role.goaway_text {
                    // A call that the server has not taken because of its GOAWAY.
                    Some(text) if by_peer && retriable && connection.role.has_goaway_debug => {
                        text.clone()
                    }
                    _ => format!("{side} reset it: {error}"),
                };
                let status = Status::new(status::from_reset(error), why);
                if connection.close_call(call_id(stream)).is_some() {
                    sink.finished(call_id(stream), status, retriable);
                }
            }
            Event::Writable { stream } => {
                if connection.is_open(stream) {
                    sink.writable(call_id(stream));
                }
            }
            Event::Closed { reason, by_peer, .. } => {
                let goaway_text = if by_peer { connection.role.goaway_text.take() } else { None };
                let why = goaway_text.unwrap_or_else(|| reason.to_owned());
                connection.end_all_calls(&Status::new(Code::Unavailable, why), sink);
            }
            Event::Pong { .. } => connection.pong_received(),
            // Streams above the last one are reported as resets; `open` refuses new ones.
            Event::GoAway { error, debug, .. } => {
                let debug = &debug[..debug.len().min(MAX_GOAWAY_TEXT_BYTES)];
                if debug.is_empty()
                    && connection.role.has_goaway_debug
                    && error == ErrorCode::NO_ERROR
                {
                    // The second GOAWAY of a graceful shutdown, which says no more than the first.
                    return;
                }
                connection.role.has_goaway_debug = !debug.is_empty();
                let mut goaway_text = format!("the server has gone away: {error}");
                if !debug.is_empty() {
                    goaway_text = format!("{goaway_text}, {}", String::from_utf8_lossy(debug));
                }
                connection.role.goaway_text = Some(goaway_text);
            }
            // Only on a server.
            Event::HeadersTooLarge { .. } => {}
        }
    }

    fn report_end(sink: &mut S, call: CallId, status: Status) {
        sink.finished(call, status, false);
    }
}

impl ClientConnection {
    /// A connection that was just opened to a server. `authority` is the host, and the port unless
    /// it is the scheme's default; `tls` decides the scheme.
    pub fn new(limits: &Limits, now: Duration, authority: &str, tls: bool) -> ClientConnection {
        let template = RequestTemplate::new(authority, tls);
        let role = Client { template, goaway_text: None, has_goaway_debug: false };
        let http = http2::Connection::new_client(limits, now);
        Connection::with_role(role, http, MessageLimits::new(limits))
    }

    /// Starts a call of the method with this full path, `/package.Service/Method`. The timeout is sent to
    /// the server; the caller enforces it on this side.
    ///
    /// # Errors
    /// [`StartError`]; nothing was sent.
    pub fn start(
        &mut self,
        path: &str,
        metadata: &Metadata,
        timeout: Option<Duration>,
    ) -> Result<CallId, StartError> {
        self.start_sending(path, metadata, timeout, Sending::Plain)
    }

    /// The same for a call whose requests are compressed where that is worth it. The server must have
    /// gzip; this build must have it, too.
    ///
    /// # Errors
    /// [`StartError`]; nothing was sent.
    pub fn start_compressed(
        &mut self,
        path: &str,
        metadata: &Metadata,
        timeout: Option<Duration>,
    ) -> Result<CallId, StartError> {
        self.start_sending(path, metadata, timeout, Sending::Worthwhile)
    }

    fn start_sending(
        &mut self,
        path: &str,
        metadata: &Metadata,
        timeout: Option<Duration>,
        sending: Sending,
    ) -> Result<CallId, StartError> {
        let is_compressed = sending != Sending::Plain;
        self.fields.clear();
        self.role.template.write(path, timeout, metadata, is_compressed, &mut self.fields);
        let opened = self.http.open(request::indexed(&self.fields), false);
        trim(&mut self.fields);
        let stream = opened.map_err(|error| match error {
            OpenError::TooManyStreams => StartError::TooManyCalls,
            OpenError::GoingAway => StartError::GoingAway,
            OpenError::Exhausted => StartError::Exhausted,
        })?;
        self.open_call(call_id(stream), false).state.sending = sending;
        Ok(call_id(stream))
    }

    /// Sends a message; `last` half-closes the call.
    ///
    /// # Errors
    /// [`CallEnded`], also after `half_close`. A message of more than 4 GiB has no prefix: it cancels
    /// the call.
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
        let sent = match state.state.sending.compress(message) {
            Some(frame) => self.http.send_data(stream_id(call), &[&frame], last),
            None => self.http.send_data(stream_id(call), &[&prefix, message], last),
        };
        sent.map_err(|_| CallEnded)
    }

    /// Chooses whether the next requests of a call that was [started](Self::start_compressed) for
    /// compression are compressed.
    pub fn choose_compression(&mut self, call: CallId, compressed: bool) {
        if let Some(call) = self.calls.get_mut(call)
            && call.state.sending != Sending::Plain
        {
            call.state.sending = Sending::Chosen(compressed);
        }
    }

    /// Half-closes the call: no more messages follow.
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

    /// Cancels a call. Nothing more is reported of it.
    pub fn cancel(&mut self, call: CallId) {
        if self.close_call(call).is_some() {
            self.http.reset(stream_id(call), ErrorCode::CANCEL);
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
            let status = call.state.response.end(response, std::mem::take(&mut self.metadata));
            return self.conclude(id, status, true, sink);
        }
        call.state.response.headers(&response);
        if call.state.response.encoding().is_none() {
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
        let mut status = call.state.response.end(response, metadata);
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
        let Some(encoding) = call.state.response.encoding() else {
            let status = call.state.response.text(data, end_stream);
            self.http.release(stream, data.len());
            if let Some(status) = status {
                self.conclude(id, status, end_stream, sink);
            }
            return;
        };
        let deliver = |message: &[u8], _, was_compressed| {
            if was_compressed {
                sink.compressed(id);
            }
            sink.message(id, message);
        };
        match call.inbound.receive(id, data, end_stream, encoding, &mut self.messages, deliver) {
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

    /// Ends a call with its status. With `server_ended` the server sends nothing more; otherwise the
    /// stream is reset.
    fn conclude(
        &mut self,
        id: CallId,
        status: Status,
        server_ended: bool,
        sink: &mut impl ClientSink,
    ) {
        let Some((half_closed, _)) = self.close_call(id) else { return };
        let stream = stream_id(id);
        if !server_ended {
            self.http.reset(stream, ErrorCode::CANCEL);
        } else if !half_closed {
            // "Early Server Closure" in PROTOCOL-HTTP2.md.
            self.http.reset(stream, ErrorCode::NO_ERROR);
        } else if self.http.queued(stream) > 0 {
            // The rest of the request is not needed any more; NO_ERROR would send it first.
            self.http.reset(stream, ErrorCode::CANCEL);
        }
        sink.finished(id, status, false);
    }

    /// How many concurrent calls the server allows, as far as it has announced a limit.
    pub fn max_calls(&self) -> usize {
        self.http.max_streams()
    }
}
