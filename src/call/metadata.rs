//! Metadata: the ordered name and value pairs that are sent with a call.

use std::fmt;

/// Ordered name and value pairs. Names may repeat.
///
/// Names are lower-case ASCII letters, digits, `-`, `_` and `.`. A name that ends in `-bin` has a
/// value of any bytes (base64 on the gRPC wire, raw here and on the native wire); any other value
/// is printable ASCII (0x20 to 0x7E), as "gRPC over HTTP2" defines (`Custom-Metadata`).
///
/// All pairs share one buffer, so that a call with metadata costs two allocations and a call
/// without costs none.
#[derive(Default, PartialEq, Eq)]
pub struct Metadata {
    bytes: Vec<u8>,
    /// For each pair, where its name and its value end in `bytes`. A pair begins where the previous
    /// one ends.
    ends: Vec<(u32, u32)>,
}

/// Why a pair was not taken into [`Metadata`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataError {
    /// The name is empty, or has a byte outside the allowed set.
    Name,
    /// The name begins with `grpc-`, which gRPC reserves.
    Reserved,
    /// A value that is not `-bin` has a byte outside printable ASCII.
    Value,
    /// More than 4 GiB in all.
    TooLarge,
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MetadataError::Name => {
                "a metadata name is one or more of a-z, 0-9, hyphen, underscore and dot"
            }
            MetadataError::Reserved => "metadata names that begin with grpc- are reserved",
            MetadataError::Value => {
                "a metadata value is printable ASCII unless its name ends in -bin"
            }
            MetadataError::TooLarge => "the metadata is larger than 4 GiB",
        })
    }
}

impl std::error::Error for MetadataError {}

impl Metadata {
    /// No pairs.
    pub const fn new() -> Metadata {
        Metadata { bytes: Vec::new(), ends: Vec::new() }
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The memory of the pairs, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * size_of::<(u32, u32)>()
    }

    /// Removes all pairs and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Appends a pair after checking it.
    ///
    /// # Errors
    /// See [`MetadataError`]. `grpc-status-details-bin` is the only reserved name that is accepted:
    /// applications may send rich errors.
    pub fn insert(&mut self, name: &str, value: &[u8]) -> Result<(), MetadataError> {
        let allowed = |b: &u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
        if name.is_empty() || !name.as_bytes().iter().all(allowed) {
            return Err(MetadataError::Name);
        }
        if name.starts_with("grpc-") && name != "grpc-status-details-bin" {
            return Err(MetadataError::Reserved);
        }
        if !name.ends_with("-bin") && !value.iter().all(|b| (0x20..=0x7e).contains(b)) {
            return Err(MetadataError::Value);
        }
        self.append(name.as_bytes(), value)
    }

    /// Appends a pair without a check, for pairs that a decoder has checked already.
    ///
    /// # Errors
    /// [`MetadataError::TooLarge`] beyond 4 GiB; the pair is then left out.
    pub fn append(&mut self, name: &[u8], value: &[u8]) -> Result<(), MetadataError> {
        let name_end = self.bytes.len() + name.len();
        let value_end = name_end + value.len();
        let (Ok(name_end), Ok(value_end)) = (u32::try_from(name_end), u32::try_from(value_end))
        else {
            return Err(MetadataError::TooLarge);
        };
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(value);
        self.ends.push((name_end, value_end));
        Ok(())
    }

    /// The pairs in order: name, value.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut start = 0;
        self.ends.iter().map(move |&(name_end, value_end)| {
            let (name_end, value_end) = (name_end as usize, value_end as usize);
            let pair = (&self.bytes[start..name_end], &self.bytes[name_end..value_end]);
            start = value_end;
            pair
        })
    }

    /// The value of the last pair with this name, as in other gRPC implementations.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().filter(|(n, _)| *n == name.as_bytes()).map(|(_, value)| value).last()
    }

    /// The values of all pairs with this name, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(n, _)| *n == name.as_bytes()).map(|(_, value)| value)
    }
}

impl Clone for Metadata {
    fn clone(&self) -> Metadata {
        Metadata { bytes: self.bytes.clone(), ends: self.ends.clone() }
    }

    /// Reuses the memory, unlike a derived implementation.
    fn clone_from(&mut self, source: &Metadata) {
        self.bytes.clone_from(&source.bytes);
        self.ends.clone_from(&source.ends);
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        f.debug_map().entries(self.iter().map(|(name, value)| (text(name), text(value)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_keep_their_order_and_may_repeat() {
        let mut metadata = Metadata::new();
        metadata.insert("b", b"1").unwrap();
        metadata.insert("a", b"").unwrap();
        metadata.insert("b", b"2").unwrap();
        let pairs: Vec<_> = metadata.iter().collect();
        assert_eq!(pairs, [(&b"b"[..], &b"1"[..]), (b"a", b""), (b"b", b"2")]);
        assert_eq!(metadata.get("b"), Some(&b"2"[..]));
        assert_eq!(metadata.get_all("b").collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!(metadata.get("c"), None);
    }

    #[test]
    fn a_name_outside_the_alphabet_is_refused() {
        let mut metadata = Metadata::new();
        for name in ["", "Upper", "sp ace", ":path", "caf\u{e9}"] {
            assert_eq!(metadata.insert(name, b"v"), Err(MetadataError::Name), "{name:?}");
        }
        assert_eq!(metadata.insert("grpc-status", b"0"), Err(MetadataError::Reserved));
        assert_eq!(metadata.insert("grpc-status-details-bin", b"\0"), Ok(()));
    }

    #[test]
    fn only_bin_values_hold_any_bytes() {
        let mut metadata = Metadata::new();
        assert_eq!(metadata.insert("text", b"\n"), Err(MetadataError::Value));
        assert_eq!(metadata.insert("text", "\u{e9}".as_bytes()), Err(MetadataError::Value));
        assert_eq!(metadata.insert("raw-bin", b"\0\xff\n"), Ok(()));
        assert_eq!(format!("{metadata:?}"), r#"{"raw-bin": "\\x00\\xff\\n"}"#);
    }
}
