//! The same functions in a build without JSON: they say so.

use super::{Error, MessageId, Schema, Unknown};

/// See the build with the feature `json`.
///
/// # Errors
/// Always [`Error::Unavailable`].
pub fn to_json(
    _schema: &Schema,
    _message: MessageId,
    _bytes: &[u8],
    _limit_bytes: usize,
    _out: &mut Vec<u8>,
) -> Result<(), Error> {
    Err(Error::Unavailable)
}

/// See the build with the feature `json`.
///
/// # Errors
/// Always [`Error::Unavailable`].
pub fn from_json(
    _schema: &Schema,
    _message: MessageId,
    _text: &[u8],
    _unknown: Unknown,
    _limit_bytes: usize,
    _out: &mut Vec<u8>,
) -> Result<(), Error> {
    Err(Error::Unavailable)
}
