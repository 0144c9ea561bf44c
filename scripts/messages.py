"""From descriptors to what `src/pb` is made of: for each package a flat .proto file that pb-rs
understands, and the table of shapes for the structural check.

pb-rs reads less than protobuf allows, and quick-protobuf reads some of it wrongly. What can be
said in other words with the same bytes is (a map is a list of entries; a google.protobuf wrapper
is a message of the package's own); the rest is refused here, so that nobody finds out later.
"""

import re

WIDTHS = {
    "int64": "Bits64",
    "uint64": "Bits64",
    "sint64": "Bits64",
    "uint32": "Unsigned32",
    "bool": "Unsigned32",
    "int32": "Signed32",
    "enum": "Signed32",
}
KINDS = {
    "fixed32": "Kind::Fixed32",
    "sfixed32": "Kind::Fixed32",
    "float": "Kind::Fixed32",
    "fixed64": "Kind::Fixed64",
    "sfixed64": "Kind::Fixed64",
    "double": "Kind::Fixed64",
    "bytes": "Kind::Bytes",
    "string": "Kind::Text",
}
WRAPPERS = "google/protobuf/wrappers.proto"
MAX_FIELDS = 64


class Refused(Exception):
    """The .proto files say something that quick-protobuf would read wrongly."""


class Field:
    """One field: its type is a word of the language, `enum` or `message`."""

    def __init__(self, message, descriptor):
        self.name = descriptor["name"]
        self.number = descriptor["number"]
        self.repeated = descriptor["label"] == "LABEL_REPEATED"
        self.type = descriptor["type"].removeprefix("TYPE_").lower()
        self.type_name = descriptor.get("typeName", "").removeprefix(".")
        self.oneof = descriptor.get("oneofIndex")
        place = f"{message}.{self.name}"
        if self.type == "group":
            raise Refused(f"{place}: groups are not proto3's")
        if descriptor.get("proto3Optional"):
            raise Refused(
                f"{place}: quick-protobuf ignores `optional`; wrap the value in a message"
            )
        if self.type == "sint32":
            raise Refused(f"{place}: quick-protobuf writes sint32 wider than it is; use sint64")
        if self.repeated and self.type in KINDS and self.type not in ("bytes", "string"):
            raise Refused(f"{place}: quick-protobuf reads packed {self.type} unsoundly; use bytes")
        if self.repeated and descriptor.get("options", {}).get("packed") is False:
            raise Refused(f"{place}: quick-protobuf would miss the packed form; leave it packed")

    def kind(self, package):
        if self.type == "message":
            return f"Kind::Message(&{package.static_name(self.type_name)})"
        if self.type in KINDS:
            return KINDS[self.type]
        word = "Packed" if self.repeated else "Varint"
        return f"Kind::{word}(Width::{WIDTHS[self.type]})"


class Message:
    """One message with the messages and enums declared inside it."""

    def __init__(self, scope, descriptor):
        self.name = descriptor["name"]
        self.full_name = f"{scope}.{self.name}" if scope else self.name
        self.fields = [Field(self.full_name, field) for field in descriptor.get("field", [])]
        self.fields.sort(key=lambda field: field.number)
        self.oneofs = [oneof["name"] for oneof in descriptor.get("oneofDecl", [])]
        self.enums = descriptor.get("enumType", [])
        self.nested = [Message(self.full_name, nested) for nested in descriptor.get("nestedType", [])]
        if len(self.fields) > MAX_FIELDS:
            raise Refused(f"{self.full_name}: more than {MAX_FIELDS} fields")

    def with_nested(self):
        yield self
        for nested in self.nested:
            yield from nested.with_nested()


class Package:
    """All messages of one package; its name is empty for those without one."""

    def __init__(self, name):
        self.name = name
        self.module = name.replace(".", "_") or "no_package"
        self.messages = []
        self.enums = []
        self.all = {}

    def add_file(self, descriptor, wrappers):
        if descriptor.get("syntax") != "proto3":
            raise Refused(f"{descriptor['name']}: not proto3")
        self.enums += descriptor.get("enumType", [])
        for message in descriptor.get("messageType", []):
            self.add(Message(self.name, message))
        for name in self.outside():
            if name not in wrappers:
                raise Refused(f"{descriptor['name']}: {name} is of another package")
            self.add(Message("google.protobuf", wrappers[name]))

    def add(self, message):
        self.messages.append(message)
        self.all.update((inner.full_name, inner) for inner in message.with_nested())

    def outside(self):
        """Messages that are used and not declared here, each once, in order of use."""
        used = (field for message in list(self.all.values()) for field in message.fields)
        names = (field.type_name for field in used if field.type == "message")
        return list(dict.fromkeys(name for name in names if name not in self.all))

    def local_name(self, full_name):
        return full_name.removeprefix(self.name + ".").removeprefix("google.protobuf.")

    def static_name(self, full_name):
        """HealthListResponse.StatusesEntry: HEALTH_LIST_RESPONSE_STATUSES_ENTRY."""
        local = self.local_name(full_name).replace(".", "_")
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", local).upper()

    def rust_path(self, full_name):
        *scopes, name = self.local_name(full_name).split(".")
        path = "".join(f"mod_{scope}::" for scope in scopes) + name
        return path + ("<'_>" if self.borrows(full_name) else "")

    def borrows(self, full_name, above=()):
        """Whether the Rust type borrows from the input, as texts and bytes do."""
        if full_name in above:
            raise Refused(f"{full_name}: messages that hold themselves are unlimited in depth")
        borrows = False
        for field in self.all[full_name].fields:
            if field.type in ("string", "bytes"):
                borrows = True
            if field.type == "message":
                borrows |= self.borrows(field.type_name, (*above, full_name))
        return borrows

    def flat_proto(self):
        """The package as one file without package, imports, services, options and comments."""
        lines = ['syntax = "proto3";']
        for enum in self.enums:
            lines += flat_enum(enum, "")
        for message in self.messages:
            lines += self.flat_message(message, "")
        return "\n".join(lines) + "\n"

    def flat_message(self, message, indent):
        inner = indent + "  "
        lines = [f"{indent}message {message.name} {{"]
        for enum in message.enums:
            lines += flat_enum(enum, inner)
        for nested in message.nested:
            lines += self.flat_message(nested, inner)
        written = set()
        for field in message.fields:
            if field.oneof is None:
                lines.append(inner + self.flat_field(field))
            elif field.oneof not in written:
                written.add(field.oneof)
                members = [member for member in message.fields if member.oneof == field.oneof]
                lines.append(f"{inner}oneof {message.oneofs[field.oneof]} {{")
                lines += [f"{inner}  {self.flat_field(member)}" for member in members]
                lines.append(inner + "}")
        return lines + [indent + "}"]

    def flat_field(self, field):
        named = field.type in ("message", "enum")
        type_name = self.local_name(field.type_name) if named else field.type
        return f"{'repeated ' if field.repeated else ''}{type_name} {field.name} = {field.number};"

    def shapes(self):
        """Rust: a table for each message, and the trait that leads to it."""
        lines = ["", "use crate::protobuf::{Checked, Field, Kind, Shape, Width};", ""]
        for full_name, message in self.all.items():
            static, rust = self.static_name(full_name), self.rust_path(full_name)
            lines.append(f"static {static}: Shape = ")
            lines.append(f'Shape::new("{full_name}", size_of::<{rust}>(), &[')
            for field in message.fields:
                one = "many" if field.repeated else "one"
                lines.append(f"Field::{one}({field.number}, {field.kind(self)}),")
            lines.append("]);")
            lines.append(f"impl Checked for {rust} {{")
            lines.append(f"const SHAPE: &'static Shape = &{static};")
            lines += ["}", ""]
        return "\n".join(lines)


def flat_enum(enum, indent):
    lines = [f"{indent}enum {enum['name']} {{"]
    for value in enum["value"]:
        lines.append(f"{indent}  {value['name']} = {value.get('number', 0)};")
    return lines + [indent + "}"]


def packages(descriptor_set):
    """The packages that have messages, by name, from a FileDescriptorSet in protobuf's JSON."""
    files = descriptor_set["file"]
    wrappers = {
        f"google.protobuf.{message['name']}": message
        for file in files
        if file["name"] == WRAPPERS
        for message in file["messageType"]
    }
    found = {}
    for file in files:
        if file.get("messageType") and not file["name"].startswith("google/"):
            name = file.get("package", "")
            package = found.setdefault(name, Package(name))
            package.add_file(file, wrappers)
    return dict(sorted(found.items()))
