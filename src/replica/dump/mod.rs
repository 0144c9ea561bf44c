//! `dump.txt`: what happened on a node, a sentence a line, for people.
//!
//! The sentences are those that the classic version writes, and a few more for what it does not
//! have. No node reads the file, and nothing waits for it: lines are gathered, given to a thread when
//! there are many or somebody asks, and never synced. A disk that takes no more, or is too slow, loses
//! lines, not the node; how many were lost is said in the file when it can be written again.
//!
//! - `line`: events to sentences (pure)
//! - `time`: when, for people (pure)
//! - `writer`: what gathers the lines
//! - `file`: what the thread has: the file, and the older ones that it became, `dump.1.txt` the one
//!   before

mod file;
mod line;
mod time;
mod writer;

pub use line::{Event, Level, line};
pub use writer::{Dump, DumpOptions};
