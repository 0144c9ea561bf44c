//! Reads: the keys that a read depends on, to decide whether a command would change its result.

use crate::binary::{Reader, Writer};

/// What a read depends on. As a binary record: a tag, then the key or the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read<'r> {
    /// One key.
    Key(&'r [u8]),
    /// Every key with this prefix; an empty prefix means the whole store.
    Prefix(&'r [u8]),
}

const KEY: u8 = b'k';
const PREFIX: u8 = b'p';

impl<'r> Read<'r> {
    /// Encodes the read.
    pub fn encode(&self) -> Vec<u8> {
        let (tag, bytes) = match *self {
            Read::Key(key) => (KEY, key),
            Read::Prefix(prefix) => (PREFIX, prefix),
        };
        let mut record = Vec::with_capacity(1 + bytes.len());
        Writer::new(&mut record).u8(tag).raw(bytes);
        record
    }

    /// Decodes a read. Malformed bytes mean the whole store.
    pub fn decode(bytes: &'r [u8]) -> Read<'r> {
        let mut fields = Reader::new(bytes);
        match fields.u8() {
            Ok(KEY) => Read::Key(fields.rest()),
            Ok(PREFIX) => Read::Prefix(fields.rest()),
            _ => Read::Prefix(b""),
        }
    }

    /// The read in words, for `dump.txt`: `GET key`, `SCAN prefix`.
    pub fn words(&self) -> Vec<Vec<u8>> {
        match self {
            Read::Key(key) => vec![b"GET".to_vec(), key.to_vec()],
            Read::Prefix(prefix) => vec![b"SCAN".to_vec(), prefix.to_vec()],
        }
    }

    /// Whether it depends on a key.
    pub fn covers(&self, key: &[u8]) -> bool {
        match *self {
            Read::Key(read) => read == key,
            Read::Prefix(prefix) => key.starts_with(prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_comes_back_and_covers_its_keys() {
        for (read, key, covered) in [
            (Read::Key(b"ab"), &b"ab"[..], true),
            (Read::Key(b"ab"), b"abc", false),
            (Read::Prefix(b"ab"), b"abc", true),
            (Read::Prefix(b"ab"), b"ac", false),
            (Read::Prefix(b""), b"x", true),
        ] {
            let bytes = read.encode();
            assert_eq!(Read::decode(&bytes), read);
            assert_eq!(read.covers(key), covered, "{read:?}");
        }
        assert!(Read::decode(b"").covers(b"x") && Read::decode(b"?y").covers(b"x"));
    }
}
