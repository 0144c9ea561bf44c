//! Attacks over real sockets: strangers, holders of the wrong certificate, and floods. Each test
//! shows as well that the same request by the right caller works.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[allow(dead_code, reason = "each area uses what it needs")]
mod authority;
#[cfg(feature = "json")]
mod browsers;
#[cfg(feature = "cert")]
mod cert_command;
mod certs;
mod files;
mod limits;
mod market;
mod peers;
mod roles;
mod speed;
mod workers;

#[path = "../support/connect_from.rs"]
mod connect_from;
#[path = "../support/free_address.rs"]
mod free_address;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../cluster/process.rs"]
mod process;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/seed.rs"]
mod seed;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/wait.rs"]
mod wait;
