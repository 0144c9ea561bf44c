//! What both roles of a connection offer to the layer above.

use std::time::Duration;

use super::Error;
use super::envelope::{Header, Parts};
use super::input::Next;
use super::link::{Handshake, Link};
use super::paths::Paths;
use crate::call::{CallId, Code, Limits, Metadata, Status};

/// One connection. The role is [`Client`](super::client::Client) or
/// [`Server`](super::server::Server), and holds what only that role needs.
///
/// After every call of a method there may be [`output`](Connection::output) to write. An error of
/// the peer ends the connection: GO_AWAY is put into the output, open calls are reported as ended,
/// and [`is_closed`](Connection::is_closed) becomes true.
pub struct Connection<R> {
    pub(super) role: R,
    pub(super) link: Link,
    pub(super) paths: Paths,
    /// The metadata being read; kept for its memory.
    pub(super) metadata: Metadata,
}

/// A role that reports what happens to a sink of type `S`.
pub trait ReportTo<S>: Sized {
    /// Handles a whole envelope.
    fn envelope(
        connection: &mut Connection<Self>,
        now: Duration,
        header: Header,
        payload: &[u8],
        sink: &mut S,
    ) -> Result<(), Error>;

    /// Handles an envelope with a part beyond the limits. The rest of it is being skipped.
    fn too_large(
        connection: &mut Connection<Self>,
        now: Duration,
        header: Header,
        parts: Parts,
        sink: &mut S,
    ) -> Result<(), Error>;

    /// Closes the connection and reports every open call as ended.
    fn end_all_calls(connection: &mut Connection<Self>, status: &Status, sink: &mut S);

    /// Reports that the queue of a call has drained.
    fn writable(sink: &mut S, call: CallId);
}

impl<R> Connection<R> {
    pub(super) fn with_role(role: R, is_server: bool, limits: &Limits, now: Duration) -> Self {
        let link = Link::new(is_server, limits, now);
        Connection { role, link, paths: Paths::default(), metadata: Metadata::new() }
    }

    /// Bytes that wait for the peer's credit on this call. A sender pauses above
    /// [`Limits::send_high_water_bytes`] until the sink's `writable`.
    pub fn queued(&self, call: CallId) -> usize {
        self.link.queued(call.0)
    }

    /// Bytes of all calls together that wait for credit.
    pub fn total_queued(&self) -> usize {
        self.link.total_queued()
    }

    /// The application has consumed a message of this many bytes: to be called once for each
    /// message, when its memory is free again. The end of a call counts for all of its messages.
    pub fn message_taken(&mut self, call: CallId, bytes: usize) {
        self.link.message_taken(call.0, bytes);
    }

    /// Sends a PING; [`Connection::pongs`] counts the answers.
    pub fn ping(&mut self) {
        self.link.ping();
    }

    /// How many pings were answered.
    pub fn pongs(&self) -> u64 {
        self.link.pongs
    }

    /// How many calls are open, those included that are finished and wait for credit.
    pub fn open_calls(&self) -> usize {
        self.link.calls.len()
    }

    /// Bytes to write to the socket.
    pub fn output(&self) -> &[u8] {
        self.link.output.as_slice()
    }

    /// The first `n` bytes of the output were written.
    pub fn consume_output(&mut self, n: usize) {
        self.link.consume_output(n);
    }

    /// False while the peer leaves too many replies unread, and when the connection has ended. Once
    /// it is true again, the rest that `receive` left is to be presented again.
    pub fn wants_input(&self) -> bool {
        self.link.wants_input()
    }

    /// Whether `receive` has something to report without input: a queue has drained because output
    /// was written.
    pub fn has_events(&self) -> bool {
        self.link.has_drained()
    }

    /// When [`Connection::handle_timeout`] must be called.
    pub fn next_timeout(&self) -> Option<Duration> {
        self.link.next_timeout()
    }

    /// Whether the connection has ended: write the rest of the output and close the socket.
    pub fn is_closed(&self) -> bool {
        self.link.is_over()
    }

    /// Ends the connection gracefully: no new calls start, and the connection ends with the last
    /// open one.
    pub fn go_away(&mut self, reason: &str) {
        if !self.link.going_away && !self.link.closed {
            self.link.going_away = true;
            self.link.put_go_away(Code::Ok, reason);
        }
    }

    /// Whether the handshake is complete.
    pub fn is_established(&self) -> bool {
        self.link.handshake == Handshake::Done
    }

    /// Stops limiting the peer's pings.
    pub fn allow_pings(&mut self) {
        self.link.limits.min_ping_interval = Duration::ZERO;
    }

    /// Takes bytes from the peer and returns how many were used. The rest, below 16 KiB unless
    /// [`wants_input`](Connection::wants_input) became false, is to be presented again with more
    /// bytes behind it, or once input is wanted again.
    pub fn receive<S>(&mut self, now: Duration, input: &[u8], sink: &mut S) -> usize
    where
        R: ReportTo<S>,
    {
        let mut rest = input;
        self.link.bytes_received(now);
        if let Err(error) = self.read(now, &mut rest, sink) {
            self.fail(error, sink);
        }
        self.report_drained(sink);
        if self.link.is_over() { input.len() } else { input.len() - rest.len() }
    }

    /// Reads as far as the input and the limits allow.
    fn read<S>(&mut self, now: Duration, rest: &mut &[u8], sink: &mut S) -> Result<(), Error>
    where
        R: ReportTo<S>,
    {
        self.link.take_magic(rest)?;
        if self.link.handshake == Handshake::Magic {
            return Ok(());
        }
        while self.link.wants_input() {
            match self.link.input.next(rest)? {
                Next::Whole(header, payload) => R::envelope(self, now, header, payload, sink)?,
                Next::Gathered(header, payload) => {
                    R::envelope(self, now, header, &payload, sink)?;
                    self.link.input.recycle(payload);
                }
                Next::TooLarge(header, parts) => R::too_large(self, now, header, parts, sink)?,
                Next::Nothing => break,
            }
        }
        Ok(())
    }

    /// Handles the passing of time: a late handshake ends the connection, and an idle connection
    /// releases memory.
    pub fn handle_timeout<S>(&mut self, now: Duration, sink: &mut S)
    where
        R: ReportTo<S>,
    {
        if self.link.is_handshake_late(now) {
            self.fail(Error::HelloLate, sink);
        }
        self.link.release_idle_memory(now);
        self.report_drained(sink);
    }

    /// Ends the connection at once and sends the peer the reason; open calls end with the same.
    /// Code OK means that there was no error; calls end with UNAVAILABLE then.
    pub fn close<S>(&mut self, code: Code, reason: &str, sink: &mut S)
    where
        R: ReportTo<S>,
    {
        if !self.link.closed {
            self.link.put_go_away(code, reason);
            let code = if code == Code::Ok { Code::Unavailable } else { code };
            R::end_all_calls(self, &Status::new(code, reason), sink);
        }
    }

    /// The socket is gone: every open call ends with UNAVAILABLE.
    pub fn connection_lost<S>(&mut self, sink: &mut S)
    where
        R: ReportTo<S>,
    {
        self.connection_failed("the connection was lost", sink);
    }

    /// The socket is gone for a reason that is known: every open call ends with UNAVAILABLE.
    pub fn connection_failed<S>(&mut self, cause: &str, sink: &mut S)
    where
        R: ReportTo<S>,
    {
        R::end_all_calls(self, &Status::new(Code::Unavailable, cause), sink);
    }

    /// Ends the connection because of an error of the peer. A peer with another magic could not
    /// read GO_AWAY (S2).
    pub(super) fn fail<S>(&mut self, error: Error, sink: &mut S)
    where
        R: ReportTo<S>,
    {
        if error == Error::Magic {
            R::end_all_calls(self, &Status::new(error.code(), error.reason()), sink);
        } else {
            self.close(error.code(), error.reason(), sink);
        }
    }

    fn report_drained<S>(&mut self, sink: &mut S)
    where
        R: ReportTo<S>,
    {
        while let Some(id) = self.link.take_drained() {
            R::writable(sink, CallId(id));
        }
    }
}
