//! The server's side of a connection.

mod incoming;

use std::time::Duration;

use super::Error;
use super::connection::{Connection, ReportTo};
use super::envelope::{Header, Kind, Parts};
use super::link::{put_trailers, too_large};
use super::wire;
use crate::call::{CallEnded, CallId, Limits, Metadata, ResetBudget, ServerSink, Status};

/// The server's side of a connection: bytes in, calls reported to a [`ServerSink`], bytes out.
pub type ServerConnection = Connection<Server>;

/// The role of a server.
pub struct Server {
    resets: ResetBudget,
}

impl<S: ServerSink> ReportTo<S> for Server {
    fn envelope(
        connection: &mut ServerConnection,
        now: Duration,
        header: Header,
        payload: &[u8],
        sink: &mut S,
    ) -> Result<(), Error> {
        connection.envelope(now, header, payload, sink)
    }

    fn too_large(
        connection: &mut ServerConnection,
        now: Duration,
        header: Header,
        parts: Parts,
        sink: &mut S,
    ) -> Result<(), Error> {
        let status = too_large(parts, &connection.link.limits);
        connection.skipped(now, header, parts, status, sink)
    }

    fn end_all_calls(connection: &mut ServerConnection, status: &Status, sink: &mut S) {
        connection.link.closed = true;
        for id in connection.link.calls.ids_above(0) {
            if connection.link.calls.remove(id).is_some_and(|call| !call.finished) {
                sink.cancelled(CallId(id), status.clone());
            }
        }
    }

    fn writable(sink: &mut S, call: CallId) {
        sink.writable(call);
    }
}

impl ServerConnection {
    /// A connection that begins now. Nothing is sent before the client's magic has come.
    pub fn new(limits: &Limits, now: Duration) -> ServerConnection {
        let resets = ResetBudget::new(limits.reset_burst, limits.resets_per_s, now);
        Connection::with_role(Server { resets }, true, limits, now)
    }

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

    /// Lets the client send so many bytes further ahead than the windows say, on this call and on
    /// the connection.
    pub fn extend_window(&mut self, call: CallId, bytes: u32) {
        self.link.extend_window(call.0, bytes);
    }
}
