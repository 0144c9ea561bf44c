//! The role of a client: sending.

mod incoming;

use std::time::Duration;

use super::connection::{Connection, ReportTo};
use super::envelope::{Header, Kind, Parts};
use super::paths::is_path;
use super::wire::{self, RequestHeader};
use super::{Error, StartError};
use crate::call::{CallEnded, CallId, ClientSink, Limits, Metadata, Status};

/// How many calls a client may open before it has read the server's HELLO.
const CALLS_BEFORE_HELLO: u32 = 100;

/// The client's side of a connection: calls out, answers reported to a [`ClientSink`].
pub type ClientConnection = Connection<Client>;

/// The role of a client.
pub struct Client {
    /// How many concurrent calls the server allows.
    max_calls: u32,
    /// The last call id in the server's GO_AWAY.
    server_last_call: Option<u32>,
}

impl<S: ClientSink> ReportTo<S> for Client {
    fn envelope(
        connection: &mut ClientConnection,
        _: Duration,
        header: Header,
        payload: &[u8],
        sink: &mut S,
    ) -> Result<(), Error> {
        connection.envelope(header, payload, sink)
    }

    fn too_large(
        connection: &mut ClientConnection,
        _: Duration,
        header: Header,
        parts: Parts,
        sink: &mut S,
    ) -> Result<(), Error> {
        connection.too_large(header, parts, sink)
    }

    /// A call of which no byte was written is retriable.
    fn end_all_calls(connection: &mut ClientConnection, status: &Status, sink: &mut S) {
        connection.link.closed = true;
        for id in connection.link.calls.ids_above(0) {
            if let Some(call) = connection.link.calls.remove(id) {
                let unsent = connection.link.output.is_unsent_since(call.position);
                sink.finished(CallId(id), status.clone(), unsent);
            }
        }
    }

    fn writable(sink: &mut S, call: CallId) {
        sink.writable(call);
    }
}

impl ClientConnection {
    /// A new connection: magic and HELLO are in the output. Calls can be started at once.
    pub fn new(limits: &Limits, now: Duration) -> ClientConnection {
        let role = Client { max_calls: CALLS_BEFORE_HELLO, server_last_call: None };
        let mut connection = Connection::with_role(role, false, limits, now);
        connection.link.put_hello(0);
        connection
    }

    /// Starts a call. The timeout is sent in microseconds; the caller enforces it on this side.
    ///
    /// # Errors
    /// See [`StartError`]; nothing was sent.
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
        if link.calls.len() >= self.role.max_calls as usize {
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

    /// Sends a message, or queues it until the server gives credit. `last` half-closes the call.
    ///
    /// # Errors
    /// [`CallEnded`] if the call has ended or is half-closed, or the message is above 2 GiB.
    pub fn send_message(
        &mut self,
        call: CallId,
        message: &[u8],
        last: bool,
    ) -> Result<(), CallEnded> {
        self.link.send(call.0, message, last)
    }

    /// Half-closes a call: no more messages follow.
    ///
    /// # Errors
    /// [`CallEnded`] if the call has ended or is half-closed already.
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

    /// Cancels a call. Nothing more is reported of it.
    pub fn cancel(&mut self, call: CallId) {
        if self.link.remove(call.0).is_some() {
            self.link.output.put(Kind::Cancel, 0, call.0, &[]);
        }
    }

    /// How many concurrent calls the server allows: 100 before its HELLO.
    pub fn max_calls(&self) -> usize {
        self.role.max_calls as usize
    }
}
