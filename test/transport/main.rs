//! Communication between the nodes of a group: encoding, and connections over sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what must not fail fails the test")]

mod cut;
mod messages;
mod node;
mod nodes;
mod speed;
mod wire;

#[path = "../support/free_address.rs"]
mod free_address;
#[path = "../support/seed.rs"]
mod seed;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/wait.rs"]
mod wait;
