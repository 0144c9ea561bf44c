//! Header compression for HTTP/2: RFC 7541 (HPACK), all of it, both directions.
//!
//! A *field block* is a list of fields, each a name and a value, in order. Both sides of a
//! connection keep, for each direction, a *dynamic table* of fields sent lately; a field that is
//! in it (or in the fixed static table) travels as its index, one byte most of the time.
//!
//! ```text
//!   (name, value)... --> Encoder --> block --> Decoder --> FieldBlock
//!                        table                 table        reusable, one buffer
//! ```
//!
//! Where the sections of the RFC live:
//!
//! | section | what | file |
//! |---|---|---|
//! | 5.1 | prefix integers | `integer` |
//! | 5.2, appendix B | Huffman code | `huffman`, `huffman_code` |
//! | appendix A | static table | `static_table` |
//! | 2.3.2, 4 | dynamic table, eviction | `dynamic_table` |
//! | 3, 6 | decoding | `decoder` |
//! | 6, 7.1 | encoding, finding what the tables hold | `encoder`, `encoder_table`, `hash` |
//!
//! The two tables must stay equal, so a block that cannot be decoded ends the connection. A block
//! that is merely too much for us (see [`DecoderLimits`]) does not: its fields are dropped, its
//! effect on the table is kept. That is what makes "HPACK bombs" harmless, blocks of a few bytes
//! that stand for megabytes: past a limit nothing more is copied out, and the table's own churn is
//! bounded too (RFC 7541 section 7.3).
//!
//! What is left out: whether a field came as *never indexed* (section 6.2.3) is not kept, because
//! only an intermediary that encodes the field again needs to know, and this is none. What the
//! names and values may contain is HTTP's matter (RFC 9113 section 8.2), not this room's.

mod decoder;
mod dynamic_table;
mod encoder;
mod encoder_table;
mod error;
mod field_block;
mod hash;
mod huffman;
mod huffman_code;
mod integer;
mod static_table;
#[cfg(test)]
mod tests;

pub use decoder::{Decoder, DecoderLimits};
pub use encoder::{Encoder, Indexing};
pub use error::Error;
pub use field_block::FieldBlock;

/// The dynamic table's size limit in HTTP/2 until SETTINGS_HEADER_TABLE_SIZE says otherwise, in
/// bytes (RFC 9113 section 6.5.2).
pub const DEFAULT_TABLE_BYTES: usize = 4096;

/// What each field costs beside its bytes, in tables and in lists (RFC 7541 section 4.1,
/// RFC 9113 section 6.5.2).
pub const FIELD_OVERHEAD_BYTES: usize = 32;
