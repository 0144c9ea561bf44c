//! Name look-ups: the resolver on loopback, and the binary in root file systems of other
//! distributions.

#![expect(clippy::unwrap_used, reason = "a test that cannot read, write or connect has failed")]

mod foreign_roots;
mod look_ups;
mod name_server;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/wait.rs"]
mod wait;
