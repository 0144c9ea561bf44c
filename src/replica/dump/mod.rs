//! `dump.txt`: the events of a node, one human-readable sentence a line.
//!
//! The sentences are those of the course version, and a few more for events that it does not have.
//! The file is never read by a node, and nothing waits for it: lines are buffered, passed to a
//! thread when there are many or on request, and never synced. A full or slow disk loses lines and
//! does not stop the node; the number of lost lines is written to the file later.
//!
//! - `line`: from events to sentences (pure)
//! - `time`: timestamps (pure)
//! - `writer`: the buffer on the event loop
//! - `file`: the file on the writing thread, and its rotation to `dump.1.txt` and so on

mod file;
mod line;
mod writer;

pub use line::{Event, Level, line};
pub use writer::{Dump, DumpOptions};
