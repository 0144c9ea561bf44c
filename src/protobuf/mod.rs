//! The structural check of every received message before it is decoded, and the two functions that
//! use it: [`decode`] and [`encode`].
//!
//! A protobuf message ("Protocol Buffers: Encoding") is a list of fields, each a tag (number and
//! wire type) and a value: a varint, four or eight bytes, or a length and that many bytes. The
//! decoder that Agora uses, quick-protobuf 0.8.1, is fast because it trusts its input. [`check`]
//! walks a message once against its [`Shape`] and refuses everything that quick-protobuf would
//! misread:
//!
//! | in the message | quick-protobuf alone | `check` |
//! |---|---|---|
//! | a length beyond the enclosing message | reads the neighbour's bytes, then underflows | refused |
//! | messages nested without end | recurses until the stack is gone | refused below [`MAX_DEPTH`] |
//! | a repeated number that is not packed | reads as no numbers at all | refused |
//! | a packed field in two pieces | keeps the second piece only | refused |
//! | a single message field twice | keeps the second instead of merging | refused |
//! | a number wider than its field | cut to the low 32 bits | refused |
//! | a field with another wire type | skipped as unknown | refused |
//! | a group, a zero or oversized field number, a varint beyond 64 bits | differs | refused |
//! | text that is not UTF-8 | refused | refused |
//! | so many elements of lists that they take more than four times 4 MiB, and four times the message's length | decoded | refused |
//! | a field that the shape does not know | skipped | skipped, when well formed |
//!
//! A message that passes has the same meaning for quick-protobuf as for every other implementation.
//! Encoders write nothing that is refused. Three more defects cannot be detected in a message and
//! are kept out of the `.proto` files by `scripts/genproto`: packed fixed-width fields (unsound:
//! quick-protobuf casts unaligned bytes), `optional` scalars (it ignores the keyword, so presence
//! is lost: wrap the scalar in a message), and `sint32` (it writes values that do not fit 32 bits).
//! Maps, groups and recursive messages are kept out too.
//!
//! An unknown enum number is read as the enum's zero, so that an older client can read the messages
//! of a newer server. So the zero always means "unspecified".
//!
//! The module is pure. [`Shape`] tables are generated with the messages in `pb`. [`FieldReader`]
//! reads messages without a generated type, such as descriptors. A call whose message is refused
//! ends with INTERNAL, as gRPC defines ("Status codes and their use in gRPC": error parsing a
//! request or response).

mod check;
mod codec;
mod error;
mod parts;
mod reader;
mod shape;

#[cfg(test)]
mod tests;

pub use check::{MAX_DEPTH, check};
pub use codec::{Checked, decode, encode, encode_into, put_varint};
pub use error::{Error, FieldPath};
pub use parts::{first_text, first_varint, parts, text};
pub use reader::{FieldReader, Value, take_varint};
pub use shape::{Field, Kind, Shape, Width};
