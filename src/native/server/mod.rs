//! The server's side of a connection.

mod incoming;

use std::time::Duration;

use super::budget::ResetBudget;
use super::envelope::Kind;
use super::link::{Handshake, Link, put_trailers};
use super::paths::Paths;
use super::wire;
use super::{CallEnded, Error};
use crate::call::{CallId, Code, Limits, Metadata, ServerSink, Status};

/// One connection, as the server sees it: bytes in, [`ServerSink`] told, bytes out.
///
/// After every call of a method there may be [`output`](ServerConnection::output) to write. Errors
/// of the client end the connection by themselves: GO_AWAY is put, open calls are reported as
/// cancelled, and [`is_closed`](ServerConnection::is_closed) turns true.
pub struct ServerConnection {
    pub(super) link: Link,
    paths: Paths,
    resets: ResetBudget,
    /// The highest call id that the sink was told of.
    last_accepted: u32,
    /// The metadata of the request being read; kept for its memory.
    metadata: Metadata,
}

impl ServerConnection {
    /// A connection that begins now. Nothing is sent before the client's magic has come.
    pub fn new(limits: &Limits, now: Duration) -> ServerConnection {
        ServerConnection {
            link: Link::new(true, limits, now),
            paths: Paths::default(),
            resets: ResetBudget::new(limits.reset_burst, limits.resets_per_s, now),
            last_accepted: 0,
            metadata: Metadata::new(),
        }
    }

    /// Takes bytes from the client and says how many were consumed. The rest, below 16 KiB unless
    /// [`wants_input`](ServerConnection::wants_input) turned false, is to be presented again with
    /// more bytes behind it, or once input is wanted again.
    pub fn receive(&mut self, now: Duration, input: &[u8], sink: &mut impl ServerSink) -> usize {
        let mut rest = input;
        self.link.bytes_received(now);
        if let Err(error) = self.read(now, &mut rest, sink) {
            self.fail(error, sink);
        }
        self.report_drained(sink);
        if self.link.is_over() { input.len() } else { input.len() - rest.len() }
    }

    // What we say of a call.

    /// Sends initial metadata. It goes before any message and once; later it is ignored.
    ///
    /// # Errors
    /// [`CallEnded`] when the call is over, or the metadata is above 2 GiB.
    pub fn send_headers(&mut self, call: CallId, metadata: &Metadata) -> Result<(), CallEnded> {
        let entry = self.link.calls.sending(call.0)?;
        if !entry.headers_passed {
            entry.headers_passed = true;
            let output = &mut self.link.output;
            let write = |out: &mut Vec<u8>| wire::write_headers(out, metadata);
            if !output.put_with(Kind::Headers, 0, call.0, write) {
                return Err(CallEnded);
            }
        }
        Ok(())
    }

    /// Sends a message, or queues it until the client gives credit.
    ///
    /// # Errors
    /// [`CallEnded`] when the call is over, or the message is above 2 GiB.
    pub fn send_message(&mut self, call: CallId, message: &[u8]) -> Result<(), CallEnded> {
        self.link.calls.sending(call.0)?.headers_passed = true;
        self.link.send(call.0, message, false)
    }

    /// Ends the call, behind the messages that are still queued.
    ///
    /// # Errors
    /// [`CallEnded`] when the call is over already.
    pub fn finish(&mut self, call: CallId, status: &Status) -> Result<(), CallEnded> {
        let id = call.0;
        let entry = self.link.calls.sending(id)?;
        entry.finished = true;
        let plain = status.is_ok() && status.message.is_empty() && status.metadata.is_empty();
        match &mut entry.queue {
            Some(queue) if !queue.is_empty() => {
                if !(plain && queue.end_last(id)) {
                    put_trailers(queue, id, status, false);
                }
            }
            _ => {
                if !(plain && self.link.output.end_last(id)) {
                    put_trailers(&mut self.link.output, id, status, false);
                }
                self.link.remove(id);
            }
        }
        Ok(())
    }

    /// Bytes that wait for the client's credit on this call. A sender pauses above
    /// [`Limits::send_high_water_bytes`] until [`ServerSink::writable`].
    pub fn queued(&self, call: CallId) -> usize {
        self.link.queued(call.0)
    }

    /// Bytes of all calls together that wait for credit.
    pub fn total_queued(&self) -> usize {
        self.link.total_queued()
    }

    /// Bytes that were received and wait: for the rest of their message, or to be taken.
    pub fn received_bytes(&self) -> usize {
        self.link.received_bytes()
    }

    /// Lets no more than so many bytes wait for the rest of their message.
    pub fn limit_unfinished(&mut self, bytes: usize) {
        self.link.input.set_max_gathered(bytes);
    }

    /// Whether there is something to [look at](Self::check_unfinished).
    pub fn has_unfinished(&self) -> bool {
        self.link.input.gathered_bytes() > 0
    }

    /// Looks how an unfinished message gets on. If nothing of it has come since the last look, and
    /// memory is short, its call ends.
    pub fn check_unfinished(
        &mut self,
        now: Duration,
        memory_pressure: bool,
        sink: &mut impl ServerSink,
    ) {
        // While we do not read, that is not its fault.
        if self.wants_input()
            && let Err(error) = self.check_stalled_envelope(now, memory_pressure, sink)
        {
            self.fail(error, sink);
        }
    }

    /// The application is done with a message of this many bytes; to be called once for each, when
    /// the memory is free again. The end of a call counts for all of its messages.
    pub fn message_taken(&mut self, call: CallId, bytes: usize) {
        self.link.message_taken(call.0, bytes);
    }

    /// Lets the client send so many bytes further ahead than the windows say, on this call and on
    /// the connection.
    pub fn extend_window(&mut self, call: CallId, bytes: u32) {
        self.link.extend_window(call.0, bytes);
    }

    // The connection.

    /// Asks the client for a sign of life.
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

    /// What to write to the client.
    pub fn output(&self) -> &[u8] {
        self.link.output.as_slice()
    }

    /// The first `n` bytes of the output were written.
    pub fn consume_output(&mut self, n: usize) {
        self.link.consume_output(n);
    }

    /// False while the client leaves too many of our answers unread, and when the connection is
    /// over. Once it turns true again, what `receive` left is to be presented again.
    pub fn wants_input(&self) -> bool {
        self.link.wants_input()
    }

    /// Whether `receive` has something to tell without input: a queue has drained because output
    /// was written.
    pub fn has_events(&self) -> bool {
        self.link.has_drained()
    }

    /// When [`handle_timeout`](ServerConnection::handle_timeout) wants to be called.
    pub fn next_timeout(&self) -> Option<Duration> {
        self.link.next_timeout()
    }

    /// Does what has become due.
    pub fn handle_timeout(&mut self, now: Duration, sink: &mut impl ServerSink) {
        if self.link.is_handshake_late(now) {
            self.fail(Error::HelloLate, sink);
        }
        self.link.release_idle_memory(now);
        self.report_drained(sink);
    }

    /// Takes no new calls; the connection is over when the open ones are.
    pub fn go_away(&mut self) {
        if !self.link.going_away && !self.link.closed {
            self.link.going_away = true;
            self.put_server_go_away(Code::Ok, "");
        }
    }

    /// Ends the connection at once and tells the client why; open calls are
    /// reported as cancelled. Nothing is wrong when the code is OK; calls end with UNAVAILABLE then.
    pub fn close(&mut self, code: Code, reason: &str, sink: &mut impl ServerSink) {
        if !self.link.closed {
            self.put_server_go_away(code, reason);
            let code = if code == Code::Ok { Code::Unavailable } else { code };
            self.end_all_calls(&Status::new(code, reason), sink);
        }
    }

    /// The socket is gone: every open call is cancelled.
    pub fn connection_lost(&mut self, sink: &mut impl ServerSink) {
        self.end_all_calls(&Status::new(Code::Unavailable, "the connection was lost"), sink);
    }

    /// Nothing more will happen: write what is left of the output and close the socket.
    pub fn is_closed(&self) -> bool {
        self.link.is_over()
    }

    /// Puts GO_AWAY, once we know that the peer would understand.
    fn put_server_go_away(&mut self, code: Code, reason: &str) {
        if self.link.handshake != Handshake::Magic {
            self.link.put_go_away(self.last_accepted, code, reason);
        }
    }

    fn fail(&mut self, error: Error, sink: &mut impl ServerSink) {
        self.close(error.code(), error.reason(), sink);
    }

    /// The connection is over for every call.
    fn end_all_calls(&mut self, status: &Status, sink: &mut impl ServerSink) {
        self.link.closed = true;
        for id in self.link.calls.ids_above(0) {
            if self.link.calls.remove(id).is_some_and(|call| !call.finished) {
                sink.cancelled(CallId(id), status.clone());
            }
        }
    }

    fn report_drained(&mut self, sink: &mut impl ServerSink) {
        while let Some(id) = self.link.take_drained() {
            sink.writable(CallId(id));
        }
    }
}
