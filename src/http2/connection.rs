//! A connection: its construction, its input, its limits and its end.

use std::collections::VecDeque;
use std::time::Duration;

use crate::call::{Limits, PingPolicy, ResetBudget};
use crate::hpack::{Decoder, Encoder, FieldBlock};

use super::flow::{ReceiveWindow, SendWindow};
use super::frame::{self, Frame, PREFACE};
use super::output::Output;
use super::settings::{DEFAULT_WINDOW, LocalSettings, MAX_WINDOW, PeerSettings};
use super::state::{CloseReason, State};
use super::streams::{RecentlyClosed, Slot, Streams};
use super::{ErrorCode, Event, Fault, StreamId};

/// The dynamic table that the peer's encoder may use with us: the initial value of
/// SETTINGS_HEADER_TABLE_SIZE, which we leave as it is.
const HEADER_TABLE_BYTES: usize = 4096;

/// Field blocks that are kept for reuse; an idle connection keeps one.
const SPARE_BLOCKS: usize = 4;

/// A field block with more memory than this is not kept.
const SPARE_BLOCK_BYTES: usize = 2048;

/// The role of this endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// We open streams.
    Client,
    /// The peer opens streams.
    Server,
}

/// The phase of a connection.
///
/// ```text
///  server: Preface --24 bytes--> Settings --SETTINGS--> Running --GOAWAY and the last stream's end,
///  client:                       Settings --SETTINGS--> Running   or an error in any phase--> Closed
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A server: the client's preface has not arrived.
    Preface,
    /// The peer's first frame must be SETTINGS (section 3.4).
    Settings,
    /// SETTINGS have arrived.
    Running,
    /// GOAWAY is written; input is discarded.
    Closed,
}

/// The progress of our graceful shutdown (section 6.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shutdown {
    /// Not requested.
    None,
    /// A server has announced it (GOAWAY with the largest identifier) and waits for the answer to a
    /// PING: requests that were in flight have arrived by then.
    Announced,
    /// New streams are refused; the connection ends with the last stream.
    Draining,
}

/// A field block whose END_HEADERS has not arrived yet; its bytes are in `Connection::fragments`.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenBlock {
    pub stream: StreamId,
    pub end_stream: bool,
    pub continuations: u32,
}

/// One HTTP/2 connection, as a client or as a server.
///
/// The caller passes the bytes that the socket reads to [`Connection::next_event`] and writes
/// [`Connection::output`] to the socket. After a call of any other method there may be events
/// without input ([`Connection::has_events`]).
pub struct Connection {
    pub(super) role: Role,
    pub(super) limits: Limits,
    pub(super) phase: Phase,
    pub(super) shutdown: Shutdown,
    /// The last stream identifier in the peer's GOAWAY; `None` before it.
    pub(super) peer_last_stream: Option<StreamId>,
    /// The error code in the peer's GOAWAY.
    pub(super) peer_go_away_code: ErrorCode,
    pub(super) now: Duration,
    /// When the preface, the peer's SETTINGS and its acknowledgement of ours are due.
    pub(super) settings_deadline: Duration,
    pub(super) settings_acknowledged: bool,

    pub(super) decoder: Decoder,
    pub(super) encoder: Encoder,
    pub(super) open_block: Option<OpenBlock>,
    pub(super) fragments: Vec<u8>,
    pub(super) spare_blocks: Vec<FieldBlock>,

    pub(super) streams: Streams,
    pub(super) recently_closed: RecentlyClosed,
    /// Streams that have DATA and an open window, in round-robin order.
    pub(super) sending: VecDeque<Slot>,
    /// Bytes of DATA queued on all streams together.
    pub(super) queued_bytes: usize,
    /// When queued DATA was last sent, or last exceeded `max_queued_output_bytes`.
    pub(super) queue_progress_at: Duration,
    /// A server: the highest identifier that the client used. A client: the highest it used.
    pub(super) last_stream: StreamId,

    pub(super) peer: PeerSettings,
    pub(super) send_window: SendWindow,
    pub(super) receive_window: ReceiveWindow,
    /// The initial receive window of a stream. Not below the default until the peer has
    /// acknowledged our SETTINGS.
    pub(super) stream_window: u32,

    pub(super) events: VecDeque<Event<'static>>,
    pub(super) output: Output,
    pub(super) resets: ResetBudget,
    /// A server: limits the client's pings and settings.
    pub(super) pings: PingPolicy,
    /// Consecutive frames without content.
    pub(super) empty_frames: u32,
}

impl Connection {
    /// A server's connection. The first input must be the client's 24-byte preface. Our SETTINGS are
    /// in the output at once. `now` is the time since any fixed start.
    pub fn new_server(limits: &Limits, now: Duration) -> Connection {
        let local = LocalSettings::of_server(limits);
        Connection::new(Role::Server, Phase::Preface, &local, limits, now)
    }

    /// A client's connection. Preface and SETTINGS are in the output at once; requests may follow
    /// before the server's SETTINGS have arrived.
    pub fn new_client(limits: &Limits, now: Duration) -> Connection {
        let local = LocalSettings::of_client(limits);
        Connection::new(Role::Client, Phase::Settings, &local, limits, now)
    }

    fn new(
        role: Role,
        phase: Phase,
        local: &LocalSettings,
        limits: &Limits,
        now: Duration,
    ) -> Connection {
        let connection_window = limits.connection_window_bytes.clamp(DEFAULT_WINDOW, MAX_WINDOW);
        let mut output = Output::default();
        let out = output.buffer();
        if role == Role::Client {
            out.extend_from_slice(PREFACE);
        }
        local.write(out);
        if connection_window > DEFAULT_WINDOW {
            let increment = connection_window - DEFAULT_WINDOW;
            frame::write_window_update(StreamId::CONNECTION, increment, out);
        }
        Connection {
            role,
            limits: limits.clone(),
            phase,
            shutdown: Shutdown::None,
            peer_last_stream: None,
            peer_go_away_code: ErrorCode::NO_ERROR,
            now,
            settings_deadline: now + limits.preface_timeout,
            settings_acknowledged: false,
            decoder: Decoder::new(HEADER_TABLE_BYTES),
            encoder: Encoder::new(),
            open_block: None,
            fragments: Vec::new(),
            spare_blocks: Vec::new(),
            streams: Streams::default(),
            recently_closed: RecentlyClosed::default(),
            sending: VecDeque::new(),
            queued_bytes: 0,
            queue_progress_at: now,
            last_stream: StreamId::CONNECTION,
            peer: PeerSettings::new(),
            send_window: SendWindow::new(DEFAULT_WINDOW),
            receive_window: ReceiveWindow::new(connection_window),
            stream_window: local.initial_window_size.max(DEFAULT_WINDOW),
            events: VecDeque::new(),
            output,
            resets: ResetBudget::new(limits.reset_burst, limits.resets_per_s, now),
            pings: PingPolicy::default(),
            empty_frames: 0,
        }
    }

    /// Reads input up to the next event. Whole frames are consumed (`input` moves past them). On
    /// `None` the rest of the input is an incomplete frame, to be presented again with more bytes
    /// behind it.
    pub fn next_event<'i>(&mut self, now: Duration, input: &mut &'i [u8]) -> Option<Event<'i>> {
        self.now = self.now.max(now);
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let outcome = match self.phase {
                Phase::Preface => match self.take_preface(input) {
                    Ok(false) => break,
                    Ok(true) => continue,
                    Err(fault) => Err(fault),
                },
                Phase::Settings | Phase::Running => match Frame::take(input) {
                    Ok(None) => break,
                    Ok(Some(frame)) => self.receive(frame),
                    Err(fault) => Err(fault),
                },
                Phase::Closed => {
                    *input = &[];
                    break;
                }
            };
            match outcome {
                Ok(Some(event)) => return Some(event),
                Ok(None) => {}
                Err(Fault::Stream(stream, code)) => self.fail_stream(stream, code),
                Err(Fault::Connection(code, reason)) => self.fail(code, reason),
            }
        }
        self.release_idle_memory();
        None
    }

    /// Takes the preface; false while it is incomplete. It is an error as soon as one byte differs
    /// (section 3.4).
    fn take_preface(&mut self, input: &mut &[u8]) -> Result<bool, Fault> {
        match input.split_first_chunk::<{ PREFACE.len() }>() {
            Some((preface, rest)) if preface == PREFACE => {
                *input = rest;
                self.phase = Phase::Settings;
                Ok(true)
            }
            None if PREFACE.starts_with(input) => Ok(false),
            _ => Err(Fault::protocol("the client's preface is not HTTP/2's")),
        }
    }

    /// Whether [`Connection::next_event`] has an event to return without input.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Takes a field block back to reuse its memory.
    pub fn recycle(&mut self, mut fields: FieldBlock) {
        if self.spare_blocks.len() < SPARE_BLOCKS && fields.capacity_bytes() <= SPARE_BLOCK_BYTES {
            fields.clear();
            self.spare_blocks.push(fields);
        }
    }

    /// Bytes of a field block whose end has not arrived.
    pub fn fragment_bytes(&self) -> usize {
        if self.open_block.is_some() { self.fragments.len() } else { 0 }
    }

    /// Whether the peer has sent its SETTINGS and acknowledged ours.
    pub fn is_established(&self) -> bool {
        self.settings_exchanged()
    }

    /// How many streams are open or half-closed.
    pub fn open_streams(&self) -> usize {
        self.streams.len()
    }

    /// How many concurrent streams the peer allows (SETTINGS_MAX_CONCURRENT_STREAMS).
    pub fn max_streams(&self) -> usize {
        self.peer.max_concurrent_streams as usize
    }

    /// Bytes to write to the socket.
    pub fn output(&self) -> &[u8] {
        self.output.pending()
    }

    /// The socket has taken `count` bytes of the output. Queued DATA may follow into it.
    pub fn consume_output(&mut self, count: usize) {
        self.output.consume(count);
        self.send_queued();
        self.release_idle_memory();
    }

    /// Releases memory when no stream is open and the output is empty.
    fn release_idle_memory(&mut self) {
        if !self.streams.is_empty() || !self.output.pending().is_empty() {
            return;
        }
        debug_assert_eq!((self.queued_bytes, self.sending.len()), (0, 0));
        self.output.shrink();
        self.streams.shrink();
        self.spare_blocks.truncate(1);
        if self.sending.capacity() > 0 {
            self.sending = VecDeque::new();
        }
        if self.events.is_empty() && self.events.capacity() > 0 {
            self.events = VecDeque::new();
        }
    }

    /// False while the peer does not read the replies that it causes: more input would cause more.
    pub fn wants_input(&self) -> bool {
        self.output.queued_replies() <= self.limits.max_queued_control_replies as usize
            && self.output.pending().len() < self.limits.max_queued_output_bytes
    }

    /// Whether the connection has ended: write the rest of the output, then close the socket.
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// When [`Connection::handle_timeout`] must be called.
    pub fn next_timeout(&self) -> Option<Duration> {
        if self.phase == Phase::Closed {
            return None;
        }
        let settings = (!self.settings_exchanged()).then_some(self.settings_deadline);
        let stalled = self.is_overloaded().then(|| self.stall_deadline());
        settings.into_iter().chain(stalled).min()
    }

    /// Handles the passing of time. The connection ends when the peer has not sent its preface and
    /// SETTINGS in time, has not acknowledged ours, or opens no window for a large amount of queued
    /// DATA.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.now = self.now.max(now);
        if self.next_timeout().is_none_or(|deadline| deadline > self.now) {
            return;
        }
        if self.settings_exchanged() {
            self.fail(ErrorCode::ENHANCE_YOUR_CALM, "the peer opens no window for queued data");
        } else {
            self.fail(ErrorCode::SETTINGS_TIMEOUT, "SETTINGS were not exchanged in time");
        }
    }

    /// Whether more DATA is queued than may wait without limit of time.
    pub(super) fn is_overloaded(&self) -> bool {
        self.queued_bytes > self.limits.max_queued_output_bytes
    }

    fn stall_deadline(&self) -> Duration {
        self.queue_progress_at + self.limits.write_stall_timeout
    }

    fn settings_exchanged(&self) -> bool {
        self.phase == Phase::Running && self.settings_acknowledged
    }

    /// A connection error (section 5.4.1): GOAWAY with the reason, and the end of the connection.
    pub(super) fn fail(&mut self, code: ErrorCode, reason: &'static str) {
        self.end(code, reason.as_bytes(), reason);
    }

    /// Ends the connection at once, with any code: writes GOAWAY and drops every stream. `debug` is
    /// the human-readable debug data for the peer, cut at 16 KiB; `reason` is for our own logs.
    pub fn end(&mut self, code: ErrorCode, debug: &[u8], reason: &'static str) {
        if self.phase == Phase::Closed {
            return;
        }
        let last_stream = self.last_peer_stream();
        frame::write_go_away(last_stream, code, debug, self.output.buffer());
        self.close(Event::Closed { error: code, reason, by_peer: false });
    }

    /// Closes the connection: no stream, no input, one last event.
    pub(super) fn close(&mut self, last_event: Event<'static>) {
        self.phase = Phase::Closed;
        self.streams.clear();
        self.sending = VecDeque::new();
        self.queued_bytes = 0;
        self.open_block = None;
        self.fragments = Vec::new();
        self.events.push_back(last_event);
    }

    /// A stream error (section 5.4.2): RST_STREAM, and an event if the user knows the stream. It
    /// spends the reset budget, since the peer has provoked it.
    pub(super) fn fail_stream(&mut self, stream: StreamId, code: ErrorCode) {
        self.output.rst_stream(stream, code);
        match self.streams.find(stream) {
            Some(slot) => {
                self.events.push_back(Event::Reset { stream, error: code, by_peer: false });
                self.remove(slot, CloseReason::ResetByUs);
            }
            None => self.recently_closed.record(stream, CloseReason::ResetByUs),
        }
        self.spend_reset();
    }

    /// Spends the budget of one reset; the connection ends when the budget is used up.
    pub(super) fn spend_reset(&mut self) {
        if !self.resets.spend(self.now) {
            self.fail(ErrorCode::ENHANCE_YOUR_CALM, "too many streams were reset");
        }
    }

    /// Removes a stream that has ended and records why it ended.
    pub(super) fn remove(&mut self, slot: Slot, reason: CloseReason) {
        let stream = &self.streams[slot];
        self.recently_closed.record(stream.id, reason);
        self.queued_bytes -= stream.queue.len();
        if stream.scheduled {
            self.sending.retain(|&other| other != slot);
        }
        self.streams.remove(slot);
        self.close_if_drained();
    }

    /// The state of a stream, and its slot if it is open.
    pub(super) fn state(&self, stream: StreamId) -> (State, Option<Slot>) {
        if let Some(slot) = self.streams.find(stream) {
            return (self.streams[slot].state, Some(slot));
        }
        // Even streams are never opened: a client must not, and a server does not push.
        if !stream.is_client_initiated() || stream > self.last_stream {
            return (State::Idle, None);
        }
        match self.recently_closed.state(stream) {
            // A client has used every identifier up to the last: it has only dropped the record.
            State::Closed(CloseReason::Forgotten) if self.role == Role::Client => {
                (State::Closed(CloseReason::ResetByUs), None)
            }
            state => (state, None),
        }
    }

    /// The last stream of the peer that was processed, for GOAWAY.
    pub(super) fn last_peer_stream(&self) -> StreamId {
        match self.role {
            Role::Client => StreamId::CONNECTION,
            Role::Server => self.last_stream,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hpack::Indexing;

    type TestField = (&'static [u8], &'static [u8], Indexing);

    const REQUEST: [TestField; 3] = [
        (b":method", b"POST", Indexing::Incremental),
        (b":scheme", b"http", Indexing::Incremental),
        (b":path", b"/", Indexing::Incremental),
    ];

    /// Delivers the output of one side to the other, which releases all content. Returns the streams
    /// that ended.
    fn deliver(from: &mut Connection, to: &mut Connection) -> Vec<StreamId> {
        let bytes = from.output().to_vec();
        from.consume_output(bytes.len());
        let mut input = &bytes[..];
        let mut ended = Vec::new();
        while let Some(event) = to.next_event(Duration::ZERO, &mut input) {
            match event {
                Event::Headers { fields, .. } => to.recycle(fields),
                Event::Data { stream, data, end_stream } => {
                    to.release(stream, data.len());
                    ended.extend(end_stream.then_some(stream));
                }
                _ => {}
            }
        }
        ended
    }

    /// The memory of a connection in bytes, without the tables of `hpack`.
    fn held_bytes(connection: &Connection) -> usize {
        let blocks = &connection.spare_blocks;
        size_of::<Connection>()
            + connection.output.held_bytes()
            + connection.streams.held_bytes()
            + connection.sending.capacity() * size_of::<Slot>()
            + connection.events.capacity() * size_of::<Event<'_>>()
            + connection.fragments.capacity()
            + blocks.capacity() * size_of::<FieldBlock>()
            + blocks.iter().map(FieldBlock::capacity_bytes).sum::<usize>()
    }

    #[test]
    fn a_connection_that_becomes_idle_holds_little_memory() {
        let mut client = Connection::new_client(&Limits::DEFAULT, Duration::ZERO);
        let mut server = Connection::new_server(&Limits::DEFAULT, Duration::ZERO);
        let long = (&b"x-long"[..], &[b'x'; 10_000][..], Indexing::Incremental);
        for _ in 0..100 {
            let stream = client.open(REQUEST.into_iter().chain([long]), false).unwrap();
            client.send_data(stream, &[&[0; 20_000]], true).unwrap();
        }
        let (mut answered, mut most) = (0, 0);
        while !client.output().is_empty() || !server.output().is_empty() {
            for stream in deliver(&mut client, &mut server) {
                let status = (&b":status"[..], &b"200"[..], Indexing::Incremental);
                server.send_headers(stream, [status], false).unwrap();
                server.send_data(stream, &[&[0; 20_000]], true).unwrap();
                answered += 1;
            }
            deliver(&mut server, &mut client);
            most = most.max(held_bytes(&client)).max(held_bytes(&server));
        }
        assert_eq!(answered, 100);
        assert!(most > 200_000, "it was busy");
        for side in [&client, &server] {
            assert_eq!(side.open_streams(), 0);
            assert!(held_bytes(side) < 2048, "{} bytes", held_bytes(side));
        }
    }
}
