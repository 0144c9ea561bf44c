//! Walks a message once and refuses everything that quick-protobuf would misread.

use super::reader::take_varint;
use super::{Error, FieldPath, FieldReader, Kind, Shape, Value, Width};

/// The maximum nesting depth of messages, including the outermost.
pub const MAX_DEPTH: usize = 32;

/// Checks that `bytes` are one well-formed message of this shape, in one pass and without
/// allocation.
///
/// # Errors
/// The first fault in the order of the bytes. See the table in the module documentation of
/// `protobuf`.
pub fn check(bytes: &[u8], shape: &Shape) -> Result<(), Error> {
    check_message(bytes, shape, MAX_DEPTH)
}

fn check_message(bytes: &[u8], shape: &Shape, depth: usize) -> Result<(), Error> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Error::TooDeep);
    };
    // One bit for each seen field of which a second one would replace the first.
    let mut seen = 0_u64;
    for field in FieldReader::new(bytes) {
        let (number, value) = field?;
        let Some((index, field)) = shape.find(number) else { continue };
        let path = FieldPath { message: shape.name, field: number };
        match (field.kind, value) {
            (Kind::Varint(width), Value::Varint(value)) => {
                if !width.holds(value) {
                    return Err(Error::OutOfRange(path));
                }
            }
            (Kind::Bytes, Value::Bytes(_))
            | (Kind::Fixed32, Value::Fixed32(_))
            | (Kind::Fixed64, Value::Fixed64(_)) => {}
            (Kind::Text, Value::Bytes(text)) => {
                std::str::from_utf8(text).map_err(|_| Error::NotText(path))?;
            }
            (Kind::Message(inner), Value::Bytes(message)) => {
                if !field.repeated {
                    mark_seen(&mut seen, index, path)?;
                }
                check_message(message, inner, depth)?;
            }
            (Kind::Packed(width), Value::Bytes(list)) => {
                mark_seen(&mut seen, index, path)?;
                check_packed(list, width, path)?;
            }
            (Kind::Packed(_), Value::Varint(_)) => return Err(Error::Unpacked(path)),
            _ => return Err(Error::Mismatch(path)),
        }
    }
    Ok(())
}

fn mark_seen(seen: &mut u64, index: usize, path: FieldPath) -> Result<(), Error> {
    let bit = 1 << index;
    if *seen & bit != 0 {
        return Err(Error::Twice(path));
    }
    *seen |= bit;
    Ok(())
}

fn check_packed(mut list: &[u8], width: Width, path: FieldPath) -> Result<(), Error> {
    while !list.is_empty() {
        if !width.holds(take_varint(&mut list)?) {
            return Err(Error::OutOfRange(path));
        }
    }
    Ok(())
}
