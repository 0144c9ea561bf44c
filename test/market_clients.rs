//! `agora market`, `agora seller` and `agora buyer` as users and scripts run them: real processes,
//! their output and their exit status.

#![allow(clippy::unwrap_used, missing_docs, reason = "what must not fail here fails the test")]

#[path = "market_clients/commands.rs"]
mod commands;
#[path = "market_clients/ends.rs"]
mod ends;
#[path = "support/free_address.rs"]
mod free_address;
#[path = "market_clients/group.rs"]
mod group;
#[path = "market_clients/process.rs"]
mod process;
#[path = "market_clients/shell.rs"]
mod shell;
#[path = "market_clients/trial.rs"]
mod trial;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/wait.rs"]
mod wait;
