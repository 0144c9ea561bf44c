//! Three replicas of a market in processes of their own, killed again and again while clients
//! trade.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what must not fail fails the test")]

mod group;
mod kills;
mod ledger;
mod shared_client;
mod traders;
mod voters;

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
