//! MapReduce: a job is divided into tasks, and failed tasks are retried on other workers.
//!
//! It follows Dean and Ghemawat, *MapReduce: Simplified Data Processing on Large Clusters* (OSDI
//! 2004), sections 3 and 4. The guide is `src/mapreduce/README.md`.
//!
//! ```text
//!   input file    map tasks      partition files        reduce tasks      output
//!   [ split 1 ] -> map 1 -> M1/partition_1.txt  --+---> reduce 1 -> R1.txt --+
//!                           M1/partition_2.txt  --|-+                        +-> compiled
//!   [ split 2 ] -> map 2 -> M2/partition_1.txt  --+ |                        |   by the master
//!                           M2/partition_2.txt  ----+-> reduce 2 -> R2.txt --+
//! ```
//!
//! These modules are pure (sans-IO), so that every rule is tested without a process:
//!
//! - [`job`]: what a job is, and what the framework does with its records
//! - [`split`]: cuts the input at line ends
//! - [`digest`]: detects different contents of the input
//! - [`execute`]: runs a task
//! - [`scheduler`]: assigns tasks to workers, and handles failures
//! - [`job_status`]: what a page shows of a running job
//! - [`pending_calls`]: calls to a worker that wait for capacity of its connection
//!
//! Beside them stand [`master`], [`worker`], [`files`] and [`streaming`], which runs any two
//! commands as a job.

pub mod contract;
pub mod digest;
pub mod execute;
pub mod files;
pub mod job;
pub mod job_status;
pub mod master;
pub mod pending_calls;
pub mod scheduler;
pub mod split;
pub mod streaming;
mod task_status;
mod wire;
pub mod worker;
