//! Bytes that wait for the socket.

use crate::call::Limits;

/// An empty buffer with more capacity than this is freed, so that an idle connection costs little memory.
const KEPT_CAPACITY_BYTES: usize = 1024;

/// Bytes that wait for the socket.
#[derive(Debug)]
pub(super) struct Output {
    bytes: Vec<u8>,
    /// The beginning of `bytes` that was sent.
    sent: usize,
    high_water: usize,
    low_water: usize,
    /// There were more than `high_water` bytes, and have not been less than `low_water` since.
    was_high: bool,
    /// That has changed since it was last taken.
    is_writable: bool,
}

impl Output {
    pub(super) fn new(limits: &Limits) -> Output {
        Output {
            bytes: Vec::new(),
            sent: 0,
            high_water: limits.send_high_water_bytes,
            low_water: limits.send_low_water_bytes,
            was_high: false,
            is_writable: false,
        }
    }

    pub(super) fn pending(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.write(|out| out.extend_from_slice(bytes));
    }

    pub(super) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.was_high |= self.len() > self.high_water;
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.sent = self.bytes.len().min(self.sent + count);
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
            if self.bytes.capacity() > KEPT_CAPACITY_BYTES {
                self.bytes = Vec::new();
            }
        } else if self.sent > self.bytes.len() / 2 {
            // Each byte is moved at most once for each byte sent.
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        if self.was_high && self.len() < self.low_water {
            (self.was_high, self.is_writable) = (false, true);
        }
    }

    /// Whether a sender that has paused may go on.
    pub(super) fn is_writable(&self) -> bool {
        self.is_writable
    }

    pub(super) fn take_writable(&mut self) -> bool {
        std::mem::take(&mut self.is_writable)
    }

    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity()
    }
}
