//! What both roles of a connection share: output, open calls, credit, pings, the way out.

use std::collections::VecDeque;
use std::time::Duration;

use super::buffer::Envelopes;
use super::calls::{Call, CallTable};
use super::credit::{self, Allowance, MIN_WINDOW};
use super::envelope::{END, Header, Kind, MAX_LENGTH, Parts};
use super::input::{MAGIC, take_magic};
use super::wire::{self, GoAway, HeaderError, Hello};
use super::{CallGone, Error};
use crate::call::{Code, Limits, Status};

/// An output buffer larger than this gives its memory back when it is empty and no call is open.
const KEEP_OUTPUT_BYTES: usize = 8 * 1024;

/// Messages wait in the queues of their calls while this much output waits for the socket, so that
/// a peer which gives credit without reading does not make us hold what it was given credit for.
const OUTPUT_ROOM_BYTES: usize = 256 * 1024;

/// How far the peer's greeting has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Greeting {
    Magic,
    Hello,
    Done,
}

/// One connection below its role.
pub(super) struct Link {
    /// We are the server, who has the last word in every call.
    serves: bool,
    pub(super) limits: Limits,
    pub(super) greeting: Greeting,
    /// When the greeting has to be done.
    greet_by: Duration,
    pub(super) output: Envelopes,
    pub(super) calls: CallTable,
    /// The highest call id begun.
    pub(super) last_call: u32,
    /// What we may still send on the connection.
    credit: i64,
    /// What we may send on a new call.
    peer_call_window: i64,
    /// What the peer may still send on the connection.
    allowance: Allowance,
    /// Our windows as HELLO announces them.
    call_window: i64,
    connection_window: i64,
    /// Calls with credit of their own that wait for the connection's, or for room in the output.
    line: VecDeque<u32>,
    /// Calls whose queue has drained, not reported yet.
    drained: VecDeque<u32>,
    pings: u64,
    pub(super) pongs: u64,
    /// Envelopes that the peer provoked and has not taken yet.
    replies: u32,
    /// Envelopes in a row that changed nothing.
    idle: u32,
    /// We have said that we are going away.
    pub(super) leaving: bool,
    /// The peer has said so.
    pub(super) peer_leaving: bool,
    /// The connection is over at once.
    pub(super) closed: bool,
}

impl Link {
    pub(super) fn new(serves: bool, limits: &Limits, now: Duration) -> Link {
        let connection_window = credit::window(limits.connection_window_bytes);
        Link {
            serves,
            limits: limits.clone(),
            greeting: Greeting::Magic,
            greet_by: now + limits.preface_timeout,
            output: Envelopes::default(),
            calls: CallTable::default(),
            last_call: 0,
            credit: MIN_WINDOW.into(),
            peer_call_window: MIN_WINDOW.into(),
            allowance: Allowance::new(connection_window),
            call_window: credit::window(limits.call_window_bytes),
            connection_window,
            line: VecDeque::new(),
            drained: VecDeque::new(),
            pings: 0,
            pongs: 0,
            replies: 0,
            idle: 0,
            leaving: false,
            peer_leaving: false,
            closed: false,
        }
    }

    /// The memory held, in bytes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        let lines = self.line.capacity() + self.drained.capacity();
        size_of::<Link>() + self.output.memory() + self.calls.memory() + 4 * lines
    }

    // The greeting.

    /// Puts our magic and HELLO. A client takes no calls and says so with 0.
    pub(super) fn greet(&mut self, max_concurrent_calls: u32) {
        let hello = Hello {
            call_window_bytes: self.call_window as u32,
            connection_window_bytes: self.connection_window as u32,
            max_concurrent_calls,
        };
        self.output.put_raw(&MAGIC);
        self.output.put_with(Kind::Hello, 0, 0, |out| wire::write_hello(out, hello));
    }

    /// Takes the peer's magic off the input, when it is due; says whether it was.
    pub(super) fn take_magic(&mut self, input: &mut &[u8]) -> Result<bool, Error> {
        let due = self.greeting == Greeting::Magic && take_magic(input)?;
        if due {
            self.greeting = Greeting::Hello;
        }
        Ok(due)
    }

    /// The peer's first envelope: its windows replace the least ones for what comes, and for the
    /// calls already open.
    pub(super) fn hello(&mut self, header: Header, payload: &[u8]) -> Result<Hello, Error> {
        if header.kind != Kind::Hello {
            return Err(Error::HelloMissing);
        }
        let hello = wire::read_hello(payload).map_err(|_| Error::HelloMalformed)?;
        let windows = [hello.call_window_bytes, hello.connection_window_bytes];
        if windows.iter().any(|window| !(MIN_WINDOW..=credit::MAX_WINDOW).contains(window)) {
            return Err(Error::HelloMalformed);
        }
        self.greeting = Greeting::Done;
        self.credit += i64::from(hello.connection_window_bytes - MIN_WINDOW);
        self.peer_call_window = hello.call_window_bytes.into();
        for id in self.calls.ids_above(0) {
            if let Some(call) = self.calls.get_mut(id) {
                call.credit += i64::from(hello.call_window_bytes - MIN_WINDOW);
            }
            self.stand_in_line(id);
        }
        self.pump();
        Ok(hello)
    }

    /// When the greeting has to be done.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        (self.greeting != Greeting::Done && !self.is_over()).then_some(self.greet_by)
    }

    /// Whether the greeting is late.
    pub(super) fn is_late(&self, now: Duration) -> bool {
        self.greeting != Greeting::Done && !self.is_over() && now >= self.greet_by
    }

    // The end.

    /// Nothing more will be read or begun; what is left in the output can still be written.
    pub(super) fn is_over(&self) -> bool {
        self.closed || ((self.leaving || self.peer_leaving) && self.calls.is_empty())
    }

    pub(super) fn put_go_away(&mut self, last_call_id: u32, code: Code, reason: &str) {
        let go_away = GoAway { last_call_id, code, reason };
        self.output.put_with(Kind::GoAway, 0, 0, |out| wire::write_go_away(out, go_away));
    }

    // Reading.

    /// Whether more input is welcome: not while the peer leaves what it provoked untaken.
    pub(super) fn wants_input(&self) -> bool {
        self.replies < self.limits.max_queued_control_replies && !self.is_over()
    }

    /// An envelope that the peer provoked was put.
    pub(super) fn count_reply(&mut self) {
        self.replies += 1;
    }

    /// An envelope did something.
    pub(super) fn did_something(&mut self) {
        self.idle = 0;
    }

    /// An envelope changed nothing. A peer may send as many in a row as calls may just have ended,
    /// and some more.
    pub(super) fn did_nothing(&mut self) -> Result<(), Error> {
        self.idle += 1;
        let limits = &self.limits;
        if self.idle > limits.max_empty_frames.saturating_add(limits.max_concurrent_calls) {
            return Err(Error::TooManyIdle);
        }
        Ok(())
    }

    /// An envelope is for a call that is not in the table: it must have been, once.
    pub(super) fn must_be_past(&self, id: u32) -> Result<(), Error> {
        if id > self.last_call { Err(Error::CallUnknown) } else { Ok(()) }
    }

    /// The kinds that mean the same to both roles. The caller has dealt with the others.
    pub(super) fn shared(&mut self, header: Header, payload: &[u8]) -> Result<(), Error> {
        match (header.kind, payload) {
            (Kind::Credit, &[a, b, c, d]) => {
                self.take_credit(header.id, u32::from_be_bytes([a, b, c, d]))
            }
            (Kind::Ping, _) => {
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
            self.stand_in_line(id);
        } else {
            self.must_be_past(id)?;
            return self.did_nothing();
        }
        self.did_something();
        self.pump();
        Ok(())
    }

    /// Books a message against the connection's allowance.
    pub(super) fn charge(&mut self, cost: i64) -> Result<(), Error> {
        self.allowance.charge(cost)
    }

    /// What a message had used of the connection's allowance is free again.
    pub(super) fn release(&mut self, cost: i64) {
        if let Some(amount) = self.allowance.release(cost, self.connection_window) {
            self.output.put(Kind::Credit, 0, 0, &amount.to_be_bytes());
        }
    }

    /// The application has taken a message of a call.
    pub(super) fn message_taken(&mut self, id: u32, bytes: usize) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let cost = credit::cost(bytes).min(call.held);
        call.held -= cost;
        if !call.peer_finished
            && let Some(amount) = call.allowance.release(cost, self.call_window)
        {
            self.output.put(Kind::Credit, 0, id, &amount.to_be_bytes());
        }
        self.release(cost);
    }

    // Calls and what they send.

    /// Whether the output takes another message.
    fn has_room(&self) -> bool {
        let room = OUTPUT_ROOM_BYTES.min(self.limits.max_queued_output_bytes);
        self.output.len() < room
    }

    /// A call begins with full windows.
    pub(super) fn open_call(&mut self, id: u32, position: u64) -> &mut Call {
        self.calls.insert(id, Call::new(self.peer_call_window, self.call_window, position))
    }

    /// Bytes that wait for credit on a call.
    pub(super) fn queued(&self, id: u32) -> usize {
        self.calls.get(id).map_or(0, Call::queued)
    }

    /// Takes a call out of the table; what it held is free again.
    pub(super) fn remove(&mut self, id: u32) -> Option<Call> {
        let call = self.calls.remove(id)?;
        self.release(call.held);
        if call.in_line {
            self.line.retain(|&waiting| waiting != id);
        }
        Some(call)
    }

    /// Sends a message, or lines it up behind what waits. It may go into the REQUEST that was put
    /// just before.
    pub(super) fn send(&mut self, id: u32, message: &[u8], last: bool) -> Result<(), CallGone> {
        let room = self.has_room();
        let call = self.calls.sending(id)?;
        if message.len() > MAX_LENGTH as usize {
            return Err(CallGone);
        }
        let flags = if last { END } else { 0 };
        call.finished = last;
        if call.is_waiting() || call.credit <= 0 || self.credit <= 0 || !room {
            call.queue.get_or_insert_default().put(Kind::Message, flags, id, message);
            call.above_low_water |= call.queued() > self.limits.send_low_water_bytes;
            self.stand_in_line(id);
            return Ok(());
        }
        let cost = credit::cost(message.len());
        call.credit -= cost;
        self.credit -= cost;
        if !self.output.extend_last(id, message, flags) {
            self.output.put(Kind::Message, flags, id, message);
        }
        Ok(())
    }

    /// Puts a call into the line when it has credit of its own and something to send.
    fn stand_in_line(&mut self, id: u32) {
        if let Some(call) = self.calls.get_mut(id)
            && call.is_waiting()
            && call.credit > 0
            && !call.in_line
        {
            call.in_line = true;
            self.line.push_back(id);
        }
    }

    /// Moves what waits into the output: one message of each call in turn.
    fn pump(&mut self) {
        while self.credit > 0 && self.has_room() {
            let Some(id) = self.line.pop_front() else { break };
            self.send_front(id);
            self.stand_in_line(id);
        }
    }

    /// Sends a call's first queued message, and what stands behind it without being one.
    fn send_front(&mut self, id: u32) {
        let Some(call) = self.calls.get_mut(id) else { return };
        call.in_line = false;
        let Some(queue) = &mut call.queue else { return };
        let mut ends = false;
        let mut sent_one = false;
        while let Some(front) = queue.front() {
            if front.kind == Kind::Message {
                if sent_one {
                    break;
                }
                sent_one = true;
                call.credit -= credit::cost(front.length);
                self.credit -= credit::cost(front.length);
            }
            ends = front.ends() || front.kind == Kind::Trailers;
            queue.move_front(&mut self.output);
        }
        if call.above_low_water && queue.len() <= self.limits.send_low_water_bytes {
            call.above_low_water = false;
            if !call.finished {
                self.drained.push_back(id);
            }
        }
        if ends && self.serves {
            self.remove(id);
        }
    }

    /// Whether [`Link::take_drained`] has something to tell.
    pub(super) fn has_drained(&self) -> bool {
        !self.drained.is_empty()
    }

    /// The next call whose queue has drained and whose application should know.
    pub(super) fn take_drained(&mut self) -> Option<u32> {
        while let Some(id) = self.drained.pop_front() {
            if self.calls.get(id).is_some_and(|call| !call.finished) {
                return Some(id);
            }
        }
        None
    }

    // Writing.

    /// The first `n` bytes of the output were written. Says whether the connection rests now: no
    /// call is open and nothing is to be written.
    pub(super) fn consume_output(&mut self, n: usize) -> bool {
        self.output.consume(n);
        if !self.line.is_empty() {
            self.pump();
        }
        if !self.output.is_empty() {
            return false;
        }
        self.replies = 0;
        if !self.calls.is_empty() {
            return false;
        }
        self.output.shrink_above(KEEP_OUTPUT_BYTES);
        self.calls.shrink();
        true
    }

    pub(super) fn ping(&mut self) {
        if !self.is_over() {
            self.pings += 1;
            self.output.put(Kind::Ping, 0, 0, &self.pings.to_be_bytes());
        }
    }
}

/// Puts how a call ended. Metadata and message that an envelope cannot hold are left out.
pub(super) fn put_trailers(out: &mut Envelopes, id: u32, status: &Status, refused: bool) {
    if !out.put_with(Kind::Trailers, 0, id, |out| wire::write_trailers(out, status, refused)) {
        let bare = Status::new(status.code, "");
        out.put_with(Kind::Trailers, 0, id, |out| wire::write_trailers(out, &bare, refused));
    }
}

/// How a call ends whose peer sent an envelope with a part beyond our limits.
pub(super) fn too_large(parts: Parts, limits: &Limits) -> Status {
    match parts.message {
        Some(len) if parts.header <= wire::max_header_bytes(limits) => {
            let max = limits.max_message_bytes.min(limits.max_partial_message_bytes);
            let text = format!("a message of {len} bytes, {max} are allowed");
            Status::new(Code::ResourceExhausted, text)
        }
        _ => HeaderError::TooLarge.status(),
    }
}
