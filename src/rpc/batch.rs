//! Answers collected while a session reports to its sink, which cannot touch the session.

use std::ops::Range;

use crate::call::{CallId, Code, ResourceResponse, Status};

/// What to send once the session has finished reporting.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) answers: Vec<BatchedAnswer>,
    resources: Vec<(CallId, ResourceResponse)>,
    /// Bytes of the contents of `resources`.
    resource_bytes: usize,
}

pub(super) struct BatchedAnswer {
    pub(super) call: CallId,
    pub(super) message: Option<Range<usize>>,
    pub(super) status: Option<Status>,
    /// The length of a received message that was consumed.
    pub(super) taken: Option<usize>,
}

impl Batch {
    pub(super) fn fail(&mut self, call: CallId, code: Code, message: impl Into<String>) {
        self.end(call, Status::new(code, message));
    }

    pub(super) fn end(&mut self, call: CallId, status: Status) {
        self.answers.push(BatchedAnswer { call, message: None, status: Some(status), taken: None });
    }

    pub(super) fn taken(&mut self, call: CallId, bytes: usize) {
        self.answers.push(BatchedAnswer { call, message: None, status: None, taken: Some(bytes) });
    }

    /// Answers a request for a resource.
    pub(super) fn respond(&mut self, call: CallId, response: ResourceResponse) {
        self.resource_bytes += response.body.len();
        self.resources.push((call, response));
    }

    /// Bytes of all answers.
    pub(super) fn answer_bytes(&self) -> usize {
        self.bytes.len() + self.resource_bytes
    }

    /// Sends everything through the session and empties the batch.
    pub(super) fn send(&mut self, session: &mut crate::session::ServerSession) {
        for answer in self.answers.drain(..) {
            if let Some(bytes) = answer.taken {
                session.message_taken(answer.call, bytes);
            }
            // A call that has ended meanwhile needs no answer.
            if let Some(message) = answer.message {
                let _ = session.send_message(answer.call, &self.bytes[message]);
            }
            if let Some(status) = answer.status {
                let _ = session.finish(answer.call, &status);
            }
        }
        for (call, response) in self.resources.drain(..) {
            let _ = session.respond(call, &response);
        }
        self.bytes.clear();
        self.resource_bytes = 0;
    }
}
