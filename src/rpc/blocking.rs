//! Blocking handlers: a call as a thread of the worker pool sees it.

use std::collections::VecDeque;
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::outbound::{Responder, no_answer_given};
use super::service::{CallHandler, Context, Shape};
use super::workers::After;
use crate::call::{Metadata, Principal, Status};

/// A call whose handler runs on a thread of the worker pool and may block.
pub struct BlockingCall {
    metadata: Metadata,
    peer: SocketAddr,
    principal: Arc<Principal>,
    deadline: Option<Instant>,
    inbox: Arc<Inbox>,
    responder: Responder,
    send_high_water_bytes: usize,
    shape: Shape,
    /// Bytes of a small request, which are reported as consumed when the call ends.
    taken: usize,
    /// The only response: it is sent when the call ends.
    response: Option<Vec<u8>>,
    trailers: Metadata,
    after_finish: Option<After>,
}

/// Requests up to this size are reported as consumed only when the call ends: a call with one
/// request sends nothing more, and so little window space holds up no other call.
const SMALL_REQUEST_BYTES: usize = 4 * 1024;

/// What the event loop passes to the handler.
#[derive(Default)]
struct Inbox {
    state: Mutex<InboxState>,
    changed: Condvar,
}

#[derive(Default)]
struct InboxState {
    /// Bounded by the call's receive window: a message counts against it until the handler has
    /// consumed it.
    messages: VecDeque<Vec<u8>>,
    half_closed: bool,
    over: Option<Status>,
    /// Number of threads that wait for a change.
    waiting: usize,
}

impl Inbox {
    fn state(&self) -> MutexGuard<'_, InboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, mut state: MutexGuard<'a, InboxState>) -> MutexGuard<'a, InboxState> {
        state.waiting += 1;
        let mut state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state
    }

    fn wait_for<'a>(
        &self,
        mut state: MutexGuard<'a, InboxState>,
        longest: Duration,
    ) -> MutexGuard<'a, InboxState> {
        state.waiting += 1;
        let waited = self.changed.wait_timeout(state, longest);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.waiting -= 1;
        state
    }
}

impl BlockingCall {
    /// A call, and the event loop's handler that feeds it.
    pub(super) fn new(
        context: &Context<'_>,
        responder: Responder,
        send_high_water_bytes: usize,
        shape: Shape,
    ) -> (BlockingCall, Box<dyn CallHandler>) {
        let inbox = Arc::new(Inbox::default());
        let feeder = Box::new(Feeder { inbox: Arc::clone(&inbox) });
        let call = BlockingCall {
            metadata: context.metadata.clone(),
            peer: context.peer,
            principal: Arc::clone(context.principal),
            deadline: context.deadline,
            inbox,
            responder,
            send_high_water_bytes,
            shape,
            taken: 0,
            response: None,
            trailers: Metadata::new(),
            after_finish: None,
        };
        (call, feeder)
    }

    /// The client's metadata, address and principal, and the deadline.
    pub fn context(&self) -> Context<'_> {
        let BlockingCall { metadata, peer, principal, deadline, .. } = self;
        Context { metadata, peer: *peer, principal, deadline: *deadline }
    }

    /// Waits for the next message; `None` once the client has half-closed.
    ///
    /// # Errors
    /// The call is over: cancelled, timed out, or its connection is lost.
    pub fn receive(&mut self) -> Result<Option<Vec<u8>>, Status> {
        let mut state = self.inbox.state();
        loop {
            if let Some(status) = &state.over {
                return Err(status.clone());
            }
            if let Some(message) = state.messages.pop_front() {
                drop(state);
                if self.shape.takes_one_request() && message.len() <= SMALL_REQUEST_BYTES {
                    self.taken = message.len();
                } else {
                    self.responder.taken(message.len());
                }
                return Ok(Some(message));
            }
            if state.half_closed {
                return Ok(None);
            }
            state = self.inbox.wait(state);
        }
    }

    /// Sends initial metadata. Without this call it goes out empty with the first message.
    pub fn send_headers(&self, metadata: Metadata) {
        self.responder.send_headers(metadata);
    }

    /// As [`Responder::choose_compression`].
    pub fn choose_compression(&self, compressed: bool) {
        self.responder.choose_compression(compressed);
    }

    /// Sends a message. Waits first while the client's queue is above the high-water mark.
    ///
    /// # Errors
    /// The call is over.
    pub fn send(&mut self, message: Vec<u8>) -> Result<(), Status> {
        let mut state = self.inbox.state();
        loop {
            if let Some(status) = &state.over {
                return Err(status.clone());
            }
            if self.responder.queued() < self.send_high_water_bytes {
                break;
            }
            state = self.inbox.wait(state);
        }
        drop(state);
        let message = match self.shape.gives_one_response() {
            true => self.response.replace(message),
            false => Some(message),
        };
        if let Some(message) = message {
            self.responder.send(message);
        }
        Ok(())
    }

    /// Waits for `duration`, or until the call is over if that is sooner.
    ///
    /// # Errors
    /// The call is over.
    pub fn sleep(&self, duration: Duration) -> Result<(), Status> {
        let until = Instant::now() + duration;
        let mut state = self.inbox.state();
        loop {
            if let Some(status) = &state.over {
                return Err(status.clone());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            state = self.inbox.wait_for(state, left);
        }
    }

    /// Bytes sent that the client's window has not admitted yet.
    pub fn queued(&self) -> usize {
        self.responder.queued()
    }

    /// Sets the trailing metadata for an OK status. An error carries its own.
    pub fn set_trailers(&mut self, metadata: Metadata) {
        self.trailers = metadata;
    }

    /// Runs `work` on the handler's thread after the call has ended and its status was queued. A
    /// second call replaces the first.
    pub fn after_finish(&mut self, work: impl FnOnce() + Send + Sync + 'static) {
        self.after_finish = Some(Box::new(work));
    }

    /// Ends the call with its handler's result. Returns the work to run afterwards.
    pub(super) fn finish(mut self, result: Result<(), Status>) -> Option<After> {
        let status = match result {
            Ok(()) => Status { metadata: mem::take(&mut self.trailers), ..Status::OK },
            Err(status) => status,
        };
        let response = self.response.take().filter(|_| status.is_ok());
        self.responder.finish_with(self.taken, response, status);
        self.after_finish.take()
    }
}

impl Drop for BlockingCall {
    /// Answers for a handler that panicked.
    fn drop(&mut self) {
        self.responder.finish(no_answer_given());
    }
}

/// Passes the call's events to the worker thread.
struct Feeder {
    inbox: Arc<Inbox>,
}

impl Feeder {
    fn change(&self, change: impl FnOnce(&mut InboxState)) {
        let mut state = self.inbox.state();
        change(&mut state);
        let anybody_waits = state.waiting > 0;
        drop(state);
        // Usually no thread waits, and a notification costs as much as all the rest here.
        if anybody_waits {
            self.inbox.changed.notify_all();
        }
    }
}

impl CallHandler for Feeder {
    fn message(&mut self, message: &[u8]) {
        self.change(|state| state.messages.push_back(message.to_vec()));
    }

    fn half_close(&mut self) {
        self.change(|state| state.half_closed = true);
    }

    fn cancelled(&mut self, status: &Status) {
        self.change(|state| state.over = Some(status.clone()));
    }

    fn writable(&mut self) {
        self.change(|_| ());
    }

    fn takes_later(&self) -> bool {
        true
    }
}
