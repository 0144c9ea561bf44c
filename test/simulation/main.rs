//! The deterministic simulator of the replicated log: groups in one thread, where time, network,
//! disks and clients are values, and all randomness comes from a seed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what must not fail fails the test")]

mod clients;
mod disks;
mod event_log;
mod forgeries;
mod histories;
mod kv;
mod market;
mod nemesis;
mod network;
mod node;
mod runs;
mod invariants;
mod workload;
mod world;

#[path = "../support/kv_history.rs"]
mod kv_history;
#[path = "../support/linearizability.rs"]
mod linearizability;
#[allow(dead_code, reason = "the operator is in other tests")]
#[path = "../market/model.rs"]
mod market_model;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/seed.rs"]
mod seed;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/sim_disk.rs"]
mod sim_disk;
#[path = "../market/shown.rs"]
mod shown;
