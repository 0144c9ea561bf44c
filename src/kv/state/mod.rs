//! The state machine of the store (pure).
//!
//! - [`Command`], [`Reply`], [`Read`]: commands, replies and reads, as bytes and as words
//! - [`Record`]: a key, its value and their revisions; it shares its bytes with the log
//! - [`Tree`]: the records in the order of their keys; a persistent B+ tree, whose copies are free
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
pub use kv::{Kv, Page, PrefixCount};
pub use read::Read;
pub use record::Record;
pub use reply::{InvalidReply, Reply};
pub use tree::{Cursor, Tree};
