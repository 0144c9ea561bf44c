//! JSON to messages.
//!
//! The text is read once, and each value becomes its bytes at once: a tree of the text, which can be
//! thirty times as large, never exists. A message is written behind one byte for its length, and
//! moved if the length needs more.

use std::collections::BTreeSet;
use std::fmt;

use serde_core::Deserialize;
use serde_core::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny};
use serde_core::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::scalar::{Scalar, Token};
use super::schema::{Field, Kind, Message};
use super::{Error, MAX_DEPTH, MessageId, Schema, Unknown};
use crate::protobuf::put_varint;

/// The longest part of a text that an error repeats.
const SHOWN_CHARS: usize = 200;

/// Appends the message that a text is the JSON of to `out`, at most `limit_bytes` of it.
///
/// # Errors
/// See [`Error`]; `out` is then as it was.
pub fn from_json(
    schema: &Schema,
    message: MessageId,
    text: &[u8],
    unknown: Unknown,
    limit_bytes: usize,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let syntax = |what: String| Error::Syntax { path: String::new(), what };
    let text = std::str::from_utf8(text).map_err(|error| {
        syntax(format!("the text is not UTF-8 at byte {}", error.valid_up_to()))
    })?;
    let Some(known) = schema.messages.get(message) else { return Err(Error::Unavailable) };
    let start = out.len();
    let end = start.saturating_add(limit_bytes);
    let (path, failure) = (Vec::new(), None);
    let mut reader = Reader { schema, unknown, limit_bytes, end, out, path, failure };
    let mut json = serde_json::Deserializer::from_str(text);
    let seed = MessageSeed { reader: &mut reader, message: known, depth: MAX_DEPTH };
    let read = seed.deserialize(&mut json).and_then(|is_there| {
        let null = || serde_json::Error::custom(format!("expected an object, for {}", known.name));
        if is_there { json.end() } else { Err(null()) }
    });
    let Err(error) = read else { return Ok(()) };
    let error = reader.failure.take().unwrap_or_else(|| {
        let what = error.to_string().chars().take(SHOWN_CHARS).collect();
        Error::Syntax { path: reader.rendered_path(), what }
    });
    out.truncate(start);
    Err(error)
}

struct Reader<'s, 'o> {
    schema: &'s Schema,
    unknown: Unknown,
    limit_bytes: usize,
    /// Where the output must end.
    end: usize,
    out: &'o mut Vec<u8>,
    /// Where in the text the reader is.
    path: Vec<Step<'s>>,
    /// The error that ended reading, if the text itself is well-formed.
    failure: Option<Error>,
}

/// A step of a path.
enum Step<'s> {
    Field(&'s str),
    Index(usize),
    Key(String),
}

impl<'s> Reader<'s, '_> {
    /// Notes why reading ends.
    fn fail<E: serde_core::de::Error>(&mut self, wanted: impl Into<String>) -> E {
        let wanted = wanted.into();
        self.failure = Some(Error::Field { path: self.rendered_path(), wanted });
        E::custom("refused")
    }

    fn fail_with<E: serde_core::de::Error>(&mut self, error: Error) -> E {
        self.failure = Some(error);
        E::custom("refused")
    }

    fn rendered_path(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                Step::Field(name) if text.is_empty() => text.push_str(name),
                Step::Field(name) => text.extend([".", name]),
                Step::Index(index) => text.push_str(&format!("[{index}]")),
                Step::Key(key) => text.push_str(&format!("[{key:?}]")),
            }
        }
        text
    }

    fn tag(&mut self, number: u32, wire_type: u8) {
        put_varint(self.out, u64::from(number) << 3 | u64::from(wire_type));
    }

    /// Begins a value whose length is not known; returns where it begins.
    fn begin_length(&mut self) -> usize {
        self.out.push(0);
        self.out.len()
    }

    /// Writes the length of what was written since `start`.
    fn end_length(&mut self, start: usize) {
        let length = self.out.len() - start;
        if let (Ok(byte @ 0..0x80), Some(slot)) =
            (u8::try_from(length), self.out.get_mut(start - 1))
        {
            *slot = byte;
            return;
        }
        let mut text = Vec::new();
        put_varint(&mut text, length as u64);
        self.out.splice(start - 1..start, text);
    }

    /// Writes a value without its tag.
    fn put(&mut self, value: &Scalar<'_>) {
        match value {
            Scalar::Varint(value) => put_varint(self.out, *value),
            Scalar::Fixed32(value) => self.out.extend_from_slice(&value.to_le_bytes()),
            Scalar::Fixed64(value) => self.out.extend_from_slice(&value.to_le_bytes()),
            Scalar::Bytes(bytes) => {
                put_varint(self.out, bytes.len() as u64);
                self.out.extend_from_slice(bytes);
            }
        }
    }

    /// Writes a field with a value.
    fn put_field(&mut self, number: u32, value: &Scalar<'_>) {
        let wire_type = match value {
            Scalar::Varint(_) => 0,
            Scalar::Fixed64(_) => 1,
            Scalar::Bytes(_) => 2,
            Scalar::Fixed32(_) => 5,
        };
        self.tag(number, wire_type);
        self.put(value);
    }

    /// Writes an element of a packed list; false for null.
    fn put_packed<E: serde_core::de::Error>(&mut self, text: &str, kind: Kind) -> Result<bool, E> {
        let Some(value) = self.scalar(text, kind)? else { return Ok(false) };
        self.put(&value);
        Ok(true)
    }

    fn check_length<E: serde_core::de::Error>(&mut self) -> Result<(), E> {
        if self.out.len() > self.end {
            return Err(self.fail_with(Error::TooLarge(self.limit_bytes)));
        }
        Ok(())
    }

    /// Reads a token as a value of a field; `None` for null.
    fn scalar<'t, E: serde_core::de::Error>(
        &mut self,
        text: &'t str,
        kind: Kind,
    ) -> Result<Option<Scalar<'t>>, E> {
        let token = Token::read(text).map_err(|wanted| self.fail(wanted))?;
        if token == Token::Null {
            return Ok(None);
        }
        let read = Scalar::read(&token, kind, false, &self.schema.enums);
        read.map(Some).map_err(|wanted| self.fail(wanted))
    }
}

/// Reads the fields of a message; false for null.
struct MessageSeed<'r, 's, 'o> {
    reader: &'r mut Reader<'s, 'o>,
    message: &'s Message,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for MessageSeed<'_, '_, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        if !self.message.is_wrapper {
            return json.deserialize_any(self);
        }
        let MessageSeed { reader, message, .. } = self;
        let text = <&RawValue>::deserialize(json)?;
        let Some(field) = message.fields.first() else { return Ok(true) };
        let value = reader.scalar(text.get(), field.kind)?;
        if let Some(value) = value.as_ref().filter(|value| !value.is_default()) {
            reader.put_field(field.number, value);
            reader.check_length()?;
        }
        Ok(value.is_some())
    }
}

impl<'de> Visitor<'de> for MessageSeed<'_, '_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object, for {}", self.message.name)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let MessageSeed { reader, message, depth } = self;
        let Some(depth) = depth.checked_sub(1) else {
            return Err(reader.fail_with(Error::TooDeep));
        };
        // A message has at most 64 fields: see `Schema::read`.
        let (mut seen, mut seen_oneofs) = (0_u64, 0_u64);
        while let Some(name) = map.next_key_seed(NameSeed { message })? {
            let field = match name {
                Name::Known(index) => message.fields.get(index).map(|field| (index, field)),
                Name::Unknown(name) if reader.unknown == Unknown::Refused => {
                    let wanted = format!("{} has no field {name:?}", message.name);
                    return Err(reader.fail(wanted));
                }
                Name::Unknown(_) => None,
            };
            let Some((index, field)) = field else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            reader.path.push(Step::Field(&field.json_name));
            if seen & 1 << index != 0 {
                return Err(reader.fail("the field is there twice"));
            }
            seen |= 1 << index;
            let is_there = map.next_value_seed(FieldSeed { reader: &mut *reader, field, depth })?;
            if let Some(oneof) = field.oneof.filter(|_| is_there) {
                if seen_oneofs & 1 << oneof != 0 {
                    return Err(reader.fail("another field of the same oneof is there as well"));
                }
                seen_oneofs |= 1 << oneof;
            }
            reader.check_length()?;
            reader.path.pop();
        }
        Ok(true)
    }
}

/// The name of a field.
enum Name {
    Known(usize),
    Unknown(String),
}

struct NameSeed<'s> {
    message: &'s Message,
}

impl<'de> DeserializeSeed<'de> for NameSeed<'_> {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Name, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed<'_> {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        Ok(match self.message.find(name) {
            Some(index) => Name::Known(index),
            None => Name::Unknown(name.chars().take(SHOWN_CHARS).collect()),
        })
    }
}

/// Reads the value of a field, with its tags; false for null.
struct FieldSeed<'r, 's, 'o> {
    reader: &'r mut Reader<'s, 'o>,
    field: &'s Field,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_, '_, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        if self.field.repeated {
            return json.deserialize_any(self);
        }
        let FieldSeed { reader, field, depth } = self;
        ElementSeed { reader, field, depth, keeps_default: field.has_presence }.deserialize(json)
    }
}

/// Lists and maps.
impl<'de> Visitor<'de> for FieldSeed<'_, '_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or an object for a map")
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let FieldSeed { reader, field, depth } = self;
        if entry_of_map(reader.schema, field).is_some() {
            return Err(reader.fail("expected an object, not a list"));
        }
        let before = reader.out.len();
        let packed = field.kind.is_packable().then(|| {
            reader.tag(field.number, 2);
            reader.begin_length()
        });
        for index in 0.. {
            reader.path.push(Step::Index(index));
            let next = if packed.is_some() {
                list.next_element::<&RawValue>()?
                    .map(|text| reader.put_packed(text.get(), field.kind))
            } else {
                let keeps_default = true;
                let reader = &mut *reader;
                list.next_element_seed(ElementSeed { reader, field, depth, keeps_default })?.map(Ok)
            };
            let Some(is_there) = next else { break };
            if !is_there? {
                return Err(reader.fail("a list has no null"));
            }
            reader.check_length()?;
            reader.path.pop();
        }
        reader.path.pop();
        match packed {
            Some(start) if start == reader.out.len() => reader.out.truncate(before),
            Some(start) => reader.end_length(start),
            None => {}
        }
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let FieldSeed { reader, field, depth } = self;
        let schema = reader.schema;
        let Some((key, value)) = entry_of_map(schema, field) else {
            return Err(reader.fail("expected a list, not an object"));
        };
        let mut keys = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            reader.tag(field.number, 2);
            let start = reader.begin_length();
            reader.path.push(Step::Key(name.chars().take(SHOWN_CHARS).collect()));
            let token = Token::Text(name.into());
            let scalar = Scalar::read(&token, key.kind, true, &schema.enums);
            let scalar = scalar.map_err(|wanted| reader.fail::<A::Error>(wanted))?;
            reader.put_field(key.number, &scalar);
            let is_new = keys.insert(reader.out.get(start..).unwrap_or_default().to_vec());
            if !is_new {
                return Err(reader.fail("the key is there twice"));
            }
            let keeps_default = true;
            let seed = ElementSeed { reader: &mut *reader, field: value, depth, keeps_default };
            if !map.next_value_seed(seed)? {
                return Err(reader.fail("a map has no null"));
            }
            reader.end_length(start);
            reader.check_length()?;
            reader.path.pop();
        }
        Ok(true)
    }
}

/// The key and the value of a map.
fn entry_of_map<'s>(schema: &'s Schema, field: &Field) -> Option<(&'s Field, &'s Field)> {
    let Kind::Message(id) = field.kind else { return None };
    let entry = schema.messages.get(id).filter(|entry| entry.is_map_entry)?;
    Some((entry.fields.first()?, entry.fields.get(1)?))
}

/// Reads one value of a field, with its tag; false for null.
struct ElementSeed<'r, 's, 'o> {
    reader: &'r mut Reader<'s, 'o>,
    field: &'s Field,
    depth: usize,
    /// A value is written even if it is the default.
    keeps_default: bool,
}

impl<'de> DeserializeSeed<'de> for ElementSeed<'_, '_, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        let ElementSeed { reader, field, depth, keeps_default } = self;
        let schema = reader.schema;
        if let Kind::Message(id) = field.kind
            && let Some(message) = schema.messages.get(id)
        {
            let before = reader.out.len();
            reader.tag(field.number, 2);
            let start = reader.begin_length();
            let is_there =
                MessageSeed { reader: &mut *reader, message, depth }.deserialize(json)?;
            if is_there {
                reader.end_length(start);
            } else {
                reader.out.truncate(before);
            }
            return Ok(is_there);
        }
        let text = <&RawValue>::deserialize(json)?;
        let Some(value) = reader.scalar(text.get(), field.kind)? else { return Ok(false) };
        if keeps_default || !value.is_default() {
            reader.put_field(field.number, &value);
        }
        Ok(true)
    }
}
