//! Messages of streams in their envelopes ("Enveloped-Message").
//!
//! ```text
//! +----------------+--------------------------+------------------+
//! | flags (1 byte) | length (4, big-endian)   | message ...      |
//! +----------------+--------------------------+------------------+
//! ```

use crate::call::{Code, Status};

/// The length of flags and length, in bytes.
pub(super) const PREFIX_BYTES: usize = 5;
/// The message is compressed.
pub(super) const COMPRESSED: u8 = 1;
/// The message is the end of the stream; only servers send it.
pub(super) const END_OF_STREAM: u8 = 2;

/// Assembles the messages of a stream.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    /// The beginning of an unfinished envelope.
    unfinished: Vec<u8>,
}

impl Assembler {
    /// The bytes that it holds.
    pub fn buffered_bytes(&self) -> usize {
        self.unfinished.len()
    }

    /// Takes bytes of the stream and calls `deliver(is_compressed, message, is_last)` for each message
    /// that they complete. A message that is whole in `data` is not copied. One that stays unfinished
    /// grows by at most `room_bytes`.
    ///
    /// # Errors
    /// The status that ends the call.
    pub fn feed(
        &mut self,
        mut data: &[u8],
        end: bool,
        limit_bytes: usize,
        room_bytes: usize,
        mut deliver: impl FnMut(bool, &[u8], bool) -> Result<(), Status>,
    ) -> Result<(), Status> {
        if !self.unfinished.is_empty() {
            let before = self.unfinished.len();
            if !self.complete(&mut data, limit_bytes)? {
                if self.unfinished.len() - before > room_bytes {
                    return Err(no_room());
                }
                return check_end(end, &self.unfinished);
            }
            let whole = std::mem::take(&mut self.unfinished);
            let Some((prefix, message)) = whole.split_first_chunk() else { return Ok(()) };
            let (is_compressed, _) = check_prefix(*prefix, limit_bytes)?;
            deliver(is_compressed, message, end && data.is_empty())?;
        }
        while let Some((prefix, behind)) = data.split_first_chunk() {
            let (is_compressed, length) = check_prefix(*prefix, limit_bytes)?;
            let Some((message, behind)) = behind.split_at_checked(length) else { break };
            deliver(is_compressed, message, end && behind.is_empty())?;
            data = behind;
        }
        if data.len() > room_bytes {
            return Err(no_room());
        }
        self.unfinished.extend_from_slice(data);
        check_end(end, &self.unfinished)
    }

    /// Adds to the unfinished envelope what it lacks; whether it is whole then.
    fn complete(&mut self, data: &mut &[u8], limit_bytes: usize) -> Result<bool, Status> {
        self.take(data, PREFIX_BYTES);
        let Some((prefix, _)) = self.unfinished.split_first_chunk() else { return Ok(false) };
        let (_, length) = check_prefix(*prefix, limit_bytes)?;
        self.take(data, PREFIX_BYTES + length);
        Ok(self.unfinished.len() == PREFIX_BYTES + length)
    }

    /// Moves bytes from `data` until `length` are there.
    fn take(&mut self, data: &mut &[u8], length: usize) {
        let count = length.saturating_sub(self.unfinished.len()).min(data.len());
        let (part, behind) = data.split_at(count);
        self.unfinished.extend_from_slice(part);
        *data = behind;
    }
}

/// Whether the message is compressed, and its length.
fn check_prefix(prefix: [u8; PREFIX_BYTES], limit_bytes: usize) -> Result<(bool, usize), Status> {
    let [flags, b0, b1, b2, b3] = prefix;
    if flags & !COMPRESSED != 0 {
        let text = format!("an envelope has the flags {flags}, which a client does not send");
        return Err(Status::new(Code::InvalidArgument, text));
    }
    let length = u32::from_be_bytes([b0, b1, b2, b3]) as usize;
    if length > limit_bytes {
        return Err(too_large(limit_bytes));
    }
    Ok((flags == COMPRESSED, length))
}

fn check_end(end: bool, unfinished: &[u8]) -> Result<(), Status> {
    if end && !unfinished.is_empty() {
        let text = "the request ends in the middle of an envelope";
        return Err(Status::new(Code::InvalidArgument, text));
    }
    Ok(())
}

/// Writes the prefix of the message that `bytes` holds behind `start` and the room for a prefix.
///
/// # Errors
/// The message is larger than a prefix can say; it is then removed.
pub(super) fn write_prefix(flags: u8, bytes: &mut Vec<u8>, start: usize) -> Result<(), Status> {
    let length = bytes.len() - start - PREFIX_BYTES;
    let Ok(length) = u32::try_from(length) else {
        bytes.truncate(start);
        return Err(too_large(u32::MAX as usize));
    };
    if let Some([first, rest @ ..]) = bytes.get_mut(start..start + PREFIX_BYTES) {
        *first = flags;
        rest.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// A message is larger than the limit.
pub(super) fn too_large(limit_bytes: usize) -> Status {
    let text = format!("a message is larger than the limit of {limit_bytes} bytes");
    Status::new(Code::ResourceExhausted, text)
}

/// Unfinished messages hold too much memory.
pub(super) fn no_room() -> Status {
    Status::new(Code::ResourceExhausted, "the server holds too many unfinished messages")
}
