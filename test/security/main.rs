//! Attacks, run for real: over sockets, against processes of the binary. Each has a counterpart in
//! which the right principal's same request works.

#![allow(clippy::unwrap_used, missing_docs, reason = "what must not fail here fails the test")]

mod workers;

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/seed.rs"]
mod seed;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/wait.rs"]
mod wait;
