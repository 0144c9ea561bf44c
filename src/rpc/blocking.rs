//! Handlers that may block: a call as a worker's thread sees it.

use std::collections::VecDeque;
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::outbound::{Responder, no_answer_given};
use super::service::{CallHandler, Context, Shape};
use super::workers::After;
use crate::call::{Metadata, Status};

/// A call whose handler runs on a thread of its own and may wait.
pub struct BlockingCall {
    metadata: Metadata,
    peer: SocketAddr,
    deadline: Option<Instant>,
    inbox: Arc<Inbox>,
    responder: Responder,
    send_high_water_bytes: usize,
    shape: Shape,
    /// Bytes of a small request: they are told to be taken with the call's end.
    taken: usize,
    /// The only response: it goes out with the call's end.
    response: Option<Vec<u8>>,
    trailers: Metadata,
    after_finish: Option<After>,
}

/// A call with one request sends nothing more, and nothing waits for the room that it leaves, if it
/// is no larger than this.
const SMALL_REQUEST_BYTES: usize = 4 * 1024;

/// What the reactor has for the handler.
#[derive(Default)]
struct Inbox {
    state: Mutex<InboxState>,
    changed: Condvar,
}

#[derive(Default)]
struct InboxState {
    /// Bounded by the call's receive window: a message counts against it until it is taken.
    messages: VecDeque<Vec<u8>>,
    half_closed: bool,
    over: Option<Status>,
    /// Threads that wait for a change.
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
    /// A call and the handler that feeds it from the reactor.
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

    /// The client's metadata, address and deadline.
    pub fn context(&self) -> Context<'_> {
        Context { metadata: &self.metadata, peer: self.peer, deadline: self.deadline }
    }

    /// Waits for the next message; `None` once the client sends nothing more.
    ///
    /// # Errors
    /// The call is over: cancelled, timed out, or its connection is gone.
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

    /// Sends initial metadata, which the first message else implies.
    pub fn send_headers(&self, metadata: Metadata) {
        self.responder.send_headers(metadata);
    }

    /// Sends a message; waits first while too much is queued for the client.
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

    /// Bytes sent that the client's window has not taken yet.
    pub fn queued(&self) -> usize {
        self.responder.queued()
    }

    /// The trailing metadata of a call that ends well. An error carries its own.
    pub fn set_trailers(&mut self, metadata: Metadata) {
        self.trailers = metadata;
    }

    /// Has something done on the handler's thread when the call has ended, and its end is on its way
    /// to the client. The last that is asked for counts.
    pub fn after_finish(&mut self, work: impl FnOnce() + Send + Sync + 'static) {
        self.after_finish = Some(Box::new(work));
    }

    /// Ends the call with what its handler returned. Returns what is to be done then.
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
    /// A handler that panicked has not answered: its caller must not wait for it.
    fn drop(&mut self) {
        self.responder.finish(no_answer_given());
    }
}

/// Hands what the reactor reports to the worker's thread.
struct Feeder {
    inbox: Arc<Inbox>,
}

impl Feeder {
    fn change(&self, change: impl FnOnce(&mut InboxState)) {
        let mut state = self.inbox.state();
        change(&mut state);
        let anybody_waits = state.waiting > 0;
        drop(state);
        // Mostly nobody does, and to tell the kernel so takes as long as all else here.
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
