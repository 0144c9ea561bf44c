//! From a list of fields to a field block (RFC 7541 sections 6 and 7.1).

use super::encoder_table::{EncoderTable, Hashes};
use super::hash::{field_hash, hash};
use super::{DEFAULT_TABLE_BYTES, FIELD_OVERHEAD_BYTES, huffman, integer, static_table};

/// Whether a field enters the dynamic table, which only its sender can decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indexing {
    /// The field will be repeated: it enters the dynamic table (section 6.2.1).
    Incremental,
    /// The field will not be repeated: it does not enter the table (section 6.2.2).
    Without,
    /// The field is secret: no intermediary may put it into a table, where its value could be probed
    /// (sections 6.2.3 and 7.1.3). For credentials, above all short ones.
    Never,
}

/// Encodes the field blocks of one direction of a connection, in order.
///
/// For each block call [`Encoder::begin`], then [`Encoder::field`] for each field.
pub struct Encoder {
    table: EncoderTable,
    /// The table size to use from the next block on.
    wanted: usize,
    /// The smallest size set since the last block.
    smallest: usize,
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder::new()
    }
}

impl Encoder {
    /// An encoder with HTTP/2's default table of 4,096 bytes. It allocates no memory before the first
    /// field is indexed.
    pub const fn new() -> Encoder {
        Encoder {
            table: EncoderTable::new(DEFAULT_TABLE_BYTES),
            wanted: DEFAULT_TABLE_BYTES,
            smallest: DEFAULT_TABLE_BYTES,
        }
    }

    /// Sets the largest table that the peer allows: its SETTINGS_HEADER_TABLE_SIZE. We use up to
    /// 4,096 bytes of it. The next block announces the new size.
    pub fn set_max_table_size(&mut self, bytes: usize) {
        self.wanted = bytes.min(DEFAULT_TABLE_BYTES);
        self.smallest = self.smallest.min(self.wanted);
    }

    /// The current size of the table, in bytes plus 32 for each entry.
    pub fn table_size(&self) -> usize {
        self.table.size()
    }

    /// Begins a block: appends the dynamic table size updates that are due. The smallest size comes
    /// first if it was below the current one (section 4.2).
    #[inline]
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        if self.smallest < self.table.max_size() {
            self.resize(self.smallest, out);
        }
        if self.wanted != self.table.max_size() {
            self.resize(self.wanted, out);
        }
        self.smallest = self.wanted;
    }

    fn resize(&mut self, size: usize, out: &mut Vec<u8>) {
        integer::encode(size, 5, 0x20, out);
        self.table.set_max_size(size);
    }

    /// Appends one field.
    ///
    /// [`Indexing::Incremental`] is a hint: a field of more than three quarters of the table is not
    /// inserted, since it would evict too much.
    pub fn field(&mut self, name: &[u8], value: &[u8], indexing: Indexing, out: &mut Vec<u8>) {
        let name_hash = hash(name);
        let static_name = static_table::find_name(name, name_hash);
        if indexing == Indexing::Never {
            let name_index =
                static_name.or_else(|| self.table.find_name(name, name_hash).map(dynamic));
            literal(0x10, 4, name_index, name, value, out);
            return;
        }
        if let Some(index) = static_name.and_then(|first| static_table::find_value(first, value)) {
            integer::encode(index, 7, 0x80, out);
            return;
        }
        let field_hash = field_hash(name_hash, value);
        if let Some(index) = self.table.find_field(name, value, field_hash) {
            integer::encode(dynamic(index), 7, 0x80, out);
            return;
        }
        let name_index = static_name.or_else(|| self.table.find_name(name, name_hash).map(dynamic));
        let size = name.len() + value.len() + FIELD_OVERHEAD_BYTES;
        if indexing == Indexing::Incremental && size <= self.table.max_size() / 4 * 3 {
            literal(0x40, 6, name_index, name, value, out);
            self.table.insert(name, value, Hashes { name: name_hash, field: field_hash });
        } else {
            literal(0x00, 4, name_index, name, value, out);
        }
    }
}

/// The index of a dynamic entry in the static and dynamic tables together (section 2.3.3).
fn dynamic(index: usize) -> usize {
    static_table::LEN + 1 + index
}

/// Section 6.2: a name, or the index of an entry with this name, and the value.
fn literal(
    pattern: u8,
    prefix_bits: u32,
    name_index: Option<usize>,
    name: &[u8],
    value: &[u8],
    out: &mut Vec<u8>,
) {
    integer::encode(name_index.unwrap_or(0), prefix_bits, pattern, out);
    if name_index.is_none() {
        string(name, out);
    }
    string(value, out);
}

/// Section 5.2: Huffman-coded if that is shorter.
fn string(text: &[u8], out: &mut Vec<u8>) {
    let coded_len = huffman::encoded_len(text);
    if coded_len < text.len() {
        integer::encode(coded_len, 7, 0x80, out);
        huffman::encode(text, out);
    } else {
        integer::encode(text.len(), 7, 0x00, out);
        out.extend_from_slice(text);
    }
}
