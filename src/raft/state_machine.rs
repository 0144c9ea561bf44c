//! The interface of a replicated state machine.

use std::sync::Arc;

use super::entry::Index;

/// A state that changes by committed commands alone. It is deterministic: two machines that got the same
/// commands give the same replies and freeze to the same bytes.
///
/// Its commands have two forms: bytes, for memory and messages, and words, for human-readable files
/// (`SET name1 Jaggu`). Words are unescaped here; the code that writes files escapes them.
pub trait StateMachine: Send + 'static {
    /// Applies a command and appends the reply to `reply`, in the machine's own encoding. An unknown
    /// command changes nothing and its reply is an error, not a panic: it is committed, and every
    /// replica must handle it alike.
    fn apply(&mut self, index: Index, at_ms: u64, command: &Arc<[u8]>, reply: &mut Vec<u8>);

    /// All commands that were committed together are applied. Work that is cheaper for all of them
    /// at once is done now, before the state is read.
    fn settle(&mut self) {}

    /// Whether a command may write something that a read, in the machine's encoding, depends on. When in
    /// doubt, yes. Rule 7 of the lease calls it for entries that are not committed yet.
    fn conflicts(read: &[u8], command: &[u8]) -> bool
    where
        Self: Sized;

    /// Passes the words of a command to `word`, one after the other.
    fn to_words(command: &[u8], word: &mut dyn FnMut(&[u8]))
    where
        Self: Sized;

    /// A command from its words.
    ///
    /// # Errors
    /// A description of the first error.
    fn from_words(words: &[&[u8]]) -> Result<Vec<u8>, String>
    where
        Self: Sized;

    /// The bytes of the state that a quota limits; 0: it has no use for one.
    fn size_bytes(&self) -> u64 {
        0
    }

    /// A command makes [`size_bytes`](Self::size_bytes) larger by at most its own length and so much.
    fn max_overhead_bytes(_: &[u8]) -> u64
    where
        Self: Sized,
    {
        0
    }

    /// Whether a command can make the state larger at all.
    fn may_grow(_: &[u8]) -> bool
    where
        Self: Sized,
    {
        false
    }

    /// The size after these commands, or an upper bound of it.
    fn size_bytes_after(&self, _: &mut dyn Iterator<Item = &[u8]>) -> u64 {
        self.size_bytes()
    }

    /// The current state. It does not change while the machine continues, can be sent to another
    /// thread, and takes constant time: parts are shared until they change (copy on write).
    fn freeze(&self) -> Box<dyn Frozen>;

    /// An empty machine, to be filled by [`restore`](Self::restore).
    fn empty() -> Self
    where
        Self: Sized;

    /// Adds one line of a frozen machine, as words; the lines come in the order in which they were
    /// written.
    ///
    /// # Errors
    /// A description of the error in it.
    fn restore(&mut self, words: &[&[u8]]) -> Result<(), String>;

    /// All lines were added. Data that is derived from all of them is built now.
    ///
    /// # Errors
    /// A description of what is missing.
    fn restored(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// A state that no longer changes, to be written line by line.
pub trait Frozen: Send {
    /// Passes the words of the next line to `word`; false when there is no further line.
    fn next_line(&mut self, word: &mut dyn FnMut(&[u8])) -> bool;
}
