//! A list of fields in one buffer.

use std::fmt;

use super::FIELD_OVERHEAD_BYTES;

/// Fields in order, each a name and a value of any bytes.
///
/// All fields share one buffer. A block that is cleared and filled again allocates nothing unless the
/// list is larger than all before it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FieldBlock {
    /// Name, value, name, value... The last field may be followed by one that is being decoded.
    bytes: Vec<u8>,
    /// Where each field's name and value end in `bytes`; a field begins where the previous one ends.
    ends: Vec<(usize, usize)>,
}

/// A field as the tables hold it: name and value concatenated.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    /// The name, then the value.
    pub bytes: &'a [u8],
    /// The length of the name, at most that of `bytes`.
    pub name_len: usize,
}

impl<'a> Field<'a> {
    pub fn name(self) -> &'a [u8] {
        &self.bytes[..self.name_len]
    }

    pub fn value(self) -> &'a [u8] {
        &self.bytes[self.name_len..]
    }

    /// The size of the field in a table (RFC 7541 section 4.1).
    pub fn size(self) -> usize {
        self.bytes.len() + FIELD_OVERHEAD_BYTES
    }
}

impl FieldBlock {
    /// An empty block, which holds no memory.
    pub const fn new() -> FieldBlock {
        FieldBlock { bytes: Vec::new(), ends: Vec::new() }
    }

    /// Removes all fields and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds a field at the end.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(name);
        let name_end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((name_end, self.bytes.len()));
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The fields in order: name, value.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> + Clone {
        let mut start = 0;
        self.ends.iter().map(move |&(name_end, value_end)| {
            let field = (&self.bytes[start..name_end], &self.bytes[name_end..value_end]);
            start = value_end;
            field
        })
    }

    /// All names and values, concatenated.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.committed_bytes()]
    }

    /// The size of the list for SETTINGS_MAX_HEADER_LIST_SIZE: its bytes plus 32 for each field
    /// (RFC 9113 section 6.5.2).
    pub fn size(&self) -> usize {
        self.committed_bytes() + FIELD_OVERHEAD_BYTES * self.ends.len()
    }

    /// The memory held, used or not, in bytes.
    pub fn capacity_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<(usize, usize)>()
    }

    pub(super) fn push_field(&mut self, field: Field<'_>) {
        let name_end = self.bytes.len() + field.name_len;
        self.bytes.extend_from_slice(field.bytes);
        self.ends.push((name_end, self.bytes.len()));
    }

    /// The buffer, for a decoder to append a name and a value to. [`FieldBlock::commit`] makes a
    /// field of them, [`FieldBlock::discard`] drops them.
    pub(super) fn staging(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The staged field: a name of this length and a value.
    pub(super) fn staged(&self, name_len: usize) -> Field<'_> {
        Field { bytes: &self.bytes[self.committed_bytes()..], name_len }
    }

    pub(super) fn commit(&mut self, name_len: usize) {
        self.ends.push((self.committed_bytes() + name_len, self.bytes.len()));
    }

    pub(super) fn discard(&mut self) {
        self.bytes.truncate(self.committed_bytes());
    }

    fn committed_bytes(&self) -> usize {
        self.ends.last().map_or(0, |&(_, value_end)| value_end)
    }
}

impl fmt::Debug for FieldBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        f.debug_list().entries(self.iter().map(|(name, value)| (text(name), text(value)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_any_bytes_are_returned_in_order() {
        let mut block = FieldBlock::new();
        assert_eq!(block.capacity_bytes(), 0);
        block.push(b"b", b"\0\xff");
        block.push(b"", b"");
        block.push(b"a", b"");
        let fields: Vec<_> = block.iter().collect();
        assert_eq!(fields, [(&b"b"[..], &b"\0\xff"[..]), (b"", b""), (b"a", b"")]);
        assert_eq!((block.len(), block.size()), (3, 4 + 3 * 32));
        assert_eq!(format!("{block:?}"), r#"[("b", "\\x00\\xff"), ("", ""), ("a", "")]"#);
        block.clear();
        assert!(block.is_empty() && block.size() == 0 && block.capacity_bytes() > 0);
    }

    #[test]
    fn a_staged_field_counts_once_it_is_committed() {
        let mut block = FieldBlock::new();
        block.push(b"a", b"1");
        block.staging().extend(b"namevalue");
        assert_eq!((block.len(), block.size()), (1, 34));
        assert_eq!(
            (block.staged(4).name(), block.staged(4).value()),
            (&b"name"[..], &b"value"[..])
        );
        block.discard();
        block.staging().extend(b"namevalue");
        block.commit(4);
        assert_eq!(block.iter().last(), Some((&b"name"[..], &b"value"[..])));
        assert_eq!(block.size(), 34 + 41);
    }
}
