//! Descriptors of messages with every kind of field, beside our own.

use agora::json::{PROTOSET, Schema};
use agora::protobuf::put_varint;

/// The scalar types of `FieldDescriptorProto.Type`, with their names.
const SCALARS: [(&str, u64); 15] = [
    ("double", 1),
    ("float", 2),
    ("int64", 3),
    ("uint64", 4),
    ("int32", 5),
    ("fixed64", 6),
    ("fixed32", 7),
    ("bool", 8),
    ("string", 9),
    ("bytes", 12),
    ("uint32", 13),
    ("sfixed32", 15),
    ("sfixed64", 16),
    ("sint32", 17),
    ("sint64", 18),
];
const MESSAGE: u64 = 11;
const ENUM: u64 = 14;

const WRAPPERS: [&str; 9] =
    ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"];

/// How often a field may occur.
#[derive(Clone, Copy, PartialEq)]
enum Label {
    Single,
    Optional,
    Repeated,
    Choice,
}

/// Our descriptors, and the file `test.proto`.
pub fn protoset() -> Vec<u8> {
    let mut file = Proto::default();
    file.text(1, "test.proto").text(2, "test").text(3, "google/protobuf/wrappers.proto");
    file.text(12, "proto3");
    let mut inner = Proto::default();
    inner.text(1, "Inner").part(2, &field("count", 1, Label::Single, 5, ""));
    inner.part(2, &field("inner", 2, Label::Single, MESSAGE, ".test.Inner"));
    file.part(4, &inner);
    for (name, label) in [
        ("Single", Label::Single),
        ("Optional", Label::Optional),
        ("Repeated", Label::Repeated),
        ("Choice", Label::Choice),
    ] {
        file.part(4, &all_kinds(name, label));
    }
    file.part(4, &wrapped());
    file.part(4, &maps());
    file.part(5, &color());
    let mut set = PROTOSET.to_vec();
    let mut one = Proto::default();
    one.part(1, &file);
    set.extend(one.0);
    set
}

/// The schema of [`protoset`].
pub fn schema() -> Schema {
    Schema::read(Box::leak(protoset().into_boxed_slice())).unwrap()
}

/// A message with a field of each kind: `f_double`, ..., `f_color`, `f_inner`.
fn all_kinds(name: &str, label: Label) -> Proto {
    let mut message = Proto::default();
    message.text(1, name);
    let mut number = 0;
    let mut add = |name: &str, kind, type_name: &str| {
        number += 1;
        let mut field = field(&format!("f_{name}"), number, label, kind, type_name);
        match label {
            Label::Choice => field.number(9, 0),
            Label::Optional => field.number(9, number - 1).number(17, 1),
            _ => &mut field,
        };
        message.part(2, &field);
    };
    for (name, kind) in SCALARS {
        add(name, kind, "");
    }
    add("color", ENUM, ".test.Color");
    add("inner", MESSAGE, ".test.Inner");
    let oneofs = match label {
        Label::Choice => 1,
        Label::Optional => number,
        _ => 0,
    };
    for index in 0..oneofs {
        let mut oneof = Proto::default();
        oneof.text(1, &format!("_oneof{index}"));
        message.part(8, &oneof);
    }
    message
}

fn wrapped() -> Proto {
    let mut message = Proto::default();
    message.text(1, "Wrapped");
    for (index, name) in WRAPPERS.iter().enumerate() {
        let type_name = format!(".google.protobuf.{name}Value");
        let lower = name.to_lowercase();
        let number = index as u64 + 1;
        message.part(2, &field(&lower, number, Label::Single, MESSAGE, &type_name));
        let many = field(&format!("{lower}s"), number + 20, Label::Repeated, MESSAGE, &type_name);
        message.part(2, &many);
    }
    message
}

/// A map from each kind of key to texts, and one from texts to each of some kinds.
fn maps() -> Proto {
    let keys = SCALARS.iter().filter(|(name, _)| !["double", "float", "bytes"].contains(name));
    let keys = keys.map(|(name, kind)| (format!("by_{name}"), *kind, (9, "")));
    let values = [
        ("double", 1, ""),
        ("bytes", 12, ""),
        ("color", ENUM, ".test.Color"),
        ("inner", MESSAGE, ".test.Inner"),
    ];
    let values = values.map(|(name, kind, type_name)| (format!("to_{name}"), 9, (kind, type_name)));
    let mut message = Proto::default();
    message.text(1, "Maps");
    for (index, (name, key, (value, type_name))) in keys.chain(values).enumerate() {
        // Entries are named by their fields: `by_int32` has `ByInt32Entry`.
        let camel: String =
            name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        let entry_name = format!("{camel}Entry");
        let mut entry = Proto::default();
        entry.text(1, &entry_name);
        entry.part(2, &field("key", 1, Label::Single, key, ""));
        entry.part(2, &field("value", 2, Label::Single, value, type_name));
        let mut options = Proto::default();
        options.number(7, 1);
        entry.part(7, &options);
        message.part(3, &entry);
        let type_name = format!(".test.Maps.{entry_name}");
        message.part(2, &field(&name, index as u64 + 1, Label::Repeated, MESSAGE, &type_name));
    }
    message
}

fn color() -> Proto {
    let mut color = Proto::default();
    color.text(1, "Color");
    for (name, number) in [("RED", 0_i32), ("GREEN", 1), ("FAR", i32::MAX), ("BELOW", -5)] {
        let mut value = Proto::default();
        value.text(1, name).number(2, i64::from(number) as u64);
        color.part(2, &value);
    }
    color
}

/// A `FieldDescriptorProto`, without a name for JSON.
fn field(name: &str, number: u64, label: Label, kind: u64, type_name: &str) -> Proto {
    let mut field = Proto::default();
    field.text(1, name).number(3, number);
    field.number(4, if label == Label::Repeated { 3 } else { 1 });
    field.number(5, kind);
    if !type_name.is_empty() {
        field.text(6, type_name);
    }
    field
}

/// A message that is being written.
#[derive(Default)]
struct Proto(Vec<u8>);

impl Proto {
    fn number(&mut self, number: u32, value: u64) -> &mut Proto {
        put_varint(&mut self.0, u64::from(number) << 3);
        put_varint(&mut self.0, value);
        self
    }

    fn text(&mut self, number: u32, text: &str) -> &mut Proto {
        put_varint(&mut self.0, u64::from(number) << 3 | 2);
        put_varint(&mut self.0, text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn part(&mut self, number: u32, part: &Proto) -> &mut Proto {
        put_varint(&mut self.0, u64::from(number) << 3 | 2);
        put_varint(&mut self.0, part.0.len() as u64);
        self.0.extend_from_slice(&part.0);
        self
    }
}
