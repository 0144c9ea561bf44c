//! Walks a message once and refuses everything that quick-protobuf would misread.

use super::reader::take_varint;
use super::{Error, FieldPath, FieldReader, Kind, Shape, Value, Width};

/// The maximum nesting depth of messages, including the outermost.
pub const MAX_DEPTH: usize = 32;

/// What the elements of all lists of a message may take when it is decoded, in proportion to its
/// length, and whatever its length.
///
/// An empty message takes two bytes as an element of a list, and some hundred when it is decoded. A
/// list that grows element by element has up to twice the size that it needs. So a decoded message
/// takes at most four times its length, or what 4 MiB may take.
const LIST_BYTES_PER_BYTE: usize = 2;
const LIST_BYTES: usize = 8 * 1024 * 1024;
/// The elements that a `Vec` has room for when the first one is pushed. Counted for each list, so
/// that a list of short lists takes no more than one long list.
const FIRST_ELEMENTS: usize = 4;

/// Checks that `bytes` are one well-formed message of this shape, in one pass and without
/// allocation.
///
/// # Errors
/// The first fault in the order of the bytes. See the table in the module documentation of
/// `protobuf`.
pub fn check(bytes: &[u8], shape: &Shape) -> Result<(), Error> {
    let list_bytes = LIST_BYTES.max(bytes.len().saturating_mul(LIST_BYTES_PER_BYTE));
    Check { list_bytes }.message(bytes, shape, MAX_DEPTH)
}

struct Check {
    /// What further elements of lists may take.
    list_bytes: usize,
}

impl Check {
    fn message(&mut self, bytes: &[u8], shape: &Shape, depth: usize) -> Result<(), Error> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Error::TooDeep);
        };
        // One bit for each seen field that is a list, or of which a second one would replace the first.
        let mut seen = 0_u64;
        for field in FieldReader::new(bytes) {
            let (number, value) = field?;
            let Some((index, field)) = shape.find(number) else { continue };
            let path = FieldPath { message: shape.name, field: number };
            if field.repeated && !matches!(field.kind, Kind::Packed(_)) {
                let elements = if is_first(&mut seen, index) { FIRST_ELEMENTS } else { 1 };
                self.take(elements, field.kind, path)?;
            }
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
                    self.message(message, inner, depth)?;
                }
                (Kind::Packed(width), Value::Bytes(list)) => {
                    mark_seen(&mut seen, index, path)?;
                    self.packed(list, width, path)?;
                }
                (Kind::Packed(_), Value::Varint(_)) => return Err(Error::Unpacked(path)),
                _ => return Err(Error::Mismatch(path)),
            }
        }
        Ok(())
    }

    fn packed(&mut self, mut list: &[u8], width: Width, path: FieldPath) -> Result<(), Error> {
        let mut elements = FIRST_ELEMENTS;
        while !list.is_empty() {
            if !width.holds(take_varint(&mut list)?) {
                return Err(Error::OutOfRange(path));
            }
            self.take(elements, Kind::Packed(width), path)?;
            elements = 1;
        }
        Ok(())
    }

    /// Counts elements of a list.
    fn take(&mut self, elements: usize, kind: Kind, path: FieldPath) -> Result<(), Error> {
        let bytes = elements * kind.size_bytes();
        self.list_bytes = self.list_bytes.checked_sub(bytes).ok_or(Error::TooManyElements(path))?;
        Ok(())
    }
}

fn mark_seen(seen: &mut u64, index: usize, path: FieldPath) -> Result<(), Error> {
    if is_first(seen, index) { Ok(()) } else { Err(Error::Twice(path)) }
}

/// Whether a field is seen for the first time.
fn is_first(seen: &mut u64, index: usize) -> bool {
    let bit = 1 << index;
    let is_first = *seen & bit == 0;
    *seen |= bit;
    is_first
}
