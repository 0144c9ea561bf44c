//! Binary records: how replicated commands, their replies and the parameters of tasks are encoded.
//!
//! Messages between programs are protobuf and files are text. A binary record is for a value that a
//! protobuf message carries as `bytes` and that is decoded very often: decoding borrows from the
//! record and allocates nothing.
//!
//! There is one convention:
//!
//! - A record of more than one kind begins with its *tag*, a `u8`.
//! - Integers have a fixed width and are big-endian. An `f64` is its IEEE 754 bits, big-endian.
//! - A *flag* is a `u8`, 0 or 1. An *option* is a flag, and the value if the flag is 1.
//! - A byte string is its length and its bytes. The length is a `u8`, `u16` or `u32`, whichever the
//!   field's limit needs. A byte string of fixed length, or the last field of a record, has no
//!   length.
//! - A text is a byte string of UTF-8.
//! - Nothing follows the last field: [`Reader::end`] checks it.
//!
//! So a value has one encoding, and bytes that decode are the encoding of what they decode to.
//!
//! [`Reader`] never panics, whatever the bytes are, and allocates at most as much as the record
//! holds. [`Writer`] refuses a byte string whose length does not fit. What is left out: versions
//! (a new layout takes a new tag), varints, alignment, nesting and self-description.

mod error;
mod reader;
mod writer;

pub use error::Error;
pub use reader::{Reader, text};
pub use writer::Writer;

#[cfg(test)]
mod tests;
