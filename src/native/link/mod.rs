//! The state that both roles of a connection share: output, open calls, credit, pings, shutdown.

mod sending;

use std::collections::VecDeque;
use std::time::Duration;

use super::Error;
use super::buffer::Envelopes;
use super::calls::CallTable;
use super::credit::{self, Allowance, MIN_WINDOW};
use super::envelope::{Header, Kind, Parts};
use super::input::{Input, MAGIC, take_magic};
use super::wire::{self, GoAway, HeaderError, Hello};
use crate::call::{Code, Limits, PingPolicy, Status};

/// A connection that has received nothing for this long releases memory that it does not need. Not
/// earlier: between two bursts it would only allocate the same memory again.
const IDLE_TIME: Duration = Duration::from_secs(1);
/// The largest empty output buffer that an idle connection keeps.
const KEEP_OUTPUT_BYTES: usize = 4 * 1024;

/// The part of the peer's handshake that is expected next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Handshake {
    Magic,
    Hello,
    Done,
}

/// One connection, without its role.
pub(super) struct Link {
    /// We are the server, whose last envelope ends a call.
    is_server: bool,
    pub(super) limits: Limits,
    pub(super) handshake: Handshake,
    /// When the handshake must be complete.
    handshake_deadline: Duration,
    /// When bytes were last received.
    last_received_at: Duration,
    pub(super) input: Input,
    pub(super) output: Envelopes,
    pub(super) calls: CallTable,
    /// The highest call id begun.
    pub(super) last_call: u32,
    /// The highest call id that a server's application was given; 0 at a client.
    pub(super) last_accepted: u32,
    /// Our credit for the connection.
    credit: i64,
    /// Our initial credit for a call.
    peer_call_window: i64,
    /// The peer's credit for the connection.
    allowance: Allowance,
    /// The cost of received messages that were not consumed yet.
    unconsumed: i64,
    /// Our windows, which HELLO announces.
    call_window: i64,
    connection_window: i64,
    /// The round-robin queue: calls with credit of their own that wait for credit of the connection or
    /// space in the output.
    scheduled: VecDeque<u32>,
    /// Calls whose queue has drained and that are not reported yet.
    drained: VecDeque<u32>,
    pings: u64,
    pub(super) pongs: u64,
    /// A server: limits the client's pings.
    pub(super) ping_policy: PingPolicy,
    /// Envelopes that the peer has provoked and not read yet.
    replies: u32,
    /// Consecutive envelopes without an effect.
    idle_envelopes: u32,
    /// We have sent GO_AWAY, or would have.
    pub(super) going_away: bool,
    /// The peer has sent GO_AWAY.
    pub(super) peer_going_away: bool,
    /// The connection was closed at once.
    pub(super) closed: bool,
}

impl Link {
    pub(super) fn new(is_server: bool, limits: &Limits, now: Duration) -> Link {
        let connection_window = credit::window(limits.connection_window_bytes);
        Link {
            is_server,
            limits: limits.clone(),
            handshake: Handshake::Magic,
            handshake_deadline: now + limits.preface_timeout,
            last_received_at: now,
            input: Input::new(limits),
            output: Envelopes::default(),
            calls: CallTable::default(),
            last_call: 0,
            last_accepted: 0,
            credit: MIN_WINDOW.into(),
            peer_call_window: MIN_WINDOW.into(),
            allowance: Allowance::new(connection_window),
            unconsumed: 0,
            call_window: credit::window(limits.call_window_bytes),
            connection_window,
            scheduled: VecDeque::new(),
            drained: VecDeque::new(),
            pings: 0,
            pongs: 0,
            ping_policy: PingPolicy::default(),
            replies: 0,
            idle_envelopes: 0,
            going_away: false,
            peer_going_away: false,
            closed: false,
        }
    }

    /// The memory held, in bytes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        let queues = self.scheduled.capacity() + self.drained.capacity();
        let buffers = self.output.capacity() + self.input.memory();
        size_of::<Link>() + buffers + self.calls.memory() + 4 * queues
    }

    // Time.

    /// Records the time at which bytes were received.
    pub(super) fn bytes_received(&mut self, now: Duration) {
        self.last_received_at = now;
    }

    /// When the handshake must be complete, or else when an idle connection releases memory.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        if self.is_over() {
            None
        } else if self.handshake != Handshake::Done {
            Some(self.handshake_deadline)
        } else {
            self.has_spare_memory().then_some(self.last_received_at + IDLE_TIME)
        }
    }

    /// Releases memory when the connection is idle.
    pub(super) fn release_idle_memory(&mut self, now: Duration) {
        if self.has_spare_memory() && now >= self.last_received_at + IDLE_TIME {
            self.output.shrink();
            self.input.shrink();
            self.calls.shrink();
        }
    }

    /// Whether the output is empty and memory can be released.
    fn has_spare_memory(&self) -> bool {
        self.output.is_empty()
            && (self.output.capacity() > KEEP_OUTPUT_BYTES
                || self.input.is_spare()
                || self.calls.is_spare())
    }

    // The handshake.

    /// Puts our magic and HELLO. A client accepts no calls: its `max_concurrent_calls` is 0.
    pub(super) fn put_hello(&mut self, max_concurrent_calls: u32) {
        let hello = Hello {
            call_window_bytes: self.call_window as u32,
            connection_window_bytes: self.connection_window as u32,
            max_concurrent_calls,
        };
        self.output.put_raw(&MAGIC);
        self.output.put_with(Kind::Hello, 0, 0, |out| wire::write_hello(out, hello));
    }

    /// Takes the peer's magic off the input, when it is due. A server sends its own after that.
    pub(super) fn take_magic(&mut self, input: &mut &[u8]) -> Result<(), Error> {
        if self.handshake == Handshake::Magic && take_magic(input)? {
            self.handshake = Handshake::Hello;
            if self.is_server {
                self.put_hello(self.limits.max_concurrent_calls);
            }
        }
        Ok(())
    }

    /// Handles the peer's first envelope: its windows replace the smallest ones, also for calls that are
    /// already open.
    pub(super) fn receive_hello(&mut self, header: Header, payload: &[u8]) -> Result<Hello, Error> {
        if header.kind != Kind::Hello {
            return Err(Error::HelloMissing);
        }
        let hello = wire::read_hello(payload).map_err(|_| Error::HelloMalformed)?;
        let windows = [hello.call_window_bytes, hello.connection_window_bytes];
        if windows.iter().any(|window| !(MIN_WINDOW..=credit::MAX_WINDOW).contains(window)) {
            return Err(Error::HelloMalformed);
        }
        self.handshake = Handshake::Done;
        self.credit += i64::from(hello.connection_window_bytes - MIN_WINDOW);
        self.peer_call_window = hello.call_window_bytes.into();
        for id in self.calls.ids_above(0) {
            if let Some(call) = self.calls.get_mut(id) {
                call.credit += i64::from(hello.call_window_bytes - MIN_WINDOW);
            }
            self.schedule(id);
        }
        self.send_scheduled();
        Ok(hello)
    }

    /// Whether the handshake is late.
    pub(super) fn is_handshake_late(&self, now: Duration) -> bool {
        self.handshake != Handshake::Done && !self.is_over() && now >= self.handshake_deadline
    }

    // The end.

    /// Whether the connection has ended: no more input is read, no call starts, and the rest of the
    /// output can still be written.
    pub(super) fn is_over(&self) -> bool {
        self.closed || ((self.going_away || self.peer_going_away) && self.calls.is_empty())
    }

    /// Puts GO_AWAY. A server puts nothing before the client's magic has come (S2).
    pub(super) fn put_go_away(&mut self, code: Code, reason: &str) {
        if self.is_server && self.handshake == Handshake::Magic {
            return;
        }
        let go_away = GoAway { last_call_id: self.last_accepted, code, reason };
        self.output.put_with(Kind::GoAway, 0, 0, |out| wire::write_go_away(out, go_away));
    }

    // Reading.

    /// Whether to read more input: not while the peer does not read the envelopes that it has provoked.
    pub(super) fn wants_input(&self) -> bool {
        self.replies < self.limits.max_queued_control_replies && !self.is_over()
    }

    /// Counts an envelope that the peer has provoked.
    pub(super) fn count_reply(&mut self) {
        self.replies += 1;
    }

    /// An envelope had an effect.
    pub(super) fn reset_idle_count(&mut self) {
        self.idle_envelopes = 0;
    }

    /// Counts an envelope without an effect. A peer may send as many in a row as calls may just have
    /// ended, and some more.
    pub(super) fn count_idle(&mut self) -> Result<(), Error> {
        self.idle_envelopes += 1;
        let limits = &self.limits;
        if self.idle_envelopes > limits.max_empty_frames.saturating_add(limits.max_concurrent_calls)
        {
            return Err(Error::TooManyIdle);
        }
        Ok(())
    }

    /// Checks an envelope for a call that is not open: the call must have been open before.
    pub(super) fn check_past_call(&self, id: u32) -> Result<(), Error> {
        if id > self.last_call { Err(Error::CallUnknown) } else { Ok(()) }
    }

    /// Handles the kinds that mean the same for both roles. The caller has handled the others.
    pub(super) fn receive_common(&mut self, header: Header, payload: &[u8]) -> Result<(), Error> {
        match (header.kind, payload) {
            (Kind::Credit, &[a, b, c, d]) => {
                self.take_credit(header.id, u32::from_be_bytes([a, b, c, d]))
            }
            (Kind::Ping, _) => {
                let (now, has_calls) = (self.last_received_at, !self.calls.is_empty());
                if self.is_server && !self.ping_policy.ping(now, has_calls, &self.limits) {
                    return Err(Error::TooManyPings);
                }
                self.output.put(Kind::Pong, 0, 0, payload);
                self.count_reply();
                Ok(())
            }
            (Kind::Pong, _) => {
                if self.pongs == self.pings || payload != (self.pongs + 1).to_be_bytes() {
                    return Err(Error::Pong);
                }
                self.pongs += 1;
                Ok(())
            }
            (Kind::Hello, _) => Err(Error::HelloAgain),
            _ => Err(Error::Direction),
        }
    }

    fn take_credit(&mut self, id: u32, amount: u32) -> Result<(), Error> {
        if id == 0 {
            credit::add(&mut self.credit, amount)?;
        } else if let Some(call) = self.calls.get_mut(id) {
            credit::add(&mut call.credit, amount)?;
            self.schedule(id);
        } else {
            self.check_past_call(id)?;
            return self.count_idle();
        }
        self.reset_idle_count();
        self.send_scheduled();
        Ok(())
    }

    /// Charges a received message to the connection's credit.
    pub(super) fn charge(&mut self, cost: i64) -> Result<(), Error> {
        self.allowance.charge(cost)?;
        self.unconsumed += cost;
        Ok(())
    }

    /// Releases the cost of a message to the connection's credit.
    pub(super) fn release(&mut self, cost: i64) {
        self.unconsumed -= cost;
        if let Some(amount) = self.allowance.release(cost, self.connection_window) {
            self.output.put(Kind::Credit, 0, 0, &amount.to_be_bytes());
        }
    }

    /// Received bytes of incomplete envelopes, and the cost of messages that were not consumed.
    pub(super) fn received_bytes(&self) -> usize {
        self.input.gathered_bytes() + usize::try_from(self.unconsumed).unwrap_or(0)
    }

    /// The application has consumed a message of a call.
    pub(super) fn message_taken(&mut self, id: u32, bytes: usize) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let cost = credit::cost(bytes).min(call.unconsumed);
        call.unconsumed -= cost;
        if !call.peer_finished
            && let Some(amount) = call.allowance.release(cost, self.call_window)
        {
            self.output.put(Kind::Credit, 0, id, &amount.to_be_bytes());
        }
        self.release(cost);
    }

    /// Enlarges the windows of a call and of the connection.
    pub(super) fn extend_window(&mut self, id: u32, bytes: u32) {
        let Some(call) = self.calls.get_mut(id).filter(|call| !call.peer_finished) else { return };
        if let Some(amount) = call.allowance.extend_window(bytes) {
            self.output.put(Kind::Credit, 0, id, &amount.to_be_bytes());
        }
        if let Some(amount) = self.allowance.extend_window(bytes) {
            self.output.put(Kind::Credit, 0, 0, &amount.to_be_bytes());
        }
    }

    // Writing.

    /// The first `n` bytes of the output were written.
    pub(super) fn consume_output(&mut self, n: usize) {
        self.output.consume(n);
        if !self.scheduled.is_empty() {
            self.send_scheduled();
        }
        if self.output.is_empty() {
            self.replies = 0;
        }
    }

    pub(super) fn ping(&mut self) {
        if !self.is_over() {
            self.pings += 1;
            self.output.put(Kind::Ping, 0, 0, &self.pings.to_be_bytes());
        }
    }
}

/// Puts the TRAILERS of a call. Metadata and message that exceed an envelope are left out.
pub(super) fn put_trailers(out: &mut Envelopes, id: u32, status: &Status, refused: bool) {
    if !out.put_with(Kind::Trailers, 0, id, |out| wire::write_trailers(out, status, refused)) {
        let bare = Status::new(status.code, "");
        out.put_with(Kind::Trailers, 0, id, |out| wire::write_trailers(out, &bare, refused));
    }
}

/// The status of a call whose message is stalled while memory is short.
pub(super) fn stalled_status() -> Status {
    let text = "nothing has come of the rest of the message for long, and memory is short";
    Status::new(Code::ResourceExhausted, text)
}

/// The status of a call whose peer has sent an envelope with a part beyond our limits.
pub(super) fn too_large_status(parts: Parts, limits: &Limits) -> Status {
    let max = limits.max_message_bytes.min(limits.max_partial_message_bytes);
    let is_header_fine = parts.header <= wire::max_header_bytes(limits);
    match parts.message {
        Some(len) if is_header_fine && len <= max => {
            let text = "too many bytes wait for the rest of their messages";
            Status::new(Code::ResourceExhausted, text)
        }
        Some(len) if is_header_fine => {
            let text = format!("a message of {len} bytes, {max} are allowed");
            Status::new(Code::ResourceExhausted, text)
        }
        _ => HeaderError::TooLarge.status(),
    }
}
