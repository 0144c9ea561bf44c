//! Clients that cannot be observed: whether one is still there shows only when it is read.
//!
//! | what hides the client | open request with one response | with a stream of messages |
//! |---|---|---|
//! | it has ended its side | goes on for `unobserved_timeout` | is cancelled |
//! | more waits behind the request than `max_pipelined_bytes` | goes on for `unobserved_timeout` | ends with an error |
//!
//! A client may end its side behind its last request, as `printf ... | nc -N` does: neither RFC 9110 nor
//! RFC 9112 forbids it, and section 9.6 has the same for the last response. It looks like a client that is
//! gone, which section 9.5 wants to be noticed. So what will be answered soon is answered, each complete
//! request in its order; what may never send another byte is not kept for somebody who may be gone, and
//! a request that is not complete never will be.
//!
//! A client that sends requests ahead must expect that a connection closes before it has all responses
//! (section 9.3.2), so that a connection may end on which nothing more is read.

use std::time::Duration;

use super::{Reading, ServerConnection};
use crate::call::{Code, RefusedRequest, ServerSink, Status};

impl ServerConnection {
    /// The client has ended its side: nothing more will arrive. Returns false if the connection is over,
    /// and true if a response follows or waits to be sent.
    pub fn end_of_input(&mut self, now: Duration) -> bool {
        self.is_ended = true;
        match (&self.reading, &self.open) {
            (Reading::Head, _) if self.held_bytes == 0 => self.stop(),
            // The rest of a body that is dropped.
            (Reading::Body(_), None) => self.stop(),
            (Reading::Body(_), Some(_)) => return false,
            (Reading::Waiting, Some(open)) => {
                if open.exchange.is_stream() {
                    return false;
                }
                self.unobserved_since.get_or_insert(now);
            }
            _ => {}
        }
        // Requests that are held back wait for the output to be read.
        self.open.is_some() || self.output.len() > 0
    }

    /// Notices, after input was handled, that the client cannot be observed any more.
    pub(super) fn observe(&mut self, now: Duration, sink: &mut impl ServerSink) {
        let is_hidden = self.is_ended || self.held_bytes >= self.limits.max_pipelined_bytes;
        match (&self.reading, &self.open) {
            (Reading::Waiting, Some(open)) if is_hidden => {
                if open.exchange.is_stream() {
                    return self.end_unobserved(sink);
                }
                self.unobserved_since.get_or_insert(now);
            }
            // The rest will not come.
            (Reading::Head | Reading::Body(_), _) if self.is_ended && self.held_bytes == 0 => {
                self.connection_lost(sink);
            }
            _ => {}
        }
    }

    /// Ends the open request with an error, and behind it the connection.
    pub(super) fn end_unobserved(&mut self, sink: &mut impl ServerSink) {
        let Some(open) = &self.open else { return };
        let (call, is_call) = (open.call, open.exchange.is_call());
        let status = if self.is_ended {
            Status::new(Code::Cancelled, "the client has ended its side before the response came")
        } else {
            let (waiting, max) = (self.held_bytes, self.limits.max_pipelined_bytes);
            let text = format!("{waiting} bytes wait behind the request; the limit is {max}");
            Status::new(Code::ResourceExhausted, text)
        };
        self.current.persists = false;
        // It is open.
        let _ = self.finish(call, &status);
        sink.cancelled(call, status);
        if !is_call {
            sink.refused(RefusedRequest::Http { path: "", status: 503 });
        }
    }
}
