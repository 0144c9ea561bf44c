//! The RPC layer on real sockets: our server and our blocking client, over both protocols.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "rpc/calls.rs"]
mod calls;
#[path = "rpc/connections.rs"]
mod connections;
#[path = "rpc/fixture.rs"]
mod fixture;
#[path = "rpc/flow.rs"]
mod flow;
#[path = "rpc/http1.rs"]
mod http1;
#[path = "rpc/life.rs"]
mod life;
#[path = "rpc/limits.rs"]
mod limits;
#[path = "rpc/memory/mod.rs"]
mod memory;
#[path = "rpc/multiplexer.rs"]
mod multiplexer;
#[path = "rpc/panics.rs"]
mod panics;
#[path = "rpc/peers.rs"]
mod peers;
#[path = "rpc/event_loop_task.rs"]
mod event_loop_task;
#[path = "rpc/peer_streams.rs"]
mod peer_streams;
#[path = "rpc/unobserved.rs"]
mod unobserved;
#[path = "support/connect_from.rs"]
mod connect_from;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/wait.rs"]
mod wait;
