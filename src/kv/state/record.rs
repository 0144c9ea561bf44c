//! A key with its value and revisions.

use std::sync::Arc;

use super::command::{Command, Invalid};
use crate::binary::Reader;

/// A key with its value and revisions. Key and value stay encoded in the SET that wrote them: the
/// record shares the bytes of the committed command with the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// An encoded SET, checked when the record was made.
    command: Arc<[u8]>,
    /// The revision of the write that set the value.
    pub modified: u64,
    /// The revision that created the key.
    pub created: u64,
}

/// What a record counts beside its key and its value: its place in the tree, its revisions and the
/// header of its allocation.
pub(super) const RECORD_BYTES: u64 = 128;

/// The size of a record for the quota.
pub(super) fn record_bytes(key: &[u8], value: &[u8]) -> u64 {
    RECORD_BYTES + key.len() as u64 + value.len() as u64
}

impl Record {
    /// Its size for the quota.
    pub(super) fn size_bytes(&self) -> u64 {
        let (key, value) = self.split();
        record_bytes(key, value)
    }

    /// The record of an encoded SET.
    ///
    /// # Errors
    /// The bytes are no SET.
    pub fn from_set(command: &Arc<[u8]>, modified: u64, created: u64) -> Result<Record, Invalid> {
        match Command::decode(command)? {
            Command::Set { .. } => Ok(Record { command: Arc::clone(command), modified, created }),
            _ => Err(Invalid::Malformed),
        }
    }

    /// A record with newly encoded bytes.
    ///
    /// # Errors
    /// The key or the value has an invalid length.
    pub fn new(key: &[u8], value: &[u8], modified: u64, created: u64) -> Result<Record, Invalid> {
        let command = Command::Set { key, value }.encode()?;
        Ok(Record { command: command.into(), modified, created })
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        self.split().0
    }

    /// The value.
    pub fn value(&self) -> &[u8] {
        self.split().1
    }

    /// The command that wrote it.
    pub(super) fn command(&self) -> &Arc<[u8]> {
        &self.command
    }

    fn split(&self) -> (&[u8], &[u8]) {
        let mut fields = Reader::new(&self.command);
        // The bytes were checked when the record was made; the tag is that of a SET.
        let key = fields.u8().and_then(|_| fields.bytes_u16()).unwrap_or_default();
        (key, fields.rest())
    }
}
