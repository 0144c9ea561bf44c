//! MapReduce: a job cut into tasks that any worker may run, so that machines may fail.
//!
//! Followed here: Dean and Ghemawat, *MapReduce: Simplified Data Processing on Large Clusters*
//! (OSDI 2004), sections 3 and 4.
//!
//! ```text
//!   input file    map tasks      partition files        reduce tasks      output
//!   [ split 1 ] -> map 1 -> M1/partition_1.txt  --+---> reduce 1 -> R1.txt --+
//!                           M1/partition_2.txt  --|-+                        +-> compiled
//!   [ split 2 ] -> map 2 -> M2/partition_1.txt  --+ |                        |   by the master
//!                           M2/partition_2.txt  ----+-> reduce 2 -> R2.txt --+
//! ```
//!
//! Pure, so that every rule is tested without a process:
//!
//! - [`job`]: what a job is, and what the framework does to its records
//! - [`split`]: the input cut at line ends
//! - [`digest`]: what tells one content of the input from another
//! - [`execute`]: runs a task
//! - [`scheduler`]: which worker does what, and what happens when one fails
//! - [`pending_calls`]: what a worker is to be told, until its connection takes it

pub mod contract;
pub mod digest;
pub mod execute;
pub mod files;
pub mod job;
pub mod master;
pub mod pending_calls;
pub mod scheduler;
pub mod split;
pub mod streaming;
mod task_status;
mod wire;
pub mod worker;
