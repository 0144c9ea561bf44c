"""Random messages and their JSON by `json_format`, and the check of what became of them.

    compare.py make FOLDER SEED COUNT    reads FOLDER/protoset, writes FOLDER/messages
    compare.py check FOLDER              reads all of it and FOLDER/results

A record is a name, a message and its JSON; a result is the JSON of the message and the message of the
JSON. Each part has its length in four bytes before it.
"""

import json
import math
import random
import struct
import sys
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor

INTEGERS = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SINT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SFIXED32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_ENUM: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SINT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SFIXED64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.TYPE_FIXED64: (0, 2**64 - 1),
}
LETTERS = "abc \"\\/\b\f\n\r\t\0\x1f\x7f\x80\u00e9\u2028\u263a\ud7ff\ue000\uffff\U0001f608\U0010ffff<>&'"
# A field that no message has: number 60,000, a varint.
UNKNOWN = b"\x80\xa6\x1d\x07"


class Pool:
    """The message classes of a protoset, by full name."""

    def __init__(self, path):
        files = descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes())
        pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            pool.Add(file)
        self.classes = {}
        for file in files.file:
            for message in pool.FindFileByName(file.name).message_types_by_name.values():
                self.add(message)

    def add(self, descriptor):
        if not descriptor.GetOptions().map_entry:
            self.classes[descriptor.full_name] = message_factory.GetMessageClass(descriptor)
        for nested in descriptor.nested_types:
            self.add(nested)


class Maker:
    """Makes random messages."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def fill(self, message, depth=4):
        fields = list(message.DESCRIPTOR.fields)
        self.random.shuffle(fields)
        likely = self.random.choice((0.1, 0.5, 1.0))
        for field in fields:
            if self.random.random() < likely:
                self.set(message, field, depth)
        return message

    def set(self, message, field, depth):
        count = self.random.choice((0, 1, 1, 2, 5))
        is_message = field.type == FieldDescriptor.TYPE_MESSAGE
        if is_message and depth == 0:
            return
        if is_message and field.message_type.GetOptions().map_entry:
            entry = field.message_type.fields_by_name
            held = getattr(message, field.name)
            for _ in range(count):
                key = self.scalar(entry["key"])
                if entry["value"].type == FieldDescriptor.TYPE_MESSAGE:
                    self.fill(held[key], depth - 1)
                else:
                    held[key] = self.scalar(entry["value"])
        elif field.is_repeated:
            held = getattr(message, field.name)
            for _ in range(count):
                if is_message:
                    self.fill(held.add(), depth - 1)
                else:
                    held.append(self.scalar(field))
        elif is_message:
            getattr(message, field.name).SetInParent()
            self.fill(getattr(message, field.name), depth - 1)
        else:
            setattr(message, field.name, self.scalar(field))

    def scalar(self, field):
        if field.type in INTEGERS:
            return self.integer(field)
        if field.type == FieldDescriptor.TYPE_BOOL:
            return self.random.random() < 0.5
        if field.type == FieldDescriptor.TYPE_STRING:
            return "".join(self.random.choices(LETTERS, k=self.random.choice((0, 1, 3, 20, 150))))
        if field.type == FieldDescriptor.TYPE_BYTES:
            return self.random.randbytes(self.random.choice((0, 1, 2, 3, 16, 200)))
        if field.type == FieldDescriptor.TYPE_FLOAT:
            return self.number(">f", 4)
        return self.number(">d", 8)

    def integer(self, field):
        low, high = INTEGERS[field.type]
        if field.type == FieldDescriptor.TYPE_ENUM and self.random.random() < 0.7:
            return self.random.choice(field.enum_type.values).number
        near = (low, low + 1, -1, 0, 1, 127, 128, 2**53 + 1, high - 1, high, self.random.randint(low, high))
        return self.random.choice([number for number in near if low <= number <= high])

    def number(self, form, size):
        number = struct.unpack(form, self.random.randbytes(size))[0]
        if math.isnan(number):
            # The payload of a NaN has no JSON.
            return math.nan
        special = (0.0, -0.0, 1.0, -1.5, 0.1, 1e16, math.inf, -math.inf)
        return self.random.choice((number, number, number, self.random.choice(special)))


def make(folder, seed, count):
    pool, maker = Pool(folder / "protoset"), Maker(seed)
    classes = [pool.classes[name] for name in sorted(pool.classes)]
    with open(folder / "messages", "wb") as out:
        for index in range(count):
            kind = classes[index % len(classes)]
            binary = maker.fill(kind()).SerializeToString()
            if maker.random.random() < 0.1:
                # What is there twice is merged.
                binary += UNKNOWN + maker.fill(kind()).SerializeToString()
            message = kind.FromString(binary)
            message.DiscardUnknownFields()
            original = maker.random.random() < 0.2
            shown = json_format.MessageToDict(message, preserving_proto_field_name=original)
            text = json.dumps(shown, ensure_ascii=maker.random.random() < 0.5)
            for part in (kind.DESCRIPTOR.full_name.encode(), binary, text.encode()):
                out.write(struct.pack(">I", len(part)) + part)


def parts(path):
    content, at = path.read_bytes(), 0
    while at < len(content):
        length = struct.unpack_from(">I", content, at)[0]
        yield content[at + 4 : at + 4 + length]
        at += 4 + length


def check(folder):
    pool = Pool(folder / "protoset")
    records, results = parts(folder / "messages"), parts(folder / "results")
    count = 0
    names = set()
    for name, binary, _ in zip(records, records, records):
        kind = pool.classes[name.decode()]
        message = kind.FromString(binary)
        message.DiscardUnknownFields()
        json_of_ours, binary_of_ours = next(results), next(results)
        wanted = json.dumps(json_format.MessageToDict(message), sort_keys=True)
        if json.dumps(json.loads(json_of_ours), sort_keys=True) != wanted:
            sys.exit(f"{name}: {binary!r}\nours   {json_of_ours.decode()}\ntheirs {wanted}")
        back = kind.FromString(binary_of_ours)
        if text_of(back) != text_of(message):
            sys.exit(f"{name}: {wanted}\nours   {binary_of_ours!r}\ntheirs {binary!r}")
        again = json_format.Parse(json_of_ours, kind())
        if text_of(again) != text_of(message):
            sys.exit(f"{name}: {json_of_ours.decode()} reads as {again!r}, not {message!r}")
        names.add(name)
        count += 1
    if next(results, None) is not None or not count:
        sys.exit("the results do not belong to the messages")
    print(f"{count} messages of {len(names)} types are the same")


def text_of(message):
    """The bytes of a message: NaN differs from itself."""
    return message.SerializeToString(deterministic=True)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        check(Path(sys.argv[2]))
