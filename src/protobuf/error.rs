//! Why a message is refused.

use std::fmt;

/// The fault of a received message. All but the last are the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The bytes end, or the enclosing message does, in the middle of a field.
    Truncated,
    /// A varint of more than ten bytes, or of more than 64 bits.
    Varint,
    /// A field number of 0, or above 2^29 - 1.
    Number,
    /// Wire type 3 or 4: a group, which proto3 does not have.
    Group,
    /// Wire type 6 or 7, which are undefined.
    WireType,
    /// Messages nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// A known field with the wrong wire type.
    Mismatch(FieldPath),
    /// A number too wide for its field.
    OutOfRange(FieldPath),
    /// A text that is not UTF-8.
    NotText(FieldPath),
    /// A field that may occur once (a message or a packed list) occurred again.
    Twice(FieldPath),
    /// Lists with so many elements that the decoded message would be many times as large as its
    /// bytes.
    TooManyElements(FieldPath),
    /// A list of numbers that is not packed.
    Unpacked(FieldPath),
    /// The message is well-formed but quick-protobuf refused it: a defect of this program.
    Decoder,
}

/// A field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldPath {
    /// The message's full name: `agora.market.v1.BuyItemRequest`.
    pub message: &'static str,
    /// The field's number.
    pub field: u32,
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field {} of {}", self.field, self.message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Truncated => f.write_str("the message ends in the middle of a field"),
            Error::Varint => f.write_str("a varint is longer than 64 bits"),
            Error::Number => f.write_str("a field number is not between 1 and 536870911"),
            Error::Group => f.write_str("groups are not supported"),
            Error::WireType => f.write_str("a field has an undefined wire type"),
            Error::TooDeep => f.write_str("messages are nested too deep"),
            Error::Mismatch(path) => write!(f, "{path} has the wrong wire type"),
            Error::OutOfRange(path) => write!(f, "{path} is out of its type's range"),
            Error::NotText(path) => write!(f, "{path} is not UTF-8"),
            Error::Twice(path) => write!(f, "{path} came twice"),
            Error::TooManyElements(path) => {
                write!(f, "{path} has more elements than a message of this length may have")
            }
            Error::Unpacked(path) => write!(f, "{path} is a list of numbers and is not packed"),
            Error::Decoder => f.write_str("the decoder refused a well-formed message"),
        }
    }
}

impl std::error::Error for Error {}
