//! Groups of the key-value store in real processes: killed, paused, cut off, with full disks. Tests
//! that need root, or a minute and more, are ignored by default; `scripts/test` runs them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what must not fail fails the test")]

mod clients;
mod cluster;
mod commands;
mod contradictions;
mod disks;
mod events;
mod failover;
mod files;
mod floods;
mod hand_over;
mod kills;
mod large_values;
mod latency;
mod load;
mod mistakes;
mod nemesis;
mod network;
mod night;
mod partitions;
mod pauses;
mod peer_ports;
mod process;
mod quota;
mod shared_client;
mod snapshots;
mod trial;
mod usage;
mod membership;

#[path = "../support/free_address.rs"]
mod free_address;
#[path = "../support/kv_history.rs"]
mod kv_history;
#[path = "../support/linearizability.rs"]
mod linearizability;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/seed.rs"]
mod seed;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/wait.rs"]
mod wait;
