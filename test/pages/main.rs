//! The pages of nodes and jobs: over plain HTTP, and in a real browser.

#![allow(clippy::unwrap_used, reason = "what must not fail here fails the test")]

mod browser;
mod http;
mod job;
mod origins;
mod resources;

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../cluster/cluster.rs"]
mod cluster;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/free_address.rs"]
mod free_address;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../cluster/process.rs"]
mod process;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/wait.rs"]
mod wait;
