//! The store as a value: what committed commands make of it.
//!
//! - [`Command`], [`Reply`], [`Read`]: what is asked and answered, as bytes and as words
//! - [`Record`]: a key, its value and their revisions, in the very bytes that the log holds
//! - [`Tree`]: the records in order of their keys; a copy of it costs nothing until it changes
//! - [`History`]: the recent changes, bounded by bytes

mod command;
mod history;
mod kv;
mod read;
mod record;
mod reply;
mod tree;

pub use command::{Command, Invalid, MAX_KEY_BYTES, MAX_VALUE_BYTES, check_key};
pub use history::{Change, Compacted, History};
pub use kv::{Kv, Page};
pub use read::Read;
pub use record::Record;
pub use reply::{InvalidReply, Reply};
pub use tree::{Cursor, Tree};
