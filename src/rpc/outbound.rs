//! How answers reach the event loop from any thread.
//!
//! A handle ([`Reply`], [`Responder`]) puts an action into the server's one queue and wakes the
//! event loop, which owns all connections and carries the action out.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::reactor::Waker;
use crate::call::{CallId, Code, Metadata, Status};

/// Identifies one connection of a server. An id is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ConnectionId {
    /// Its index in the server's slab.
    pub(super) slot: u32,
    /// How many connections had this index before.
    pub(super) generation: u32,
}

/// What the event loop does for a call.
pub(super) enum Action {
    /// Send initial metadata.
    SendHeaders(Metadata),
    /// Choose whether the next messages are compressed.
    ChooseCompression(bool),
    /// Send a message and end the call with OK.
    Respond(Vec<u8>),
    /// Send a message, which is counted in the call's [`Flow`].
    SendMessage(Vec<u8>),
    /// End the call.
    Finish(Status),
    /// End the call, and notify its handler, which did not ask for it.
    FinishAndNotify(Status),
    /// The handler has consumed a received message of so many bytes.
    MessageTaken(usize),
    /// Notify the handler once everything sent so far has drained.
    NotifyWhenDrained,
    /// Widen the call's receive window by so many bytes.
    WidenWindow(u32),
    /// Give the connection a reserved slot.
    AcceptPeer,
    /// End the connection, and all its calls.
    CloseConnection(Status),
}

/// An action and its call.
pub(super) struct OutboundAction {
    pub(super) connection: ConnectionId,
    pub(super) call: CallId,
    pub(super) action: Action,
}

impl OutboundAction {
    /// Its memory in the queue: its own size, so that empty messages count as well, and the size of
    /// its content.
    fn bytes(&self) -> usize {
        let carried = match &self.action {
            Action::Respond(message) | Action::SendMessage(message) => message.len(),
            Action::SendHeaders(metadata) => metadata.size_bytes(),
            Action::Finish(status)
            | Action::FinishAndNotify(status)
            | Action::CloseConnection(status) => {
                status.message.len() + status.metadata.size_bytes()
            }
            Action::ChooseCompression(_)
            | Action::MessageTaken(_)
            | Action::NotifyWhenDrained
            | Action::WidenWindow(_)
            | Action::AcceptPeer => 0,
        };
        size_of::<OutboundAction>() + carried
    }
}

/// The actions that wait for the event loop.
pub(super) struct OutboundQueue {
    actions: Mutex<Vec<OutboundAction>>,
    /// Bytes of the messages in actions that were not carried out yet.
    bytes: AtomicUsize,
    max_bytes: usize,
    waker: Waker,
}

impl OutboundQueue {
    /// A queue that is full when it holds messages of more than `max_bytes`.
    pub(super) fn new(waker: Waker, max_bytes: usize) -> OutboundQueue {
        OutboundQueue { actions: Mutex::default(), bytes: AtomicUsize::new(0), max_bytes, waker }
    }

    fn push(&self, action: OutboundAction) {
        self.bytes.fetch_add(action.bytes(), Ordering::Relaxed);
        self.actions().push(action);
        self.waker.wake();
    }

    /// Adds several actions, with none of another thread between them.
    fn push_all(&self, actions: impl Iterator<Item = OutboundAction>) {
        let count = |action: &OutboundAction| {
            self.bytes.fetch_add(action.bytes(), Ordering::Relaxed);
        };
        self.actions().extend(actions.inspect(count));
        self.waker.wake();
    }

    /// Swaps the queue with `emptied`, which must be empty. The caller has to
    /// [uncount](Self::uncount) each action.
    pub(super) fn take(&self, emptied: &mut Vec<OutboundAction>) {
        mem::swap(&mut *self.actions(), emptied);
    }

    /// Removes an action's bytes from the count: another account holds them from now on.
    pub(super) fn uncount(&self, action: &OutboundAction) {
        self.bytes.fetch_sub(action.bytes(), Ordering::Relaxed);
    }

    /// Bytes of messages that handles have queued and no session has yet.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether a handle must not add messages: many senders together, or one that ignores
    /// [`Responder::queued`], have filled the queue.
    fn is_full(&self) -> bool {
        self.bytes() > self.max_bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.actions().is_empty()
    }

    /// A push is atomic: a thread that panicked leaves a consistent list.
    fn actions(&self) -> MutexGuard<'_, Vec<OutboundAction>> {
        self.actions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where actions for a call go.
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

/// Counters that the event loop and the handles of a streaming call share.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Bytes in the outbound queue.
    pub(super) posted: AtomicUsize,
    /// Bytes in the session that wait for the peer's window, when last counted.
    pub(super) in_session: AtomicUsize,
    /// The call is over.
    pub(super) over: AtomicBool,
}

impl Flow {
    /// Bytes sent by handles that the peer's window has not admitted yet.
    pub(super) fn queued(&self) -> usize {
        self.posted.load(Ordering::Relaxed) + self.in_session.load(Ordering::Relaxed)
    }
}

/// The right to answer a unary call, once, from any thread. A reply that is dropped unanswered ends
/// the call with `INTERNAL`, so that no caller waits for a handler that forgot it or panicked.
pub struct Reply {
    address: Option<CallAddress>,
    /// Counts as a running handler of its connection until it is dropped.
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

    /// The call, if it is one of the server that owns `outbound`, which then answers directly.
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

/// The status of a call whose handler ended without an answer.
pub(super) fn no_answer_given() -> Status {
    Status::new(Code::Internal, "the handler ended without an answer")
}

/// The status for a client that leaves too many answers unread.
pub(super) fn unread_limit_reached() -> Status {
    Status::new(Code::ResourceExhausted, "too many answers wait for you to read them")
}

/// The sending side of a streaming call, for any thread. Clones belong to the same call.
///
/// It does not bound the queue by itself: a sender that may be faster than its client checks
/// [`queued`](Self::queued) and pauses until [`super::CallHandler::writable`], which is called when
/// the queue has drained below the low-water mark, or when [asked for](Self::when_drained).
#[derive(Clone)]
pub struct Responder {
    address: CallAddress,
    flow: Arc<Flow>,
}

impl Responder {
    pub(super) fn new(address: CallAddress, flow: Arc<Flow>) -> Responder {
        Responder { address, flow }
    }

    /// Sends initial metadata. Without this call it goes out empty with the first message.
    pub fn send_headers(&self, metadata: Metadata) {
        self.address.post(Action::SendHeaders(metadata));
    }

    /// Chooses whether the next messages are compressed, if the client accepts compressed ones at all,
    /// from the first message on. By default they are if the client compresses its requests.
    pub fn choose_compression(&self, compressed: bool) {
        self.address.post(Action::ChooseCompression(compressed));
    }

    /// Sends a message; drops it if the call is over.
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

    /// Ends the call and notifies its handler.
    fn abort(&self, status: Status) {
        if !self.flow.over.swap(true, Ordering::Relaxed) {
            self.address.post(Action::FinishAndNotify(status));
        }
    }

    /// Reports so many bytes as [taken](Self::taken), sends a message and ends the call, all at
    /// once.
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

    /// Reports that a received message of so many bytes was consumed, so that the client may send
    /// more. A handler that [takes messages later](super::CallHandler::takes_later) calls it once
    /// for each message.
    pub fn taken(&self, bytes: usize) {
        self.address.post(Action::MessageTaken(bytes));
    }

    /// Has [`super::CallHandler::writable`] called once the client's window has admitted everything
    /// sent so far; at once, if it has already.
    pub fn when_drained(&self) {
        self.address.post(Action::NotifyWhenDrained);
    }

    /// Widens the receive window of this call by so many bytes, until the call ends: for few calls
    /// that carry much data over a long round trip. It has no effect over gRPC.
    pub fn extend_window(&self, bytes: u32) {
        self.address.post(Action::WidenWindow(bytes));
    }

    /// Gives the call's connection a [reserved](super::Services::reserve) slot, if one is free. From
    /// then on the connection is closed after two seconds without input. To be called once the caller
    /// is known to be a peer.
    pub fn accept_peer(&self) {
        self.address.post(Action::AcceptPeer);
    }

    /// Ends the call's connection, and with it all calls on it.
    pub fn close_connection(&self, status: Status) {
        self.flow.over.store(true, Ordering::Relaxed);
        self.address.post(Action::CloseConnection(status));
    }

    /// Bytes sent that the client's window has not admitted yet.
    pub fn queued(&self) -> usize {
        self.flow.queued()
    }

    /// Whether the call is over: finished, cancelled, or its connection is gone.
    pub fn is_over(&self) -> bool {
        self.flow.over.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::reactor::Poller;

    /// Without this bound a handler that sends empty messages would fill the memory: they are
    /// nothing to the windows.
    #[test]
    fn empty_messages_fill_the_queue_as_well() {
        const MAX_BYTES: usize = 10_000;
        let poller = Poller::new().unwrap();
        let outbound = Arc::new(OutboundQueue::new(poller.waker(), MAX_BYTES));
        let connection = ConnectionId { slot: 0, generation: 0 };
        let address = CallAddress { outbound: Arc::clone(&outbound), connection, call: CallId(1) };
        let responder = Responder::new(address, Arc::default());
        let most = MAX_BYTES / size_of::<OutboundAction>() + 2;
        for _ in 0..2 * most {
            responder.send(Vec::new());
        }
        assert!(responder.is_over());
        let mut actions = Vec::new();
        outbound.take(&mut actions);
        assert!((3..=most).contains(&actions.len()), "{}", actions.len());
        let last = actions.last().map(|last| &last.action);
        assert!(matches!(last, Some(Action::FinishAndNotify(status))
            if status.code == Code::ResourceExhausted));
        actions.iter().for_each(|action| outbound.uncount(action));
        assert_eq!(outbound.bytes(), 0, "every action is uncounted as it was counted");
    }
}
