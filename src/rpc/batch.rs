//! Answers collected while a session reports to its sink, which cannot touch the session.

use std::ops::Range;

use super::metrics::Tally;
use crate::call::{CallId, Code, ResourceResponse, SendError, Status};
use crate::session::ServerSession;

/// What to send once the session has finished reporting.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) answers: Vec<BatchedAnswer>,
    resources: Vec<BatchedResource>,
    /// Bytes of the contents of `resources`.
    resource_bytes: usize,
}

pub(super) struct BatchedAnswer {
    pub(super) call: CallId,
    pub(super) message: Option<Range<usize>>,
    pub(super) status: Option<Status>,
    /// The length of a received message that was consumed.
    pub(super) taken: Option<usize>,
    /// The call, if its end is to be recorded once it is known what was sent.
    pub(super) recorded: Option<(usize, Tally)>,
}

/// The answer to a request for a resource.
pub(super) struct BatchedResource {
    pub(super) call: CallId,
    /// Its index; `None`: there is none at the path.
    pub(super) found: Option<usize>,
    pub(super) path: Box<str>,
    pub(super) response: ResourceResponse,
}

/// What a client was sent.
pub(super) enum Sent<'a> {
    /// The end of a call that a handler has answered.
    Call {
        method: usize,
        tally: Tally,
        /// The code that the client receives.
        code: Code,
        /// The length of the message, if one was sent.
        message_bytes: Option<usize>,
    },
    /// A resource, with the length of its content.
    Resource { found: Option<usize>, path: &'a str, status: u16, bytes: usize },
}

impl Batch {
    pub(super) fn fail(&mut self, call: CallId, code: Code, message: impl Into<String>) {
        self.end(call, Status::new(code, message));
    }

    pub(super) fn end(&mut self, call: CallId, status: Status) {
        let status = Some(status);
        self.answers.push(BatchedAnswer {
            call,
            message: None,
            status,
            taken: None,
            recorded: None,
        });
    }

    pub(super) fn taken(&mut self, call: CallId, bytes: usize) {
        let taken = Some(bytes);
        self.answers.push(BatchedAnswer {
            call,
            message: None,
            status: None,
            taken,
            recorded: None,
        });
    }

    /// Answers a request for a resource.
    pub(super) fn respond(&mut self, resource: BatchedResource) {
        self.resource_bytes += resource.response.body.len();
        self.resources.push(resource);
    }

    /// Bytes of all answers.
    pub(super) fn answer_bytes(&self) -> usize {
        self.bytes.len() + self.resource_bytes
    }

    /// Sends everything through the session and empties the batch. `record` is called for each call that
    /// a handler has answered, and for each resource that was sent.
    pub(super) fn send(&mut self, session: &mut ServerSession, mut record: impl FnMut(Sent<'_>)) {
        for answer in self.answers.drain(..) {
            if let Some(bytes) = answer.taken {
                session.message_taken(answer.call, bytes);
            }
            let Some(status) = answer.status else { continue };
            let message = answer.message.and_then(|range| self.bytes.get(range));
            let (code, sent) = end_call(session, answer.call, message, &status);
            if let Some((method, tally)) = answer.recorded {
                record(Sent::Call { method, tally, code, message_bytes: sent });
            }
        }
        for BatchedResource { call, found, path, response } in self.resources.drain(..) {
            // One that is over was refused by the protocol, or its client is gone.
            if let Ok(bytes) = session.respond(call, &response) {
                record(Sent::Resource { found, path: &path, status: response.status, bytes });
            }
        }
        self.bytes.clear();
        self.resource_bytes = 0;
    }
}

/// Sends the message and the status of an answer. Returns the code that the call has ended with, and how
/// many bytes of the message were sent.
fn end_call(
    session: &mut ServerSession,
    call: CallId,
    message: Option<&[u8]>,
    status: &Status,
) -> (Code, Option<usize>) {
    let sent = message.map_or(Ok(()), |message| session.send_message(call, message));
    match sent.and_then(|()| Ok(session.finish(call, status)?)) {
        Ok(()) => (status.code, message.map(<[u8]>::len)),
        Err(SendError::Refused(instead)) => (instead.code, None),
        // The bytes that brought the request brought its end as well.
        Err(SendError::Ended) => (Code::Cancelled, None),
    }
}
