//! The store as services: real nodes with real files, over real sockets, in one process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what must not fail fails the test")]

mod bounds;
mod calls;
mod course;
mod fixture;
mod health;
mod leadership;
mod quota;
mod scans;
mod sessions;
mod silence;
mod watches;

#[path = "../support/free_address.rs"]
mod free_address;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/wait.rs"]
mod wait;
