//! The role of a server.

use std::sync::Arc;
use std::time::Duration;

use super::KEPT_FIELD_BYTES;
use super::compression::{self, Encoding, Sending};
use super::connection::{Connection, ReportTo, Role};
use super::exchanges::Exchanges;
use super::fault::Fault;
use super::message::{self, MessageLimits};
use super::request::Request;
use super::{call_id, metadata, response, status, stream_id, trim};
use crate::call::{
    CallEnded, CallId, CallStart, Code, Limits, Metadata, RefusedRequest, SendError, ServerSink,
    Status,
};
use crate::exchange::Site;
use crate::hpack::FieldBlock;
use crate::http2::{self, ErrorCode, Event, StreamId};

/// A server's side of one gRPC connection: bytes in, calls reported to a [`ServerSink`], responses in,
/// bytes out.
///
/// ```text
///            request headers             finish, fault, reset
///   (none) ──────────────────▶ open call ────────────────────▶ (none)
///      │                                                         ▲
///      └───────── faulty request: answered, never reported ──────┘
/// ```
///
/// After `finish` the response may still be queued for window; `http2` sends it when the window opens,
/// and `open_calls` counts the call until then.
pub type ServerConnection = Connection<Server>;

/// The role of a server.
pub struct Server {
    /// Open requests that are not gRPC.
    pub(super) exchanges: Exchanges,
}

/// What a server keeps of a call.
#[derive(Debug)]
pub struct CallState {
    /// The response headers are sent.
    headers_sent: bool,
    /// The encoding of requests.
    encoding: Encoding,
    /// Whether the client accepts compressed responses.
    accepts_gzip: bool,
    /// Which responses are compressed.
    sending: Sending,
}

impl Role for Server {
    type CallState = CallState;
    const NEW_CALL: CallState = CallState {
        headers_sent: false,
        encoding: Encoding::Identity,
        accepts_gzip: false,
        sending: Sending::Plain,
    };

    fn message_of_exchange_taken(connection: &mut ServerConnection, call: CallId, bytes: usize) {
        connection.exchange_message_taken(call, bytes);
    }

    fn take_exchange(&mut self) -> Option<(CallId, usize)> {
        self.exchanges.take_first()
    }

    fn take_goaway_text(&mut self) -> Option<String> {
        None
    }
}

impl<S: ServerSink> ReportTo<S> for Server {
    fn handle(connection: &mut ServerConnection, event: Event<'_>, sink: &mut S) {
        match event {
            Event::Headers { stream, fields, end_stream } => {
                connection.request(stream, &fields, end_stream, sink);
                if fields.size() > KEPT_FIELD_BYTES {
                    connection.metadata = Metadata::new();
                }
                connection.http.recycle(fields);
            }
            Event::Data { stream, data, end_stream } => {
                connection.data(stream, data, end_stream, sink);
            }
            Event::Trailers { stream, fields } => {
                connection.http.recycle(fields);
                connection.data(stream, &[], true, sink);
            }
            Event::Reset { stream, error, .. } => {
                let status = Status::new(status::from_reset(error), format!("reset: {error}"));
                let call = call_id(stream);
                if connection.close_call(call).is_some() || connection.drop_exchange(call) {
                    sink.cancelled(call, status);
                }
            }
            Event::Writable { stream } => {
                if connection.is_open(stream) || connection.is_exchange(stream) {
                    sink.writable(call_id(stream));
                }
            }
            Event::HeadersTooLarge { stream, end_stream } => {
                connection.refuse(stream, "", Fault::HeadersTooLarge, end_stream, sink);
            }
            Event::Closed { reason, .. } => {
                connection.end_all_calls(&Status::new(Code::Unavailable, reason), sink);
            }
            Event::Pong { .. } => connection.pong_received(),
            Event::GoAway { .. } => {}
        }
    }

    fn report_end(sink: &mut S, call: CallId, status: Status) {
        sink.cancelled(call, status);
    }
}

impl ServerConnection {
    /// A connection that a client has just opened.
    pub fn new(limits: &Limits, site: &Arc<Site>, now: Duration) -> ServerConnection {
        let http = http2::Connection::new_server(limits, now);
        let role = Server { exchanges: Exchanges::new(limits, site) };
        Connection::with_role(role, http, MessageLimits::new(limits))
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
            Err(Fault::ContentType) => return self.open_exchange(stream, fields, end_stream, sink),
            Err(fault) => {
                let path = fields.iter().find(|(name, _)| *name == b":path");
                let path = path.and_then(|(_, value)| std::str::from_utf8(value).ok());
                return self.refuse(stream, path.unwrap_or_default(), fault, end_stream, sink);
            }
        };
        if request.shows_browser
            && let Some(reason) = self.objection(fields)
        {
            let code = Code::PermissionDenied;
            sink.refused(RefusedRequest::Call { path: request.path, code });
            return self.refuse_browser(stream, reason, end_stream);
        }
        let id = call_id(stream);
        let call = self.open_call(id, end_stream);
        let Request { path, timeout, encoding, accepted, .. } = request;
        call.state.encoding = encoding;
        call.state.accepts_gzip = compression::accepts_gzip(accepted);
        if encoding == Encoding::Gzip && call.state.accepts_gzip {
            call.state.sending = Sending::Worthwhile;
        }
        sink.call(CallStart { call: id, path, metadata: &self.metadata, timeout });
        if end_stream {
            sink.half_close(id);
        }
    }

    /// Answers a faulty request.
    fn refuse(
        &mut self,
        stream: StreamId,
        path: &str,
        fault: Fault,
        end_stream: bool,
        sink: &mut impl ServerSink,
    ) {
        let mut status = fault.status();
        sink.refused(RefusedRequest::Call { path, code: status.code });
        if fault == Fault::Encoding {
            // Reserved, so that `insert` would not take it; far from too large for `append`.
            let _ = status.metadata.append(b"grpc-accept-encoding", compression::ACCEPTED);
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
            return self.exchange_data(stream, data, end_stream, sink);
        };
        call.half_closed |= end_stream;
        let encoding = call.state.encoding;
        let deliver = |message: &[u8], last, was_compressed| {
            if was_compressed {
                sink.compressed(id);
            }
            sink.message(id, message, last);
        };
        match call.inbound.receive(id, data, end_stream, encoding, &mut self.messages, deliver) {
            Ok(received) => {
                self.http.release_separately(stream, received.of_stream, received.released);
                self.grant_reservations();
                if end_stream && !received.last {
                    sink.half_close(id);
                }
            }
            Err(fault) => {
                let status = fault.status();
                // The call is open: it was found above.
                let _ = self.finish(id, &status);
                sink.cancelled(id, status);
            }
        }
    }

    /// Sends initial metadata. Otherwise the first message or the end sends empty metadata.
    ///
    /// # Errors
    /// [`CallEnded`]. Headers that were sent before are not sent again.
    pub fn send_headers(&mut self, call: CallId, metadata: &Metadata) -> Result<(), CallEnded> {
        let Some(state) = self.calls.get_mut(call) else {
            return self.send_exchange_headers(call, metadata);
        };
        if std::mem::replace(&mut state.state.headers_sent, true) {
            return Ok(());
        }
        let sending = state.state.sending;
        if metadata.is_empty() {
            return self.send_constant_headers(call, sending);
        }
        self.fields.clear();
        metadata::send(metadata, &mut self.fields);
        let fields =
            constant_headers(sending).iter().copied().chain(metadata::indexed(&self.fields));
        let sent = self.http.send_headers(stream_id(call), fields, false);
        trim(&mut self.fields);
        sent.map_err(|_| CallEnded)
    }

    /// Sends a message; the first one is preceded by the headers.
    ///
    /// # Errors
    /// [`SendError`]. A message of more than 4 GiB has no prefix: it ends the call with
    /// RESOURCE_EXHAUSTED.
    pub fn send_message(&mut self, call: CallId, message: &[u8]) -> Result<(), SendError> {
        let Some(state) = self.calls.get_mut(call) else {
            return self.send_exchange_message(call, message);
        };
        let Some(prefix) = message::prefix(message.len()) else {
            let fault = Fault::TooLarge { bytes: message.len(), limit: u32::MAX as usize };
            let status = fault.status();
            self.finish(call, &status)?;
            return Err(SendError::Refused(status));
        };
        let sending = state.state.sending;
        if !std::mem::replace(&mut state.state.headers_sent, true) {
            self.send_constant_headers(call, sending)?;
        }
        let sent = match sending.compress(message) {
            Some(frame) => self.http.send_data(stream_id(call), &[&frame], false),
            None => self.http.send_data(stream_id(call), &[&prefix, message], false),
        };
        sent.map_err(|_| SendError::Ended)
    }

    /// Sends headers without metadata.
    fn send_constant_headers(&mut self, call: CallId, sending: Sending) -> Result<(), CallEnded> {
        let fields = constant_headers(sending).iter().copied();
        let sent = self.http.send_headers(stream_id(call), fields, false);
        sent.map_err(|_| CallEnded)
    }

    /// Chooses whether the next responses of a call are compressed. It has no effect if the client does
    /// not accept compressed ones, or if headers that name no encoding are sent already.
    pub fn choose_compression(&mut self, call: CallId, compressed: bool) {
        let Some(CallState { headers_sent, accepts_gzip, sending, .. }) =
            self.calls.get_mut(call).map(|call| &mut call.state)
        else {
            return;
        };
        if *accepts_gzip && !(*headers_sent && *sending == Sending::Plain) {
            *sending = Sending::Chosen(compressed);
        }
    }

    /// Ends a call with its status. If the client has not half-closed, RST_STREAM with NO_ERROR follows:
    /// nothing more of the call will be read.
    ///
    /// # Errors
    /// [`CallEnded`].
    pub fn finish(&mut self, call: CallId, status: &Status) -> Result<(), CallEnded> {
        let Some((half_closed, state)) = self.close_call(call) else {
            return self.finish_exchange(call, status);
        };
        self.send_status(stream_id(call), status, state.headers_sent, half_closed);
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

    /// Received bytes of unfinished field blocks and messages, and of messages that were not consumed.
    pub fn received_bytes(&self) -> usize {
        self.http.fragment_bytes()
            + self.messages.unfinished_bytes
            + self.messages.unconsumed_bytes
            + self.role.exchanges.buffered_bytes()
    }

    /// Limits the bytes of unfinished messages. Messages above the limit are kept, but may not grow.
    pub fn limit_unfinished(&mut self, bytes: usize) {
        self.messages.max_unfinished_bytes = bytes;
    }

    /// Whether a message is unfinished, so that [`Self::check_unfinished`] is needed.
    pub fn has_unfinished(&self) -> bool {
        self.messages.unfinished_bytes > 0 || self.role.exchanges.buffered_bytes() > 0
    }

    /// Checks the progress of unfinished messages. If memory is short, it ends the calls whose messages
    /// have not grown since the last check although the client could send.
    pub fn check_unfinished(&mut self, sink: &mut impl ServerSink) {
        self.check_exchanges(self.messages.reservations.memory_pressure, sink);
        let idle_checks = self.messages.begin_stall_check();
        for id in self.calls.ids() {
            let may_receive = self.http.may_receive(stream_id(id));
            let Some(call) = self.calls.get_mut(id) else { continue };
            if call.inbound.is_stalled(may_receive, idle_checks)
                && self.messages.reservations.memory_pressure
            {
                let status = Fault::Stalled.status();
                // The call is open.
                let _ = self.finish(id, &status);
                sink.cancelled(id, status);
            }
        }
    }

    /// Sets whether memory is short: then only one message at a time may exceed its window.
    pub fn set_memory_pressure(&mut self, memory_pressure: bool) {
        self.messages.reservations.memory_pressure = memory_pressure;
    }
}

/// The header fields of a response without metadata.
fn constant_headers(sending: Sending) -> &'static [response::ConstantField] {
    if sending == Sending::Plain { &response::HEADERS } else { &response::GZIP_HEADERS }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::ClientConnection;
    use crate::grpc::tests::trace::{ServerTrace, Trace};

    #[test]
    fn memory_of_large_fields_is_released() {
        let mut client = ClientConnection::new(&Limits::DEFAULT, Duration::ZERO, "host", false);
        let site = Arc::default();
        let mut server = ServerConnection::new(&Limits::DEFAULT, &site, Duration::ZERO);
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
