//! Metrics and the access log: of servers in this process, of real processes, and as Prometheus sees
//! them.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod access_log;
mod calls;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../rpc/fixture.rs"]
mod fixture;
mod refused;
mod samples;
mod table;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/wait.rs"]
mod wait;
