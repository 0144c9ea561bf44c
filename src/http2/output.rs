//! The output buffer: encoded frames that the socket has not taken yet.

use super::ErrorCode;
use super::StreamId;
use super::frame::{self, HEADER_BYTES, Kind, MAX_FRAME_SIZE, flag, header_bytes};

/// While this many bytes wait for the socket, DATA stays in the queues of the streams, where it can
/// be counted, scheduled fairly and dropped. Larger writes would not be cheaper.
const FULL_BYTES: usize = 256 * 1024;

/// The largest buffer that an idle connection keeps, in bytes.
const IDLE_BYTES: usize = 1024;

/// The largest initial buffer of a connection that becomes busy again, in bytes.
const FIRST_BYTES: usize = 64 * 1024;

/// Written bytes are removed from the front once they are at least this many, and half of all.
const COMPACT_BYTES: usize = 64 * 1024;

/// Encoded frames in the order of the wire.
#[derive(Debug, Default)]
pub struct Output {
    bytes: Vec<u8>,
    /// How many of `bytes` the socket has taken.
    sent: usize,
    /// The length of the buffer when the socket last took all of it: an estimate for the next time.
    last_len: usize,
    /// Control replies written since the socket last took all of them.
    replies: usize,
    /// Where in `bytes` the last control reply ends.
    replies_end: usize,
}

impl Output {
    /// The bytes that the socket has not taken yet.
    pub fn pending(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// The socket has taken `count` bytes.
    pub fn consume(&mut self, count: usize) {
        if self.bytes.is_empty() {
            return;
        }
        self.sent = (self.sent + count).min(self.bytes.len());
        if self.sent >= self.replies_end {
            self.replies = 0;
        }
        if self.sent == self.bytes.len() {
            self.last_len = self.bytes.len();
            self.bytes.clear();
            self.sent = 0;
            self.replies_end = 0;
        } else if self.sent >= COMPACT_BYTES && self.sent >= self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.replies_end = self.replies_end.saturating_sub(self.sent);
            self.sent = 0;
        }
    }

    /// Releases a large buffer that is empty.
    pub fn shrink(&mut self) {
        if self.bytes.is_empty() && self.bytes.capacity() > IDLE_BYTES {
            self.bytes = Vec::new();
        }
    }

    /// The memory held, in bytes.
    #[cfg(test)]
    pub fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether DATA should wait.
    pub fn is_full(&self) -> bool {
        self.pending().len() >= FULL_BYTES
    }

    /// An upper bound on the control replies that the socket has not taken.
    pub fn queued_replies(&self) -> usize {
        self.replies
    }

    /// The buffer that frames are appended to.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(self.last_len.clamp(IDLE_BYTES, FIRST_BYTES));
        }
        &mut self.bytes
    }

    /// Writes a control frame in reply to a frame of the peer, and counts it.
    pub fn reply(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(self.buffer());
        self.replies += 1;
        self.replies_end = self.bytes.len();
    }

    /// Writes a RST_STREAM frame, which counts as a reply.
    pub fn rst_stream(&mut self, stream: StreamId, code: ErrorCode) {
        self.reply(|out| frame::write_rst_stream(stream, code, out));
    }

    /// Writes the header of a DATA frame; `len` bytes must follow.
    pub fn data_header(&mut self, stream: StreamId, len: usize, end_stream: bool) {
        let flags = if end_stream { flag::END_STREAM } else { 0 };
        self.buffer().extend_from_slice(&header_bytes(len, Kind::Data, flags, stream));
    }

    /// Writes a field block, as HEADERS and as many CONTINUATION frames as needed (section 4.3).
    pub fn headers(
        &mut self,
        stream: StreamId,
        end_stream: bool,
        encode: impl FnOnce(&mut Vec<u8>),
    ) {
        let out = self.buffer();
        let start = out.len();
        out.extend_from_slice(&[0; HEADER_BYTES]);
        encode(out);
        let len = out.len() - start - HEADER_BYTES;
        let end = if end_stream { flag::END_STREAM } else { 0 };
        if len <= MAX_FRAME_SIZE {
            let header = header_bytes(len, Kind::Headers, end | flag::END_HEADERS, stream);
            out[start..start + HEADER_BYTES].copy_from_slice(&header);
            return;
        }
        let block = out.split_off(start + HEADER_BYTES);
        out.truncate(start);
        let mut fragments = block.chunks(MAX_FRAME_SIZE).peekable();
        let mut kind = Kind::Headers;
        while let Some(fragment) = fragments.next() {
            let last = if fragments.peek().is_none() { flag::END_HEADERS } else { 0 };
            let flags = if kind == Kind::Headers { end | last } else { last };
            out.extend_from_slice(&header_bytes(fragment.len(), kind, flags, stream));
            out.extend_from_slice(fragment);
            kind = Kind::Continuation;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2::frame::Frame;

    #[test]
    fn replies_count_until_the_socket_has_taken_the_last() {
        let mut output = Output::default();
        output.reply(|out| frame::write_ping(true, [1; 8], out));
        output.reply(|out| frame::write_ping(true, [2; 8], out));
        output.data_header(StreamId(1), 0, true);
        assert_eq!(output.queued_replies(), 2);
        output.consume(33);
        assert_eq!(output.queued_replies(), 2);
        output.consume(1);
        assert_eq!(output.queued_replies(), 0);
        assert_eq!(output.pending().len(), 9);
    }

    #[test]
    fn a_block_above_the_frame_size_continues_in_continuation() {
        // RFC 9113 section 4.3: one HEADERS, then CONTINUATION; END_HEADERS on the last only.
        let mut output = Output::default();
        let block: Vec<u8> = (0..MAX_FRAME_SIZE * 2 + 1).map(|i| i as u8).collect();
        output.headers(StreamId(3), true, |out| out.extend_from_slice(&block));
        let mut input = output.pending();
        let mut seen = Vec::new();
        let mut joined = Vec::new();
        while let Ok(Some(frame)) = Frame::take(&mut input) {
            seen.push((frame.header.kind, frame.header.flags, frame.payload.len()));
            joined.extend_from_slice(frame.payload);
        }
        let expected = [
            (Some(Kind::Headers), flag::END_STREAM, MAX_FRAME_SIZE),
            (Some(Kind::Continuation), 0, MAX_FRAME_SIZE),
            (Some(Kind::Continuation), flag::END_HEADERS, 1),
        ];
        assert_eq!(seen, expected);
        assert_eq!(joined, block);
    }

    #[test]
    fn a_large_buffer_is_released_once_it_is_empty() {
        let mut output = Output::default();
        output.buffer().extend_from_slice(&[0; 10_000]);
        output.consume(9_999);
        output.shrink();
        assert_eq!(output.pending().len(), 1);
        output.consume(1);
        output.shrink();
        assert_eq!(output.bytes.capacity(), 0);
    }

    #[test]
    fn a_connection_that_is_busy_again_allocates_its_last_length_at_once() {
        let mut output = Output::default();
        output.buffer().extend_from_slice(&[0; 10_000]);
        output.consume(10_000);
        output.shrink();
        output.consume(0);
        assert_eq!(output.buffer().capacity(), 10_000);
    }

    #[test]
    fn a_long_tail_moves_to_the_front() {
        let mut output = Output::default();
        output.buffer().extend_from_slice(&[1; COMPACT_BYTES]);
        output.reply(|out| out.push(2));
        output.consume(COMPACT_BYTES);
        assert_eq!((output.pending(), output.sent), (&[2][..], 0));
        assert_eq!(output.queued_replies(), 1);
        output.consume(1);
        assert_eq!(output.queued_replies(), 0);
    }
}
