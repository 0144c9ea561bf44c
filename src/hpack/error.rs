//! Why a field block was refused.

use std::fmt;

/// Why a field block was refused. Every error is caused by the peer.
///
/// [`Error::is_connection_error`] distinguishes two kinds. After most errors the two dynamic tables
/// may differ, so the connection must end with COMPRESSION_ERROR (0x09, RFC 9113 section 4.3).
/// Exceeding a limit ends only one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The block ends inside a field.
    Truncated,
    /// A prefix integer beyond 32 bits, or longer than necessary (section 5.1).
    Integer,
    /// A string with the code EOS in it, or padded with anything but at most 7 ones (section 5.2).
    Huffman,
    /// Index 0, or one beyond both tables (sections 2.3.3 and 6.1).
    Index,
    /// A dynamic table size update behind a field (section 4.2).
    MisplacedSizeUpdate,
    /// A dynamic table size update beyond what we advertised (section 6.3).
    SizeUpdateTooLarge,
    /// We have advertised a smaller table, and the block does not begin with an update to it (section
    /// 4.2, RFC 9113 section 4.3.1).
    MissingSizeUpdate,
    /// A block that has exceeded a limit continues to rewrite the dynamic table out of proportion to
    /// its own length. Only an attack does so (section 7.3).
    TableChurn,
    /// The list is larger than [`DecoderLimits::max_list_bytes`](super::DecoderLimits).
    ListTooLarge,
    /// The list has more fields than [`DecoderLimits::max_fields`](super::DecoderLimits).
    TooManyFields,
}

impl Error {
    /// Whether the connection must end with COMPRESSION_ERROR. Otherwise the dynamic table equals the
    /// peer's, and only this list of fields is lost.
    pub const fn is_connection_error(self) -> bool {
        !matches!(self, Error::ListTooLarge | Error::TooManyFields)
    }

    /// A human-readable reason.
    pub const fn reason(self) -> &'static str {
        match self {
            Error::Truncated => "the field block ends inside a field",
            Error::Integer => "a field block holds an integer that is too large or too long",
            Error::Huffman => "a field block holds a string that is not Huffman code",
            Error::Index => "a field block refers to a table entry that does not exist",
            Error::MisplacedSizeUpdate => "a dynamic table size update stands behind a field",
            Error::SizeUpdateTooLarge => "a dynamic table size update is beyond our setting",
            Error::MissingSizeUpdate => "the field block ignores our smaller dynamic table",
            Error::TableChurn => "the field block rewrites the dynamic table over and over",
            Error::ListTooLarge => "the field list is too large",
            Error::TooManyFields => "the field list has too many fields",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Error {}
