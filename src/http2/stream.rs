//! One stream: its state, its windows, and its send queue.

use crate::hpack::{FieldBlock, Indexing};

use super::flow::{ReceiveWindow, SendWindow};
use super::state::State;
use super::{ErrorCode, Fault, StreamId};

/// A queue with more memory than this releases it when it is empty.
const KEPT_QUEUE_BYTES: usize = 4 * 1024;

/// Sent bytes are removed from the front of a queue once they are at least this many, and half of
/// all.
const COMPACT_BYTES: usize = 64 * 1024;

/// A stream that is open or half-closed.
#[derive(Debug)]
pub struct Stream {
    /// The identifier.
    pub id: StreamId,
    /// The state; never idle, and closed only just before the removal.
    pub state: State,
    /// Whether the peer's first field block was received: the next one is its trailers.
    pub has_head: bool,
    /// The client's request was HEAD: the response may have a content-length, but no content.
    pub is_head_request: bool,
    /// The peer's `content-length` minus the content that was received, in bytes.
    pub content_left: Option<u64>,
    /// The send window.
    pub send: SendWindow,
    /// The receive window.
    pub receive: ReceiveWindow,
    /// DATA that waits for a window or for space in the output buffer.
    pub queue: Queue,
    /// What follows the queue.
    pub tail: Tail,
    /// Whether RST_STREAM(NO_ERROR) follows the tail.
    pub reset_after_tail: bool,
    /// Whether it is in the round-robin queue: it has DATA and an open window.
    pub scheduled: bool,
    /// The queue was above the low-water mark; the user is notified when it has drained.
    pub above_low_water: bool,
}

/// What follows the queued DATA.
#[derive(Debug)]
pub enum Tail {
    /// Nothing: the user has not ended its side.
    Open,
    /// END_STREAM on the last DATA.
    EndStream,
    /// A trailer section. It is not encoded yet, since field blocks must be encoded in the order in
    /// which they are sent.
    Trailers(Box<Trailers>),
}

/// A trailer section that is queued behind DATA.
#[derive(Debug)]
pub struct Trailers {
    /// The fields, in order.
    pub fields: FieldBlock,
    /// The indexing of each field.
    pub indexing: Vec<Indexing>,
}

impl Stream {
    /// A stream that was just opened by HEADERS.
    pub fn new(id: StreamId, send: SendWindow, receive: ReceiveWindow) -> Stream {
        Stream {
            id,
            state: State::Open,
            has_head: false,
            is_head_request: false,
            content_left: None,
            send,
            receive,
            queue: Queue::default(),
            tail: Tail::Open,
            reset_after_tail: false,
            scheduled: false,
            above_low_water: false,
        }
    }

    /// Whether the user may still send: END_STREAM is neither sent nor queued.
    pub fn may_send(&self) -> bool {
        self.state.may_send() && matches!(self.tail, Tail::Open)
    }

    /// Checks received content against `content-length` (section 8.1.1).
    pub fn take_content(&mut self, bytes: usize, end_stream: bool) -> Result<(), Fault> {
        let Some(left) = self.content_left else { return Ok(()) };
        match left.checked_sub(bytes as u64) {
            Some(left) if left == 0 || !end_stream => {
                self.content_left = Some(left);
                Ok(())
            }
            _ => Err(Fault::Stream(self.id, ErrorCode::PROTOCOL_ERROR)),
        }
    }
}

/// A queue of bytes to send.
#[derive(Debug, Default)]
pub struct Queue {
    bytes: Vec<u8>,
    taken: usize,
}

impl Queue {
    /// How many bytes are queued.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// Whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory held, in bytes.
    #[cfg(test)]
    pub fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Adds bytes at the end.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.taken >= COMPACT_BYTES && self.taken >= self.bytes.len() / 2 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Moves `count` bytes, at most [`Queue::len`], from the front to the end of `out`.
    pub fn move_to(&mut self, count: usize, out: &mut Vec<u8>) {
        let end = self.taken + count;
        out.extend_from_slice(&self.bytes[self.taken..end]);
        self.taken = end;
        if self.taken == self.bytes.len() {
            self.clear();
        }
    }

    /// Drops all bytes.
    pub fn clear(&mut self) {
        self.taken = 0;
        if self.bytes.capacity() > KEPT_QUEUE_BYTES {
            self.bytes = Vec::new();
        } else {
            self.bytes.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_returns_its_bytes_in_order() {
        let mut queue = Queue::default();
        let mut put = Vec::new();
        let mut got = Vec::new();
        for round in 0..200u32 {
            let piece = vec![round as u8; 1500];
            queue.push(&piece);
            put.extend_from_slice(&piece);
            let count = queue.len().min(1000 + round as usize * 3);
            queue.move_to(count, &mut got);
        }
        let rest = queue.len();
        queue.move_to(rest, &mut got);
        assert_eq!(got, put);
        assert!(queue.is_empty() && queue.bytes.capacity() <= KEPT_QUEUE_BYTES);
    }

    #[test]
    fn content_must_be_as_long_as_announced() {
        let malformed = Err(Fault::Stream(StreamId(1), ErrorCode::PROTOCOL_ERROR));
        let stream = |content_length| {
            let mut stream = Stream::new(StreamId(1), SendWindow::new(0), ReceiveWindow::new(0));
            stream.content_left = content_length;
            stream
        };
        let mut exact = stream(Some(5));
        assert_eq!(exact.take_content(2, false), Ok(()));
        assert_eq!(exact.take_content(3, true), Ok(()));
        assert_eq!(stream(Some(5)).take_content(6, false), malformed);
        assert_eq!(stream(Some(5)).take_content(4, true), malformed);
        assert_eq!(stream(Some(5)).take_content(0, true), malformed);
        assert_eq!(stream(Some(0)).take_content(0, true), Ok(()));
        assert_eq!(stream(None).take_content(6, true), Ok(()));
    }
}
