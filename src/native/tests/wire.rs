//! The hand-written headers against what is generated from the .proto file, and envelopes shown
//! for people by means of the latter.

use std::borrow::Cow;
use std::time::Duration;

use quick_protobuf::{MessageRead, MessageWrite};

use super::{metadata, shown};
use crate::call::{Code, Limits, Metadata, Status};
use crate::native::wire::{self, GoAway, Hello, RequestHeader, Trailers};
use crate::pb::agora_native_v1 as pb;
use crate::protobuf::{self, Checked};
use crate::seed::{Seed, each_seed};

const KINDS: [&str; 13] = [
    "0",
    "HELLO",
    "PATH",
    "REQUEST",
    "HEADERS",
    "MESSAGE",
    "HALF_CLOSE",
    "TRAILERS",
    "CANCEL",
    "CREDIT",
    "PING",
    "PONG",
    "GO_AWAY",
];

fn decode<'a, M: Checked + MessageRead<'a>>(bytes: &'a [u8]) -> M {
    protobuf::decode(bytes).expect("a valid header")
}

/// ` name=value` for a number that is not 0.
fn number(name: &str, value: u64) -> String {
    if value == 0 { String::new() } else { format!(" {name}={value}") }
}

fn code(value: u32) -> String {
    if value == 0 { String::new() } else { format!(" {}", Code::from_number(value.into())) }
}

fn text(value: &str) -> String {
    if value.is_empty() { String::new() } else { format!(" {value:?}") }
}

fn fields(fields: &[pb::MetadataField<'_>]) -> String {
    fields.iter().map(|field| format!(" {}={}", field.name, shown(&field.value))).collect()
}

fn shown_payload(kind: u8, flags: u8, payload: &[u8]) -> String {
    match KINDS[usize::from(kind)] {
        "HELLO" => {
            let hello: pb::Hello = decode(payload);
            number("call_window_bytes", hello.call_window_bytes.into())
                + &number("connection_window_bytes", hello.connection_window_bytes.into())
                + &number("max_concurrent_calls", hello.max_concurrent_calls.into())
        }
        "PATH" => format!(" {}", payload.escape_ascii()),
        "REQUEST" => {
            let len = u32::from_be_bytes(*payload.first_chunk().unwrap()) as usize;
            let (header, message) = payload[4..].split_at(len);
            let header: pb::RequestHeader<'_> = decode(header);
            let with_message = flags & 0x40 != 0;
            number("path_id", header.path_id.into())
                + &number("timeout_us", header.timeout_us)
                + &fields(&header.metadata)
                + &if with_message { format!(" {}", shown(message)) } else { String::new() }
        }
        "HEADERS" => fields(&decode::<pb::ResponseHeader<'_>>(payload).metadata),
        "MESSAGE" => format!(" {}", shown(payload)),
        "TRAILERS" => {
            let trailers: pb::Trailers<'_> = decode(payload);
            code(trailers.code)
                + &text(&trailers.message)
                + &fields(&trailers.metadata)
                + if trailers.refused { " refused" } else { "" }
        }
        "CREDIT" => format!(" {}", u32::from_be_bytes(payload.try_into().unwrap())),
        "PING" | "PONG" => format!(" {}", u64::from_be_bytes(payload.try_into().unwrap())),
        "GO_AWAY" => {
            let go_away: pb::GoAway<'_> = decode(payload);
            number("last_call_id", go_away.last_call_id.into())
                + &code(go_away.code)
                + &text(&go_away.reason)
        }
        _ => String::new(),
    }
}

/// The envelopes at the head of `bytes`, a line each; they are taken off.
pub(super) fn show(bytes: &mut Vec<u8>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = &bytes[..];
    if let Some(behind) = rest.strip_prefix(b"AGR1") {
        lines.push("AGR1".to_owned());
        rest = behind;
    }
    while let Some(&[a, b, c, d, first, e, f, g, h]) = rest.first_chunk() {
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        let Some(payload) = rest.get(9..9 + len) else { break };
        let (kind, flags, id) = (first & 15, first & 0xf0, u32::from_be_bytes([e, f, g, h]));
        let name = KINDS[usize::from(kind)];
        let id = if id == 0 { String::new() } else { format!(" {id}") };
        let end = if flags & 0x80 == 0 { "" } else { " END" };
        lines.push(format!("{name}{id}{end}{}", shown_payload(kind, flags, payload)));
        rest = &rest[9 + len..];
    }
    *bytes = rest.to_vec();
    lines
}

fn pb_fields(metadata: &Metadata) -> Vec<pb::MetadataField<'_>> {
    let field = |(name, value)| pb::MetadataField {
        name: Cow::Borrowed(std::str::from_utf8(name).unwrap()),
        value: Cow::Borrowed(value),
    };
    metadata.iter().map(field).collect()
}

/// What `write` writes is what the generated code writes for `message`.
fn same<M: MessageWrite>(message: &M, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut ours = Vec::new();
    write(&mut ours);
    assert_eq!(ours, protobuf::encode(message));
    ours
}

/// A name and a value that metadata may have.
pub(super) fn any_field(seed: &mut Seed) -> (String, Vec<u8>) {
    let letters = b"abcxyz0189-_.";
    let mut name: String = (0..=seed.below(12)).map(|_| char::from(*seed.pick(letters))).collect();
    let len = seed.below(40);
    if seed.one_in(3) {
        name.push_str("-bin");
        return (name, seed.bytes(len));
    }
    let value = if name.ends_with("-bin") { seed.bytes(len) } else { Vec::new() };
    let printable = |_| 0x20 + seed.below(0x5f) as u8;
    let value = if value.is_empty() { (0..len).map(printable).collect() } else { value };
    (name, value)
}

pub(super) fn any_metadata(seed: &mut Seed) -> Metadata {
    let mut metadata = Metadata::new();
    for _ in 0..seed.below(4) {
        let (name, value) = any_field(seed);
        metadata.insert(&name, &value).unwrap();
    }
    metadata
}

/// Any UTF-8 of moderate length.
pub(super) fn any_text(seed: &mut Seed) -> String {
    let chars = ['a', ' ', '\n', '\0', '%', '\u{e9}', '\u{1f600}', '\u{10ffff}'];
    (0..seed.below(20)).map(|_| *seed.pick(&chars)).collect()
}

pub(super) fn any_status(seed: &mut Seed) -> Status {
    if seed.one_in(3) {
        return Status::OK;
    }
    let code = *seed.pick(&Code::ALL);
    Status { code, message: any_text(seed), metadata: any_metadata(seed) }
}

/// A number whose size in bytes is spread evenly.
fn any_number(seed: &mut Seed) -> u64 {
    seed.next_u64() >> seed.below(64)
}

#[test]
fn requests_are_written_as_the_generated_code_writes_them() {
    each_seed(|seed| {
        let timeout_us = any_number(seed);
        let header = RequestHeader {
            path_id: any_number(seed) as u32,
            timeout: (timeout_us != 0).then(|| Duration::from_micros(timeout_us)),
        };
        let metadata = any_metadata(seed);
        let message = pb::RequestHeader {
            path_id: header.path_id,
            timeout_us,
            metadata: pb_fields(&metadata),
        };
        let bytes = same(&message, |out| {
            let mut payload = Vec::new();
            wire::write_request(&mut payload, header, &metadata);
            assert_eq!(payload[..4], (payload.len() as u32 - 4).to_be_bytes());
            out.extend_from_slice(&payload[4..]);
        });
        let mut read = Metadata::new();
        assert_eq!(wire::read_request(&bytes, &Limits::DEFAULT, &mut read), Ok(header));
        assert_eq!(read, metadata);
    });
}

#[test]
fn trailers_are_written_as_the_generated_code_writes_them() {
    each_seed(|seed| {
        let trailers = Trailers { status: any_status(seed), refused: seed.one_in(2) };
        let status = &trailers.status;
        let message = pb::Trailers {
            code: status.code.number().into(),
            message: Cow::Borrowed(&status.message),
            metadata: pb_fields(&status.metadata),
            refused: trailers.refused,
        };
        let bytes = same(&message, |out| wire::write_trailers(out, status, trailers.refused));
        assert_eq!(wire::read_trailers(&bytes, &Limits::DEFAULT), Ok(trailers));
    });
}

#[test]
fn the_other_headers_are_written_as_the_generated_code_writes_them() {
    each_seed(|seed| {
        let metadata = any_metadata(seed);
        let message = pb::ResponseHeader { metadata: pb_fields(&metadata) };
        let bytes = same(&message, |out| wire::write_headers(out, &metadata));
        let mut read = Metadata::new();
        assert_eq!(wire::read_headers(&bytes, &Limits::DEFAULT, &mut read), Ok(()));
        assert_eq!(read, metadata);

        let hello = Hello {
            call_window_bytes: any_number(seed) as u32,
            connection_window_bytes: any_number(seed) as u32,
            max_concurrent_calls: any_number(seed) as u32,
        };
        let message = pb::Hello {
            call_window_bytes: hello.call_window_bytes,
            connection_window_bytes: hello.connection_window_bytes,
            max_concurrent_calls: hello.max_concurrent_calls,
        };
        let bytes = same(&message, |out| wire::write_hello(out, hello));
        assert_eq!(wire::read_hello(&bytes), Ok(hello));

        let reason = any_text(seed);
        let code = *seed.pick(&Code::ALL);
        let go_away = GoAway { last_call_id: any_number(seed) as u32, code, reason: &reason };
        let message = pb::GoAway {
            last_call_id: go_away.last_call_id,
            code: code.number().into(),
            reason: Cow::Borrowed(&reason),
        };
        let bytes = same(&message, |out| wire::write_go_away(out, go_away));
        assert_eq!(wire::read_go_away(&bytes), Ok(go_away));
    });
}

#[test]
fn a_reason_is_cut_between_characters() {
    let reason = format!("x{}", "\u{e9}".repeat(2000));
    let mut bytes = Vec::new();
    let go_away = GoAway { last_call_id: u32::MAX, code: Code::Internal, reason: &reason };
    wire::write_go_away(&mut bytes, go_away);
    let read = wire::read_go_away(&bytes).unwrap();
    assert_eq!(read.reason.len(), 1023);
    assert!(reason.starts_with(read.reason));
}

/// The bound on a header's bytes never refuses what the bound on its metadata would take.
#[test]
fn metadata_within_the_limits_fits_into_the_longest_header() {
    let limits = Limits { max_header_fields: 1000, ..Limits::DEFAULT };
    for (name_len, value_len) in [(1, 0), (1, 200), (200, 0), (130, 130), (9_000, 7_000)] {
        let mut list = Metadata::new();
        let (name, value) = ("n".repeat(name_len), "v".repeat(value_len));
        let cost = name_len + value_len + 32;
        for _ in 0..limits.max_header_list_bytes as usize / cost {
            list.insert(&name, value.as_bytes()).unwrap();
        }
        let header = RequestHeader { path_id: u32::MAX, timeout: Some(Duration::MAX) };
        let mut bytes = Vec::new();
        wire::write_request(&mut bytes, header, &list);
        assert!(bytes.len() - 4 <= wire::max_header_bytes(&limits));
        assert!(wire::read_request(&bytes[4..], &limits, &mut Metadata::new()).is_ok());
    }
}

#[test]
fn damaged_headers_are_read_or_refused_and_never_more() {
    let limits = Limits::DEFAULT;
    let list = metadata(&[("user", b"ann"), ("trace-bin", b"\0\xff")]);
    each_seed(|seed| {
        let mut bytes = Vec::new();
        let status = Status { code: Code::Aborted, message: "m".into(), metadata: list.clone() };
        match seed.below(3) {
            0 => {
                let timeout = Some(Duration::from_secs(1));
                wire::write_request(&mut bytes, RequestHeader { path_id: 7, timeout }, &list);
                bytes.drain(..4);
            }
            1 => wire::write_trailers(&mut bytes, &status, true),
            _ => {
                let go_away = GoAway { last_call_id: 9, code: Code::Internal, reason: "r" };
                wire::write_go_away(&mut bytes, go_away);
            }
        }
        seed.mutate(&mut bytes);
        let mut read = Metadata::new();
        if wire::read_request(&bytes, &limits, &mut read).is_ok() {
            assert!(decode::<pb::RequestHeader<'_>>(&bytes).metadata.len() >= read.len());
        }
        if let Ok(trailers) = wire::read_trailers(&bytes, &limits) {
            let status = trailers.status;
            assert_eq!(decode::<pb::Trailers<'_>>(&bytes).message, status.message);
        }
        let _ = wire::read_headers(&bytes, &limits, &mut read);
        let _ = wire::read_hello(&bytes);
        let _ = wire::read_go_away(&bytes);
    });
}
