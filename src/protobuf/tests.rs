//! For each defect: how quick-protobuf alone misreads the bytes, and that the check refuses them.
//! The messages are written by hand exactly as pb-rs generates them.

use std::borrow::Cow;

use quick_protobuf::sizeofs::{sizeof_len, sizeof_varint};
use quick_protobuf::{BytesReader, MessageRead, MessageWrite, Result, Writer, WriterBackend};

use super::*;
use crate::seed::{Seed, each_seed};

static INNER: Shape = Shape::new(
    "test.Inner",
    size_of::<Inner<'_>>(),
    &[Field::one(1, Kind::Text), Field::one(2, Kind::Varint(Width::Unsigned32))],
);
static OUTER: Shape = Shape::new(
    "test.Outer",
    size_of::<Outer<'_>>(),
    &[
        Field::one(1, Kind::Message(&INNER)),
        Field::one(2, Kind::Bytes),
        Field::many(3, Kind::Packed(Width::Signed32)),
        Field::many(4, Kind::Message(&INNER)),
        Field::one(5, Kind::Varint(Width::Bits64)),
        Field::one(6, Kind::Fixed64),
        Field::one(70, Kind::Fixed32),
    ],
);
static NEST: Shape =
    Shape::new("test.Nest", size_of::<Nest>(), &[Field::one(1, Kind::Message(&NEST))]);

#[derive(Debug, Default, PartialEq)]
struct Inner<'a> {
    text: Cow<'a, str>,
    count: u32,
}

#[derive(Debug, Default, PartialEq)]
struct Outer<'a> {
    inner: Option<Inner<'a>>,
    data: Cow<'a, [u8]>,
    numbers: Vec<i32>,
    more: Vec<Inner<'a>>,
    big: u64,
    eight: u64,
    four: u32,
}

#[derive(Debug, Default, PartialEq)]
struct Nest(Option<Box<Nest>>);

impl<'a> MessageRead<'a> for Inner<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes)? {
                10 => msg.text = r.read_string(bytes).map(Cow::Borrowed)?,
                16 => msg.count = r.read_uint32(bytes)?,
                t => r.read_unknown(bytes, t)?,
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for Inner<'_> {
    fn get_size(&self) -> usize {
        let text = if self.text.is_empty() { 0 } else { 1 + sizeof_len(self.text.len()) };
        text + if self.count == 0 { 0 } else { 1 + sizeof_varint(self.count.into()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if !self.text.is_empty() {
            w.write_with_tag(10, |w| w.write_string(&self.text))?;
        }
        if self.count != 0 {
            w.write_with_tag(16, |w| w.write_uint32(self.count))?;
        }
        Ok(())
    }
}

impl<'a> MessageRead<'a> for Outer<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes)? {
                10 => msg.inner = Some(r.read_message(bytes)?),
                18 => msg.data = r.read_bytes(bytes).map(Cow::Borrowed)?,
                26 => msg.numbers = r.read_packed(bytes, |r, bytes| r.read_int32(bytes))?,
                34 => msg.more.push(r.read_message(bytes)?),
                40 => msg.big = r.read_uint64(bytes)?,
                49 => msg.eight = r.read_fixed64(bytes)?,
                565 => msg.four = r.read_fixed32(bytes)?,
                t => r.read_unknown(bytes, t)?,
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageRead<'a> for Nest {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes)? {
                10 => msg.0 = Some(Box::new(r.read_message(bytes)?)),
                t => r.read_unknown(bytes, t)?,
            }
        }
        Ok(msg)
    }
}

impl Checked for Inner<'_> {
    const SHAPE: &'static Shape = &INNER;
}
impl Checked for Outer<'_> {
    const SHAPE: &'static Shape = &OUTER;
}
impl Checked for Nest {
    const SHAPE: &'static Shape = &NEST;
}

/// quick-protobuf without the check.
fn alone<'a, M: MessageRead<'a>>(bytes: &'a [u8]) -> Result<M> {
    M::from_reader(&mut BytesReader::from_bytes(bytes), bytes)
}

const fn outer(field: u32) -> FieldPath {
    FieldPath { message: "test.Outer", field }
}

const fn inner(field: u32) -> FieldPath {
    FieldPath { message: "test.Inner", field }
}

#[test]
fn a_message_that_is_well_formed_passes_and_decodes() {
    let bytes = b"\x0a\x04\x0a\x02hi\x12\x01x\x1a\x03\x01\xac\x02\x22\x00\x22\x02\x10\x07\x28\x05\
        \x31\x01\0\0\0\0\0\0\0\xb5\x04\x02\0\0\0";
    let message: Outer<'_> = decode(bytes).unwrap();
    let expected = Outer {
        inner: Some(Inner { text: "hi".into(), count: 0 }),
        data: b"x".into(),
        numbers: vec![1, 300],
        more: vec![Inner::default(), Inner { text: "".into(), count: 7 }],
        big: 5,
        eight: 1,
        four: 2,
    };
    assert_eq!(message, expected);
    assert_eq!(decode::<Outer<'_>>(b""), Ok(Outer::default()));
}

#[test]
fn a_nested_length_beyond_its_parent_is_refused() {
    // The inner message is three bytes long, and the text in it claims five. quick-protobuf looks
    // for the inner message's end, has passed it, and reads on to the end of the buffer.
    let bytes = b"\x0a\x03\x0a\x05h\x12\x02ok\x28\x01";
    let alone = alone::<Outer<'_>>(bytes);
    assert!(matches!(alone, Err(quick_protobuf::Error::UnexpectedEndOfBuffer)));
    assert_eq!(check(bytes, &OUTER), Err(Error::Truncated));
    // A nested message longer than what is left.
    assert_eq!(check(b"\x0a\x02\x10", &OUTER), Err(Error::Truncated));
    // The largest length there is: `start + len` of quick-protobuf overflows.
    assert_eq!(check(b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &OUTER), {
        Err(Error::Truncated)
    });
}

#[cfg(debug_assertions)]
#[test]
fn an_underflow_that_quick_protobuf_meets_is_refused() {
    // The text runs past its message's end, so what remains of the message is below zero, and
    // the unknown field behind it subtracts. (Without overflow checks the remainder wraps to an
    // enormous one, and a length near 2^64 sends the reader backwards, forever.)
    let bytes = b"\x0a\x03\x0a\x03a\x12\x02\x3a\x01x";
    let panicked = std::panic::catch_unwind(|| drop(alone::<Outer<'_>>(bytes)));
    assert!(panicked.is_err());
    assert_eq!(decode::<Outer<'_>>(bytes), Err(Error::Truncated));
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| {
        let mut bytes = Vec::new();
        for _ in 1..depth {
            let mut outer = vec![0x0a];
            let mut len = bytes.len();
            while len > 0x7f {
                outer.push(len as u8 | 0x80);
                len >>= 7;
            }
            outer.push(len as u8);
            outer.append(&mut bytes);
            bytes = outer;
        }
        bytes
    };
    // 200 levels are 600 bytes; 4 MiB of them would be a stack overflow, which ends the process.
    assert!(alone::<Nest>(&nested(200)).is_ok());
    assert_eq!(check(&nested(200), &NEST), Err(Error::TooDeep));
    assert_eq!(check(&nested(MAX_DEPTH + 1), &NEST), Err(Error::TooDeep));
    assert_eq!(check(&nested(MAX_DEPTH), &NEST), Ok(()));
}

#[test]
fn an_unpacked_list_of_numbers_is_refused() {
    let bytes = b"\x18\x01\x18\x02";
    assert!(alone::<Outer<'_>>(bytes).unwrap().numbers.is_empty());
    assert_eq!(check(bytes, &OUTER), Err(Error::Unpacked(outer(3))));
}

#[test]
fn a_packed_list_in_two_pieces_is_refused() {
    let bytes = b"\x1a\x01\x01\x1a\x01\x02";
    assert_eq!(alone::<Outer<'_>>(bytes).unwrap().numbers, [2], "the format says [1, 2]");
    assert_eq!(check(bytes, &OUTER), Err(Error::Twice(outer(3))));
}

#[test]
fn a_packed_list_ends_with_its_last_number() {
    // The list's only number claims a second byte, which belongs to the next field.
    assert_eq!(check(b"\x1a\x01\x80\x28\x01", &OUTER), Err(Error::Truncated));
    assert_eq!(check(b"\x1a\x00", &OUTER), Ok(()));
}

#[test]
fn a_single_message_that_comes_twice_is_refused() {
    let bytes = b"\x0a\x04\x0a\x02hi\x0a\x02\x10\x07";
    let inner = alone::<Outer<'_>>(bytes).unwrap().inner.unwrap();
    assert_eq!((&*inner.text, inner.count), ("", 7), "the format says both are set");
    assert_eq!(check(bytes, &OUTER), Err(Error::Twice(outer(1))));
}

#[test]
fn a_single_number_that_comes_twice_counts_last() {
    assert_eq!(decode::<Inner<'_>>(b"\x10\x01\x10\x02").unwrap().count, 2);
}

#[test]
fn a_number_too_wide_for_its_field_is_refused() {
    // 2^32 + 1 in a 32-bit field.
    let bytes = b"\x10\x81\x80\x80\x80\x10";
    assert_eq!(alone::<Inner<'_>>(bytes).unwrap().count, 1);
    assert_eq!(check(bytes, &INNER), Err(Error::OutOfRange(inner(2))));
    assert_eq!(check(b"\x10\xff\xff\xff\xff\x0f", &INNER), Ok(()), "2^32 - 1 fits");
    // Signed: -1 travels as 64 ones; 2^31 is too large.
    assert_eq!(check(b"\x1a\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &OUTER), Ok(()));
    let too_large = check(b"\x1a\x05\x80\x80\x80\x80\x08", &OUTER);
    assert_eq!(too_large, Err(Error::OutOfRange(outer(3))));
}

#[test]
fn a_known_field_of_another_wire_type_is_refused() {
    let bytes = b"\x0d\x01\x02\x03\x04";
    assert_eq!(alone::<Outer<'_>>(bytes).unwrap(), Outer::default(), "skipped without a word");
    assert_eq!(check(bytes, &OUTER), Err(Error::Mismatch(outer(1))));
    assert_eq!(check(b"\x10\x00", &OUTER), Err(Error::Mismatch(outer(2))));
    assert_eq!(check(b"\x31\0\0\0\0\0\0\0", &OUTER), Err(Error::Truncated));
    assert_eq!(check(b"\x35\0\0\0\0", &OUTER), Err(Error::Mismatch(outer(6))));
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    assert_eq!(check(b"\x0a\x02\xc3\x28", &INNER), Err(Error::NotText(inner(1))));
    assert_eq!(check(b"\x12\x02\xc3\x28", &OUTER), Ok(()), "bytes are any bytes");
}

#[test]
fn a_field_number_is_1_to_29_bits() {
    assert_eq!(check(b"\x00\x00", &OUTER), Err(Error::Number));
    assert_eq!(check(b"\xf8\xff\xff\xff\x0f\x00", &OUTER), Ok(()), "2^29 - 1");
    assert_eq!(check(b"\x80\x80\x80\x80\x10\x00", &OUTER), Err(Error::Number));
    // 2^35 + 10: quick-protobuf cuts it down to field 1.
    let bytes = b"\x8a\x80\x80\x80\x80\x01\x00";
    assert!(alone::<Outer<'_>>(bytes).unwrap().inner.is_some());
    assert_eq!(check(bytes, &OUTER), Err(Error::Number));
}

#[test]
fn groups_and_undefined_wire_types_are_refused() {
    assert_eq!(check(b"\x3b\x3c", &OUTER), Err(Error::Group));
    assert_eq!(check(b"\x3c", &OUTER), Err(Error::Group));
    assert_eq!(check(b"\x3e", &OUTER), Err(Error::WireType));
    assert_eq!(check(b"\x3f", &OUTER), Err(Error::WireType));
}

#[test]
fn a_varint_is_at_most_ten_bytes_and_64_bits() {
    assert_eq!(
        decode::<Outer<'_>>(b"\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").unwrap().big,
        u64::MAX
    );
    let wide = b"\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02";
    assert_eq!(check(wide, &OUTER), Err(Error::Varint));
    let long = b"\x28\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00";
    assert_eq!(check(long, &OUTER), Err(Error::Varint));
    assert_eq!(check(b"\x28\x80", &OUTER), Err(Error::Truncated));
    assert_eq!(check(b"\x28", &OUTER), Err(Error::Truncated));
    // Longer than it need be is legal.
    assert_eq!(decode::<Outer<'_>>(b"\x28\x85\x80\x00").unwrap().big, 5);
}

#[test]
fn an_unknown_field_is_skipped_when_it_is_well_formed() {
    let bytes = b"\x38\x01\x79\0\0\0\0\0\0\0\0\x3a\x02\xff\xff\x7d\0\0\0\0\x28\x09";
    assert_eq!(decode::<Outer<'_>>(bytes).unwrap(), Outer { big: 9, ..Outer::default() });
    assert_eq!(check(b"\x3a\x02\xff", &OUTER), Err(Error::Truncated));
    assert_eq!(check(b"\x7d\0\0\0", &OUTER), Err(Error::Truncated));
}

#[test]
fn an_error_names_the_message_and_the_field() {
    let text = Error::NotText(inner(1)).to_string();
    assert_eq!(text, "field 1 of test.Inner is not UTF-8");
}

#[test]
fn a_field_reader_tells_numbers_and_values_and_ends_after_an_error() {
    let fields: Vec<_> = FieldReader::new(b"\x08\x96\x01\x12\x02hi\x1d\x01\0\0\0\x20").collect();
    let expected = [
        Ok((1, Value::Varint(150))),
        Ok((2, Value::Bytes(b"hi"))),
        Ok((3, Value::Fixed32(1))),
        Err(Error::Truncated),
    ];
    assert_eq!(fields, expected);
}

#[test]
fn encoding_appends_to_a_buffer() {
    let mut bytes = b"kept".to_vec();
    encode_into(&Inner { text: "hi".into(), count: 3 }, &mut bytes);
    assert_eq!(bytes, b"kept\x0a\x02hi\x10\x03");
    assert_eq!(encode(&Inner { text: "hi".into(), count: 3 }), bytes[4..]);
}

#[test]
fn lists_with_too_many_elements_for_the_length_are_refused() {
    // 2,000,000 messages in 4 MB, which would take more than 100 MB.
    let empty = b"\x22\x00".repeat(2_000_000);
    assert_eq!(check(&empty, &OUTER), Err(Error::TooManyElements(outer(4))));
    // As many as 4 MB may have, and as many as that in a longer message.
    let few = b"\x22\x00".repeat(8 * 1024 * 1024 / size_of::<Inner<'_>>() - 3);
    assert_eq!(check(&few, &OUTER), Ok(()));
    let padding = b"\x12\x04abcd".repeat(empty.len() * size_of::<Inner<'_>>() / 24);
    assert_eq!(check(&[padding, empty].concat(), &OUTER), Ok(()));
    let mut packed = b"\x1a\x80\x89\x7a".to_vec();
    packed.resize(packed.len() + 2_000_000, 1);
    assert_eq!(check(&packed, &OUTER), Ok(()));
    let mut packed = b"\x1a\x80\x92\xf4\x01".to_vec();
    packed.resize(packed.len() + 4_000_000, 1);
    assert_eq!(check(&packed, &OUTER), Err(Error::TooManyElements(outer(3))));
}

#[test]
fn a_list_of_short_lists_counts_the_room_that_each_has() {
    static LISTS: Shape = Shape::new("test.Lists", 24, &[Field::many(1, Kind::Message(&OUTER))]);
    let each = size_of::<Outer<'_>>() + 4 * size_of::<Inner<'_>>();
    let fit = (8 * 1024 * 1024 - 3 * size_of::<Outer<'_>>()) / each;
    let lists = |count| b"\x0a\x02\x22\x00".repeat(count);
    assert_eq!(check(&lists(fit), &LISTS), Ok(()));
    assert!(matches!(check(&lists(fit + 1), &LISTS), Err(Error::TooManyElements(_))));
}

#[test]
fn a_message_that_passes_decodes_to_its_fields() {
    let seeds: [&[u8]; 3] = [
        b"\x0a\x04\x0a\x02hi\x12\x03abc\x1a\x03\x01\xac\x02\x22\x00\x22\x02\x10\x07\x28\x05",
        b"\x31\x01\0\0\0\0\0\0\0\xb5\x04\x02\0\0\0\x3a\x02zz\x22\x06\x0a\x04\xe2\x82\xac!",
        b"\x1a\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x28\xff\xff\xff\xff\x0f",
    ];
    let mut passed = 0;
    each_seed(|seed: &mut Seed| {
        let mut bytes = seed.pick(&seeds).to_vec();
        seed.mutate(&mut bytes);
        if check(&bytes, &OUTER).is_err() {
            return;
        }
        passed += 1;
        let message: Outer<'_> = decode(&bytes).unwrap();
        // The same bytes read by `FieldReader` alone.
        let mut expected = (0, 0, 0, Vec::new());
        for field in FieldReader::new(&bytes) {
            match field.unwrap() {
                (4, Value::Bytes(inner)) => expected.3.push(decode::<Inner<'_>>(inner).unwrap()),
                (5, Value::Varint(value)) => expected.0 = value,
                (6, Value::Fixed64(value)) => expected.1 = value,
                (70, Value::Fixed32(value)) => expected.2 = value,
                _ => {}
            }
        }
        assert_eq!((message.big, message.eight, message.four, message.more), expected);
    });
    assert!(passed > 0 || std::env::var("AGORA_SEED").is_ok());
}
