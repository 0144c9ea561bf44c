//! Reads the fields of a message one after another, without its type.

use super::Error;

/// The largest field number: 29 bits ("Encoding", message structure).
const MAX_NUMBER: u64 = (1 << 29) - 1;

/// A field's value by its wire type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Wire type 0: integers, booleans, enums.
    Varint(u64),
    /// Wire type 1: eight bytes, little-endian.
    Fixed64(u64),
    /// Wire type 2: texts, bytes, messages, packed lists.
    Bytes(&'a [u8]),
    /// Wire type 5: four bytes, little-endian.
    Fixed32(u32),
}

/// The fields of one message in the order of its bytes: field number and value.
///
/// Every length is checked against the end of the message. The iterator ends after its first
/// error.
#[derive(Clone, Debug)]
pub struct FieldReader<'a> {
    rest: &'a [u8],
}

impl<'a> FieldReader<'a> {
    /// Reads the message that is all of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> FieldReader<'a> {
        FieldReader { rest: bytes }
    }

    /// The bytes of the fields that were not read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline(always)]
    fn read_field(&mut self) -> Result<(u32, Value<'a>), Error> {
        let tag = take_varint(&mut self.rest)?;
        let number = tag >> 3;
        if number == 0 || number > MAX_NUMBER {
            return Err(Error::Number);
        }
        let value = match tag & 7 {
            0 => Value::Varint(take_varint(&mut self.rest)?),
            1 => Value::Fixed64(u64::from_le_bytes(self.take_array()?)),
            2 => {
                let len = take_varint(&mut self.rest)?;
                let len = usize::try_from(len).map_err(|_| Error::Truncated)?;
                let (value, rest) = self.rest.split_at_checked(len).ok_or(Error::Truncated)?;
                self.rest = rest;
                Value::Bytes(value)
            }
            3 | 4 => return Err(Error::Group),
            5 => Value::Fixed32(u32::from_le_bytes(self.take_array()?)),
            _ => return Err(Error::WireType),
        };
        Ok((number as u32, value))
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(*array)
    }
}

impl<'a> Iterator for FieldReader<'a> {
    type Item = Result<(u32, Value<'a>), Error>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read_field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Takes a varint off the front: seven bits in each byte, lowest first; the top bit means that more
/// follow.
#[inline(always)]
pub fn take_varint(bytes: &mut &[u8]) -> Result<u64, Error> {
    match bytes.split_first() {
        Some((&byte, rest)) if byte < 0x80 => {
            *bytes = rest;
            Ok(u64::from(byte))
        }
        _ => take_long_varint(bytes),
    }
}

fn take_long_varint(bytes: &mut &[u8]) -> Result<u64, Error> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        // The tenth byte holds bit 63 alone, and must be the last.
        if index == 9 && byte > 1 {
            return Err(Error::Varint);
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            *bytes = &bytes[index + 1..];
            return Ok(value);
        }
    }
    Err(Error::Truncated)
}
