//! How answers reach the reactor from any thread.
//!
//! A handle ([`Reply`], [`Responder`]) puts what it wants sent into the server's one outbox and
//! wakes the reactor, which owns all connections and does the sending.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::reactor::Waker;
use crate::call::{CallId, Code, Metadata, Status};

/// One connection of a server over its whole life: never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ConnectionId {
    /// Where the server keeps it.
    pub(super) slot: u32,
    /// How many connections the slot had before.
    pub(super) generation: u32,
}

/// What is to be done for a call.
pub(super) enum Action {
    /// Send initial metadata.
    SendHeaders(Metadata),
    /// Send a message and end the call well.
    Respond(Vec<u8>),
    /// Send a message, which was counted as queued in the call's [`Flow`].
    SendMessage(Vec<u8>),
    /// End the call.
    Finish(Status),
    /// End the call, whose handler does not know it yet.
    FinishAndNotify(Status),
    /// A received message of so many bytes was taken.
    MessageTaken(usize),
    /// Tell the handler once nothing that was sent before waits any more.
    NotifyWhenDrained,
    /// Let the client send so many bytes further ahead.
    WidenWindow(u32),
    /// End the connection, and all its calls.
    CloseConnection(Status),
}

/// An action and the call that it is for.
pub(super) struct OutboundAction {
    pub(super) connection: ConnectionId,
    pub(super) call: CallId,
    pub(super) action: Action,
}

impl Action {
    /// Of a message.
    fn bytes(&self) -> usize {
        match self {
            Action::Respond(message) | Action::SendMessage(message) => message.len(),
            _ => 0,
        }
    }
}

/// What waits for the reactor.
pub(super) struct OutboundQueue {
    actions: Mutex<Vec<OutboundAction>>,
    /// Of messages in letters.
    bytes: AtomicUsize,
    max_bytes: usize,
    waker: Waker,
}

impl OutboundQueue {
    /// Full when messages of more than `max_bytes` are in it.
    pub(super) fn new(waker: Waker, max_bytes: usize) -> OutboundQueue {
        OutboundQueue { actions: Mutex::default(), bytes: AtomicUsize::new(0), max_bytes, waker }
    }

    fn push(&self, action: OutboundAction) {
        self.bytes.fetch_add(action.action.bytes(), Ordering::Relaxed);
        self.actions().push(action);
        self.waker.wake();
    }

    /// Puts several letters in, one behind the other.
    fn push_all(&self, actions: impl Iterator<Item = OutboundAction>) {
        let count = |action: &OutboundAction| {
            self.bytes.fetch_add(action.action.bytes(), Ordering::Relaxed);
        };
        self.actions().extend(actions.inspect(count));
        self.waker.wake();
    }

    /// Swaps what waits into `emptied`, which must be empty. Each letter is to be
    /// [uncounted](Self::uncount).
    pub(super) fn take(&self, emptied: &mut Vec<OutboundAction>) {
        mem::swap(&mut *self.actions(), emptied);
    }

    /// A letter that was taken is done with: what it holds counts elsewhere from now on.
    pub(super) fn uncount(&self, action: &OutboundAction) {
        let bytes = action.action.bytes();
        if bytes > 0 {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Bytes of messages that were given to handles, and not yet to a session.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether a handle must give it no more: others send as well, or one that does not look.
    fn is_full(&self) -> bool {
        self.bytes() > self.max_bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.actions().is_empty()
    }

    /// A thread that panicked while it held the lock left a whole list behind: a push is atomic.
    fn actions(&self) -> MutexGuard<'_, Vec<OutboundAction>> {
        self.actions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call's address: where actions for it go.
#[derive(Clone)]
pub(super) struct CallAddress {
    pub(super) outbound: Arc<OutboundQueue>,
    pub(super) connection: ConnectionId,
    pub(super) call: CallId,
}

impl CallAddress {
    pub(super) fn post(&self, action: Action) {
        let CallAddress { connection, call, .. } = *self;
        self.outbound.push(OutboundAction { connection, call, action });
    }
}

/// What the reactor and the handles of a streaming call tell each other.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Bytes on their way to the session.
    pub(super) posted: AtomicUsize,
    /// Bytes that the session has waiting for the peer's window, as last seen.
    pub(super) in_session: AtomicUsize,
    /// The call is over.
    pub(super) over: AtomicBool,
}

impl Flow {
    /// Bytes given to handles and not yet taken by the peer's window.
    pub(super) fn queued(&self) -> usize {
        self.posted.load(Ordering::Relaxed) + self.in_session.load(Ordering::Relaxed)
    }
}

/// The right to answer a unary call, once, from any thread. Dropped without an answer it answers
/// `INTERNAL`, so that no caller waits for a handler that forgot it or panicked.
pub struct Reply {
    address: Option<CallAddress>,
    /// Counts as a running handler of its connection for as long as it lives.
    _running: Arc<()>,
}

impl Reply {
    pub(super) fn new(address: CallAddress, running: Arc<()>) -> Reply {
        Reply { address: Some(address), _running: running }
    }

    /// Answers with a message, or with an error.
    pub fn send(mut self, answer: Result<Vec<u8>, Status>) {
        if let Some(address) = self.address.take() {
            address.post(match answer {
                Ok(_) if address.outbound.is_full() => Action::Finish(unread_limit_reached()),
                Ok(message) => Action::Respond(message),
                Err(status) => Action::Finish(status),
            });
        }
    }

    /// Gives the address away if it leads to `outbox`: its owner answers by itself.
    pub(super) fn into_local_call(
        mut self,
        outbound: &Arc<OutboundQueue>,
    ) -> Result<(ConnectionId, CallId), Reply> {
        match self.address.take() {
            Some(address) if Arc::ptr_eq(&address.outbound, outbound) => {
                Ok((address.connection, address.call))
            }
            address => {
                self.address = address;
                Err(self)
            }
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(address) = self.address.take() {
            address.post(Action::Finish(no_answer_given()));
        }
    }
}

/// What a caller gets when its handler is gone without an answer.
pub(super) fn no_answer_given() -> Status {
    Status::new(Code::Internal, "the handler ended without an answer")
}

/// What a client gets that does not read.
pub(super) fn unread_limit_reached() -> Status {
    Status::new(Code::ResourceExhausted, "too many answers wait for you to read them")
}

/// The sending side of a streaming call, for any thread. Clones speak for the same call.
///
/// It bounds nothing by itself: a sender that may be faster than its client looks at
/// [`queued`](Self::queued) and pauses until [`super::CallHandler::writable`], which comes when
/// much was queued and little is left, or when [asked for](Self::when_drained).
#[derive(Clone)]
pub struct Responder {
    address: CallAddress,
    flow: Arc<Flow>,
}

impl Responder {
    pub(super) fn new(address: CallAddress, flow: Arc<Flow>) -> Responder {
        Responder { address, flow }
    }

    /// Sends initial metadata, which the first message else implies.
    pub fn send_headers(&self, metadata: Metadata) {
        self.address.post(Action::SendHeaders(metadata));
    }

    /// Sends a message. Of a call that is over it is dropped.
    pub fn send(&self, message: Vec<u8>) {
        if self.address.outbound.is_full() {
            self.abort(unread_limit_reached());
        } else if !self.is_over() {
            self.flow.posted.fetch_add(message.len(), Ordering::Relaxed);
            self.address.post(Action::SendMessage(message));
        }
    }

    /// Ends the call. Only the first end counts.
    pub fn finish(&self, status: Status) {
        if !self.flow.over.swap(true, Ordering::Relaxed) {
            self.address.post(Action::Finish(status));
        }
    }

    /// Ends the call, of which the handler has to be told.
    fn abort(&self, status: Status) {
        if !self.flow.over.swap(true, Ordering::Relaxed) {
            self.address.post(Action::FinishAndNotify(status));
        }
    }

    /// [Takes](Self::taken) so many bytes, sends a message and ends the call, in one go.
    pub(super) fn finish_with(&self, taken: usize, message: Option<Vec<u8>>, status: Status) {
        if !self.flow.over.swap(true, Ordering::Relaxed) {
            let (message, status) = match message {
                Some(_) if self.address.outbound.is_full() => (None, unread_limit_reached()),
                message => (message, status),
            };
            let bytes = message.as_ref().map_or(0, Vec::len);
            self.flow.posted.fetch_add(bytes, Ordering::Relaxed);
            let CallAddress { ref outbound, connection, call } = self.address;
            let taken = (taken > 0).then_some(Action::MessageTaken(taken));
            let actions = [taken, message.map(Action::SendMessage), Some(Action::Finish(status))];
            let action = |action| OutboundAction { connection, call, action };
            outbound.push_all(actions.into_iter().flatten().map(action));
        }
    }

    /// Tells that a received message of so many bytes was taken, so that the client may send more:
    /// for a handler that [takes messages later](super::CallHandler::takes_later), once for each.
    pub fn taken(&self, bytes: usize) {
        self.address.post(Action::MessageTaken(bytes));
    }

    /// Has [`super::CallHandler::writable`] called once the client's window has taken all that was
    /// sent so far: at once, if it has already.
    pub fn when_drained(&self) {
        self.address.post(Action::NotifyWhenDrained);
    }

    /// Lets the client send so many bytes further ahead than the windows say, for the rest of the
    /// call: for few calls that carry much over a long way. Over gRPC it changes nothing.
    pub fn extend_window(&self, bytes: u32) {
        self.address.post(Action::WidenWindow(bytes));
    }

    /// Ends the call's connection, and with it all calls on it.
    pub fn close_connection(&self, status: Status) {
        self.flow.over.store(true, Ordering::Relaxed);
        self.address.post(Action::CloseConnection(status));
    }

    /// Bytes sent that the client's window has not taken yet.
    pub fn queued(&self) -> usize {
        self.flow.queued()
    }

    /// Whether the call is over: finished, cancelled, or its connection is gone.
    pub fn is_over(&self) -> bool {
        self.flow.over.load(Ordering::Relaxed)
    }
}
