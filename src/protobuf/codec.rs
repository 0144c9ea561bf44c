//! Decodes and encodes messages.

use quick_protobuf::{BytesReader, MessageRead, MessageWrite, Writer};

use super::{Error, Shape, check};

/// A message with a shape. Implemented only by generated code in `pb`.
pub trait Checked {
    /// The fields of the message.
    const SHAPE: &'static Shape;
}

/// Checks `bytes`, then decodes them. Texts and bytes borrow from the input.
///
/// # Errors
/// See [`check`].
pub fn decode<'a, M>(bytes: &'a [u8]) -> Result<M, Error>
where
    M: Checked + MessageRead<'a>,
{
    check(bytes, M::SHAPE)?;
    M::from_reader(&mut BytesReader::from_bytes(bytes), bytes).map_err(|_| Error::Decoder)
}

/// Encodes a message.
pub fn encode<M: MessageWrite>(message: &M) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_into(message, &mut bytes);
    bytes
}

/// Encodes a message and appends it, for a buffer that is reused.
pub fn encode_into<M: MessageWrite>(message: &M, bytes: &mut Vec<u8>) {
    bytes.reserve(message.get_size());
    let written = message.write_message(&mut Writer::new(bytes));
    // quick-protobuf only returns errors of the writer, and a `Vec` has none.
    debug_assert!(written.is_ok(), "{written:?}");
}

/// Appends a varint, for messages that are encoded field by field.
#[inline]
pub fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
