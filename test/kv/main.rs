//! The key-value store: its client against nodes that say what a test wishes, its services on real
//! nodes, its commands, and what a million keys take.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what must not fail fails the test")]

mod client;
mod fake;
mod size;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/wait.rs"]
mod wait;
