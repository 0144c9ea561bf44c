//! What one request of HTTP that is no gRPC means, and its response: the same over HTTP/1.1 and HTTP/2.
//!
//! ```text
//!   POST, GET    a call of the Connect protocol, if the path or the content type says so
//!   GET, HEAD    a resource of this path (RFC 9110 sections 9.3.1, 9.3.2)
//!   OPTIONS      which methods there are (section 9.3.7), and what pages of other origins may send
//!   all others   refused, with a text that says what is spoken here
//! ```
//!
//! Requests that a browser makes for the page of a stranger are refused first: see `browsers`.
//!
//! `http1` and `grpc` read the head of a request and its body; an [`Exchange`] reports to the
//! [`ServerSink`] what they mean, and turns the answers into [`Outgoing`] parts. Neither the framing of
//! bodies nor fields that belong to a connection are known here.
//!
//! The module is pure. Left out: caches, ranges and conditions other than `if-none-match`, which is left
//! to the handlers of resources.

mod browsers;
mod origins;
mod refusal;
mod site;
#[cfg(test)]
mod tests;

pub use crate::connect::Room;
pub use browsers::{Hosts, is_of_browser, is_sent_by_browsers};
pub use origins::Origins;
pub use refusal::{BODY_TOO_LARGE, RETRY_AFTER_S, refusal};
pub use site::Site;

use origins::Permission;

use crate::call::{
    CallId, CallStart, Limits, Metadata, RefusedRequest, ResourceRequest, ResourceResponse,
    ServerSink, Status,
};
use crate::connect::{self, Opened, Refusal, ServerCall};
use crate::hpack::FieldBlock;
use crate::http::{Outgoing, RequestHead, ResponseHead, is_bodyless};

/// The methods that paths may have, for `allow` (RFC 9110 section 10.2.1).
const ALLOWED: &[u8] = b"GET, HEAD, POST, OPTIONS";

/// Metadata above this size is not kept for its memory.
const KEPT_METADATA_BYTES: usize = 2048;

/// The methods of RFC 9110 and RFC 5789 that no path has here.
const KNOWN_METHODS: [&str; 5] = ["PUT", "DELETE", "CONNECT", "TRACE", "PATCH"];

/// One request, from its head to the end of its response.
#[derive(Debug)]
pub struct Exchange {
    /// The response has no content (RFC 9110 section 9.3.2).
    is_head: bool,
    /// What the response tells browsers.
    permission: Permission,
    /// Bytes of the message that was delivered with the head.
    delivered_bytes: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Resource,
    Call(Box<ServerCall>),
}

/// What requests of one connection are read with.
#[derive(Debug)]
pub struct Reader<'a> {
    /// What the server has.
    pub site: &'a Site,
    /// The limits of the connection.
    pub limits: &'a Limits,
    /// The connection is encrypted.
    pub is_secure: bool,
    /// Bytes that compressed messages may expand to.
    pub expanded_bytes: usize,
    /// Kept for its memory.
    pub metadata: &'a mut Metadata,
}

impl Exchange {
    /// Reads the head of a request, and reports the call that it starts or the resource that it asks
    /// for.
    ///
    /// # Errors
    /// The complete response to a request that asks for nothing that there is.
    pub fn open(
        head: &RequestHead<'_>,
        call: CallId,
        reader: Reader<'_>,
        sink: &mut impl ServerSink,
    ) -> Result<Exchange, Box<Outgoing>> {
        let is_head = head.method == "HEAD";
        let permission = reader.site.origins.permission(head);
        match open(head, call, reader, &permission, sink) {
            Ok((kind, delivered_bytes)) => {
                Ok(Exchange { is_head, permission, delivered_bytes, kind })
            }
            Err(Refusal { response: mut refused, code }) => {
                sink.refused(match code {
                    Some(code) => RefusedRequest::Call { path: head.path, code },
                    None => {
                        let status = refused.head.as_ref().map_or(200, |head| head.status);
                        RefusedRequest::Http { path: head.path, status }
                    }
                });
                permission.add_to(&mut refused);
                if is_head {
                    refused.body.clear();
                }
                Err(refused)
            }
        }
    }

    /// Whether it is a call, and not a request for a resource.
    pub fn is_call(&self) -> bool {
        matches!(self.kind, Kind::Call(_))
    }

    /// Bytes of the message that was delivered with the head.
    pub fn delivered_bytes(&self) -> usize {
        self.delivered_bytes
    }

    /// Whether the body of the request has a meaning. That of a call by GET has none: its message is in
    /// the query.
    pub fn takes_body(&self) -> bool {
        matches!(&self.kind, Kind::Call(call) if !call.is_get())
    }

    /// Whether the response is a stream of messages, which may come at any time.
    pub fn is_stream(&self) -> bool {
        matches!(&self.kind, Kind::Call(call) if call.streams_response())
    }

    /// Takes a part of the body; `end` says that it is the last. Returns how many bytes of messages were delivered.
    ///
    /// # Errors
    /// The status that the call ends with.
    pub fn receive(
        &mut self,
        id: CallId,
        data: &[u8],
        end: bool,
        room: Room,
        sink: &mut impl ServerSink,
    ) -> Result<usize, Status> {
        let Kind::Call(call) = &mut self.kind else { return Ok(0) };
        let (mut delivered, mut is_last) = (0, false);
        call.receive(data, end, room, |message, last| {
            delivered += message.len();
            is_last |= last;
            sink.message(id, message, last);
        })?;
        if end && !is_last && !call.is_get() {
            sink.half_close(id);
        }
        Ok(delivered)
    }

    /// Received bytes that wait for the rest of their message.
    pub fn buffered_bytes(&self) -> usize {
        match &self.kind {
            Kind::Resource => 0,
            Kind::Call(call) => call.buffered_bytes(),
        }
    }

    /// Sends the initial metadata of the response.
    pub fn send_headers(&mut self, metadata: &Metadata, outgoing: &mut Outgoing) {
        if let Kind::Call(call) = &mut self.kind {
            call.send_headers(metadata, outgoing);
        }
        self.permission.add_to(outgoing);
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The status that the call ends with instead: [`finish`](Self::finish) it with the same `outgoing`.
    pub fn send_message(&mut self, message: &[u8], outgoing: &mut Outgoing) -> Result<(), Status> {
        let sent = match &mut self.kind {
            // A resource has one response, and no messages.
            Kind::Resource => Ok(()),
            Kind::Call(call) => call.send_message(message, outgoing),
        };
        if sent.is_ok() {
            self.permission.add_to(outgoing);
        }
        sent
    }

    /// Ends the response with a status.
    pub fn finish(&mut self, status: &Status, outgoing: &mut Outgoing) {
        match &mut self.kind {
            Kind::Resource => {
                *outgoing = refusal(refusal::http_status(status.code), &status.message);
                self.strip(outgoing);
            }
            Kind::Call(call) => call.finish(status, outgoing),
        }
        self.permission.add_to(outgoing);
    }

    /// Ends a response that has not begun with a refusal in words.
    pub fn refuse(&mut self, status: u16, text: &str, outgoing: &mut Outgoing) {
        *outgoing = refusal(status, text);
        self.permission.add_to(outgoing);
        self.strip(outgoing);
    }

    /// Answers a request for a resource.
    pub fn respond(&mut self, response: &ResourceResponse, outgoing: &mut Outgoing) {
        let mut fields = FieldBlock::new();
        fields.push(b"content-type", response.content_type.as_bytes());
        for (name, value) in &response.fields {
            fields.push(name.as_bytes(), value.as_bytes());
        }
        let has_content = !is_bodyless(response.status);
        let content_length = has_content.then_some(response.body.len());
        let body = if has_content { response.body.to_vec() } else { Vec::new() };
        let head = Some(ResponseHead { status: response.status, fields, content_length });
        *outgoing = Outgoing { head, body, end: true };
        self.permission.add_to(outgoing);
        self.strip(outgoing);
    }

    fn strip(&self, outgoing: &mut Outgoing) {
        if self.is_head {
            outgoing.body.clear();
        }
    }
}

/// Reports what a request asks for. Returns it, and how many bytes of a message were delivered.
fn open(
    head: &RequestHead<'_>,
    call: CallId,
    reader: Reader<'_>,
    permission: &Permission,
    sink: &mut impl ServerSink,
) -> Result<(Kind, usize), Refusal> {
    let may_change = !matches!(head.method, "GET" | "HEAD" | "OPTIONS");
    if let Some(reason) = reader.site.objection(head.fields, may_change, reader.is_secure) {
        return Err(match connect::is_call(head, &reader.site.catalog) {
            true => connect::permission_denied(&reason),
            false => refusal::boxed(403, &reason).into(),
        });
    }
    match head.method {
        "OPTIONS" => {
            let mut response = refusal::with_field(204, "", b"allow", ALLOWED);
            if let Some(response) = &mut response.head {
                permission.add_preflight(head, &mut response.fields);
            }
            Err(response.into())
        }
        "POST" if is_grpc(head) => Err(refusal::boxed(505, refusal::GRPC_NEEDS_HTTP2).into()),
        _ if connect::is_call(head, &reader.site.catalog) => open_call(head, call, reader, sink),
        "GET" | "HEAD" => {
            let request = ResourceRequest {
                path: head.path,
                query: head.query,
                accept: head.text("accept"),
                if_none_match: head.text("if-none-match"),
            };
            sink.resource(call, request);
            Ok((Kind::Resource, 0))
        }
        "POST" => Err(refusal::boxed(415, refusal::UNSUPPORTED).into()),
        method if KNOWN_METHODS.contains(&method) => {
            Err(refusal::with_field(405, refusal::METHOD, b"allow", ALLOWED).into())
        }
        _ => Err(refusal::boxed(501, refusal::UNKNOWN_METHOD).into()),
    }
}

/// Starts a call of the Connect protocol. Returns the same.
fn open_call(
    head: &RequestHead<'_>,
    id: CallId,
    reader: Reader<'_>,
    sink: &mut impl ServerSink,
) -> Result<(Kind, usize), Refusal> {
    let Reader { site, limits, expanded_bytes, metadata, .. } = reader;
    metadata.clear();
    let opened = ServerCall::open(head, &site.catalog, limits, expanded_bytes, metadata)?;
    let Opened { call, path, timeout, message } = opened;
    sink.call(CallStart { call: id, path, metadata, timeout });
    if metadata.size_bytes() > KEPT_METADATA_BYTES {
        *metadata = Metadata::new();
    }
    let delivered_bytes = message.as_ref().map_or(0, Vec::len);
    if let Some(message) = message {
        sink.message(id, &message, true);
    }
    Ok((Kind::Call(Box::new(call)), delivered_bytes))
}

/// Whether the content of a request is gRPC's, which needs HTTP/2.
fn is_grpc(head: &RequestHead<'_>) -> bool {
    let content_type = head.field("content-type").unwrap_or_default();
    let kind = content_type.split(|byte| matches!(byte, b'+' | b';')).next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/grpc")
}
