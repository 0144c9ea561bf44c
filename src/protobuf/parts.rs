//! The parts of a message without a generated type, such as a descriptor, by their field number.

use super::{Error, FieldPath, FieldReader, Value};

/// The fields of a message that have this number and hold bytes.
pub fn parts(message: &[u8], number: u32) -> impl Iterator<Item = Result<&[u8], Error>> {
    FieldReader::new(message).filter_map(move |field| match field {
        Ok((found, Value::Bytes(bytes))) if found == number => Some(Ok(bytes)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

/// The first field with this number as text; empty if there is none.
///
/// # Errors
/// The message is malformed, or the field is not UTF-8.
pub fn first_text(message: &[u8], number: u32) -> Result<&str, Error> {
    parts(message, number).next().map_or(Ok(""), |bytes| text(bytes?, number))
}

/// The first field with this number as a number; 0 if there is none.
///
/// # Errors
/// The message is malformed.
pub fn first_varint(message: &[u8], number: u32) -> Result<u64, Error> {
    for field in FieldReader::new(message) {
        match field? {
            (found, Value::Varint(value)) if found == number => return Ok(value),
            _ => {}
        }
    }
    Ok(0)
}

/// The bytes of a field as text.
///
/// # Errors
/// They are not UTF-8.
pub fn text(bytes: &[u8], number: u32) -> Result<&str, Error> {
    let path = FieldPath { message: "a descriptor", field: number };
    std::str::from_utf8(bytes).map_err(|_| Error::NotText(path))
}
