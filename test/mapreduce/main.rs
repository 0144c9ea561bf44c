//! The scheduler: the claims of the paper, stories, and a simulation.

#![allow(clippy::unwrap_used, reason = "what must not fail here fails the test")]

mod connection;
mod paper;
mod simulation;
mod stories;

mod harness;

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/seed.rs"]
mod seed;
