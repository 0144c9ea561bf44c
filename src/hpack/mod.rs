//! Header compression for HTTP/2: RFC 7541 (HPACK), all of it, both directions.
//!
//! A *field block* is a list of fields, each a name and a value, in order. Both sides of a
//! connection keep, for each direction, a *dynamic table* of recently sent fields. A field that is
//! in it (or in the fixed static table) is encoded as its index, which mostly takes one byte.
//!
//! ```text
//!   (name, value)... --> Encoder --> block --> Decoder --> FieldBlock
//!                        table                 table        reusable, one buffer
//! ```
//!
//! Where the sections of the RFC are implemented:
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
//! that exceeds a limit (see [`DecoderLimits`]) does not: its fields are dropped, and its effect on
//! the table is kept. This makes "HPACK bombs" harmless, blocks of a few bytes that decode to
//! megabytes: beyond a limit no more fields are copied, and the work on the table is bounded as well
//! (RFC 7541 section 7.3).
//!
//! Not implemented: whether a field was received as *never indexed* (section 6.2.3) is not recorded,
//! because only an intermediary that encodes the field again needs it. Which characters names and
//! values may contain is checked by `http2` (RFC 9113 section 8.2).

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

/// The initial size limit of the dynamic table in HTTP/2, in bytes: the default of
/// SETTINGS_HEADER_TABLE_SIZE (RFC 9113 section 6.5.2).
pub const DEFAULT_TABLE_BYTES: usize = 4096;

/// The size of each field beside its bytes, in tables and in lists (RFC 7541 section 4.1, RFC 9113
/// section 6.5.2).
pub const FIELD_OVERHEAD_BYTES: usize = 32;
