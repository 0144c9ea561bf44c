//! Bytes to messages and back.

use quick_protobuf::{BytesReader, MessageRead, MessageWrite, Writer};

use super::{Error, Shape, check};

/// A message that has a shape. Implemented in `pb`, by generated code alone.
pub trait Checked {
    /// What the message may hold.
    const SHAPE: &'static Shape;
}

/// Checks `bytes`, then decodes them. Texts and bytes borrow from the input.
///
/// # Errors
/// What [`check`] refuses.
pub fn decode<'a, M>(bytes: &'a [u8]) -> Result<M, Error>
where
    M: Checked + MessageRead<'a>,
{
    check(bytes, M::SHAPE)?;
    M::from_reader(&mut BytesReader::from_bytes(bytes), bytes).map_err(|_| Error::Decoder)
}

/// The bytes of a message.
pub fn encode<M: MessageWrite>(message: &M) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_into(message, &mut bytes);
    bytes
}

/// Appends the bytes of a message: for a buffer that is used again.
pub fn encode_into<M: MessageWrite>(message: &M, bytes: &mut Vec<u8>) {
    bytes.reserve(message.get_size());
    let written = message.write_message(&mut Writer::new(bytes));
    // quick-protobuf passes on the errors of the writer below, and a `Vec` has none.
    debug_assert!(written.is_ok(), "{written:?}");
}

/// Appends a varint: for what is written field by field.
#[inline]
pub fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
