//! Servers and clients on sockets: the imperative shell around the sans-IO [`crate::session`].
//!
//! A [`Server`] is one thread that owns its listener and all its connections. Methods are
//! registered in [`Services`] by full path, in one of these ways:
//!
//! | registered with | runs on | answers |
//! |---|---|---|
//! | [`Services::unary`] | the server's thread | at once |
//! | [`Services::deferred`] | the server's thread | later, from any thread, by its [`Reply`] |
//! | [`Services::deferrable`] | the server's thread | at once by its [`Answer`], or as above |
//! | [`Services::streaming`] | the server's thread | from any thread, by its [`Responder`] |
//! | [`Services::blocking`] | a thread of the worker pool | by its [`BlockingCall`] |
//!
//! A handler of any kind that panics fails its own call with INTERNAL. A handler sees the client's
//! metadata only if its method [keeps](Services::keep_metadata) it.
//!
//! The state behind the calls can live on the same thread, as the server's [`EventLoopTask`]: it is
//! polled after every wake-up, has a timer, and [wakers](TaskWaker) for other threads.
//!
//! Waking a thread on another core takes about 40 us, ten times as long as a whole call on one
//! thread. So short handlers run on the thread that has read the request.
//!
//! Every queue between threads is bounded:
//!
//! | queue | bound | when it is full |
//! |---|---|---|
//! | actions of handles ([`Reply`], [`Responder`]) | half of [`ServerOptions::max_unread_bytes`] | a message ends its call with RESOURCE_EXHAUSTED |
//! | jobs of blocking handlers | [`ServerOptions::max_waiting_jobs`], for short ones as well | RESOURCE_EXHAUSTED |
//! | messages for a blocking handler, or for a client's call | the call's receive window | the peer has to wait |
//! | callers that wait for one look-up | 1024; there are 32 look-ups at most | the look-up fails |
//! | results of look-ups for peer streams | one for each stream | |
//!
//! The end of a call is accepted by a full queue as well: there is one for each open call. In a
//! receive window every message has a minimum cost, so that empty ones are bounded too.
//!
//! Budgets of bytes that all connections share, the buffers of TLS apart, are in
//! [`ServerOptions::max_unread_bytes`] and [`ServerOptions::max_received_bytes`]. A buffer of an
//! unfinished message grows by doubling, so the process may take up to twice the budget; an ended
//! connection frees its buffers, and the memory goes back to the system within seconds.
//!
//! What one client may use, so that the others are served:
//!
//! | what | bound | beyond it |
//! |---|---|---|
//! | connections of one address, and with one client certificate | [`ServerOptions::max_connections_per_address`] | refused with the reason; a client of TLS gets only an alert, since a handshake for each would cost too much |
//! | all connections | [`ServerOptions::max_connections`] | the one that is idle for the longest time is closed, if there is one |
//! | calls of one address, and with one certificate, that occupy a thread or a stream | [`ServerOptions::max_calls_per_address`] | RESOURCE_EXHAUSTED |
//! | what a connection reads while others wait | 512 KiB divided by the connections that have input, at least 8 KiB | it continues when those with little input have run |
//! | pings without responses | as in gRPC | GOAWAY `too_many_pings` |
//! | age, idle time | [`Limits`](crate::call::Limits) | graceful GOAWAY |

mod addresses;
mod answer;
mod authorize;
mod backoff;
mod batch;
mod blocking;
mod byte_budget;
mod calls;
mod catch_panic;
mod channel;
mod client_call;
mod connection;
mod connection_limiter;
mod connections;
mod dial;
mod dispatch;
mod drive;
mod event_loop_task;
mod health;
mod holders;
mod link;
mod listeners;
mod log_limit;
mod metrics;
mod multiplexer;
mod names;
mod notices;
mod outbound;
mod peer_streams;
mod probes;
mod random;
mod reactor;
mod reflection;
mod refusals;
mod resources;
mod server;
mod service;
mod site_clock;
mod slab;
mod socket;
mod system;
mod tls;
mod usage;
mod wire;
mod workers;

pub use addresses::Network;
pub use answer::{Answer, Answered};
pub use blocking::BlockingCall;
pub use catch_panic::panic_message;
pub use channel::{CallOptions, Channel, ChannelOptions, Response};
pub use client_call::{ClientCall, Received};
pub use event_loop_task::{EventLoopTask, Reactor, TaskWaker};
pub use health::{Health, ServingStatus};
pub use log_limit::LogLimit;
pub use metrics::{
    CallTotals, ServerMetrics, add_metrics_resource, register_certificate_metrics,
    register_process_metrics,
};
pub use multiplexer::{Completion, Dialed, Multiplexer, MultiplexerWaker};
pub use names::{ResolveError, Resolver};
pub use notices::{Notice, Notices};
pub use outbound::{Reply, Responder};
pub use peer_streams::{NotSent, PeerStreamEvent, PeerStreamId, PeerStreamOptions, PeerStreams};
pub use random::{random_bytes, random_number};
pub use server::{Server, ServerHandle, ServerOptions};
pub use service::{CallHandler, Context, Services, Shape};
pub use system::raise_descriptor_limit;
#[cfg(feature = "tls")]
pub use tls::{Certificate, CertificateError, DistinguishedName};
pub use tls::{Certificates, ClientTls, IdentityFiles, ServerTls, TlsError};

pub use crate::session::StartError;

/// Registers what every server has: health and reflection, and the resources `/livez`, `/readyz` and
/// `/version`. Must be called last,
/// because they list the services registered before. All services are NOT_SERVING until
/// [`Health::set_all`] changes that.
pub fn add_standard_services(services: &mut Services) -> Health {
    let health = Health::register(services);
    reflection::register(services);
    probes::register(services, &health);
    for service in services.names() {
        health.set(service, ServingStatus::NotServing);
    }
    health.set_all(ServingStatus::NotServing);
    health
}
