//! One call on the side of the server.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::catalog::Catalog;
use super::encoding::{Encoding, SUPPORTED};
use super::envelope::{self, Assembler, PREFIX_BYTES};
use super::metadata;
use super::refusal::{self, Refusal};
use super::request::{self, Codec, ContentType, Get};
use crate::call::{Code, Limits, Metadata, Status};
use crate::hpack::FieldBlock;
use crate::http::{Outgoing, RequestHead, ResponseHead};
use crate::json::{self, Method, Unknown};

/// How many times as large as the largest message its JSON may be.
const JSON_EXPANSION: usize = 4;

/// One call: bytes of its request in, messages out; messages of its response in, bytes out.
///
/// ```text
///   open ──▶ receive ... ──▶ send_headers ──▶ send_message ... ──▶ finish
/// ```
#[derive(Debug)]
pub struct ServerCall {
    catalog: Arc<Catalog>,
    method: Method,
    kind: ContentType,
    is_get: bool,
    /// The encoding of the request.
    encoding: Encoding,
    /// The encoding of the response.
    response_encoding: Encoding,
    max_message_bytes: usize,
    /// The body of a unary request.
    body: Vec<u8>,
    /// The messages of a request with many.
    assembler: Assembler,
    /// Messages of the request that were delivered.
    received: u64,
    /// Leading metadata of the response, until its head is sent.
    leading: FieldBlock,
    is_head_sent: bool,
    /// The response of a unary call, which waits for trailing metadata.
    response: Option<Vec<u8>>,
}

/// How much a call may add to what its connection holds.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes of a message that is not complete.
    pub unfinished_bytes: usize,
    /// Bytes that compressed messages may expand to. Each that is delivered takes of it.
    pub expanded_bytes: usize,
}

/// A call that a request opens.
#[derive(Debug)]
pub struct Opened<'a> {
    /// The call.
    pub call: ServerCall,
    /// The path of its method: `/package.Service/Method`.
    pub path: &'a str,
    /// The client's timeout, counted from now.
    pub timeout: Option<Duration>,
    /// The message of a GET, which is the only one. Nothing of its body is a message.
    pub message: Option<Vec<u8>>,
}

impl ServerCall {
    /// Reads the head of a request, and puts its metadata into `metadata`. The message of a GET may expand
    /// to `room_bytes`.
    ///
    /// # Errors
    /// The complete response to a request that is no call, or a faulty one.
    pub fn open<'a>(
        head: &RequestHead<'a>,
        catalog: &Arc<Catalog>,
        limits: &Limits,
        room_bytes: usize,
        metadata: &mut Metadata,
    ) -> Result<Opened<'a>, Refusal> {
        let Some(method) = catalog.method(head.path) else {
            return Err(refusal::no_method(head.path));
        };
        let is_stream = method.client_streaming || method.server_streaming;
        let allows_get = method.no_side_effects && !is_stream;
        let is_get = head.method == "GET" && allows_get;
        if !is_get && head.method != "POST" {
            return Err(refusal::method_not_allowed(allows_get).into());
        }
        let get = if is_get { Some(request::read_get(head.query)) } else { None };
        let kind = match &get {
            Some(Ok(get)) => ContentType { codec: get.codec, is_stream },
            Some(Err(_)) => ContentType { codec: Codec::Json, is_stream },
            None => ContentType::read(head.text("content-type"))
                .filter(|kind| kind.is_stream == is_stream)
                .ok_or_else(|| refusal::unsupported_media_type(is_stream))?,
        };
        let mut call = ServerCall {
            catalog: Arc::clone(catalog),
            method,
            kind,
            is_get,
            encoding: Encoding::Identity,
            response_encoding: Encoding::Identity,
            max_message_bytes: limits.max_message_bytes,
            body: Vec::new(),
            assembler: Assembler::default(),
            received: 0,
            leading: FieldBlock::new(),
            is_head_sent: false,
            response: None,
        };
        let opened = call.read_head(head, get, room_bytes, metadata);
        let (timeout, message) = opened.map_err(|status| refusal::error(kind, &status))?;
        Ok(Opened { call, path: head.path, timeout, message })
    }

    /// The timeout, and the message of a GET.
    fn read_head(
        &mut self,
        head: &RequestHead<'_>,
        get: Option<Result<Get, Status>>,
        mut room_bytes: usize,
        metadata: &mut Metadata,
    ) -> Result<(Option<Duration>, Option<Vec<u8>>), Status> {
        if self.kind.codec == Codec::Json && !json::IS_AVAILABLE {
            return Err(Status::new(Code::Unimplemented, json::Error::Unavailable.to_string()));
        }
        let timeout = request::read_fields(head, metadata)?;
        let prefix = if self.kind.is_stream { "connect-" } else { "" };
        let accepted = head.text(&format!("{prefix}accept-encoding"));
        self.response_encoding = Encoding::choose(accepted);
        let Some(get) = get.transpose()? else {
            let name = format!("{prefix}content-encoding");
            self.encoding = Encoding::read(head.field(&name).unwrap_or_default())?;
            return Ok((timeout, None));
        };
        self.encoding = get.encoding;
        let mut message = None;
        self.deliver(true, &get.message, &mut room_bytes, |bytes| message = Some(bytes.to_vec()))?;
        Ok((timeout, message))
    }

    /// Takes bytes of the request's content and calls `deliver(message, last)` for each message that
    /// they complete; `end` is the end of the request.
    ///
    /// # Errors
    /// The status that the caller ends the call with.
    pub fn receive(
        &mut self,
        data: &[u8],
        end: bool,
        mut room: Room,
        mut deliver: impl FnMut(&[u8], bool),
    ) -> Result<(), Status> {
        if self.is_get {
            return Ok(());
        }
        if self.kind.is_stream {
            let mut assembler = std::mem::take(&mut self.assembler);
            let limit = self.max_message_bytes;
            let (unfinished, expanded) = (room.unfinished_bytes, &mut room.expanded_bytes);
            let fed =
                assembler.feed(data, end, limit, unfinished, |is_compressed, message, last| {
                    self.deliver(is_compressed, message, expanded, |message| deliver(message, last))
                });
            self.assembler = assembler;
            fed?;
            return if end { self.check_count() } else { Ok(()) };
        }
        if self.body.len() + data.len() > self.max_message_bytes {
            self.body = Vec::new();
            return Err(envelope::too_large(self.max_message_bytes));
        }
        if !end {
            if data.len() > room.unfinished_bytes {
                return Err(envelope::no_room());
            }
            self.body.extend_from_slice(data);
            return Ok(());
        }
        let mut body = std::mem::take(&mut self.body);
        if body.is_empty() {
            return self
                .deliver(true, data, &mut room.expanded_bytes, |message| deliver(message, true));
        }
        body.extend_from_slice(data);
        self.deliver(true, &body, &mut room.expanded_bytes, |message| deliver(message, true))
    }

    /// Whether its one message came with the head.
    pub fn is_get(&self) -> bool {
        self.is_get
    }

    /// Whether its response has any number of messages.
    pub fn streams_response(&self) -> bool {
        self.method.server_streaming
    }

    /// Received bytes that wait for the rest of their message.
    pub fn buffered_bytes(&self) -> usize {
        self.body.len() + self.assembler.buffered_bytes()
    }

    /// Decodes a message of the request.
    fn deliver(
        &mut self,
        is_compressed: bool,
        message: &[u8],
        room_bytes: &mut usize,
        deliver: impl FnOnce(&[u8]),
    ) -> Result<(), Status> {
        self.received += 1;
        if self.received > 1 && !self.method.client_streaming {
            return Err(wrong_count("more than one message"));
        }
        if is_compressed && self.kind.is_stream && self.encoding == Encoding::Identity {
            let text = "a message is compressed, and connect-content-encoding names no encoding";
            return Err(Status::new(Code::Internal, text));
        }
        let encoding = if is_compressed { self.encoding } else { Encoding::Identity };
        let message = encoding.expand(message, self.max_message_bytes, *room_bytes)?;
        let message = if self.kind.codec == Codec::Proto {
            message
        } else {
            let mut binary = Vec::new();
            self.read_json(&message, &mut binary)?;
            Cow::Owned(binary)
        };
        *room_bytes = room_bytes.saturating_sub(message.len());
        deliver(&message);
        Ok(())
    }

    fn read_json(&self, text: &[u8], binary: &mut Vec<u8>) -> Result<(), Status> {
        let (Some(schema), limit) = (self.catalog.schema(), self.max_message_bytes) else {
            return Err(no_schema());
        };
        let input = self.method.input;
        json::from_json(schema, input, text, Unknown::Ignored, limit, binary).map_err(|error| {
            let code = match error {
                json::Error::TooLarge(_) => Code::ResourceExhausted,
                json::Error::Unavailable => Code::Unimplemented,
                _ => Code::InvalidArgument,
            };
            Status::new(code, error.to_string())
        })
    }

    /// A method that takes one message was sent one.
    fn check_count(&self) -> Result<(), Status> {
        if self.received == 0 && !self.method.client_streaming {
            return Err(wrong_count("no message"));
        }
        Ok(())
    }

    /// Sends initial metadata. The head of a unary response waits for the end of the call; otherwise it
    /// is sent now.
    pub fn send_headers(&mut self, metadata: &Metadata, out: &mut Outgoing) {
        metadata::send("", metadata, &mut self.leading);
        if self.kind.is_stream {
            self.start_stream(out);
        }
    }

    /// Sends a message. That of a unary call is kept until [`finish`](Self::finish).
    ///
    /// # Errors
    /// The status that the caller ends the call with: the message has no JSON, or is too large for one.
    pub fn send_message(&mut self, message: &[u8], out: &mut Outgoing) -> Result<(), Status> {
        if !self.kind.is_stream {
            let mut response = Vec::new();
            self.encode(message, &mut response)?;
            self.response = Some(response);
            return Ok(());
        }
        self.start_stream(out);
        let start = out.body.len();
        out.body.extend_from_slice(&[0; PREFIX_BYTES]);
        if let Err(status) = self.encode(message, &mut out.body) {
            out.body.truncate(start);
            return Err(status);
        }
        let encoded = out.body.get(start + PREFIX_BYTES..).unwrap_or_default();
        let mut flags = 0;
        if let Some(compressed) = self.response_encoding.compress(encoded) {
            out.body.truncate(start + PREFIX_BYTES);
            out.body.extend_from_slice(&compressed);
            flags = envelope::COMPRESSED;
        }
        envelope::write_prefix(flags, &mut out.body, start)
    }

    /// Ends the call with its status.
    pub fn finish(&mut self, status: &Status, out: &mut Outgoing) {
        if self.kind.is_stream {
            self.start_stream(out);
            refusal::end_of_stream(status, &mut out.body);
            out.end = true;
            return;
        }
        let response = self.response.take().filter(|_| status.is_ok());
        let Some(response) = response else {
            let no_answer = Status::new(Code::Internal, "the method has sent no answer");
            let error = refusal::unary_error(if status.is_ok() { &no_answer } else { status });
            *out = *error;
            if let Some(head) = &mut out.head {
                append(&self.leading, &mut head.fields);
            }
            return;
        };
        let mut fields = FieldBlock::new();
        fields.push(b"content-type", self.kind.name().as_bytes());
        fields.push(b"accept-encoding", SUPPORTED.as_bytes());
        append(&self.leading, &mut fields);
        metadata::send("trailer-", &status.metadata, &mut fields);
        let compressed = self.response_encoding.compress(&response);
        if compressed.is_some() {
            fields.push(b"content-encoding", self.response_encoding.name().as_bytes());
        }
        // Caches tell responses to a GET apart by it.
        if self.is_get {
            fields.push(b"vary", b"accept-encoding");
        }
        let response = compressed.unwrap_or(response);
        let content_length = Some(response.len());
        out.head = Some(ResponseHead { status: 200, fields, content_length });
        out.body = response;
        out.end = true;
    }

    /// Sends the head of a response with many messages, once.
    fn start_stream(&mut self, out: &mut Outgoing) {
        if std::mem::replace(&mut self.is_head_sent, true) {
            return;
        }
        let mut fields = FieldBlock::new();
        fields.push(b"content-type", self.kind.name().as_bytes());
        fields.push(b"connect-accept-encoding", SUPPORTED.as_bytes());
        if self.response_encoding != Encoding::Identity {
            fields.push(b"connect-content-encoding", self.response_encoding.name().as_bytes());
        }
        append(&self.leading, &mut fields);
        out.head = Some(ResponseHead { status: 200, fields, content_length: None });
    }

    /// Appends a message of the response in its form.
    fn encode(&self, message: &[u8], out: &mut Vec<u8>) -> Result<(), Status> {
        if self.kind.codec == Codec::Proto {
            out.extend_from_slice(message);
            return Ok(());
        }
        let Some(schema) = self.catalog.schema() else { return Err(no_schema()) };
        let limit = self.max_message_bytes.saturating_mul(JSON_EXPANSION);
        json::to_json(schema, self.method.output, message, limit, out).map_err(|error| {
            let code = match error {
                json::Error::TooLarge(_) => Code::ResourceExhausted,
                _ => Code::Internal,
            };
            Status::new(code, format!("the answer has no JSON: {error}"))
        })
    }
}

fn append(from: &FieldBlock, to: &mut FieldBlock) {
    for (name, value) in from.iter() {
        to.push(name, value);
    }
}

/// A method that takes one message was sent another number of them.
fn wrong_count(what: &str) -> Status {
    Status::new(Code::Unimplemented, format!("the method takes one message, and was sent {what}"))
}

/// The descriptors of this build are malformed, which a test of `json` rules out.
fn no_schema() -> Status {
    Status::new(Code::Internal, "the compiled descriptors are malformed")
}
