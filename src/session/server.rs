//! The server side of a connection.
//!
//! ```text
//!   Sniffing --- "PRI " ----> Grpc ----+
//!      |  |\---- a method --> Http1 ---+
//!      |  \----- "AGR1" ----> Native --+--> closed: write what is left, close the socket
//!      +-- anything else ---> Refused -+
//!      +-- nothing in preface_timeout --> closed
//! ```
//!
//! TLS is a layer below the session: a ClientHello that arrives here is refused.

use std::sync::Arc;
use std::time::Duration;

use super::deadlines::Deadlines;
use super::input::PartialInput;
use super::keepalive::{Keepalive, KeepaliveAction};
use super::wire::{New, Wire, any};
use super::{Compat, Negotiated, Spoken};
use crate::call::{
    CallEnded, CallId, CallStart, Code, Limits, Metadata, RefusedRequest, ResourceRequest,
    ResourceResponse, SendError, ServerSink, Status,
};
use crate::exchange::Site;

/// How long a client without calls may take to acknowledge a GOAWAY.
const GO_AWAY_TIMEOUT: Duration = Duration::from_secs(1);

/// The server side of one connection, from its first byte to its last.
///
/// Pass it the bytes read from the socket ([`receive`](Self::receive)), write its
/// [`output`](Self::output), call [`handle_timeout`](Self::handle_timeout) when
/// [`next_timeout`](Self::next_timeout) has come, and close the socket once
/// [`is_closed`](Self::is_closed) and the output was written.
pub struct ServerSession {
    limits: Limits,
    compat: Compat,
    negotiated: Negotiated,
    is_secure: bool,
    site: Arc<Site>,
    wire: Wire,
    partial: PartialInput,
    deadlines: Deadlines,
    keepalive: Keepalive,
    opened: Duration,
    /// Why the connection is refused as soon as its protocol is known.
    refusal: Option<&'static str>,
    /// When a call was open last, as far as it was noticed, and whether one was open then.
    active_at: Duration,
    had_calls: bool,
    /// When it reaches its maximum age, or after that the end of the grace period.
    age_due: Duration,
    /// After GOAWAY was sent: when the connection ends if it has no open call, and takes no further
    /// calls otherwise.
    go_away_until: Option<Duration>,
    /// No further calls are taken.
    drained: bool,
    /// `age_due` is the end of the grace period.
    is_over_age: bool,
    /// When calls reach their maximum age.
    ages: Deadlines,
    /// When unfinished messages were checked last, and whether memory is short.
    unfinished_checked_at: Duration,
    memory_pressure: bool,
    /// The limit for bytes of unfinished messages, also of a connection whose protocol is not known
    /// yet.
    unfinished_limit: usize,
    /// The protocol left complete frames in `partial`, because it wanted no more input.
    held_back: bool,
}

impl ServerSession {
    /// A connection that was accepted at `now`.
    pub fn new(limits: &Limits, compat: Compat, site: &Arc<Site>, now: Duration) -> ServerSession {
        ServerSession {
            limits: limits.clone(),
            compat,
            negotiated: Negotiated::Nothing,
            is_secure: false,
            site: Arc::clone(site),
            wire: Wire::Sniffing,
            partial: PartialInput::default(),
            deadlines: Deadlines::default(),
            keepalive: Keepalive::new(now),
            opened: now,
            refusal: None,
            active_at: now,
            had_calls: false,
            age_due: Duration::MAX,
            go_away_until: None,
            drained: false,
            is_over_age: false,
            ages: Deadlines::default(),
            unfinished_checked_at: now,
            memory_pressure: false,
            unfinished_limit: usize::MAX,
            held_back: false,
        }
    }

    /// The connection is encrypted: to be called before the first byte is received.
    pub fn set_secure(&mut self) {
        self.is_secure = true;
    }

    /// Sets what was negotiated by ALPN.
    pub fn set_negotiated(&mut self, negotiated: Negotiated) {
        self.negotiated = negotiated;
    }

    /// Refuses a cleartext peer where TLS is required.
    pub fn refuse_cleartext(&mut self) {
        self.wire = Wire::cleartext_refusal();
    }

    /// Refuses the client, as soon as its protocol is known, and tells it the reason.
    pub fn refuse(&mut self, reason: &'static str) {
        self.refusal = Some(reason);
    }

    /// Ends the connection gracefully at this time. Open calls have [`Limits::max_connection_age_grace`]
    /// more.
    pub fn end_at(&mut self, due: Duration) {
        self.age_due = due;
    }

    /// Processes bytes from the client and reports events.
    pub fn receive(&mut self, now: Duration, input: &[u8], sink: &mut impl ServerSink) {
        self.keepalive.received(now);
        self.feed(now, input, sink);
    }

    fn feed(&mut self, now: Duration, input: &[u8], sink: &mut impl ServerSink) {
        let unfinished_limit = self.unfinished_limit;
        let ServerSession { wire, refusal, partial, deadlines, ages, limits, keepalive, .. } = self;
        let (compat, negotiated) = (self.compat, self.negotiated);
        let new = New { limits, site: &self.site, is_secure: self.is_secure, now };
        let max_age = limits.max_call_age;
        let mut sink = Deadlined { sink, deadlines, ages, max_age, now };
        partial.feed(input, |input| {
            if let Wire::Sniffing = wire {
                let is_refused = refusal.is_some();
                let detected = Wire::detect(input, compat, negotiated, is_refused, &new);
                let Some(detected) = detected else { return 0 };
                *wire = detected;
                if let Wire::Http1(_) = wire {
                    keepalive.without_pings();
                }
                any!(wire, connection => connection.limit_unfinished(unfinished_limit), else ());
                if let Some(reason) = refusal {
                    return wire.refuse(now, input, reason, &mut sink);
                }
            }
            any!(wire, connection => connection.receive(now, input, &mut sink), else input.len())
        });
        self.held_back = !self.partial.is_empty() && !self.wants_input();
        if self.open_calls() > 0 {
            (self.active_at, self.had_calls) = (now, true);
        }
    }

    /// Notices the end of the last call: from then on the connection is idle. To be called after calls
    /// were finished.
    pub fn notice_end_of_calls(&mut self, now: Duration) {
        if self.had_calls {
            (self.active_at, self.had_calls) = (now, self.open_calls() > 0);
        }
    }

    /// When the last call ended, if none is open; when the connection was opened, if there was none.
    pub fn idle_since(&self) -> Option<Duration> {
        (self.open_calls() == 0).then_some(self.active_at)
    }

    /// Whether the client has completed the handshake of its protocol.
    pub fn has_completed_handshake(&self) -> bool {
        any!(&self.wire, connection => connection.is_established(), else false)
    }

    /// Whether [`resume`](Self::resume) has events to report without input: queues have drained by
    /// writing, or buffered input can be processed now.
    pub fn has_more(&self) -> bool {
        let events = any!(&self.wire, connection => connection.has_events(), else false);
        events || (self.held_back && self.wants_input())
    }

    /// Reports events that need no input.
    pub fn resume(&mut self, now: Duration, sink: &mut impl ServerSink) {
        self.feed(now, &[], sink);
    }

    /// The connection is lost (end of file, or an error of the socket): every open call is
    /// cancelled.
    pub fn connection_lost(&mut self, sink: &mut impl ServerSink) {
        self.partial.clear();
        self.forget_deadlines();
        any!(&mut self.wire, connection => connection.connection_lost(sink), else {
            self.wire = Wire::Refused { unsent: &[] };
        });
    }

    /// Sends initial metadata. Without this call it goes out empty with the first message.
    ///
    /// # Errors
    /// [`CallEnded`], here and below: the call is over already.
    pub fn send_headers(&mut self, call: CallId, metadata: &Metadata) -> Result<(), CallEnded> {
        any!(&mut self.wire,
            connection => connection.send_headers(call, metadata),
            else Err(CallEnded))
    }

    /// Chooses whether the next messages of a gRPC call are compressed. It has no effect where the
    /// client does not accept compressed ones, or after headers that name no encoding.
    pub fn choose_compression(&mut self, call: CallId, compressed: bool) {
        if let Wire::Grpc(connection) = &mut self.wire {
            connection.choose_compression(call, compressed);
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send_message(&mut self, call: CallId, message: &[u8]) -> Result<(), SendError> {
        let sent = any!(&mut self.wire,
            connection => connection.send_message(call, message),
            else Err(SendError::Ended));
        if let Err(SendError::Refused(_)) = sent {
            self.forget_deadlines_of(call);
        }
        sent
    }

    /// Ends the call.
    ///
    /// # Errors
    /// [`CallEnded`].
    pub fn finish(&mut self, call: CallId, status: &Status) -> Result<(), CallEnded> {
        self.forget_deadlines_of(call);
        any!(&mut self.wire,
            connection => connection.finish(call, status),
            else Err(CallEnded))
    }

    /// Answers a request for a resource, which ends the call. Returns the length of the content that is
    /// sent.
    ///
    /// # Errors
    /// [`CallEnded`].
    pub fn respond(
        &mut self,
        call: CallId,
        response: &ResourceResponse,
    ) -> Result<usize, CallEnded> {
        self.wire.respond(call, response)
    }

    /// Queued bytes of the call, which wait for the peer's window.
    pub fn queued(&self, call: CallId) -> usize {
        any!(&self.wire, connection => connection.queued(call), else 0)
    }

    /// Bytes that wait for the peer's windows or for the socket.
    pub fn unsent_bytes(&self) -> usize {
        self.wire.total_queued() + self.output().len()
    }

    /// Received bytes that wait for the rest of their frame, field block or message, or to be
    /// [consumed](Self::message_taken).
    pub fn received_bytes(&self) -> usize {
        let of_calls = any!(&self.wire, connection => connection.received_bytes(), else 0);
        self.partial.len() + of_calls
    }

    /// Limits the bytes of unfinished messages; `None` leaves the limit to the windows. A call that
    /// needs more ends with RESOURCE_EXHAUSTED.
    pub fn limit_unfinished(&mut self, bytes: Option<usize>) {
        let bytes = bytes.unwrap_or(usize::MAX);
        self.unfinished_limit = bytes;
        any!(&mut self.wire, connection => connection.limit_unfinished(bytes), else ());
    }

    /// Sets whether memory is short. Then a gRPC peer's messages are admitted one after the other,
    /// as far as windows can enforce that, and a message without progress ends its call.
    pub fn set_memory_pressure(&mut self, memory_pressure: bool) {
        self.memory_pressure = memory_pressure;
        if let Wire::Grpc(connection) = &mut self.wire {
            connection.set_memory_pressure(memory_pressure);
        }
    }

    /// The application has consumed a received message of so many bytes: the peer may send more.
    pub fn message_taken(&mut self, call: CallId, bytes: usize) {
        any!(&mut self.wire, connection => connection.message_taken(call, bytes), else ());
    }

    /// Widens the receive window of a call by so many bytes, for few calls that carry much data
    /// over a long round trip. It has no effect over gRPC.
    pub fn extend_window(&mut self, call: CallId, bytes: u32) {
        if let Wire::Native(connection) = &mut self.wire {
            connection.extend_window(call, bytes);
        }
    }

    /// Shortens the keepalive interval and timeout to at most these, for a peer: it may ping as often
    /// as it likes, and its connection has no maximum age.
    pub fn tighten_keepalive(&mut self, interval: Duration, timeout: Duration) {
        self.wire.allow_pings();
        self.age_due = Duration::MAX;
        self.limits.keepalive_interval = self.limits.keepalive_interval.min(interval);
        self.limits.keepalive_timeout = self.limits.keepalive_timeout.min(timeout);
    }

    /// Announces that no new calls are accepted; open calls go on. Calls that were sent before the
    /// client saw the announcement are still accepted, for a moment.
    pub fn go_away(&mut self, now: Duration) {
        self.go_away_because(now, "");
    }

    /// As [`go_away`](Self::go_away), and tells the client why.
    pub fn go_away_because(&mut self, now: Duration, reason: &str) {
        self.go_away_until.get_or_insert(now + GO_AWAY_TIMEOUT);
        self.wire.go_away(reason);
    }

    /// Whether the protocol of the connection is known.
    pub fn is_established(&self) -> bool {
        !matches!(self.wire, Wire::Sniffing)
    }

    /// Whether what the client has sent is none of the protocols that are served to it. A client that is
    /// [refused](Self::refuse) for another reason does not count.
    pub fn has_unknown_protocol(&self) -> bool {
        matches!(self.wire, Wire::Refused { .. }) && self.refusal.is_none()
    }

    /// The protocol that the client speaks.
    pub fn spoken(&self) -> Spoken {
        match self.wire {
            Wire::Grpc(_) => Spoken::Grpc,
            Wire::Native(_) => Spoken::Native,
            Wire::Http1(_) => Spoken::Http1,
            Wire::Sniffing | Wire::Refused { .. } => Spoken::Unknown,
        }
    }

    /// The client has ended its side of the connection, in the order of its bytes. Returns false if the
    /// connection is lost with it: only a client of HTTP/1.1 may still wait for a response. One of the
    /// other protocols would have to go on sending, to acknowledge settings, pings and credit; its end is
    /// how the end of a process is noticed at once.
    pub fn end_of_input(&mut self, now: Duration) -> bool {
        match &mut self.wire {
            Wire::Http1(connection) => connection.end_of_input(now),
            _ => false,
        }
    }

    /// Calls that are not finished.
    pub fn open_calls(&self) -> usize {
        any!(&self.wire, connection => connection.open_calls(), else 0)
    }

    /// The bytes to write to the socket.
    pub fn output(&self) -> &[u8] {
        self.wire.output()
    }

    /// The socket accepted `n` bytes of the output.
    pub fn consume_output(&mut self, n: usize) {
        self.keepalive.wrote();
        self.wire.consume_output(n);
    }

    /// The socket accepted none of the output.
    pub fn write_blocked(&mut self, now: Duration) {
        self.keepalive.write_blocked(now);
    }

    /// Whether to read more input: not while too much output is queued.
    pub fn wants_input(&self) -> bool {
        any!(&self.wire, connection => connection.wants_input(), else true)
    }

    /// Whether the connection is finished: write the remaining output, then close the socket.
    pub fn is_closed(&self) -> bool {
        self.wire.is_closed()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    pub fn next_timeout(&self) -> Duration {
        let keepalive = match self.go_away_until {
            Some(until) if self.open_calls() == 0 => until,
            _ => self.keepalive.next(self.open_calls(), self.idle_since(), &self.limits),
        };
        let wire = match &self.wire {
            Wire::Sniffing => Some(self.opened + self.limits.preface_timeout),
            _ => any!(&self.wire, connection => connection.next_timeout(), else None),
        };
        let calls = [self.deadlines.earliest(), self.ages.earliest()];
        let own =
            [wire, self.go_away_until.filter(|_| !self.drained), self.next_unfinished_check()];
        let first = keepalive.min(self.age_due);
        own.into_iter().chain(calls).flatten().fold(first, Duration::min)
    }

    /// When to check unfinished messages, if there are any. For a first one this time may be long
    /// past: that check only records it.
    fn next_unfinished_check(&self) -> Option<Duration> {
        self.wire
            .has_unfinished()
            .then(|| self.unfinished_checked_at + self.limits.unfinished_message_timeout)
    }

    fn check_unfinished(&mut self, now: Duration, sink: &mut impl ServerSink) {
        self.unfinished_checked_at = now;
        let ServerSession { wire, deadlines, ages, memory_pressure, .. } = self;
        let mut sink = Deadlined { sink, deadlines, ages, max_age: Duration::MAX, now };
        match wire {
            Wire::Grpc(connection) => connection.check_unfinished(&mut sink),
            Wire::Native(connection) => {
                connection.check_unfinished(now, *memory_pressure, &mut sink)
            }
            Wire::Http1(_) | Wire::Sniffing | Wire::Refused { .. } => (),
        }
    }

    /// Handles timeouts: ends calls after their deadline, pings a silent client, closes the
    /// connection to one that does not answer.
    pub fn handle_timeout(&mut self, now: Duration, sink: &mut impl ServerSink) {
        let expired =
            self.deadlines.expire(now).into_iter().map(|call| (call, "the deadline passed"));
        let too_old = "the call has been open for as long as the server allows (--max-call-age)";
        let aged = self.ages.expire(now).into_iter().map(|call| (call, too_old));
        for (call, reason) in expired.chain(aged).collect::<Vec<_>>() {
            let status = Status::new(Code::DeadlineExceeded, reason);
            if self.finish(call, &status).is_ok() {
                sink.cancelled(call, status);
            }
        }
        if matches!(self.wire, Wire::Sniffing) {
            if now >= self.opened + self.limits.preface_timeout {
                self.wire = Wire::Refused { unsent: &[] };
            }
            return;
        }
        any!(&mut self.wire, connection => connection.handle_timeout(now, sink), else ());
        if self.next_unfinished_check().is_some_and(|due| now >= due) {
            self.check_unfinished(now, sink);
        }
        if self.go_away_until.is_some_and(|at| now >= at) {
            if self.open_calls() == 0 {
                return self.close(Code::Ok, "leaving", sink);
            }
            self.drained = true;
            if let Wire::Grpc(connection) = &mut self.wire {
                connection.drain();
            }
        }
        if now >= self.age_due {
            if self.is_over_age {
                return self.close(Code::Unavailable, "max_age", sink);
            }
            self.is_over_age = true;
            self.age_due = now.saturating_add(self.limits.max_connection_age_grace);
            return self.go_away_because(now, "max_age");
        }
        match self.keepalive.action(now, self.open_calls(), self.idle_since(), &self.limits) {
            Some(KeepaliveAction::SendPing) => {
                self.wire.ping();
                self.keepalive.ping_sent(now);
            }
            // Calls that are on their way are accepted.
            Some(KeepaliveAction::CloseIdle) => self.go_away_because(now, "max_idle"),
            Some(KeepaliveAction::PingTimedOut) => {
                self.close(Code::Unavailable, "no answer to a keepalive ping", sink);
            }
            Some(KeepaliveAction::WriteStalled) => {
                self.close(Code::Unavailable, "the peer takes no bytes", sink);
                self.connection_lost(sink);
                self.wire = Wire::Refused { unsent: &[] };
            }
            None => (),
        }
    }

    fn forget_deadlines_of(&mut self, call: CallId) {
        self.deadlines.remove(call);
        self.ages.remove(call);
    }

    fn forget_deadlines(&mut self) {
        self.deadlines = Deadlines::default();
        self.ages = Deadlines::default();
    }

    /// Ends the connection and all its calls now, and notifies the peer.
    pub fn close(&mut self, code: Code, reason: &str, sink: &mut impl ServerSink) {
        self.forget_deadlines();
        any!(&mut self.wire, connection => connection.close(code, reason, sink), else {
            self.wire = Wire::Refused { unsent: &[] };
        });
    }
}

/// Records the deadlines of calls when they are reported to the sink.
struct Deadlined<'a, S> {
    sink: &'a mut S,
    deadlines: &'a mut Deadlines,
    ages: &'a mut Deadlines,
    max_age: Duration,
    now: Duration,
}

impl<S: ServerSink> ServerSink for Deadlined<'_, S> {
    fn call(&mut self, start: CallStart<'_>) {
        if let Some(deadline) = start.timeout.and_then(|timeout| self.now.checked_add(timeout)) {
            self.deadlines.insert(start.call, deadline);
        }
        if self.max_age < Duration::MAX && !self.sink.may_stay_open(start.path) {
            self.ages.insert(start.call, self.now.saturating_add(self.max_age));
        }
        self.sink.call(start);
    }

    fn resource(&mut self, call: CallId, request: ResourceRequest<'_>) {
        self.sink.resource(call, request);
    }

    fn compressed(&mut self, call: CallId) {
        self.sink.compressed(call);
    }

    fn message(&mut self, call: CallId, message: &[u8], last: bool) {
        self.sink.message(call, message, last);
    }

    fn half_close(&mut self, call: CallId) {
        self.sink.half_close(call);
    }

    fn cancelled(&mut self, call: CallId, status: Status) {
        self.deadlines.remove(call);
        self.ages.remove(call);
        self.sink.cancelled(call, status);
    }

    fn refused(&mut self, request: RefusedRequest<'_>) {
        self.sink.refused(request);
    }

    fn writable(&mut self, call: CallId) {
        self.sink.writable(call);
    }
}
