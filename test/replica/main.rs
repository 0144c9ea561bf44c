//! The files of a node: what survives crashes, what is refused as damaged, and what people and
//! other programs read in them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what must not fail fails the test")]

mod damage;
mod dump;
mod fixture;
mod formats;
mod full;
mod panics;
mod ready;
mod real;
mod simulation;
mod speed;
mod steps;

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/seed.rs"]
mod seed;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/sim_disk.rs"]
mod sim_disk;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/wait.rs"]
mod wait;
