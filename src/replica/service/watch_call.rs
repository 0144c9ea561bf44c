//! A streaming call whose responses are changes of the state.

use crate::call::Status;
use crate::replica::node::{Node, Service, Shared};
use crate::rpc::{CallHandler, Responder};

/// A service whose state clients can watch.
pub trait WatchService: Service {
    /// Opens the watch that a request asks for, or reserves its number if it has to wait. Gives the
    /// number.
    ///
    /// # Errors
    /// The request is refused; the call ends with this status.
    fn open_watch(
        node: &mut Shared<Self>,
        message: &[u8],
        responder: &Responder,
    ) -> Result<u64, Status>;

    /// The client of a watch has taken all that was sent to it.
    fn watch_drained(node: &mut Shared<Self>, number: u64);

    /// The call of a watch is over.
    fn close_watch(&mut self, number: u64);
}

/// The handler of a call that watches. Dropping it closes the watch.
pub struct WatchCall<S: WatchService> {
    node: Node<S>,
    responder: Responder,
    /// Set once the request was accepted.
    number: Option<u64>,
}

impl<S: WatchService> WatchCall<S> {
    /// A call whose request has not arrived yet.
    pub fn new(node: Node<S>, responder: Responder) -> WatchCall<S> {
        WatchCall { node, responder, number: None }
    }
}

impl<S: WatchService> CallHandler for WatchCall<S> {
    fn message(&mut self, message: &[u8]) {
        let opened = S::open_watch(&mut self.node.lock(), message, &self.responder);
        match opened {
            Ok(number) => self.number = Some(number),
            Err(status) => self.responder.finish(status),
        }
    }

    fn cancelled(&mut self, _: &Status) {}

    fn writable(&mut self) {
        if let Some(number) = self.number {
            S::watch_drained(&mut self.node.lock(), number);
        }
    }
}

impl<S: WatchService> Drop for WatchCall<S> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.node.lock().service_mut().close_watch(number);
        }
    }
}
