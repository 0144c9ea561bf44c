//! Requests over HTTP/2 that are not gRPC: resources, and calls in other protocols.
//!
//! A stream is an open call or an open exchange. Streams are looked for among the calls first, so that
//! gRPC pays nothing for the exchanges.

use std::sync::Arc;

use super::server::ServerConnection;
use super::{call_id, stream_id};
use super::{metadata, response};
use crate::call::{
    CallEnded, CallId, Code, Limits, Metadata, RefusedRequest, ResourceResponse, SendError,
    ServerSink, Status,
};
use crate::exchange::{self, Exchange, Reader, Room, Site, refusal};
use crate::hpack::{FieldBlock, Indexing};
use crate::http::{Outgoing, RequestHead, ResponseHead};
use crate::http2::{ErrorCode, StreamId};

/// The open exchanges of a connection.
pub(super) struct Exchanges {
    site: Arc<Site>,
    limits: Limits,
    is_secure: bool,
    /// By ascending call.
    open: Vec<Open>,
}

/// A request whose response is not complete.
struct Open {
    call: CallId,
    exchange: Exchange,
    /// The client has ended its side.
    half_closed: bool,
    /// Bytes of messages that were delivered to the application and not consumed by it. They count among
    /// those of the connection.
    unconsumed: usize,
    /// Received bytes that are not returned to the window of the stream until it has consumed some.
    withheld: usize,
    /// Received bytes of the unfinished message at the last check of its progress.
    checked_bytes: usize,
    /// Received bytes of a body without a meaning.
    dropped_bytes: usize,
}

impl Exchanges {
    pub(super) fn new(limits: &Limits, site: &Arc<Site>) -> Exchanges {
        Exchanges {
            site: Arc::clone(site),
            limits: limits.clone(),
            is_secure: false,
            open: Vec::new(),
        }
    }

    fn find(&mut self, call: CallId) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.call == call)
    }

    /// Takes the oldest one, and its unconsumed bytes: the connection has ended.
    pub(super) fn take_first(&mut self) -> Option<(CallId, usize)> {
        let first = self.open.first()?.call;
        self.remove(first).map(|open| (open.call, open.unconsumed))
    }

    fn remove(&mut self, call: CallId) -> Option<Open> {
        let at = self.open.iter().position(|open| open.call == call)?;
        Some(self.open.remove(at))
    }

    /// Bytes of unfinished messages.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.open.iter().map(|open| open.exchange.buffered_bytes()).sum()
    }
}

impl ServerConnection {
    /// A request whose content type is not gRPC's.
    pub(super) fn open_exchange(
        &mut self,
        stream: StreamId,
        fields: &FieldBlock,
        end_stream: bool,
        sink: &mut impl ServerSink,
    ) {
        let (mut method, mut target, mut has_authority) = ("", "", false);
        let mut regular = FieldBlock::new();
        for (name, value) in fields.iter() {
            match name {
                b":method" => method = std::str::from_utf8(value).unwrap_or_default(),
                b":path" => target = std::str::from_utf8(value).unwrap_or_default(),
                // As if it were a field of HTTP/1.1, whatever that says (RFC 9113 section 8.3.1).
                b":authority" => {
                    has_authority = true;
                    regular.push(b"host", value);
                }
                b"host" if has_authority => {}
                _ if name.first() == Some(&b':') => {}
                _ => regular.push(name, value),
            }
        }
        let call = call_id(stream);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if !(path.starts_with('/') || (method == "OPTIONS" && path == "*") || method == "CONNECT") {
            sink.refused(RefusedRequest::Http { path, status: 400 });
            let refused = refusal(400, "the path of a request begins with /");
            return self.send_parts(stream, refused, end_stream);
        }
        let head = RequestHead { method, path, query, fields: &regular };
        let &Exchanges { ref site, ref limits, is_secure, .. } = &self.role.exchanges;
        let (expanded_bytes, metadata) = (self.messages.room_to_expand(), &mut self.metadata);
        let reader = Reader { site, limits, is_secure, expanded_bytes, metadata };
        let exchange = match Exchange::open(&head, call, reader, sink) {
            Ok(exchange) => exchange,
            Err(refused) => return self.send_parts(stream, *refused, end_stream),
        };
        let unconsumed = exchange.delivered_bytes();
        self.messages.unconsumed_bytes += unconsumed;
        self.role.exchanges.open.push(Open {
            call,
            exchange,
            half_closed: false,
            unconsumed,
            withheld: 0,
            checked_bytes: 0,
            dropped_bytes: 0,
        });
        if end_stream {
            self.exchange_data(stream, &[], true, sink);
        }
    }

    /// The connection is encrypted.
    pub fn set_secure(&mut self) {
        self.role.exchanges.is_secure = true;
    }

    /// Why a request in gRPC that a browser made is refused.
    pub(super) fn objection(&self, fields: &FieldBlock) -> Option<String> {
        let Exchanges { site, is_secure, .. } = &self.role.exchanges;
        site.objection(fields, true, *is_secure)
    }

    /// Refuses such a request, with the status for what made it and for gRPC.
    pub(super) fn refuse_browser(&mut self, stream: StreamId, reason: String, end_stream: bool) {
        let mut fields = FieldBlock::new();
        fields.push(b"content-type", b"application/grpc");
        response::write_trailers(&Status::new(Code::PermissionDenied, reason), &mut fields);
        let head = Some(ResponseHead { status: 403, fields, content_length: None });
        self.send_parts(stream, Outgoing { head, body: Vec::new(), end: true }, end_stream);
    }

    /// DATA of a stream that is no open call.
    pub(super) fn exchange_data(
        &mut self,
        stream: StreamId,
        data: &[u8],
        end_stream: bool,
        sink: &mut impl ServerSink,
    ) {
        let call = call_id(stream);
        let unfinished = self.messages.unfinished_bytes + self.role.exchanges.buffered_bytes();
        let Limits { max_partial_message_bytes: max, max_dropped_body_bytes: max_dropped, .. } =
            self.role.exchanges.limits;
        let max = max.min(self.messages.max_unfinished_bytes);
        let room = Room {
            unfinished_bytes: max.saturating_sub(unfinished),
            expanded_bytes: self.messages.room_to_expand(),
        };
        let Some(open) = self.role.exchanges.find(call) else {
            // It has ended; the client has not received its end yet.
            return self.http.release(stream, data.len());
        };
        open.half_closed |= end_stream;
        if !open.exchange.takes_body() {
            open.dropped_bytes += data.len();
            if open.dropped_bytes > max_dropped {
                self.http.release(stream, data.len());
                return self.refuse_body(call, sink);
            }
        }
        let received = open.exchange.receive(call, data, end_stream, room, sink);
        let (delivered, failed) = match received {
            Ok(delivered) => (delivered, None),
            Err(status) => (0, Some(status)),
        };
        open.unconsumed += delivered;
        self.messages.unconsumed_bytes += delivered;
        let held = if failed.is_none() && open.unconsumed > 0 { data.len() } else { 0 };
        open.withheld += held;
        self.http.release(stream, data.len() - held);
        if let Some(status) = failed {
            // It is open.
            let _ = self.finish_exchange(call, &status);
            sink.cancelled(call, status);
        }
    }

    /// A body that has no meaning is too long.
    fn refuse_body(&mut self, call: CallId, sink: &mut impl ServerSink) {
        let text = exchange::BODY_TOO_LARGE;
        let refuse = |exchange: &mut Exchange, outgoing: &mut Outgoing| {
            exchange.refuse(413, text, outgoing);
        };
        let is_call = self.role.exchanges.find(call).is_some_and(|open| open.exchange.is_call());
        // It is open.
        let _ = self.end_exchange(call, Outgoing::default(), refuse);
        sink.cancelled(call, Status::new(Code::Cancelled, text));
        // The end of a call is on record already.
        if !is_call {
            sink.refused(RefusedRequest::Http { path: "", status: 413 });
        }
    }

    /// The application has consumed a message.
    pub(super) fn exchange_message_taken(&mut self, call: CallId, bytes: usize) {
        let Some(open) = self.role.exchanges.find(call) else { return };
        let consumed = bytes.min(open.unconsumed);
        open.unconsumed -= consumed;
        self.messages.unconsumed_bytes -= consumed;
        if open.unconsumed == 0 {
            let released = std::mem::take(&mut open.withheld);
            self.http.release(stream_id(call), released);
        }
    }

    /// Sends the initial metadata of a response.
    pub(super) fn send_exchange_headers(
        &mut self,
        call: CallId,
        metadata: &Metadata,
    ) -> Result<(), CallEnded> {
        let mut outgoing = Outgoing::default();
        let open = self.role.exchanges.find(call).ok_or(CallEnded)?;
        open.exchange.send_headers(metadata, &mut outgoing);
        self.send_parts(stream_id(call), outgoing, true);
        Ok(())
    }

    pub(super) fn send_exchange_message(
        &mut self,
        call: CallId,
        message: &[u8],
    ) -> Result<(), SendError> {
        let mut outgoing = Outgoing::default();
        let open = self.role.exchanges.find(call).ok_or(SendError::Ended)?;
        match open.exchange.send_message(message, &mut outgoing) {
            Ok(()) => {
                self.send_parts(stream_id(call), outgoing, true);
                Ok(())
            }
            Err(status) => {
                self.end_exchange(call, outgoing, |exchange, outgoing| {
                    exchange.finish(&status, outgoing);
                })?;
                Err(SendError::Refused(status))
            }
        }
    }

    pub(super) fn finish_exchange(
        &mut self,
        call: CallId,
        status: &Status,
    ) -> Result<(), CallEnded> {
        let outgoing = Outgoing::default();
        self.end_exchange(call, outgoing, |exchange, outgoing| exchange.finish(status, outgoing))
    }

    /// Answers a request for a resource. Returns the length of the content that is sent.
    ///
    /// # Errors
    /// [`CallEnded`].
    pub fn respond(
        &mut self,
        call: CallId,
        response: &ResourceResponse,
    ) -> Result<usize, CallEnded> {
        let mut bytes = 0;
        self.end_exchange(call, Outgoing::default(), |exchange, outgoing| {
            exchange.respond(response, outgoing);
            bytes = outgoing.body.len();
        })?;
        Ok(bytes)
    }

    fn end_exchange(
        &mut self,
        call: CallId,
        mut outgoing: Outgoing,
        end: impl FnOnce(&mut Exchange, &mut Outgoing),
    ) -> Result<(), CallEnded> {
        let mut open = self.role.exchanges.remove(call).ok_or(CallEnded)?;
        self.messages.unconsumed_bytes -= open.unconsumed;
        end(&mut open.exchange, &mut outgoing);
        self.http.release(stream_id(call), open.withheld);
        self.send_parts(stream_id(call), outgoing, open.half_closed);
        Ok(())
    }

    /// Forgets an exchange that was reset. Returns whether there was one.
    pub(super) fn drop_exchange(&mut self, call: CallId) -> bool {
        let dropped = self.role.exchanges.remove(call);
        if let Some(open) = &dropped {
            self.messages.unconsumed_bytes -= open.unconsumed;
            self.http.release(stream_id(call), open.withheld);
        }
        dropped.is_some()
    }

    /// Whether a stream is an open exchange.
    pub(super) fn is_exchange(&mut self, stream: StreamId) -> bool {
        self.role.exchanges.find(call_id(stream)).is_some()
    }

    /// Ends the exchanges whose unfinished message has not grown since the last check.
    pub(super) fn check_exchanges(&mut self, memory_pressure: bool, sink: &mut impl ServerSink) {
        let mut stalled = Vec::new();
        for open in &mut self.role.exchanges.open {
            let buffered = open.exchange.buffered_bytes();
            if buffered > 0 && buffered == open.checked_bytes && memory_pressure {
                stalled.push(open.call);
            }
            open.checked_bytes = buffered;
        }
        for call in stalled {
            let reason = "nothing has come of the rest of the message for long";
            let status = Status::new(Code::ResourceExhausted, reason);
            // It is open.
            let _ = self.finish_exchange(call, &status);
            sink.cancelled(call, status);
        }
    }

    /// Sends a part of a response. A client that has not ended its side when the response is complete is
    /// told that its rest is not needed (RFC 9113 section 8.1).
    fn send_parts(&mut self, stream: StreamId, outgoing: Outgoing, half_closed: bool) {
        let Outgoing { head, body, end } = outgoing;
        let ends_with_head = end && body.is_empty() && head.is_some();
        if let Some(head) = head {
            let mut fields = FieldBlock::new();
            fields.push(b":status", head.status.to_string().as_bytes());
            for (name, value) in head.fields.iter() {
                fields.push(name, value);
            }
            if let Some(bytes) = head.content_length {
                fields.push(b"content-length", bytes.to_string().as_bytes());
            }
            if let Some(date) = self.role.exchanges.site.date() {
                fields.push(b"date", date.as_bytes());
            }
            // A stream that is gone needs no response, here and below.
            let _ = self.http.send_headers(stream, indexed(&fields), ends_with_head);
        }
        if !body.is_empty() || (end && !ends_with_head) {
            let _ = self.http.send_data(stream, &[&body], end);
        }
        if end && !half_closed {
            self.http.reset(stream, ErrorCode::NO_ERROR);
        }
    }
}

/// The fields of a response with the indexing of each: those that change enter no table.
fn indexed(fields: &FieldBlock) -> impl Iterator<Item = (&[u8], &[u8], Indexing)> {
    fields.iter().map(|(name, value)| (name, value, metadata::indexing(name)))
}
