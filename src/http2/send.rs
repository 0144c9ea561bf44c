//! Sending: opening streams, field blocks, DATA under both windows, WINDOW_UPDATE, resets.

use crate::hpack::{FieldBlock, Indexing};

use super::connection::{Connection, Phase, Role};
use super::frame::{self, MAX_FRAME_SIZE};
use super::state::{CloseReason, State};
use super::stream::{Tail, Trailers};
use super::streams::Slot;
use super::{ErrorCode, Event, OpenError, StreamClosed, StreamId};

impl Connection {
    /// Opens a stream as a client with the field block of a request: pseudo-header fields first, names
    /// in lower case.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing was sent.
    pub fn open<'f>(
        &mut self,
        fields: impl IntoIterator<Item = (&'f [u8], &'f [u8], Indexing)>,
        end_stream: bool,
    ) -> Result<StreamId, OpenError> {
        let is_going_away = self.is_draining() || self.peer_last_stream.is_some();
        if self.role == Role::Server || self.phase == Phase::Closed || is_going_away {
            return Err(OpenError::GoingAway);
        }
        if self.streams.len() >= self.peer.max_concurrent_streams as usize {
            return Err(OpenError::TooManyStreams);
        }
        let stream = match self.last_stream {
            StreamId::CONNECTION => StreamId(1),
            StreamId::MAX => return Err(OpenError::Exhausted),
            StreamId(last) => StreamId(last + 2),
        };
        self.last_stream = stream;
        let slot = self.insert_stream(stream);
        let mut is_head_request = false;
        let fields = fields.into_iter().inspect(|&(name, value, _)| {
            is_head_request |= name == b":method" && value == b"HEAD";
        });
        let encoder = &mut self.encoder;
        self.output.headers(stream, end_stream, |out| {
            encoder.begin(out);
            for (name, value, indexing) in fields {
                encoder.field(name, value, indexing, out);
            }
        });
        self.streams[slot].is_head_request = is_head_request;
        if end_stream {
            self.end_sent(slot);
        }
        Ok(stream)
    }

    /// Sends a field block: the header section of a response, or with `end_stream` a trailer section,
    /// which is queued behind queued DATA.
    ///
    /// # Errors
    /// [`StreamClosed`] if the stream, or our side of it, has ended.
    pub fn send_headers<'f>(
        &mut self,
        stream: StreamId,
        fields: impl IntoIterator<Item = (&'f [u8], &'f [u8], Indexing)>,
        end_stream: bool,
    ) -> Result<(), StreamClosed> {
        let slot = self.sendable(stream)?;
        self.pings.response_sent();
        if !self.streams[slot].queue.is_empty() {
            return self.queue_trailers(slot, fields, end_stream);
        }
        let encoder = &mut self.encoder;
        self.output.headers(stream, end_stream, |out| {
            encoder.begin(out);
            for (name, value, indexing) in fields {
                encoder.field(name, value, indexing, out);
            }
        });
        if end_stream {
            self.end_sent(slot);
        }
        Ok(())
    }

    /// Queues a field block behind queued DATA. It must be a trailer section.
    fn queue_trailers<'f>(
        &mut self,
        slot: Slot,
        fields: impl IntoIterator<Item = (&'f [u8], &'f [u8], Indexing)>,
        end_stream: bool,
    ) -> Result<(), StreamClosed> {
        if !end_stream {
            return Err(StreamClosed);
        }
        let mut trailers = Box::new(Trailers { fields: FieldBlock::new(), indexing: Vec::new() });
        for (name, value, indexing) in fields {
            trailers.fields.push(name, value);
            trailers.indexing.push(indexing);
        }
        self.streams[slot].tail = Tail::Trailers(trailers);
        Ok(())
    }

    /// Sends content, the concatenated parts. Bytes that exceed the windows or the output buffer are
    /// queued without a limit: see [`Connection::queued`].
    ///
    /// # Errors
    /// [`StreamClosed`] if the stream, or our side of it, has ended.
    pub fn send_data(
        &mut self,
        stream: StreamId,
        parts: &[&[u8]],
        end_stream: bool,
    ) -> Result<(), StreamClosed> {
        let slot = self.sendable(stream)?;
        let total: usize = parts.iter().map(|part| part.len()).sum();
        let is_first = self.streams[slot].queue.is_empty();
        let mut sent = 0;
        // While other streams are scheduled there is no capacity either, so none is overtaken.
        if is_first {
            while sent < total {
                let capacity = self.frame_capacity(slot);
                if capacity == 0 {
                    break;
                }
                let len = capacity.min(total - sent);
                let is_last = end_stream && sent + len == total;
                self.output.data_header(stream, len, is_last);
                copy_range(parts, sent, len, self.output.buffer());
                self.consume_windows(slot, len);
                sent += len;
            }
        }
        if is_first && sent == total {
            if end_stream {
                if total == 0 {
                    self.output.data_header(stream, 0, true);
                }
                self.end_sent(slot);
            }
            return Ok(());
        }
        self.queue_data(slot, parts, sent);
        if end_stream {
            self.streams[slot].tail = Tail::EndStream;
        }
        Ok(())
    }

    /// Queues the concatenated parts from `start` on.
    fn queue_data(&mut self, slot: Slot, parts: &[&[u8]], start: usize) {
        let was_overloaded = self.is_overloaded();
        let queue = &mut self.streams[slot].queue;
        let before = queue.len();
        let mut skip = start;
        for part in parts {
            queue.push(part.get(skip..).unwrap_or_default());
            skip = skip.saturating_sub(part.len());
        }
        let queued = queue.len();
        self.queued_bytes += queued - before;
        if self.is_overloaded() && !was_overloaded {
            self.queue_progress_at = self.now;
        }
        self.streams[slot].above_low_water |= queued > self.limits.send_low_water_bytes;
        self.schedule(slot);
    }

    /// How many bytes of DATA are queued on a stream. Trailers are not counted.
    pub fn queued(&self, stream: StreamId) -> usize {
        self.streams.find(stream).map_or(0, |slot| self.streams[slot].queue.len())
    }

    /// How many bytes of DATA are queued on all streams together.
    pub fn total_queued(&self) -> usize {
        self.queued_bytes
    }

    /// How many bytes of DATA of a stream may be sent in one frame now.
    fn frame_capacity(&self, slot: Slot) -> usize {
        if self.output.is_full() {
            return 0;
        }
        let windows = self.send_window.available().min(self.streams[slot].send.available());
        windows.min(MAX_FRAME_SIZE)
    }

    fn consume_windows(&mut self, slot: Slot, bytes: usize) {
        self.pings.response_sent();
        self.send_window.consume(bytes);
        self.streams[slot].send.consume(bytes);
    }

    /// Appends a stream with DATA and an open window to the round-robin queue.
    pub(super) fn schedule(&mut self, slot: Slot) {
        let stream = &mut self.streams[slot];
        if !stream.scheduled && !stream.queue.is_empty() && stream.send.available() > 0 {
            stream.scheduled = true;
            self.sending.push_back(slot);
        }
    }

    /// Sends queued DATA while there is capacity: one frame of each stream in turn.
    pub(super) fn send_queued(&mut self) {
        while let Some(&slot) = self.sending.front() {
            let capacity = self.frame_capacity(slot);
            let stream = &mut self.streams[slot];
            if capacity == 0 {
                if stream.send.available() > 0 {
                    return;
                }
                // A change of settings has closed the stream's window.
                stream.scheduled = false;
                self.sending.pop_front();
                continue;
            }
            let len = capacity.min(stream.queue.len());
            let is_drained = len == stream.queue.len();
            let end_stream = is_drained && matches!(stream.tail, Tail::EndStream);
            self.output.data_header(stream.id, len, end_stream);
            stream.queue.move_to(len, self.output.buffer());
            self.queued_bytes -= len;
            self.queue_progress_at = self.now;
            stream.scheduled = false;
            if stream.above_low_water && stream.queue.len() <= self.limits.send_low_water_bytes {
                stream.above_low_water = false;
                if matches!(stream.tail, Tail::Open) {
                    self.events.push_back(Event::Writable { stream: stream.id });
                }
            }
            self.sending.pop_front();
            self.consume_windows(slot, len);
            if is_drained {
                self.send_tail(slot);
            } else {
                self.schedule(slot);
            }
        }
    }

    /// Sends what follows the queued DATA once the queue is empty.
    fn send_tail(&mut self, slot: Slot) {
        let stream = &mut self.streams[slot];
        let (id, reset_after_tail) = (stream.id, stream.reset_after_tail);
        match std::mem::replace(&mut stream.tail, Tail::Open) {
            Tail::Open => return,
            Tail::EndStream => {}
            Tail::Trailers(trailers) => {
                let encoder = &mut self.encoder;
                self.output.headers(id, true, |out| {
                    encoder.begin(out);
                    for ((name, value), &indexing) in trailers.fields.iter().zip(&trailers.indexing)
                    {
                        encoder.field(name, value, indexing, out);
                    }
                });
            }
        }
        self.end_sent(slot);
        if reset_after_tail {
            self.reset(id, ErrorCode::NO_ERROR);
        }
    }

    /// END_STREAM was written.
    fn end_sent(&mut self, slot: Slot) {
        let stream = &mut self.streams[slot];
        stream.state = stream.state.end_sent();
        if let State::Closed(reason) = stream.state {
            self.remove(slot, reason);
        }
    }

    fn sendable(&self, stream: StreamId) -> Result<Slot, StreamClosed> {
        let slot = self.streams.find(stream).ok_or(StreamClosed)?;
        if self.streams[slot].may_send() { Ok(slot) } else { Err(StreamClosed) }
    }

    /// Resets a stream and drops its queued DATA; no event follows. With NO_ERROR after the user has
    /// ended its side, the reset is sent after the queued END_STREAM: the response is complete, and
    /// the rest of the request is not needed (section 8.1). A stream that has ended is not changed.
    pub fn reset(&mut self, stream: StreamId, code: ErrorCode) {
        let Some(slot) = self.streams.find(stream) else { return };
        let is_answered = code == ErrorCode::NO_ERROR;
        if is_answered && !matches!(self.streams[slot].tail, Tail::Open) {
            self.streams[slot].reset_after_tail = true;
            return;
        }
        self.output.rst_stream(stream, code);
        self.remove(slot, CloseReason::ResetByUs);
        // A client may cancel any number of streams. When a server resets a stream that it has not
        // answered, the client has provoked it.
        if self.role == Role::Server && !is_answered {
            self.spend_reset();
        }
    }

    /// The user has consumed `bytes` of received DATA. WINDOW_UPDATE is sent when half of a window is
    /// released; for the connection even if the stream has ended.
    pub fn release(&mut self, stream: StreamId, bytes: usize) {
        if let Some(slot) = self.streams.find(stream) {
            self.release_stream(slot, bytes);
        }
        self.release_connection(bytes);
    }

    /// As [`Connection::release`], with different amounts for the stream and for the connection: the
    /// difference is released another time.
    pub fn release_separately(&mut self, stream: StreamId, of_stream: usize, of_connection: usize) {
        if of_stream > 0
            && let Some(slot) = self.streams.find(stream)
        {
            self.release_stream(slot, of_stream);
        }
        if of_connection > 0 {
            self.release_connection(of_connection);
        }
    }

    /// Whether the peer may send DATA on a stream: the windows of both stream and connection are open.
    pub fn may_receive(&self, stream: StreamId) -> bool {
        let slot = self.streams.find(stream);
        self.receive_window.is_open()
            && slot.is_some_and(|slot| self.streams[slot].receive.is_open())
    }

    pub(super) fn release_stream(&mut self, slot: Slot, bytes: usize) {
        let stream = &mut self.streams[slot];
        if stream.state.may_receive()
            && let Some(increment) = stream.receive.release(bytes)
        {
            frame::write_window_update(stream.id, increment, self.output.buffer());
        }
    }

    pub(super) fn release_connection(&mut self, bytes: usize) {
        if self.phase != Phase::Closed
            && let Some(increment) = self.receive_window.release(bytes)
        {
            let out = self.output.buffer();
            frame::write_window_update(StreamId::CONNECTION, increment, out);
        }
    }
}

/// Appends `len` bytes of the concatenated parts, from `start` on.
fn copy_range(parts: &[&[u8]], start: usize, len: usize, out: &mut Vec<u8>) {
    let mut skip = start;
    let mut left = len;
    for part in parts {
        let piece = part.get(skip..).unwrap_or_default();
        skip = skip.saturating_sub(part.len());
        let piece = piece.get(..left).unwrap_or(piece);
        out.extend_from_slice(piece);
        left -= piece.len();
    }
}
