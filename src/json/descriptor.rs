//! Reads declarations out of compiled descriptors, before their names are resolved.

use crate::protobuf::{Error, FieldReader, Value, first_text, first_varint, parts};

/// `FileDescriptorSet`.
const SET_FILE: u32 = 1;
/// The name of any declaration.
const NAME: u32 = 1;
/// `FileDescriptorProto`.
const FILE_PACKAGE: u32 = 2;
const FILE_MESSAGE: u32 = 4;
const FILE_ENUM: u32 = 5;
const FILE_SERVICE: u32 = 6;
/// `DescriptorProto`, a message.
const MESSAGE_FIELD: u32 = 2;
const MESSAGE_NESTED: u32 = 3;
const MESSAGE_ENUM: u32 = 4;
const MESSAGE_OPTIONS: u32 = 7;
const OPTIONS_MAP_ENTRY: u32 = 7;
/// `EnumDescriptorProto` and `EnumValueDescriptorProto`.
const ENUM_VALUE: u32 = 2;
const VALUE_NUMBER: u32 = 2;
/// `ServiceDescriptorProto` and `MethodDescriptorProto`.
const SERVICE_METHOD: u32 = 2;
const METHOD_INPUT: u32 = 2;
const METHOD_OUTPUT: u32 = 3;
const METHOD_OPTIONS: u32 = 4;
const METHOD_CLIENT_STREAMING: u32 = 5;
const METHOD_SERVER_STREAMING: u32 = 6;
const OPTIONS_IDEMPOTENCY_LEVEL: u32 = 34;
/// `MethodOptions.IdempotencyLevel`.
const NO_SIDE_EFFECTS: u64 = 1;
/// `FieldDescriptorProto.Label`.
const REPEATED: u64 = 3;

/// All declarations of a protoset.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub messages: Vec<MessagePart>,
    pub enums: Vec<EnumPart>,
    pub methods: Vec<MethodPart>,
}

/// A message: its full name, and its fields as they stand there.
#[derive(Debug)]
pub(super) struct MessagePart {
    pub name: String,
    pub fields: Vec<&'static [u8]>,
    pub is_map_entry: bool,
}

/// An enum: its full name, and its values as they stand there.
#[derive(Debug)]
pub(super) struct EnumPart {
    pub name: String,
    pub values: Vec<&'static [u8]>,
}

/// A method; its types are full names that begin with a dot.
#[derive(Debug)]
pub(super) struct MethodPart {
    pub service: String,
    pub name: &'static str,
    pub input: &'static str,
    pub output: &'static str,
    /// Of the client, of the server.
    pub streaming: (bool, bool),
    pub no_side_effects: bool,
}

/// A field of a message.
#[derive(Debug, Default)]
pub(super) struct FieldPart {
    pub name: &'static str,
    pub number: u32,
    pub repeated: bool,
    pub type_number: u64,
    pub type_name: &'static str,
    pub oneof: Option<u32>,
    pub json_name: &'static str,
    pub optional: bool,
}

/// Reads a `FileDescriptorSet`.
///
/// # Errors
/// It is malformed.
pub(super) fn read(protoset: &'static [u8]) -> Result<Parts, Error> {
    let mut found = Parts::default();
    for file in parts(protoset, SET_FILE) {
        let file = file?;
        let package = first_text(file, FILE_PACKAGE)?;
        for message in parts(file, FILE_MESSAGE) {
            found.add_message(package, message?)?;
        }
        for declared in parts(file, FILE_ENUM) {
            found.add_enum(package, declared?)?;
        }
        for service in parts(file, FILE_SERVICE) {
            let service = service?;
            let name = full_name(package, service)?;
            for method in parts(service, SERVICE_METHOD) {
                found.methods.push(MethodPart::read(&name, method?)?);
            }
        }
    }
    Ok(found)
}

impl Parts {
    fn add_message(&mut self, scope: &str, message: &'static [u8]) -> Result<(), Error> {
        let name = full_name(scope, message)?;
        for declared in parts(message, MESSAGE_ENUM) {
            self.add_enum(&name, declared?)?;
        }
        for nested in parts(message, MESSAGE_NESTED) {
            self.add_message(&name, nested?)?;
        }
        let fields = parts(message, MESSAGE_FIELD).collect::<Result<_, Error>>()?;
        let options = parts(message, MESSAGE_OPTIONS).next().transpose()?.unwrap_or_default();
        let is_map_entry = first_varint(options, OPTIONS_MAP_ENTRY)? != 0;
        self.messages.push(MessagePart { name, fields, is_map_entry });
        Ok(())
    }

    fn add_enum(&mut self, scope: &str, declared: &'static [u8]) -> Result<(), Error> {
        let values = parts(declared, ENUM_VALUE).collect::<Result<_, Error>>()?;
        self.enums.push(EnumPart { name: full_name(scope, declared)?, values });
        Ok(())
    }
}

impl MethodPart {
    fn read(service: &str, method: &'static [u8]) -> Result<MethodPart, Error> {
        let options = parts(method, METHOD_OPTIONS).next().transpose()?.unwrap_or_default();
        let is = |number| first_varint(method, number).map(|value| value != 0);
        Ok(MethodPart {
            service: service.to_owned(),
            name: first_text(method, NAME)?,
            input: first_text(method, METHOD_INPUT)?,
            output: first_text(method, METHOD_OUTPUT)?,
            streaming: (is(METHOD_CLIENT_STREAMING)?, is(METHOD_SERVER_STREAMING)?),
            no_side_effects: first_varint(options, OPTIONS_IDEMPOTENCY_LEVEL)? == NO_SIDE_EFFECTS,
        })
    }
}

impl FieldPart {
    /// Reads a `FieldDescriptorProto`.
    pub fn read(bytes: &'static [u8]) -> Result<FieldPart, Error> {
        let mut part = FieldPart::default();
        for field in FieldReader::new(bytes) {
            let (number, value) = field?;
            match (number, value) {
                (1, Value::Bytes(bytes)) => part.name = crate::protobuf::text(bytes, number)?,
                (3, Value::Varint(value)) => {
                    part.number = u32::try_from(value).map_err(|_| Error::Number)?;
                }
                (4, Value::Varint(value)) => part.repeated = value == REPEATED,
                (5, Value::Varint(value)) => part.type_number = value,
                (6, Value::Bytes(bytes)) => part.type_name = crate::protobuf::text(bytes, number)?,
                (9, Value::Varint(value)) => part.oneof = Some(value as u32),
                (10, Value::Bytes(bytes)) => {
                    part.json_name = crate::protobuf::text(bytes, number)?;
                }
                (17, Value::Varint(value)) => part.optional = value != 0,
                _ => {}
            }
        }
        Ok(part)
    }
}

/// The name and number of an `EnumValueDescriptorProto`.
pub(super) fn enum_value(bytes: &'static [u8]) -> Result<(&'static str, i32), Error> {
    // A negative number is a varint of 64 bits.
    Ok((first_text(bytes, NAME)?, first_varint(bytes, VALUE_NUMBER)? as i32))
}

fn full_name(scope: &str, declaration: &'static [u8]) -> Result<String, Error> {
    let name = first_text(declaration, NAME)?;
    Ok(if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") })
}
