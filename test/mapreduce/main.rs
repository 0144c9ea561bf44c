//! MapReduce: the scheduler claim by claim of the paper, as stories and in simulations.

#![allow(clippy::unwrap_used, reason = "what must not fail here fails the test")]

mod connection;
mod paper;
mod simulation;
mod stories;

mod harness;

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/seed.rs"]
mod seed;
