//! The client's side of a connection.

mod incoming;

use std::time::Duration;

use super::envelope::Kind;
use super::link::Link;
use super::paths::{Paths, is_path};
use super::wire::{self, RequestHeader};
use super::{CallEnded, Error, StartError};
use crate::call::{CallId, ClientSink, Code, Limits, Metadata, Status};

/// How many calls a client may open before the server's HELLO tells.
const CALLS_BEFORE_HELLO: u32 = 100;

/// One connection, as the client sees it: calls out, [`ClientSink`] told.
///
/// After every call of a method there may be [`output`](ClientConnection::output) to write. Errors
/// of the server end the connection by themselves: GO_AWAY is put, open calls are reported as
/// finished, and [`is_closed`](ClientConnection::is_closed) turns true.
pub struct ClientConnection {
    pub(super) link: Link,
    paths: Paths,
    /// How many calls the server takes at once.
    max_calls: u32,
    /// The last call id that the server's GO_AWAY names.
    server_last_call: Option<u32>,
    /// The metadata being read; kept for its memory.
    metadata: Metadata,
}

impl ClientConnection {
    /// A connection that begins now: magic and HELLO are in the output. Calls may begin at once.
    pub fn new(limits: &Limits, now: Duration) -> ClientConnection {
        let mut link = Link::new(false, limits, now);
        link.put_hello(0);
        ClientConnection {
            link,
            paths: Paths::default(),
            max_calls: CALLS_BEFORE_HELLO,
            server_last_call: None,
            metadata: Metadata::new(),
        }
    }

    /// Takes bytes from the server and says how many were consumed. The rest, below 16 KiB unless
    /// [`wants_input`](ClientConnection::wants_input) turned false, is to be presented again with
    /// more bytes behind it, or once input is wanted again.
    pub fn receive(&mut self, now: Duration, input: &[u8], sink: &mut impl ClientSink) -> usize {
        let mut rest = input;
        self.link.bytes_received(now);
        if let Err(error) = self.read(&mut rest, sink) {
            self.fail(error, sink);
        }
        self.report_drained(sink);
        if self.link.is_over() { input.len() } else { input.len() - rest.len() }
    }

    // What we say of a call.

    /// Begins a call. A timeout travels in microseconds; nothing here watches it.
    ///
    /// # Errors
    /// See [`StartError`]; nothing was sent then.
    pub fn start(
        &mut self,
        path: &str,
        metadata: &Metadata,
        timeout: Option<Duration>,
    ) -> Result<CallId, StartError> {
        let link = &mut self.link;
        if link.closed || link.going_away || link.peer_going_away {
            return Err(StartError::GoingAway);
        }
        if link.calls.len() >= self.max_calls as usize {
            return Err(StartError::TooManyCalls);
        }
        let id = link.last_call.checked_add(1).ok_or(StartError::Exhausted)?;
        let path_id = match self.paths.id(path) {
            Some(path_id) => path_id,
            None if is_path(path.as_bytes()) => {
                let path_id = self.paths.assign(path);
                link.output.put(Kind::Path, 0, path_id, path.as_bytes());
                path_id
            }
            None => return Err(StartError::Path),
        };
        let position = link.output.position();
        let header = RequestHeader { path_id, timeout };
        let write = |out: &mut Vec<u8>| wire::write_request(out, header, metadata);
        if !link.output.put_with(Kind::Request, 0, id, write) {
            return Err(StartError::Metadata);
        }
        link.last_call = id;
        link.open_call(id, position);
        Ok(CallId(id))
    }

    /// Sends a message, or queues it until the server gives credit. With `last` the call is
    /// half-closed behind it.
    ///
    /// # Errors
    /// [`CallEnded`] when the call is over or half-closed, or the message is above 2 GiB.
    pub fn send_message(
        &mut self,
        call: CallId,
        message: &[u8],
        last: bool,
    ) -> Result<(), CallEnded> {
        self.link.send(call.0, message, last)
    }

    /// Sends no more messages.
    ///
    /// # Errors
    /// [`CallEnded`] when the call is over or half-closed already.
    pub fn half_close(&mut self, call: CallId) -> Result<(), CallEnded> {
        let id = call.0;
        let entry = self.link.calls.sending(id)?;
        entry.finished = true;
        let behind = match &mut entry.queue {
            Some(queue) if !queue.is_empty() => &mut **queue,
            _ => &mut self.link.output,
        };
        if !behind.end_last(id) {
            behind.put(Kind::HalfClose, 0, id, &[]);
        }
        Ok(())
    }

    /// Gives the call up. Nothing more is reported of it.
    pub fn cancel(&mut self, call: CallId) {
        if self.link.remove(call.0).is_some() {
            self.link.output.put(Kind::Cancel, 0, call.0, &[]);
        }
    }

    /// Bytes that wait for the server's credit on this call. A sender pauses above
    /// [`Limits::send_high_water_bytes`] until [`ClientSink::writable`].
    pub fn queued(&self, call: CallId) -> usize {
        self.link.queued(call.0)
    }

    /// The application is done with a message of this many bytes; to be called once for each, when
    /// the memory is free again. The end of a call counts for all of its messages.
    pub fn message_taken(&mut self, call: CallId, bytes: usize) {
        self.link.message_taken(call.0, bytes);
    }

    // The connection.

    /// Asks the server for a sign of life.
    pub fn ping(&mut self) {
        self.link.ping();
    }

    /// How many pings were answered.
    pub fn pongs(&self) -> u64 {
        self.link.pongs
    }

    /// How many calls are open.
    pub fn open_calls(&self) -> usize {
        self.link.calls.len()
    }

    /// How many calls the server takes at once, as far as it has said so.
    pub fn max_calls(&self) -> usize {
        self.max_calls as usize
    }

    /// What to write to the server.
    pub fn output(&self) -> &[u8] {
        self.link.output.as_slice()
    }

    /// The first `n` bytes of the output were written.
    pub fn consume_output(&mut self, n: usize) {
        self.link.consume_output(n);
    }

    /// False while the server leaves too many of our answers unread, and when the connection is
    /// over. Once it turns true again, what `receive` left is to be presented again.
    pub fn wants_input(&self) -> bool {
        self.link.wants_input()
    }

    /// Whether `receive` has something to tell without input: a queue has drained because output
    /// was written.
    pub fn has_events(&self) -> bool {
        self.link.has_drained()
    }

    /// When [`handle_timeout`](ClientConnection::handle_timeout) wants to be called.
    pub fn next_timeout(&self) -> Option<Duration> {
        self.link.next_timeout()
    }

    /// Does what has become due.
    pub fn handle_timeout(&mut self, now: Duration, sink: &mut impl ClientSink) {
        if self.link.is_handshake_late(now) {
            self.fail(Error::HelloLate, sink);
        }
        self.link.release_idle_memory(now);
        self.report_drained(sink);
    }

    /// Begins no more calls; the connection is over when the open ones are.
    pub fn go_away(&mut self) {
        if !self.link.going_away && !self.link.closed {
            self.link.going_away = true;
            self.link.put_go_away(0, Code::Ok, "");
        }
    }

    /// Ends the connection at once and tells the server why; open calls end with
    /// the same. Nothing is wrong when the code is OK; calls end with UNAVAILABLE then.
    pub fn close(&mut self, code: Code, reason: &str, sink: &mut impl ClientSink) {
        if !self.link.closed {
            self.link.put_go_away(0, code, reason);
            let code = if code == Code::Ok { Code::Unavailable } else { code };
            self.end_all_calls(&Status::new(code, reason), sink);
        }
    }

    /// The socket is gone: every open call ends with UNAVAILABLE. Those of which no byte was
    /// written are retriable.
    pub fn connection_lost(&mut self, sink: &mut impl ClientSink) {
        self.end_all_calls(&Status::new(Code::Unavailable, "the connection was lost"), sink);
    }

    /// Nothing more will happen: write what is left of the output and close the socket.
    pub fn is_closed(&self) -> bool {
        self.link.is_over()
    }

    fn fail(&mut self, error: Error, sink: &mut impl ClientSink) {
        if error == Error::Magic {
            self.end_all_calls(&Status::new(error.code(), error.reason()), sink);
        } else {
            self.close(error.code(), error.reason(), sink);
        }
    }

    /// The connection is over for every call.
    fn end_all_calls(&mut self, status: &Status, sink: &mut impl ClientSink) {
        self.link.closed = true;
        for id in self.link.calls.ids_above(0) {
            if let Some(call) = self.link.calls.remove(id) {
                let unsent = self.link.output.is_unsent_since(call.position);
                sink.finished(CallId(id), status.clone(), unsent);
            }
        }
    }

    fn report_drained(&mut self, sink: &mut impl ClientSink) {
        while let Some(id) = self.link.take_drained() {
            sink.writable(CallId(id));
        }
    }
}
