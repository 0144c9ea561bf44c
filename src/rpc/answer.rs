//! Answers to unary calls that a handler gives at once or later.

use std::sync::Arc;

use super::outbound::{CallAddress, ConnectionId, OutboundQueue, Reply};
use crate::call::{CallId, Code, Status};

/// What a handler of [`super::Services::deferrable`] answers with: [at once](Answer::now), at the
/// cost of a unary handler, or [later](Answer::later), at the cost of a deferred one.
pub struct Answer<'a> {
    out: &'a mut Vec<u8>,
    reply_factory: ReplyFactory<'a>,
}

/// Proof that a call was answered or will be. Only an [`Answer`] makes one.
#[must_use]
pub struct Answered(pub(super) When);

/// When the answer goes out.
pub(super) enum When {
    /// It is in the handler's response buffer.
    Now,
    /// A [`Reply`] will send it.
    Later,
}

impl<'a> Answer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, reply_factory: ReplyFactory<'a>) -> Answer<'a> {
        Answer { out, reply_factory }
    }

    /// Answers with what `write` appends to its buffer, which may hold other answers before it.
    pub fn now(self, write: impl FnOnce(&mut Vec<u8>)) -> Answered {
        write(self.out);
        Answered(When::Now)
    }

    /// Takes the right to answer from any thread.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`: too many calls of this connection wait already.
    pub fn later(self) -> Result<(Reply, Answered), Status> {
        Ok((self.reply_factory.reply()?, Answered(When::Later)))
    }
}

/// Makes the [`Reply`] of one call when it is needed.
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

/// Limits the handlers of one connection that run outside of the event loop. A handler counts until
/// it ends, even if its call is over: a client cannot start more by resetting calls.
#[derive(Debug)]
pub(super) struct RunningHandlers {
    /// Each running handler holds a clone.
    token: Arc<()>,
    max: usize,
}

impl RunningHandlers {
    pub(super) fn new(max: usize) -> RunningHandlers {
        RunningHandlers { token: Arc::default(), max }
    }

    /// A permit for one more handler, to be held while it runs.
    pub(super) fn acquire(&self) -> Result<Arc<()>, Status> {
        if Arc::strong_count(&self.token) > self.max {
            let reason = "too many calls of this connection are still being worked on";
            return Err(Status::new(Code::ResourceExhausted, reason));
        }
        Ok(Arc::clone(&self.token))
    }
}
