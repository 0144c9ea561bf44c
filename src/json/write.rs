//! Messages to JSON.
//!
//! Fields are written in the order of their numbers, whatever their order in the message, and repeated
//! occurrences are merged as protobuf defines.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;

use super::schema::{Field, Kind, Message};
use super::{Error, MAX_DEPTH, MessageId, Schema, quote};
use crate::protobuf::{FieldReader, Value};
use crate::text::base64;
use crate::text::push_u64;

/// The fields of an entry of a map, and of a wrapper.
const KEY: u32 = 1;
const VALUE: u32 = 2;

/// Appends the JSON of a message to `out`, at most `limit_bytes` of it. Fields that have their default
/// and no presence are left out.
///
/// # Errors
/// See [`Error`]; `out` is then as it was.
pub fn to_json(
    schema: &Schema,
    message: MessageId,
    bytes: &[u8],
    limit_bytes: usize,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let start = out.len();
    let end = start.saturating_add(limit_bytes);
    let mut writer = Writer { schema, limit_bytes, end, out };
    let written = writer.message(message, bytes, MAX_DEPTH);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

struct Writer<'a> {
    schema: &'a Schema,
    limit_bytes: usize,
    /// Where the output must end.
    end: usize,
    out: &'a mut Vec<u8>,
}

/// The occurrences of a field lie between these offsets of the message.
#[derive(Clone, Copy)]
struct Span {
    index: usize,
    start: usize,
    end: usize,
}

impl Writer<'_> {
    fn message(&mut self, id: MessageId, bytes: &[u8], depth: usize) -> Result<(), Error> {
        let depth = depth.checked_sub(1).ok_or(Error::TooDeep)?;
        let schema = self.schema;
        let Some(message) = schema.messages.get(id) else { return Ok(()) };
        let spans = spans(message, bytes)?;
        if message.is_wrapper {
            let Some(field) = message.fields.first() else { return Ok(()) };
            let value = spans.first().and_then(|span| values(field, bytes, *span).last());
            return self.scalar(message, field, value.unwrap_or(default(field.kind)));
        }
        self.out.push(b'{');
        let mut separator = false;
        for span in spans {
            let Some(field) = message.fields.get(span.index) else { continue };
            let before = self.out.len();
            if separator {
                self.out.push(b',');
            }
            quote(&field.json_name, self.out);
            self.out.push(b':');
            if self.field(message, field, bytes, span, depth)? {
                separator = true;
            } else {
                self.out.truncate(before);
            }
        }
        self.out.push(b'}');
        self.check_length()
    }

    /// Writes the value of a field; false if it is not to be written.
    fn field(
        &mut self,
        message: &Message,
        field: &Field,
        bytes: &[u8],
        span: Span,
        depth: usize,
    ) -> Result<bool, Error> {
        match field.kind {
            Kind::Message(id) if field.repeated => {
                if self.schema.messages.get(id).is_some_and(|entry| entry.is_map_entry) {
                    return self.map(id, field, bytes, span, depth).map(|()| true);
                }
                self.out.push(b'[');
                for (index, value) in values(field, bytes, span).enumerate() {
                    self.separate(index);
                    self.message(id, bytes_of(value), depth)?;
                }
                self.out.push(b']');
                Ok(true)
            }
            Kind::Message(id) => {
                // A message in several pieces is their concatenation ("Encoding", last one wins).
                let mut pieces = values(field, bytes, span).map(bytes_of);
                let first = pieces.next().unwrap_or_default();
                let mut whole = Cow::Borrowed(first);
                pieces.for_each(|piece| whole.to_mut().extend_from_slice(piece));
                self.message(id, &whole, depth).map(|()| true)
            }
            _ if field.repeated => self.list(message, field, bytes, span),
            kind => {
                let value = values(field, bytes, span).last().unwrap_or(default(kind));
                if !field.has_presence && is_default(value) {
                    return Ok(false);
                }
                self.scalar(message, field, value).map(|()| true)
            }
        }
    }

    /// A list of scalars, packed or not; false if it is empty.
    fn list(
        &mut self,
        message: &Message,
        field: &Field,
        bytes: &[u8],
        span: Span,
    ) -> Result<bool, Error> {
        self.out.push(b'[');
        let mut count = 0;
        for value in values(field, bytes, span) {
            match value {
                Value::Bytes(packed) if field.kind.is_packable() => {
                    for element in (Packed { kind: field.kind, rest: packed }) {
                        self.separate(count);
                        self.scalar(message, field, element?)?;
                        count += 1;
                    }
                }
                value => {
                    self.separate(count);
                    self.scalar(message, field, value)?;
                    count += 1;
                }
            }
        }
        self.out.push(b']');
        Ok(count > 0)
    }

    /// A map, in the order of its keys' texts. The last entry of a key counts.
    fn map(
        &mut self,
        entry: MessageId,
        field: &Field,
        bytes: &[u8],
        span: Span,
        depth: usize,
    ) -> Result<(), Error> {
        let schema = self.schema;
        let Some(entry) = schema.messages.get(entry) else { return Ok(()) };
        let by_number = |number| entry.find_number(number).and_then(|at| entry.fields.get(at));
        let (Some(key), Some(value)) = (by_number(KEY), by_number(VALUE)) else { return Ok(()) };
        let mut entries = BTreeMap::new();
        for occurrence in values(field, bytes, span) {
            let bytes = bytes_of(occurrence);
            let (mut key_value, mut value_value) = (default(key.kind), default(value.kind));
            for part in FieldReader::new(bytes) {
                match part? {
                    (KEY, part) if fits(key, part) => key_value = part,
                    (VALUE, part) if fits(value, part) => value_value = part,
                    _ => {}
                }
            }
            entries.insert(key_text(key.kind, key_value), value_value);
        }
        self.out.push(b'{');
        for (index, (key, part)) in entries.into_iter().enumerate() {
            self.separate(index);
            quote(&key, self.out);
            self.out.push(b':');
            match value.kind {
                Kind::Message(id) => self.message(id, bytes_of(part), depth)?,
                _ => self.scalar(entry, value, part)?,
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn scalar(&mut self, message: &Message, field: &Field, value: Value<'_>) -> Result<(), Error> {
        match (field.kind, value) {
            (Kind::Bool, value) => {
                let is = integer(Kind::Bool, value) != 0;
                self.out.extend_from_slice(if is { b"true" } else { b"false" });
            }
            (Kind::Double, Value::Fixed64(bits)) => write_f64(f64::from_bits(bits), self.out),
            (Kind::Float, Value::Fixed32(bits)) => write_f32(f32::from_bits(bits), self.out),
            (Kind::Text, Value::Bytes(bytes)) => {
                let text = std::str::from_utf8(bytes).map_err(|_| Error::Field {
                    path: format!("{}.{}", message.name, field.json_name),
                    wanted: "the text is not UTF-8".to_owned(),
                })?;
                quote(text, self.out);
            }
            (Kind::Bytes, Value::Bytes(bytes)) => {
                self.out.push(b'"');
                base64::encode_padded(bytes, self.out);
                self.out.push(b'"');
            }
            (Kind::Enum(id), value) => {
                let number = integer(field.kind, value);
                let declared = self.schema.enums.get(id);
                let name = declared.and_then(|declared| declared.name_of(number as i32));
                match name {
                    Some(name) => quote(name, self.out),
                    None => push_integer(number, self.out),
                }
            }
            (kind, value) => {
                let is_wide = kind.is_64_bits();
                if is_wide {
                    self.out.push(b'"');
                }
                push_integer(integer(kind, value), self.out);
                if is_wide {
                    self.out.push(b'"');
                }
            }
        }
        self.check_length()
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.out.push(b',');
        }
    }

    fn check_length(&self) -> Result<(), Error> {
        if self.out.len() > self.end { Err(Error::TooLarge(self.limit_bytes)) } else { Ok(()) }
    }
}

/// Where the known fields of a message are, in the order of their numbers. Of a oneof only the last
/// member is there.
fn spans(message: &Message, bytes: &[u8]) -> Result<Vec<Span>, Error> {
    let mut spans: Vec<Span> = Vec::new();
    let mut reader = FieldReader::new(bytes);
    loop {
        let start = bytes.len() - reader.rest().len();
        let Some(part) = reader.next() else { break };
        let (number, value) = part?;
        let end = bytes.len() - reader.rest().len();
        let Some(index) = message.find_number(number) else { continue };
        let Some(field) = message.fields.get(index).filter(|field| fits(field, value)) else {
            continue;
        };
        if let Some(span) = spans.iter_mut().rev().find(|span| span.index == index) {
            span.end = end;
            continue;
        }
        if field.oneof.is_some() {
            let is_other = |span: &Span| {
                message.fields.get(span.index).is_none_or(|other| other.oneof != field.oneof)
            };
            spans.retain(is_other);
        }
        spans.push(Span { index, start, end });
    }
    spans.sort_unstable_by_key(|span| span.index);
    Ok(spans)
}

/// The occurrences of a field.
fn values<'a>(field: &Field, bytes: &'a [u8], span: Span) -> impl Iterator<Item = Value<'a>> {
    let bytes = bytes.get(span.start..span.end).unwrap_or_default();
    // `spans` has read all of it.
    FieldReader::new(bytes)
        .map_while(Result::ok)
        .filter(move |(number, value)| *number == field.number && fits(field, *value))
        .map(|(_, value)| value)
}

/// Whether a value has the wire type of its field. Others are unknown fields.
fn fits(field: &Field, value: Value<'_>) -> bool {
    match value {
        Value::Bytes(_) => !field.kind.is_packable() || field.repeated,
        Value::Fixed32(_) => matches!(field.kind, Kind::Float | Kind::Fixed32 | Kind::Sfixed32),
        Value::Fixed64(_) => matches!(field.kind, Kind::Double | Kind::Fixed64 | Kind::Sfixed64),
        Value::Varint(_) => default(field.kind) == Value::Varint(0),
    }
}

/// The value of an absent field.
fn default(kind: Kind) -> Value<'static> {
    match kind {
        Kind::Text | Kind::Bytes | Kind::Message(_) => Value::Bytes(&[]),
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => Value::Fixed32(0),
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => Value::Fixed64(0),
        _ => Value::Varint(0),
    }
}

fn is_default(value: Value<'_>) -> bool {
    matches!(value, Value::Varint(0) | Value::Fixed32(0) | Value::Fixed64(0) | Value::Bytes(&[]))
}

fn bytes_of(value: Value<'_>) -> &[u8] {
    match value {
        Value::Bytes(bytes) => bytes,
        _ => &[],
    }
}

/// The number that a value means in a field of this kind.
fn integer(kind: Kind, value: Value<'_>) -> i128 {
    let (bits, narrow) = match value {
        Value::Varint(bits) => (bits, bits as u32),
        Value::Fixed64(bits) => (bits, bits as u32),
        Value::Fixed32(bits) => (u64::from(bits), bits),
        Value::Bytes(_) => (0, 0),
    };
    match kind {
        Kind::Int32 | Kind::Sfixed32 | Kind::Enum(_) => i128::from(narrow as i32),
        Kind::Uint32 | Kind::Fixed32 => i128::from(narrow),
        Kind::Int64 | Kind::Sfixed64 => i128::from(bits as i64),
        Kind::Sint32 => i128::from((narrow >> 1) as i32 ^ -((narrow & 1) as i32)),
        Kind::Sint64 => i128::from((bits >> 1) as i64 ^ -((bits & 1) as i64)),
        _ => i128::from(bits),
    }
}

/// The elements of a packed list.
struct Packed<'a> {
    kind: Kind,
    rest: &'a [u8],
}

impl<'a> Iterator for Packed<'a> {
    type Item = Result<Value<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let value = match default(self.kind) {
            Value::Fixed32(_) => self.take().map(|bytes| Value::Fixed32(u32::from_le_bytes(bytes))),
            Value::Fixed64(_) => self.take().map(|bytes| Value::Fixed64(u64::from_le_bytes(bytes))),
            _ => crate::protobuf::take_varint(&mut self.rest).map(Value::Varint).ok(),
        };
        if value.is_none() {
            self.rest = &[];
        }
        Some(value.ok_or(Error::Message(crate::protobuf::Error::Truncated)))
    }
}

impl Packed<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }
}

/// The key of a map as a JSON name.
fn key_text(kind: Kind, value: Value<'_>) -> String {
    match (kind, value) {
        (Kind::Bool, value) => (integer(kind, value) != 0).to_string(),
        (_, Value::Bytes(text)) => String::from_utf8_lossy(text).into_owned(),
        (kind, value) => integer(kind, value).to_string(),
    }
}

/// Every number of ours has at most 64 bits and a sign.
fn push_integer(number: i128, out: &mut Vec<u8>) {
    if number < 0 {
        out.push(b'-');
    }
    push_u64(number.unsigned_abs() as u64, out);
}

/// Writes the shortest text that reads back as the same number.
fn write_f64(number: f64, out: &mut Vec<u8>) {
    if number.is_finite() {
        // A `Vec` takes everything.
        let _ = serde_json::to_writer(out.by_ref(), &number);
    } else {
        write_not_finite(number, out);
    }
}

fn write_f32(number: f32, out: &mut Vec<u8>) {
    if number.is_finite() {
        // As above.
        let _ = serde_json::to_writer(out.by_ref(), &number);
    } else {
        write_not_finite(f64::from(number), out);
    }
}

fn write_not_finite(number: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(if number.is_nan() {
        b"\"NaN\""
    } else if number > 0.0 {
        b"\"Infinity\""
    } else {
        b"\"-Infinity\""
    });
}
