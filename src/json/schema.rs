//! The messages, enums and methods that compiled descriptors declare, by name.
//!
//! A protoset is a `google.protobuf.FileDescriptorSet` (`google/protobuf/descriptor.proto`, which
//! defines the field numbers below). Only proto3 is read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::descriptor::{self, EnumPart, FieldPart, MessagePart};
use crate::protobuf::Error;

/// The most fields of a message, as for the shapes of `protobuf`.
const MAX_FIELDS: usize = 64;

/// A message within its [`Schema`].
pub type MessageId = usize;

/// Messages, enums and methods, made from compiled descriptors.
#[derive(Debug, Default)]
pub struct Schema {
    pub(super) messages: Vec<Message>,
    pub(super) enums: Vec<Enum>,
    by_name: BTreeMap<String, MessageId>,
    methods: BTreeMap<String, Method>,
}

/// A method of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// The message of a request.
    pub input: MessageId,
    /// The message of a response.
    pub output: MessageId,
    /// The client sends any number of messages.
    pub client_streaming: bool,
    /// The server sends any number of messages.
    pub server_streaming: bool,
    /// Declared `idempotency_level = NO_SIDE_EFFECTS`.
    pub no_side_effects: bool,
}

/// A message type.
#[derive(Debug)]
pub(super) struct Message {
    pub name: String,
    /// In the order of their numbers.
    pub fields: Vec<Field>,
    /// Every name that JSON may use for a field, sorted, with the field's index.
    names: Vec<(Cow<'static, str>, usize)>,
    /// Declared by the compiler for the entries of a map.
    pub is_map_entry: bool,
    /// One of `google/protobuf/wrappers.proto`: its JSON is the JSON of its value.
    pub is_wrapper: bool,
}

#[derive(Debug)]
pub(super) struct Field {
    pub number: u32,
    pub json_name: Cow<'static, str>,
    pub kind: Kind,
    pub repeated: bool,
    /// The field tells absence from its default.
    pub has_presence: bool,
    pub oneof: Option<u32>,
}

/// The type of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    Text,
    Bytes,
    Enum(usize),
    Message(MessageId),
}

/// An enum type: its values in the order of their declaration.
#[derive(Debug)]
pub(super) struct Enum {
    pub name: String,
    pub values: Vec<(&'static str, i32)>,
}

impl Schema {
    /// Reads a `FileDescriptorSet`.
    ///
    /// # Errors
    /// It is malformed, or declares what has no mapping here: a group, or a well-known type other
    /// than the wrappers.
    pub fn read(protoset: &'static [u8]) -> Result<Schema, Error> {
        let parts = descriptor::read(protoset)?;
        let names = parts.messages.iter().enumerate();
        let by_name: BTreeMap<String, MessageId> =
            names.map(|(id, part)| (part.name.clone(), id)).collect();
        let enum_ids: BTreeMap<&str, usize> =
            parts.enums.iter().enumerate().map(|(id, part)| (&*part.name, id)).collect();
        let mut schema = Schema { by_name, ..Schema::default() };
        for part in &parts.messages {
            let message = Message::read(part, &schema.by_name, &enum_ids)?;
            schema.messages.push(message);
        }
        schema.enums = parts.enums.iter().map(Enum::read).collect::<Result<_, Error>>()?;
        for method in &parts.methods {
            let known = |name: &str| schema.by_name.get(name.trim_start_matches('.')).copied();
            let (Some(input), Some(output)) = (known(method.input), known(method.output)) else {
                return Err(Error::Decoder);
            };
            let path = format!("/{}/{}", method.service, method.name);
            let (client_streaming, server_streaming) = method.streaming;
            let no_side_effects = method.no_side_effects;
            let method =
                Method { input, output, client_streaming, server_streaming, no_side_effects };
            schema.methods.insert(path, method);
        }
        Ok(schema)
    }

    /// The message with this full name, without a leading dot.
    pub fn message(&self, name: &str) -> Option<MessageId> {
        self.by_name.get(name).copied()
    }

    /// The method with this path: `/package.Service/Method`.
    pub fn method(&self, path: &str) -> Option<&Method> {
        self.methods.get(path)
    }

    /// The paths of all methods, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.methods.keys().map(String::as_str)
    }

    /// The full names of all messages, sorted; without those of map entries.
    pub fn message_names(&self) -> impl Iterator<Item = &str> {
        let named = self.by_name.iter().filter(|(_, id)| !self.messages[**id].is_map_entry);
        named.map(|(name, _)| name.as_str())
    }
}

impl Message {
    fn read(
        part: &MessagePart,
        messages: &BTreeMap<String, MessageId>,
        enums: &BTreeMap<&str, usize>,
    ) -> Result<Message, Error> {
        let is_wrapper = part.name.starts_with("google.protobuf.");
        if is_wrapper && !part.name.ends_with("Value") {
            return Err(Error::Decoder);
        }
        let parts = part.fields.iter().map(|field| FieldPart::read(field));
        let mut parts = parts.collect::<Result<Vec<_>, Error>>()?;
        parts.sort_unstable_by_key(|field| field.number);
        if parts.len() > MAX_FIELDS {
            return Err(Error::Decoder);
        }
        let (mut fields, mut names) = (Vec::new(), Vec::new());
        for (index, part) in parts.into_iter().enumerate() {
            let json_name = match part.json_name {
                "" => Cow::Owned(lower_camel_case(part.name)),
                name => Cow::Borrowed(name),
            };
            if json_name != part.name {
                names.push((Cow::Borrowed(part.name), index));
            }
            names.push((json_name.clone(), index));
            let kind = Kind::read(&part, messages, enums)?;
            let has_presence = !part.repeated
                && (part.oneof.is_some() || part.optional || matches!(kind, Kind::Message(_)));
            let oneof = part.oneof.filter(|_| !part.optional);
            let FieldPart { number, repeated, .. } = part;
            fields.push(Field { number, json_name, kind, repeated, has_presence, oneof });
        }
        names.sort_unstable();
        let (name, is_map_entry) = (part.name.clone(), part.is_map_entry);
        Ok(Message { name, fields, names, is_map_entry, is_wrapper })
    }

    /// The index of the field that JSON calls by this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        let at = self.names.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        self.names.get(at).map(|(_, index)| *index)
    }

    /// The index of the field with this number.
    pub fn find_number(&self, number: u32) -> Option<usize> {
        self.fields.binary_search_by_key(&number, |field| field.number).ok()
    }
}

impl Kind {
    /// Whether lists of it are packed.
    pub const fn is_packable(self) -> bool {
        !matches!(self, Kind::Text | Kind::Bytes | Kind::Message(_))
    }

    /// Whether it is an integer of 64 bits, which JSON writes as a string.
    pub const fn is_64_bits(self) -> bool {
        matches!(self, Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64)
    }

    /// `FieldDescriptorProto.Type`.
    fn read(
        part: &FieldPart,
        messages: &BTreeMap<String, MessageId>,
        enums: &BTreeMap<&str, usize>,
    ) -> Result<Kind, Error> {
        let type_name = part.type_name.trim_start_matches('.');
        Ok(match part.type_number {
            1 => Kind::Double,
            2 => Kind::Float,
            3 => Kind::Int64,
            4 => Kind::Uint64,
            5 => Kind::Int32,
            6 => Kind::Fixed64,
            7 => Kind::Fixed32,
            8 => Kind::Bool,
            9 => Kind::Text,
            11 => Kind::Message(*messages.get(type_name).ok_or(Error::Decoder)?),
            12 => Kind::Bytes,
            13 => Kind::Uint32,
            14 => Kind::Enum(*enums.get(type_name).ok_or(Error::Decoder)?),
            15 => Kind::Sfixed32,
            16 => Kind::Sfixed64,
            17 => Kind::Sint32,
            18 => Kind::Sint64,
            10 => return Err(Error::Group),
            _ => return Err(Error::Decoder),
        })
    }
}

impl Enum {
    fn read(part: &EnumPart) -> Result<Enum, Error> {
        let values = part.values.iter().map(|value| descriptor::enum_value(value));
        Ok(Enum { name: part.name.clone(), values: values.collect::<Result<_, Error>>()? })
    }

    /// The name of a number.
    pub fn name_of(&self, number: i32) -> Option<&'static str> {
        self.values.iter().find(|(_, known)| *known == number).map(|(name, _)| *name)
    }

    /// The number of a name.
    pub fn number_of(&self, name: &str) -> Option<i32> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
    }
}

/// The name of a field in JSON if its descriptor has none: an underscore makes the next letter upper
/// case ("ProtoJSON Format", field names).
fn lower_camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        match letter {
            '_' => upper = true,
            letter if upper => {
                camel.push(letter.to_ascii_uppercase());
                upper = false;
            }
            letter => camel.push(letter),
        }
    }
    camel
}
