//! Attacks on MapReduce workers, which run code for their masters.

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../mapreduce_processes/processes.rs"]
mod processes;

mod bounds;
mod certificates;
mod commands;
mod fetching;
mod holders;
mod master;
mod texts;
