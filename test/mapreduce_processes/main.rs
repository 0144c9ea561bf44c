//! MapReduce end to end: masters, mappers and reducers are real processes, which are killed,
//! stopped, restarted, run out of disk space and get invalid input.

#![allow(clippy::unwrap_used, missing_docs, reason = "what must not fail here fails the test")]

mod faults;
mod inputs;
mod kmeans;
mod mistakes;
mod page;
mod pipes;
mod processes;
mod refusals;
mod streaming;
mod words;
mod workers;

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/seed.rs"]
mod seed;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/wait.rs"]
mod wait;
