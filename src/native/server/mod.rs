//! The role of a server: sending.

mod incoming;

use std::time::Duration;

use super::Error;
use super::connection::{Connection, ReportTo};
use super::envelope::{Header, Kind, MAX_LENGTH, Parts};
use super::link::{put_trailers, too_large_status};
use super::wire;
use crate::call::{
    CallEnded, CallId, Code, Limits, Metadata, ResetBudget, SendError, ServerSink, Status,
};

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
        let status = too_large_status(parts, &connection.link.limits);
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
    /// A new connection. Nothing is sent before the client's magic is received.
    pub fn new(limits: &Limits, now: Duration) -> ServerConnection {
        let resets = ResetBudget::new(limits.reset_burst, limits.resets_per_s, now);
        Connection::with_role(Server { resets }, true, limits, now)
    }

    /// Sends initial metadata, once and before any message; later it is ignored.
    ///
    /// # Errors
    /// [`CallEnded`] if the call has ended, or the metadata is above 2 GiB.
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
    /// [`SendError`]. A message above 2 GiB ends the call with RESOURCE_EXHAUSTED.
    pub fn send_message(&mut self, call: CallId, message: &[u8]) -> Result<(), SendError> {
        if message.len() > MAX_LENGTH as usize {
            let text = format!("a message of {} bytes is above {MAX_LENGTH}", message.len());
            let status = Status::new(Code::ResourceExhausted, text);
            self.finish(call, &status)?;
            return Err(SendError::Refused(status));
        }
        self.link.calls.sending(call.0)?.headers_passed = true;
        self.link.ping_policy.response_sent();
        Ok(self.link.send(call.0, message, false)?)
    }

    /// Ends the call, after the messages that are still queued.
    ///
    /// # Errors
    /// [`CallEnded`] if the call has ended already.
    pub fn finish(&mut self, call: CallId, status: &Status) -> Result<(), CallEnded> {
        let id = call.0;
        let entry = self.link.calls.sending(id)?;
        entry.finished = true;
        self.link.ping_policy.response_sent();
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

    /// Received bytes of incomplete envelopes, and the cost of messages that were not consumed.
    pub fn received_bytes(&self) -> usize {
        self.link.received_bytes()
    }

    /// Limits the bytes of an incomplete envelope.
    pub fn limit_unfinished(&mut self, bytes: usize) {
        self.link.input.set_max_gathered(bytes);
    }

    /// Whether an envelope is incomplete, so that [`Self::check_unfinished`] is needed.
    pub fn has_unfinished(&self) -> bool {
        self.link.input.gathered_bytes() > 0
    }

    /// Checks the progress of an incomplete message. If none of it was received since the last check and
    /// memory is short, its call ends.
    pub fn check_unfinished(
        &mut self,
        now: Duration,
        memory_pressure: bool,
        sink: &mut impl ServerSink,
    ) {
        // While we do not read, the client has not caused the stall.
        if self.wants_input()
            && let Err(error) = self.check_stalled_envelope(now, memory_pressure, sink)
        {
            self.fail(error, sink);
        }
    }

    /// Enlarges the windows of this call and of the connection by this many bytes.
    pub fn extend_window(&mut self, call: CallId, bytes: u32) {
        self.link.extend_window(call.0, bytes);
    }
}
