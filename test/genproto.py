#!/usr/bin/env python3
"""What scripts/messages.py makes of descriptors, and what it refuses. `scripts/genproto --check`
runs this."""

import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
import messages


def field(name, number, kind, repeated=False, **more):
    label = "LABEL_REPEATED" if repeated else "LABEL_OPTIONAL"
    return {"name": name, "number": number, "type": f"TYPE_{kind}", "label": label, **more}


def package(*message_types, **more):
    """The package `a.v1` with these messages."""
    file = {"name": "a.proto", "package": "a.v1", "syntax": "proto3", **more}
    wrapper = {"name": "BoolValue", "field": [field("value", 1, "BOOL")]}
    google = {"name": messages.WRAPPERS, "package": "google.protobuf", "messageType": [wrapper]}
    return messages.packages({"file": [google, {**file, "messageType": list(message_types)}]})["a.v1"]


def message(name, *fields, **more):
    return {"name": name, "field": list(fields), **more}


class Refused(unittest.TestCase):
    def refuses(self, reason, *message_types, **more):
        with self.assertRaisesRegex(messages.Refused, reason):
            package(*message_types, **more).shapes()

    def test_optional_is_refused_because_quick_protobuf_ignores_it(self):
        self.refuses("M.x: .*optional", message("M", field("x", 1, "INT64", proto3Optional=True)))

    def test_packed_fixed_width_numbers_are_refused_because_they_are_read_unsoundly(self):
        for kind in ("FIXED32", "FIXED64", "SFIXED32", "SFIXED64", "FLOAT", "DOUBLE"):
            self.refuses("unsoundly", message("M", field("x", 1, kind, repeated=True)))

    def test_numbers_declared_unpacked_are_refused(self):
        unpacked = field("x", 1, "INT32", repeated=True, options={"packed": False})
        self.refuses("packed", message("M", unpacked))

    def test_sint32_is_refused(self):
        self.refuses("sint64", message("M", field("x", 1, "SINT32")))

    def test_groups_and_proto2_are_refused(self):
        self.refuses("groups", message("M", field("x", 1, "GROUP")))
        self.refuses("not proto3", message("M"), syntax="proto2")

    def test_messages_that_hold_themselves_are_refused(self):
        m = message("M", field("n", 1, "MESSAGE", typeName=".a.v1.N"))
        n = message("N", field("m", 1, "MESSAGE", repeated=True, typeName=".a.v1.M"))
        self.refuses("hold themselves", m, n)

    def test_messages_of_other_packages_are_refused(self):
        other = field("x", 1, "MESSAGE", typeName=".b.v1.X")
        self.refuses("b.v1.X is of another package", message("M", other))

    def test_too_many_fields_are_refused(self):
        fields = [field(f"x{n}", n, "INT64") for n in range(1, 66)]
        self.refuses("more than 64", message("M", *fields))


class Made(unittest.TestCase):
    def test_a_message_becomes_a_flat_proto_and_a_shape(self):
        made = package(
            message(
                "HTTPReply",
                field("name", 2, "STRING"),
                field("code", 1, "UINT32"),
                field("sizes", 5, "INT64", repeated=True),
                field("ok", 3, "BOOL", oneofIndex=0),
                field("why", 4, "ENUM", typeName=".a.v1.Why", oneofIndex=0),
                oneofDecl=[{"name": "end"}],
            ),
            enumType=[{"name": "Why", "value": [{"name": "NONE"}, {"name": "SOME", "number": 1}]}],
        )
        flat = """\
syntax = "proto3";
enum Why {
  NONE = 0;
  SOME = 1;
}
message HTTPReply {
  uint32 code = 1;
  string name = 2;
  oneof end {
    bool ok = 3;
    Why why = 4;
  }
  repeated int64 sizes = 5;
}
"""
        self.assertEqual(made.flat_proto(), flat)
        shapes = """
use crate::protobuf::{Checked, Field, Kind, Shape, Width};

static HTTP_REPLY: Shape = 
Shape::new("a.v1.HTTPReply", size_of::<HTTPReply<'_>>(), &[
Field::one(1, Kind::Varint(Width::Unsigned32)),
Field::one(2, Kind::Text),
Field::one(3, Kind::Varint(Width::Unsigned32)),
Field::one(4, Kind::Varint(Width::Signed32)),
Field::many(5, Kind::Packed(Width::Bits64)),
]);
impl Checked for HTTPReply<'_> {
const SHAPE: &'static Shape = &HTTP_REPLY;
}
"""
        self.assertEqual(made.shapes(), shapes)

    def test_a_map_becomes_a_list_of_entries(self):
        entry = message("XEntry", field("key", 1, "STRING"), field("value", 2, "INT64"))
        x = field("x", 1, "MESSAGE", repeated=True, typeName=".a.v1.M.XEntry")
        made = package(message("M", x, nestedType=[entry]))
        self.assertIn("  repeated M.XEntry x = 1;", made.flat_proto())
        self.assertIn("Field::many(1, Kind::Message(&M_X_ENTRY))", made.shapes())
        self.assertIn("impl Checked for mod_M::XEntry<'_>", made.shapes())

    def test_a_wrapper_becomes_a_message_of_the_package(self):
        wrapped = field("x", 1, "MESSAGE", typeName=".google.protobuf.BoolValue")
        made = package(message("M", wrapped))
        self.assertIn("  BoolValue x = 1;", made.flat_proto())
        self.assertIn("message BoolValue {\n  bool value = 1;\n}", made.flat_proto())
        self.assertIn('Shape::new("google.protobuf.BoolValue"', made.shapes())
        self.assertIn("impl Checked for M {", made.shapes())

    def test_messages_without_a_package_are_a_package_without_a_name(self):
        m = message("M", field("n", 1, "MESSAGE", typeName=".N"))
        file = {"name": "a.proto", "syntax": "proto3", "messageType": [m, message("N")]}
        made = messages.packages({"file": [file]})[""]
        self.assertEqual(made.module, "no_package")
        self.assertIn("  N n = 1;", made.flat_proto())
        lines = 'Shape::new("M", size_of::<M>(), &[\nField::one(1, Kind::Message(&N)),'
        self.assertIn(lines, made.shapes())


if __name__ == "__main__":
    unittest.main()
