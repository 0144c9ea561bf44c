//! `dump.txt`: what happened on a node, a sentence a line, for people.
//!
//! The sentences are those that the classic version writes, and a few more for what it does not
//! have. No node reads the file, and nothing waits for it: lines are gathered, written when there
//! are many or somebody asks, and never synced. A disk that takes no more loses lines, not the node;
//! how many were lost is said once in the log, and in the file when it can be written again.
//!
//! - `line`: events to sentences (pure)
//! - `writer`: the file, and the older ones that it became: `dump.1.txt` is the one before

mod line;
mod writer;

pub use line::{Event, Level, line};
pub use writer::{Dump, DumpOptions};
