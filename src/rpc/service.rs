//! What a server answers with: methods registered by their full path. Their handlers see a client's
//! metadata only if [`Services::keep_metadata`] says so, behind the registration.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::answer::{Answer, Answered};
use super::blocking::BlockingCall;
use super::catch_panic::catch_panic;
use super::outbound::{Reply, Responder};
use crate::call::{Metadata, Status};

/// How many messages a call of a method has in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One request, one response.
    Unary,
    /// One request, any number of responses.
    ServerStreaming,
    /// Any number of requests, one response.
    ClientStreaming,
    /// Any number of both, in any order.
    Bidirectional,
}

impl Shape {
    /// Whether a call has exactly one request message.
    pub(super) fn takes_one_request(self) -> bool {
        matches!(self, Shape::Unary | Shape::ServerStreaming)
    }

    /// Whether a call has exactly one response message.
    pub(super) fn gives_one_response(self) -> bool {
        matches!(self, Shape::Unary | Shape::ClientStreaming)
    }
}

/// What a handler knows about a call besides its messages.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The client's metadata; none unless the method [keeps](Services::keep_metadata) it.
    pub metadata: &'a Metadata,
    /// The client's address: where the connection comes from, not who the caller is.
    pub peer: SocketAddr,
    /// When the client stops waiting. The call is ended for the handler then.
    pub deadline: Option<Instant>,
}

/// A call as its messages arrive, on the reactor's thread: nothing here may block.
///
/// Answers go through the [`Responder`] that the handler was made with.
pub trait CallHandler: Send {
    /// A message arrived. Of a method with one request it is the only one.
    fn message(&mut self, message: &[u8]);
    /// The client sends nothing more.
    fn half_close(&mut self) {}
    /// The call is over and nothing can be sent: cancelled, timed out, or its connection is gone.
    fn cancelled(&mut self, status: &Status);
    /// What was queued for the client has drained: a sender that paused may go on.
    fn writable(&mut self) {}
    /// Whether the handler is done with a message only when it says so by [`Responder::taken`], and
    /// not when [`message`](Self::message) returns. What is not taken fills the call's receive
    /// window, so that the client cannot send further ahead.
    fn takes_later(&self) -> bool {
        false
    }
}

type UnaryHandler = dyn Fn(&Context<'_>, &[u8], &mut Vec<u8>) -> Result<(), Status> + Send + Sync;
type DeferredHandler = dyn Fn(&Context<'_>, &[u8], Reply) + Send + Sync;
type DeferrableHandler =
    dyn Fn(&Context<'_>, &[u8], Answer<'_>) -> Result<Answered, Status> + Send + Sync;
type StreamingHandler =
    dyn Fn(&Context<'_>, Responder) -> Result<Box<dyn CallHandler>, Status> + Send + Sync;
/// Whether the handler of a request is short.
type IsShort = dyn Fn(&[u8]) -> bool + Send + Sync;
type BlockingHandler = dyn Fn(&mut BlockingCall) -> Result<(), Status> + Send + Sync;

/// How a method's calls are handled.
pub(super) enum Handler {
    Unary(Box<UnaryHandler>),
    Deferred(Box<DeferredHandler>),
    Deferrable(Box<DeferrableHandler>),
    Streaming(Box<StreamingHandler>),
    Blocking(Box<IsShort>, Arc<BlockingHandler>),
}

/// A method: its shape, and what handles its calls.
pub(super) struct Method {
    pub(super) path: String,
    pub(super) shape: Shape,
    pub(super) handler: Handler,
    pub(super) is_reserved: bool,
    pub(super) keeps_metadata: bool,
}

/// The methods that a server knows, by full path: `/package.Service/Method`.
#[derive(Default)]
pub struct Services {
    index: HashMap<String, usize>,
    methods: Vec<Method>,
    names: Vec<String>,
    reserved_connections: usize,
    on_shutdown: Vec<Box<dyn Fn() + Send + Sync>>,
}

impl Services {
    /// No methods.
    pub fn new() -> Services {
        Services::default()
    }

    /// A unary method that is answered on the reactor's thread: it must be short and not block.
    /// The handler appends its response to the buffer that it is given; what it appended before an
    /// error is dropped.
    pub fn unary(
        &mut self,
        path: &str,
        handler: impl Fn(&Context<'_>, &[u8], &mut Vec<u8>) -> Result<(), Status>
        + Send
        + Sync
        + 'static,
    ) {
        self.add(path, Shape::Unary, Handler::Unary(Box::new(handler)));
    }

    /// A unary method that is begun on the reactor's thread and answered from any thread later,
    /// through the [`Reply`].
    pub fn deferred(
        &mut self,
        path: &str,
        handler: impl Fn(&Context<'_>, &[u8], Reply) + Send + Sync + 'static,
    ) {
        self.add(path, Shape::Unary, Handler::Deferred(Box::new(handler)));
    }

    /// A unary method that is begun on the reactor's thread and answered there at once if it can
    /// be, else later and from any thread.
    pub fn deferrable(
        &mut self,
        path: &str,
        handler: impl Fn(&Context<'_>, &[u8], Answer<'_>) -> Result<Answered, Status>
        + Send
        + Sync
        + 'static,
    ) {
        self.add(path, Shape::Unary, Handler::Deferrable(Box::new(handler)));
    }

    /// A method of any shape whose messages are handled on the reactor's thread. The handler is
    /// made when the call begins.
    pub fn streaming(
        &mut self,
        path: &str,
        shape: Shape,
        handler: impl Fn(&Context<'_>, Responder) -> Result<Box<dyn CallHandler>, Status>
        + Send
        + Sync
        + 'static,
    ) {
        self.add(path, shape, Handler::Streaming(Box::new(handler)));
    }

    /// A method of any shape whose handler runs on a thread of the worker pool and may block. If it
    /// has one response, that goes out with the call's end, when the handler returns.
    pub fn blocking(
        &mut self,
        path: &str,
        shape: Shape,
        handler: impl Fn(&mut BlockingCall) -> Result<(), Status> + Send + Sync + 'static,
    ) {
        self.add(path, shape, Handler::Blocking(Box::new(|_| false), Arc::new(handler)));
    }

    /// A unary method as of [`blocking`](Self::blocking), some of whose calls are short and wait for
    /// nothing. `is_short` knows them by their request: their handlers run on the reactor's thread,
    /// when it has nothing else to do, for to hand a call over and its answer back would take as long.
    pub fn blocking_unless_short(
        &mut self,
        path: &str,
        is_short: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
        handler: impl Fn(&mut BlockingCall) -> Result<(), Status> + Send + Sync + 'static,
    ) {
        let handler = Handler::Blocking(Box::new(is_short), Arc::new(handler));
        self.add(path, Shape::Unary, handler);
    }

    /// The full names of the services that have a method here, in the order of registration.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Keeps room for so many connections that call the method at `path`, when the server has as
    /// many others as it may have: for peers, whom clients must not shut out. A connection on which
    /// it was called is given up after two seconds of silence.
    pub fn reserve(&mut self, path: &str, connections: usize) {
        if let Some(index) = self.find(path) {
            self.methods[index].is_reserved = true;
            self.reserved_connections += connections;
        }
    }

    /// Keeps the client's metadata for the handlers of the method at `path`, which is registered
    /// already. Without it they see none, since it is nothing that a client should be able to fill the
    /// memory with; what is kept counts in [`ServerOptions::max_received_bytes`].
    ///
    /// [`ServerOptions::max_received_bytes`]: super::ServerOptions::max_received_bytes
    pub fn keep_metadata(&mut self, path: &str) {
        if let Some(index) = self.find(path) {
            self.methods[index].keeps_metadata = true;
        }
    }

    /// Connections that may be open beside those of clients.
    pub(super) fn reserved_connections(&self) -> usize {
        self.reserved_connections
    }

    /// Has `hook` called on the reactor's thread when the server begins to shut down: the place to
    /// end streams that would else go on for ever.
    pub fn on_shutdown(&mut self, hook: impl Fn() + Send + Sync + 'static) {
        self.on_shutdown.push(Box::new(hook));
    }

    /// Calls the hooks, each whatever becomes of the others.
    pub(super) fn shutting_down(&self) {
        for hook in &self.on_shutdown {
            // What there is to say of a panic has been logged.
            let _ = catch_panic("what ends at a shutdown", hook);
        }
    }

    fn add(&mut self, path: &str, shape: Shape, handler: Handler) {
        let service = path.strip_prefix('/').and_then(|path| path.split_once('/'));
        debug_assert!(service.is_some(), "a method path is /package.Service/Method: {path}");
        if let Some((service, _)) = service
            && !self.names.iter().any(|name| name == service)
        {
            self.names.push(service.to_owned());
        }
        self.index.insert(path.to_owned(), self.methods.len());
        self.methods.push(Method {
            path: path.to_owned(),
            shape,
            handler,
            is_reserved: false,
            keeps_metadata: false,
        });
    }

    /// The place of a method, if there is one at this path.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.index.get(path).copied()
    }

    /// The method at a place that [`find`](Self::find) gave.
    pub(super) fn method(&self, index: usize) -> &Method {
        &self.methods[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_found_by_their_full_path() {
        let mut services = Services::new();
        services.unary("/a.B/C", |_, _, _| Ok(()));
        services.blocking("/a.B/D", Shape::Bidirectional, |_| Ok(()));
        services.deferred("/x.Y/Z", |_, _, reply| reply.send(Ok(Vec::new())));
        assert_eq!(services.names(), ["a.B", "x.Y"]);
        let index = services.find("/a.B/D").unwrap();
        assert_eq!(services.method(index).shape, Shape::Bidirectional);
        assert_eq!(services.find("/a.B/E"), None);
        assert_eq!(services.find("a.B/C"), None);
    }
}
