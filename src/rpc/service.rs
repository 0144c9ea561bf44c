//! The methods of a server, registered by full path. A handler sees the client's metadata only if
//! [`Services::keep_metadata`] was called for its method, after the registration.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::answer::{Answer, Answered};
use super::blocking::BlockingCall;
use super::catch_panic::PanicGuard;
use super::listeners::Port;
use super::outbound::{Reply, Responder};
use super::resources::Resources;
use crate::call::{Access, Metadata, Principal, ResourceRequest, ResourceResponse, Status};

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

/// What a handler knows about a call, apart from its messages.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The client's metadata; empty unless the method [keeps](Services::keep_metadata) it.
    pub metadata: &'a Metadata,
    /// The remote address of the connection. It does not authenticate the caller.
    pub peer: SocketAddr,
    /// The caller, who may call the method.
    pub principal: &'a Arc<Principal>,
    /// The deadline of the call. The server ends the call then.
    pub deadline: Option<Instant>,
}

/// The handler of a streaming call. It runs on the server's thread and must not block.
///
/// It answers through the [`Responder`] that it was created with.
pub trait CallHandler: Send {
    /// The next message was compressed.
    fn compressed(&mut self) {}
    /// A message arrived.
    fn message(&mut self, message: &[u8]);
    /// The client has half-closed.
    fn half_close(&mut self) {}
    /// The call is over and nothing can be sent: cancelled, timed out, or its connection is lost.
    fn cancelled(&mut self, status: &Status);
    /// The queue for the client has drained: a paused sender may go on.
    fn writable(&mut self) {}
    /// Whether the handler reports consumed messages by [`Responder::taken`], instead of implicitly
    /// when [`message`](Self::message) returns. Messages that are not consumed fill the call's
    /// receive window, so that the client has to wait.
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
/// Whether the handler is short for this request.
type IsShort = dyn Fn(&[u8]) -> bool + Send + Sync;
type BlockingHandler = dyn Fn(&mut BlockingCall) -> Result<(), Status> + Send + Sync;

/// The handler of a method.
pub(super) enum Handler {
    Unary(Box<UnaryHandler>),
    Deferred(Box<DeferredHandler>),
    Deferrable(Box<DeferrableHandler>),
    Streaming(Box<StreamingHandler>),
    Blocking(Box<IsShort>, Arc<BlockingHandler>),
}

/// A registered method.
pub(super) struct Method {
    pub(super) path: String,
    /// Runs its handlers.
    pub(super) guard: Arc<PanicGuard>,
    pub(super) shape: Shape,
    pub(super) handler: Handler,
    /// Peers call it, see [`Services::reserve`].
    pub(super) is_reserved: bool,
    pub(super) is_on_every_port: bool,
    pub(super) keeps_metadata: bool,
    /// What it demands of its caller where roles are enforced; without a value no caller may.
    pub(super) access: Option<Access>,
}

impl Method {
    /// Whether connections of this port may call it.
    pub(super) fn is_served_at(&self, port: Port) -> bool {
        match port {
            Port::Shared => true,
            Port::Clients => !self.is_reserved || self.is_on_every_port,
            Port::Peers => self.is_reserved || self.is_on_every_port,
        }
    }
}

/// The registered methods, by full path: `/package.Service/Method`.
#[derive(Default)]
pub struct Services {
    index: HashMap<String, usize>,
    methods: Vec<Method>,
    names: Vec<String>,
    reserved_connections: usize,
    on_shutdown: Vec<Box<dyn Fn() + Send + Sync>>,
    pub(super) resources: Resources,
}

impl Services {
    /// No methods.
    pub fn new() -> Services {
        Services::default()
    }

    /// Registers a unary method that is answered on the server's thread: the handler must be short
    /// and must not block. It appends its response to the buffer; after an error the appended bytes
    /// are dropped.
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

    /// Registers a unary method whose handler runs on the server's thread and answers later, from
    /// any thread, through the [`Reply`].
    pub fn deferred(
        &mut self,
        path: &str,
        handler: impl Fn(&Context<'_>, &[u8], Reply) + Send + Sync + 'static,
    ) {
        self.add(path, Shape::Unary, Handler::Deferred(Box::new(handler)));
    }

    /// Registers a unary method whose handler runs on the server's thread and answers at once, or
    /// later from any thread.
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

    /// Registers a method of any shape whose messages are handled on the server's thread. `handler`
    /// creates a handler for each call.
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

    /// Registers a method of any shape whose handler runs on a thread of the worker pool and may
    /// block. A single response is sent together with the end of the call, when the handler
    /// returns.
    pub fn blocking(
        &mut self,
        path: &str,
        shape: Shape,
        handler: impl Fn(&mut BlockingCall) -> Result<(), Status> + Send + Sync + 'static,
    ) {
        self.add(path, shape, Handler::Blocking(Box::new(|_| false), Arc::new(handler)));
    }

    /// Registers a unary method as [`blocking`](Self::blocking) does, some of whose calls are short
    /// and do not block. `is_short` recognizes them by their request. Their handlers run on the
    /// server's thread, at the end of a turn, because passing the call to another thread and its
    /// answer back would take as long.
    pub fn blocking_unless_short(
        &mut self,
        path: &str,
        is_short: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
        handler: impl Fn(&mut BlockingCall) -> Result<(), Status> + Send + Sync + 'static,
    ) {
        let handler = Handler::Blocking(Box::new(is_short), Arc::new(handler));
        self.add(path, Shape::Unary, handler);
    }

    /// Registers a resource: what a GET of `path` over HTTP returns. `access` is what it demands of
    /// its caller where roles are enforced. The handler runs on the server's thread, must be short and
    /// must not block.
    pub fn resource(
        &mut self,
        path: &str,
        access: Access,
        handler: impl Fn(&Context<'_>, &ResourceRequest<'_>) -> ResourceResponse + Send + Sync + 'static,
    ) {
        self.resources.add(path, access, Box::new(handler));
    }

    /// The full names of the services with registered methods, in the order of registration.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Reserves so many connection slots, beyond the limit of connections, for callers of the
    /// method at `path`: clients must not shut out peers. The handler gives a connection its slot
    /// when it knows that the caller is a peer ([`Responder::accept_peer`]). If the server has
    /// addresses for peers alone, the method is served there only.
    pub fn reserve(&mut self, path: &str, connections: usize) {
        if let Some(index) = self.find(path) {
            self.methods[index].is_reserved = true;
            self.reserved_connections += connections;
        }
    }

    /// Serves the method at `path` to peers as well, where a server has addresses for them alone
    /// ([`ServerOptions::peer_addresses`](super::ServerOptions::peer_addresses)).
    pub(super) fn serve_on_every_port(&mut self, path: &str) {
        if let Some(index) = self.find(path) {
            self.methods[index].is_on_every_port = true;
        }
        self.resources.serve_on_every_port(path);
    }

    /// Keeps the client's metadata for the handlers of the method at `path`, which must be
    /// registered already. By default metadata is dropped, so that clients cannot fill the memory
    /// with it. Kept metadata counts in [`ServerOptions::max_received_bytes`].
    ///
    /// [`ServerOptions::max_received_bytes`]: super::ServerOptions::max_received_bytes
    pub fn keep_metadata(&mut self, path: &str) {
        if let Some(index) = self.find(path) {
            self.methods[index].keeps_metadata = true;
        }
    }

    /// Sets what methods demand of their callers, by path: see
    /// [`ServerOptions::enforce_roles`](super::ServerOptions::enforce_roles). A path that is not
    /// registered is ignored. Returns the registered paths that `table` lacks: where roles are
    /// enforced, no caller may call them.
    pub fn set_access(&mut self, table: &[(&str, Access)]) -> Vec<&str> {
        for method in &mut self.methods {
            let entry = table.iter().find(|(path, _)| *path == method.path);
            method.access = entry.map(|(_, access)| *access);
        }
        let missing = self.methods.iter().filter(|method| method.access.is_none());
        missing.map(|method| method.path.as_str()).collect()
    }

    /// The number of reserved connection slots.
    pub(super) fn reserved_connections(&self) -> usize {
        self.reserved_connections
    }

    /// Has `hook` called on the server's thread when the shutdown starts, for example to end
    /// streams that would never end by themselves.
    pub fn on_shutdown(&mut self, hook: impl Fn() + Send + Sync + 'static) {
        self.on_shutdown.push(Box::new(hook));
    }

    /// Calls all hooks, even if one panics.
    pub(super) fn shutting_down(&self) {
        for hook in &self.on_shutdown {
            // A panic has been logged.
            let _ = PanicGuard::new("what ends at a shutdown").catch(hook);
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
            guard: Arc::new(PanicGuard::new(path)),
            shape,
            handler,
            is_reserved: false,
            is_on_every_port: false,
            keeps_metadata: false,
            access: None,
        });
    }

    /// The paths of the methods, by index.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.methods.iter().map(|method| method.path.as_str())
    }

    /// The index of the method with this path.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.index.get(path).copied()
    }

    /// The method at an index from [`find`](Self::find).
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

    #[test]
    fn a_method_of_peers_is_served_at_the_port_of_peers_alone() {
        let mut services = Services::new();
        for path in ["/a.B/Client", "/a.B/Peer", "/a.B/Health"] {
            services.unary(path, |_, _, _| Ok(()));
        }
        services.reserve("/a.B/Peer", 1);
        services.serve_on_every_port("/a.B/Health");
        let served = |port| {
            let methods = services.methods.iter().filter(|method| method.is_served_at(port));
            methods.map(|method| method.path.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(served(Port::Shared), ["/a.B/Client", "/a.B/Peer", "/a.B/Health"]);
        assert_eq!(served(Port::Clients), ["/a.B/Client", "/a.B/Health"]);
        assert_eq!(served(Port::Peers), ["/a.B/Peer", "/a.B/Health"]);
    }
}
