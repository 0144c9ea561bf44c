//! Sockets, threads and timers: the shell around [`crate::session`].
//!
//! A [`Server`] is one thread that owns its listener and all its connections. Methods are
//! registered in [`Services`] by full path, each in the way that suits it:
//!
//! | registered with | runs on | answers |
//! |---|---|---|
//! | [`Services::unary`] | the reactor's thread | at once |
//! | [`Services::deferred`] | the reactor's thread | from any thread, later, by its [`Reply`] |
//! | [`Services::deferrable`] | the reactor's thread | at once by its [`Answer`], or as above |
//! | [`Services::streaming`] | the reactor's thread | from any thread, by its [`Responder`] |
//! | [`Services::blocking`] | a worker's thread | as it likes, by its [`BlockingCall`] |
//!
//! A handler that panics, of whichever kind, fails its own call with INTERNAL. It sees the client's
//! metadata only if its method [keeps](Services::keep_metadata) it.
//!
//! What the calls are about may live on that thread too, as the server's [`EventLoopTask`]: it has a turn
//! whenever something has happened, a timer, and [wakers](TaskWaker) for other threads.
//!
//! A thread that sleeps on the other core takes some 40 us to wake, and a whole call on one thread
//! takes a tenth of that: so short handlers run where their bytes arrive.

mod answer;
mod byte_budget;
mod backoff;
mod batch;
mod blocking;
mod calls;
mod channel;
mod client_call;
mod connection;
mod connections;
mod dial;
mod dispatch;
mod drive;
mod catch_panic;
mod health;
mod link;
mod log_limit;
mod multiplexer;
mod names;
mod outbound;
mod connection_limiter;
mod random;
mod reactor;
mod reflection;
mod refusals;
mod event_loop_task;
mod server;
mod service;
mod slab;
mod socket;
mod system;
mod tls;
mod peer_streams;
mod wire;
mod workers;

pub use answer::{Answer, Answered};
pub use blocking::BlockingCall;
pub use catch_panic::panic_message;
pub use channel::{CallOptions, Channel, ChannelOptions, Response};
pub use client_call::{ClientCall, Received};
pub use event_loop_task::{EventLoopTask, Reactor, TaskWaker};
pub use health::{Health, ServingStatus};
pub use log_limit::LogLimit;
pub use multiplexer::{Completion, Dialed, Multiplexer, MultiplexerWaker};
pub use names::{ResolveError, Resolver};
pub use outbound::{Reply, Responder};
pub use peer_streams::{NotSent, PeerStreamEvent, PeerStreamId, PeerStreamOptions, PeerStreams};
pub use random::{random_bytes, random_number};
pub use server::{Server, ServerHandle, ServerOptions};
pub use service::{CallHandler, Context, Services, Shape};
pub use system::raise_descriptor_limit;
pub use tls::{ClientTls, IdentityFiles, ServerTls, TlsError};

pub use crate::session::StartError;

/// Adds what every server has beside its own services: health and reflection. Comes last, for it
/// lists the services that are there by then; all of them are NOT_SERVING until
/// [`Health::set_all`] says otherwise.
pub fn add_standard_services(services: &mut Services) -> Health {
    let health = Health::register(services);
    reflection::register(services);
    for service in services.names() {
        health.set(service, ServingStatus::NotServing);
    }
    health.set_all(ServingStatus::NotServing);
    health
}
