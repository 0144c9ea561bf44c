//! The Connect protocol, the side of a server. Tests cite sections of the "Connect Protocol Reference"
//! (connectrpc.com/docs/protocol).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what must not fail fails the test")]

mod compression;
mod conformance;
mod errors;
mod get;
mod hostile;
mod limits;
mod streams;
mod unary;

#[path = "../support/seed.rs"]
mod seed;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use agora::call::{Code, Limits, Metadata, Status};
use agora::connect::{Catalog, Opened, Room, ServerCall};
use agora::hpack::FieldBlock;
use agora::http::{Outgoing, RequestHead};
use agora::json::PROTOSET;

const GET: &str = "/agora.kv.v1.KvService/Get";
const SET: &str = "/agora.kv.v1.KvService/Set";
const WATCH: &str = "/agora.kv.v1.KvService/Watch";
const ECHO: &str = "/agora.bench.v1.EchoService/Echo";
const ECHO_STREAM: &str = "/agora.bench.v1.EchoService/EchoStream";

/// An echo of `hi`, as a message.
const HI: &[u8] = b"\x0a\x02hi";

/// A request.
struct Request<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    fields: Vec<(&'a str, &'a str)>,
    body: Vec<u8>,
}

/// What a method is given and answers with.
#[derive(Default)]
struct Answer {
    leading: Vec<(&'static str, &'static [u8])>,
    messages: Vec<Vec<u8>>,
    status: Option<Status>,
}

/// What the method has seen of a request.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    messages: Vec<Vec<u8>>,
    /// The last message came with the end of the request.
    last: bool,
    timeout: Option<Duration>,
    metadata: Vec<(String, Vec<u8>)>,
}

/// A response.
#[derive(Debug, PartialEq)]
struct Response {
    status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl<'a> Request<'a> {
    /// A POST with this content type.
    fn post(path: &'a str, kind: &'a str, body: &[u8]) -> Request<'a> {
        let fields = vec![("content-type", kind)];
        Request { method: "POST", path, query: "", fields, body: body.to_vec() }
    }

    /// A GET with this query.
    fn get(path: &'a str, query: &'a str) -> Request<'a> {
        Request { method: "GET", path, query, fields: Vec::new(), body: Vec::new() }
    }

    fn with(mut self, name: &'a str, value: &'a str) -> Request<'a> {
        self.fields.push((name, value));
        self
    }

    /// The response of a method that answers with what it was sent, and what it has seen.
    fn echo(&self) -> (Seen, Response) {
        self.answered(|seen| Answer { messages: seen.messages.clone(), ..Answer::default() })
    }

    /// The response of a method that does not come to answer.
    fn refused(&self) -> Response {
        let (seen, response) = self.answered(|_| panic!("the method was called"));
        assert_eq!(seen, Seen::default());
        response
    }

    /// The response, and what the method has seen.
    fn answered(&self, answer: impl FnOnce(&Seen) -> Answer) -> (Seen, Response) {
        self.within(&Limits::DEFAULT, usize::MAX, answer)
    }

    fn within(
        &self,
        limits: &Limits,
        room_bytes: usize,
        answer: impl FnOnce(&Seen) -> Answer,
    ) -> (Seen, Response) {
        let fields = block(&self.fields);
        let Request { method, path, query, .. } = *self;
        let head = RequestHead { method, path, query, fields: &fields };
        let catalog = catalog();
        let mut metadata = Metadata::new();
        let opened =
            ServerCall::open(&head, &catalog, limits, limits.max_expanded_bytes, &mut metadata);
        let Opened { mut call, timeout, message, .. } = match opened {
            Ok(opened) => opened,
            Err(refusal) => return (Seen::default(), Response::of(vec![*refusal.response])),
        };
        let text = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
        let metadata = metadata.iter().map(|(name, value)| (text(name), value.to_vec())).collect();
        let mut seen = Seen { timeout, metadata, ..Seen::default() };
        seen.messages.extend(message);
        // In small parts, as a slow network would.
        let mut parts: Vec<&[u8]> = self.body.chunks(7).collect();
        parts.push(b"");
        let mut received = Ok(());
        for (index, part) in parts.iter().enumerate() {
            let end = index + 1 == parts.len();
            received = call.receive(part, end, room(room_bytes), |message, last| {
                seen.messages.push(message.to_vec());
                seen.last |= last;
            });
            assert!(call.buffered_bytes() <= limits.max_message_bytes + 5);
            if received.is_err() {
                break;
            }
        }
        let mut parts = Vec::new();
        match received {
            Ok(()) => answer_with(&mut call, answer(&seen), &mut parts),
            Err(status) => {
                seen = Seen::default();
                step(&mut parts, |out| call.finish(&status, out));
            }
        }
        (seen, Response::of(parts))
    }
}

fn answer_with(call: &mut ServerCall, answer: Answer, parts: &mut Vec<Outgoing>) {
    if !answer.leading.is_empty() {
        let mut metadata = Metadata::new();
        answer.leading.iter().for_each(|(name, value)| metadata.insert(name, value).unwrap());
        step(parts, |out| call.send_headers(&metadata, out));
    }
    let mut status = answer.status.unwrap_or(Status::OK);
    for message in &answer.messages {
        step(parts, |out| {
            if let Err(error) = call.send_message(message, out) {
                status = error;
            }
        });
    }
    step(parts, |out| call.finish(&status, out));
}

fn step(parts: &mut Vec<Outgoing>, part: impl FnOnce(&mut Outgoing)) {
    let mut out = Outgoing::default();
    part(&mut out);
    parts.push(out);
}

impl Response {
    fn of(parts: Vec<Outgoing>) -> Response {
        let mut response = Response { status: 0, fields: Vec::new(), body: Vec::new() };
        let last = parts.len() - 1;
        for (index, part) in parts.into_iter().enumerate() {
            assert_eq!(part.end, index == last);
            if let Some(head) = part.head {
                assert!(response.status == 0 && response.body.is_empty(), "a second head");
                response.status = head.status;
                if let Some(length) = head.content_length {
                    assert_eq!(length, part.body.len());
                }
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                let fields = head.fields.iter().map(|(name, value)| (text(name), text(value)));
                response.fields.extend(fields);
            }
            response.body.extend(part.body);
        }
        assert_ne!(response.status, 0, "there is no head");
        response
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The envelopes of a stream: flags and content.
    fn envelopes(&self) -> Vec<(u8, Vec<u8>)> {
        let (mut envelopes, mut rest) = (Vec::new(), &self.body[..]);
        while let Some((&[flags, b0, b1, b2, b3], behind)) = rest.split_first_chunk() {
            let (content, behind) = behind.split_at(u32::from_be_bytes([b0, b1, b2, b3]) as usize);
            envelopes.push((flags, content.to_vec()));
            rest = behind;
        }
        assert!(rest.is_empty());
        envelopes
    }

    /// The JSON that ends a stream.
    fn end(&self) -> String {
        let (flags, content) = self.envelopes().pop().unwrap();
        assert_eq!(flags, 2);
        String::from_utf8(content).unwrap()
    }
}

/// Room for so many bytes of an unfinished message.
fn room(unfinished_bytes: usize) -> Room {
    Room { unfinished_bytes, expanded_bytes: Limits::DEFAULT.max_expanded_bytes }
}

/// The catalog of all tests: it takes a while to read.
fn catalog() -> Arc<Catalog> {
    static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();
    Arc::clone(CATALOG.get_or_init(|| Arc::new(Catalog::new(PROTOSET))))
}

fn block(fields: &[(&str, &str)]) -> FieldBlock {
    let mut block = FieldBlock::new();
    for (name, value) in fields {
        block.push(name.as_bytes(), value.as_bytes());
    }
    block
}

/// A message in its envelope.
fn envelope(flags: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[flags], &length[..], content].concat()
}
