//! Frames of streams: DATA, HEADERS, CONTINUATION, RST_STREAM, WINDOW_UPDATE.

use crate::hpack::{DecoderLimits, FieldBlock};

use super::connection::{Connection, OpenBlock, Phase, Role};
use super::fields::{Malformed, check_request, check_response, check_trailers};
use super::flow::{Overflow, ReceiveWindow, SendWindow};
use super::frame::{Frame, Kind, flag};
use super::state::{CloseReason, FrameAction, State};
use super::streams::Slot;
use super::{ErrorCode, Event, Fault, StreamId};

/// The event or the fault that a frame causes.
pub(super) type Outcome<'i> = Result<Option<Event<'i>>, Fault>;

impl Connection {
    /// Handles one frame.
    pub(super) fn receive<'i>(&mut self, frame: Frame<'i>) -> Outcome<'i> {
        let header = frame.header;
        if self.phase == Phase::Settings
            && (header.kind != Some(Kind::Settings) || header.has(flag::ACK))
        {
            return Err(Fault::protocol("the first frame is not SETTINGS"));
        }
        if self.open_block.is_some_and(|block| {
            header.kind != Some(Kind::Continuation) || header.stream != block.stream
        }) {
            return Err(Fault::protocol("a field block is interrupted by another frame"));
        }
        let Some(kind) = header.kind else { return self.empty_frame() };
        let on_connection = header.stream == StreamId::CONNECTION;
        match kind {
            Kind::Settings | Kind::Ping | Kind::GoAway if !on_connection => {
                Err(Fault::protocol("SETTINGS, PING or GOAWAY on a stream"))
            }
            Kind::Settings => self.receive_settings(frame),
            Kind::Ping => self.receive_ping(frame),
            Kind::GoAway => self.receive_go_away(frame),
            Kind::WindowUpdate if on_connection => self.receive_connection_credit(frame),
            // Neither role accepts it: a client must not send it, and as a client we disable push.
            Kind::PushPromise => Err(Fault::protocol("PUSH_PROMISE, but push is disabled")),
            _ if on_connection => Err(Fault::protocol("a stream frame on stream 0")),
            Kind::Data => self.receive_data(frame),
            Kind::Headers => self.receive_headers(frame),
            Kind::Continuation => self.receive_continuation(frame),
            Kind::RstStream => self.receive_rst_stream(frame),
            Kind::WindowUpdate => self.receive_stream_credit(frame),
            Kind::Priority => self.receive_priority(frame),
        }
    }

    /// Counts a frame without content. A few in a row are harmless, a flood ends the connection.
    pub(super) fn empty_frame<'i>(&mut self) -> Outcome<'i> {
        self.empty_frames += 1;
        if self.empty_frames > self.limits.max_empty_frames {
            return Err(Fault::Connection(
                ErrorCode::ENHANCE_YOUR_CALM,
                "too many consecutive frames without content",
            ));
        }
        Ok(None)
    }

    /// Section 6.1.
    fn receive_data<'i>(&mut self, frame: Frame<'i>) -> Outcome<'i> {
        let stream = frame.header.stream;
        let data = frame.data()?;
        let len = frame.payload.len();
        // DATA counts against the connection's window in any state of the stream.
        if let Err(Overflow) = self.receive_window.receive(len) {
            return Err(Fault::Connection(
                ErrorCode::FLOW_CONTROL_ERROR,
                "more DATA than the connection's window",
            ));
        }
        let (state, slot) = self.state(stream);
        let taken = match (state.receive(Kind::Data), slot) {
            (FrameAction::Accept, Some(slot)) => {
                self.take_data(slot, len, data, frame.header.flags)
            }
            (action, _) => refuse(action, stream).map(|()| false),
        };
        match taken {
            Ok(true) => {
                self.empty_frames = 0;
                self.release_connection(len - data.len());
                let end_stream = frame.header.has(flag::END_STREAM);
                Ok(Some(Event::Data { stream, data, end_stream }))
            }
            Ok(false) => {
                self.release_connection(len);
                if data.is_empty() { self.empty_frame() } else { Ok(None) }
            }
            Err(fault) => {
                self.release_connection(len);
                Err(fault)
            }
        }
    }

    /// DATA on a stream that may receive it; returns whether to report it. `len` includes padding.
    fn take_data(&mut self, slot: Slot, len: usize, data: &[u8], flags: u8) -> Result<bool, Fault> {
        let end_stream = flags & flag::END_STREAM != 0;
        let stream = &mut self.streams[slot];
        if let Err(Overflow) = stream.receive.receive(len) {
            return Err(Fault::Stream(stream.id, ErrorCode::FLOW_CONTROL_ERROR));
        }
        if !stream.has_head {
            // Section 8.1: a message begins with a field block.
            return Err(Fault::Stream(stream.id, ErrorCode::PROTOCOL_ERROR));
        }
        stream.take_content(data.len(), end_stream)?;
        if end_stream {
            self.end_received(slot);
        } else if len > data.len() {
            self.release_stream(slot, len - data.len());
        }
        Ok(end_stream || !data.is_empty())
    }

    /// Section 6.2.
    fn receive_headers<'i>(&mut self, frame: Frame<'i>) -> Outcome<'i> {
        let stream = frame.header.stream;
        let end_stream = frame.header.has(flag::END_STREAM);
        let fragment = frame.fragment()?;
        if frame.header.has(flag::END_HEADERS) {
            return self.receive_block(stream, end_stream, fragment);
        }
        self.fragments.clear();
        self.fragments.extend_from_slice(fragment);
        self.open_block = Some(OpenBlock { stream, end_stream, continuations: 0 });
        Ok(None)
    }

    /// Section 6.10.
    fn receive_continuation<'i>(&mut self, frame: Frame<'i>) -> Outcome<'i> {
        let Some(block) = &mut self.open_block else {
            return Err(Fault::protocol("CONTINUATION without a field block to continue"));
        };
        block.continuations += 1;
        if block.continuations > self.limits.max_continuation_frames {
            return Err(Fault::Connection(
                ErrorCode::ENHANCE_YOUR_CALM,
                "too many CONTINUATION frames in one field block",
            ));
        }
        self.fragments.extend_from_slice(frame.payload);
        if !frame.header.has(flag::END_HEADERS) {
            return Ok(None);
        }
        let block = *block;
        self.open_block = None;
        let fragments = std::mem::take(&mut self.fragments);
        self.receive_block(block.stream, block.end_stream, &fragments)
    }

    /// A whole field block. It is decoded first, since the compression state must be updated even if
    /// the fields are not used (section 4.3).
    fn receive_block<'i>(
        &mut self,
        stream: StreamId,
        end_stream: bool,
        block: &[u8],
    ) -> Outcome<'i> {
        let limits = DecoderLimits {
            max_list_bytes: self.limits.max_header_list_bytes as usize,
            max_fields: self.limits.max_header_fields,
        };
        let mut fields = self.spare_blocks.pop().unwrap_or_default();
        let decoded = match self.decoder.decode(block, &limits, &mut fields) {
            Ok(()) => Some(fields),
            Err(error) if error.is_connection_error() => {
                return Err(Fault::Connection(
                    ErrorCode::COMPRESSION_ERROR,
                    "a field block cannot be decoded",
                ));
            }
            Err(_) => None,
        };
        let (state, slot) = self.state(stream);
        match (state.receive(Kind::Headers), slot) {
            (FrameAction::Accept, Some(slot)) => {
                let Some(fields) = decoded else {
                    return Err(Fault::Stream(stream, ErrorCode::ENHANCE_YOUR_CALM));
                };
                if self.streams[slot].has_head {
                    self.receive_trailers(slot, fields, end_stream)
                } else {
                    self.receive_response(slot, fields, end_stream)
                }
            }
            (FrameAction::Open, _) => self.receive_request(stream, decoded, end_stream),
            (action, _) => {
                decoded.into_iter().for_each(|fields| self.recycle(fields));
                refuse(action, stream).map(|()| None)
            }
        }
    }

    /// HEADERS that open a stream (sections 5.1.1, 5.1.2 and 8.3.1).
    fn receive_request<'i>(
        &mut self,
        stream: StreamId,
        fields: Option<FieldBlock>,
        end_stream: bool,
    ) -> Outcome<'i> {
        if self.role == Role::Client || !stream.is_client_initiated() {
            return Err(Fault::protocol("HEADERS on a stream that the peer may not open"));
        }
        self.empty_frames = 0;
        self.last_stream = stream;
        let content_length = fields.as_ref().map_or(Ok(None), check_request);
        let outcome = match content_length {
            _ if self.is_full() => Err(ErrorCode::REFUSED_STREAM),
            Ok(Some(1..)) if end_stream => Err(ErrorCode::PROTOCOL_ERROR),
            Err(Malformed(_)) => Err(ErrorCode::PROTOCOL_ERROR),
            Ok(content_length) => Ok(content_length),
        };
        match outcome {
            Err(code) => {
                fields.into_iter().for_each(|fields| self.recycle(fields));
                Err(Fault::Stream(stream, code))
            }
            Ok(content_length) => {
                let slot = self.insert_stream(stream);
                let opened = &mut self.streams[slot];
                opened.has_head = true;
                opened.content_left = content_length;
                if end_stream {
                    opened.state = opened.state.end_received();
                }
                Ok(Some(match fields {
                    Some(fields) => Event::Headers { stream, fields, end_stream },
                    None => Event::HeadersTooLarge { stream, end_stream },
                }))
            }
        }
    }

    /// Whether a new stream of the peer is refused.
    fn is_full(&self) -> bool {
        self.streams.len() >= self.limits.max_concurrent_calls as usize || self.is_draining()
    }

    /// Adds an open stream with its initial windows.
    pub(super) fn insert_stream(&mut self, stream: StreamId) -> Slot {
        let send = SendWindow::new(self.peer.initial_window_size);
        let receive = ReceiveWindow::new(self.stream_window);
        self.streams.insert(stream, send, receive)
    }

    /// The head of a response, or an informational one (sections 8.1 and 8.3.2).
    fn receive_response<'i>(
        &mut self,
        slot: Slot,
        fields: FieldBlock,
        end_stream: bool,
    ) -> Outcome<'i> {
        let stream = &mut self.streams[slot];
        let id = stream.id;
        let malformed = Fault::Stream(id, ErrorCode::PROTOCOL_ERROR);
        let head = match check_response(&fields) {
            Ok(head) if head.status >= 200 || !end_stream => head,
            _ => {
                self.recycle(fields);
                return Err(malformed);
            }
        };
        if head.status < 200 {
            self.recycle(fields);
            return self.empty_frame();
        }
        stream.has_head = true;
        // Section 8.1.1: such a response may have a content-length, but no content.
        let is_bare = stream.is_head_request || matches!(head.status, 204 | 304);
        stream.content_left = if is_bare { Some(0) } else { head.content_length };
        if end_stream {
            stream.take_content(0, true)?;
            self.end_received(slot);
        }
        self.empty_frames = 0;
        Ok(Some(Event::Headers { stream: id, fields, end_stream }))
    }

    /// A trailer section (section 8.1).
    fn receive_trailers<'i>(
        &mut self,
        slot: Slot,
        fields: FieldBlock,
        end_stream: bool,
    ) -> Outcome<'i> {
        let stream = &mut self.streams[slot];
        let id = stream.id;
        if !end_stream || check_trailers(&fields).is_err() {
            self.recycle(fields);
            return Err(Fault::Stream(id, ErrorCode::PROTOCOL_ERROR));
        }
        stream.take_content(0, true)?;
        self.end_received(slot);
        self.empty_frames = 0;
        Ok(Some(Event::Trailers { stream: id, fields }))
    }

    /// END_STREAM was received.
    fn end_received(&mut self, slot: Slot) {
        let stream = &mut self.streams[slot];
        stream.state = stream.state.end_received();
        if let State::Closed(reason) = stream.state {
            self.remove(slot, reason);
        }
    }

    /// Section 6.4. On a server every RST_STREAM spends the reset budget, also on a stream that has
    /// just ended. A client is not attacked this way: it has opened the streams itself.
    fn receive_rst_stream<'i>(&mut self, frame: Frame<'i>) -> Outcome<'i> {
        let stream = frame.header.stream;
        let error = frame.reset_code()?;
        let (state, slot) = self.state(stream);
        match (state.receive(Kind::RstStream), slot) {
            (FrameAction::Accept, Some(slot)) => {
                // Before the removal: it may close the connection, whose event must be the last.
                self.events.push_back(Event::Reset { stream, error, by_peer: true });
                self.remove(slot, CloseReason::ResetByPeer);
            }
            (action, _) => refuse(action, stream)?,
        }
        if self.role == Role::Server {
            self.spend_reset();
        }
        Ok(None)
    }

    /// Section 6.9, for one stream.
    fn receive_stream_credit<'i>(&mut self, frame: Frame<'i>) -> Outcome<'i> {
        let stream = frame.header.stream;
        let increment = frame.increment()?;
        let (state, slot) = self.state(stream);
        let action = state.receive(Kind::WindowUpdate);
        let (FrameAction::Accept, Some(slot)) = (action, slot) else {
            return refuse(action, stream).map(|()| None);
        };
        if increment == 0 {
            return Err(Fault::Stream(stream, ErrorCode::PROTOCOL_ERROR));
        }
        if let Err(Overflow) = self.streams[slot].send.shift(i64::from(increment)) {
            return Err(Fault::Stream(stream, ErrorCode::FLOW_CONTROL_ERROR));
        }
        self.schedule(slot);
        self.send_queued();
        Ok(None)
    }

    /// Section 6.9, for the connection.
    fn receive_connection_credit<'i>(&mut self, frame: Frame<'i>) -> Outcome<'i> {
        let increment = frame.increment()?;
        if increment == 0 {
            return Err(Fault::protocol("a WINDOW_UPDATE with an increment of 0"));
        }
        if let Err(Overflow) = self.send_window.shift(i64::from(increment)) {
            return Err(Fault::Connection(
                ErrorCode::FLOW_CONTROL_ERROR,
                "the connection's window is above 2^31 - 1",
            ));
        }
        self.send_queued();
        Ok(None)
    }

    /// Section 6.3: only the length is checked.
    fn receive_priority<'i>(&mut self, frame: Frame<'i>) -> Outcome<'i> {
        if frame.payload.len() == 5 {
            return self.empty_frame();
        }
        // RST_STREAM on an idle stream would itself be an error.
        match self.streams.find(frame.header.stream) {
            Some(_) => Err(Fault::Stream(frame.header.stream, ErrorCode::FRAME_SIZE_ERROR)),
            None => Err(Fault::frame_size("a PRIORITY frame is not 5 bytes long")),
        }
    }
}

/// The result for a frame that is not accepted: none, or a fault.
fn refuse(action: FrameAction, stream: StreamId) -> Result<(), Fault> {
    match action {
        FrameAction::Accept | FrameAction::Open | FrameAction::Discard => Ok(()),
        FrameAction::StreamError(code) => Err(Fault::Stream(stream, code)),
        FrameAction::ConnectionError(code, reason) => Err(Fault::Connection(code, reason)),
    }
}
