//! The role of a server.

use std::time::Duration;

use super::KEPT_FIELD_BYTES;
use super::connection::{Connection, ReportTo, Role};
use super::fault::Fault;
use super::message::{self, MessageLimits};
use super::request::Request;
use super::{call_id, metadata, response, status, stream_id, trim};
use crate::call::{CallEnded, CallId, CallStart, Code, Limits, Metadata, ServerSink, Status};
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
#[derive(Default)]
pub struct Server {
    /// Bytes of messages that were delivered to the application and not consumed by it.
    unconsumed: usize,
}

/// What a server keeps of a call.
#[derive(Debug)]
pub struct CallState {
    /// The response headers are sent.
    headers_sent: bool,
}

impl Role for Server {
    type CallState = CallState;
    const NEW_CALL: CallState = CallState { headers_sent: false };

    fn messages_consumed(&mut self, bytes: usize) {
        self.unconsumed -= bytes;
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
                if connection.close_call(call_id(stream)).is_some() {
                    sink.cancelled(call_id(stream), status);
                }
            }
            Event::Writable { stream } => {
                if connection.is_open(stream) {
                    sink.writable(call_id(stream));
                }
            }
            Event::HeadersTooLarge { stream, end_stream } => {
                connection.refuse(stream, Fault::HeadersTooLarge, end_stream);
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
    pub fn new(limits: &Limits, now: Duration) -> ServerConnection {
        let http = http2::Connection::new_server(limits, now);
        Connection::with_role(Server::default(), http, MessageLimits::new(limits))
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
        self.open_call(id, end_stream);
        let Request { path, timeout } = request;
        sink.call(CallStart { call: id, path, metadata: &self.metadata, timeout });
        if end_stream {
            sink.half_close(id);
        }
    }

    /// Answers a faulty request.
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
            // The call has ended; the client has not received its end yet.
            return self.http.release(stream, data.len());
        };
        call.half_closed |= end_stream;
        let compressed = Fault::CompressedWithoutEncoding;
        let deliver = |message: &[u8], last| sink.message(id, message, last);
        let before = call.inbound.unconsumed();
        let received =
            call.inbound.receive(id, data, end_stream, compressed, &mut self.messages, deliver);
        self.role.unconsumed += call.inbound.unconsumed() - before;
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
        let state = self.calls.get_mut(call).ok_or(CallEnded)?;
        if std::mem::replace(&mut state.state.headers_sent, true) {
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

    /// Sends a message; the first one is preceded by the headers.
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
        if !std::mem::replace(&mut state.state.headers_sent, true) {
            self.http.send_headers(stream, response::HEADERS, false).map_err(|_| CallEnded)?;
        }
        self.http.send_data(stream, &[&prefix, message], false).map_err(|_| CallEnded)
    }

    /// Ends a call with its status. If the client has not half-closed, RST_STREAM with NO_ERROR follows:
    /// nothing more of the call will be read.
    ///
    /// # Errors
    /// [`CallEnded`].
    pub fn finish(&mut self, call: CallId, status: &Status) -> Result<(), CallEnded> {
        let (half_closed, state) = self.close_call(call).ok_or(CallEnded)?;
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
        self.http.fragment_bytes() + self.messages.unfinished_bytes + self.role.unconsumed
    }

    /// Limits the bytes of unfinished messages. Messages above the limit are kept, but may not grow.
    pub fn limit_unfinished(&mut self, bytes: usize) {
        self.messages.max_unfinished_bytes = bytes;
    }

    /// Whether a message is unfinished, so that [`Self::check_unfinished`] is needed.
    pub fn has_unfinished(&self) -> bool {
        self.messages.unfinished_bytes > 0
    }

    /// Checks the progress of unfinished messages. If memory is short, it ends the calls whose messages
    /// have not grown since the last check although the client could send.
    pub fn check_unfinished(&mut self, sink: &mut impl ServerSink) {
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
