//! How a unary call is answered by a handler that may do it at once or later.

use std::sync::Arc;

use super::outbound::{CallAddress, ConnectionId, OutboundQueue, Reply};
use crate::call::{CallId, Code, Status};

/// What a handler of [`super::Services::deferrable`] answers with: [at once](Answer::now), at the
/// cost of a unary handler, or [later](Answer::later), at the cost of a deferred one.
pub struct Answer<'a> {
    out: &'a mut Vec<u8>,
    reply_factory: ReplyFactory<'a>,
}

/// Says that a call was answered, or will be; to be had from an [`Answer`] alone.
#[must_use]
pub struct Answered(pub(super) When);

/// When the answer goes out.
pub(super) enum When {
    /// It stands in the buffer that the handler was given.
    Now,
    /// Somebody has the [`Reply`].
    Later,
}

impl<'a> Answer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, reply_factory: ReplyFactory<'a>) -> Answer<'a> {
        Answer { out, reply_factory }
    }

    /// Answers with what `write` appends to the buffer that it is given; other answers may stand in
    /// front of it.
    pub fn now(self, write: impl FnOnce(&mut Vec<u8>)) -> Answered {
        write(self.out);
        Answered(When::Now)
    }

    /// Takes the right to answer from any thread.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`, for the caller: too many calls of its connection wait already.
    pub fn later(self) -> Result<(Reply, Answered), Status> {
        Ok((self.reply_factory.reply()?, Answered(When::Later)))
    }
}

/// Makes the [`Reply`] of one call, if it is wanted.
#[derive(Clone, Copy)]
pub(super) struct ReplyFactory<'a> {
    pub(super) outbound: &'a Arc<OutboundQueue>,
    pub(super) connection: ConnectionId,
    pub(super) call: CallId,
    pub(super) running: &'a RunningHandlers,
}

impl ReplyFactory<'_> {
    pub(super) fn reply(self) -> Result<Reply, Status> {
        let running = self.running.acquire()?;
        let ReplyFactory { outbound, connection, call, .. } = self;
        Ok(Reply::new(CallAddress { outbound: Arc::clone(outbound), connection, call }, running))
    }
}

/// The handlers of one connection that run elsewhere, calls that are over already included: who
/// resets a call has not ended its handler.
#[derive(Debug)]
pub(super) struct RunningHandlers {
    /// A clone for each.
    token: Arc<()>,
    max: usize,
}

impl RunningHandlers {
    pub(super) fn new(max: usize) -> RunningHandlers {
        RunningHandlers { token: Arc::default(), max }
    }

    /// A place for one more, to be kept for as long as it runs.
    pub(super) fn acquire(&self) -> Result<Arc<()>, Status> {
        if Arc::strong_count(&self.token) > self.max {
            let reason = "too many calls of this connection are still being worked on";
            return Err(Status::new(Code::ResourceExhausted, reason));
        }
        Ok(Arc::clone(&self.token))
    }
}
