//! The simulator of the replicated log: so far the judge of what its clients saw.

#![allow(clippy::unwrap_used, reason = "what must not fail here fails the test")]

mod histories;
mod linearizability;

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/seed.rs"]
mod seed;
