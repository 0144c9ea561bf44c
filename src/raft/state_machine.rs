//! What the log is for.

use std::sync::Arc;

use super::entry::Index;

/// A state that changes by committed commands alone. Two machines that were fed with the same
/// commands answer alike and freeze to the same bytes.
///
/// Its commands have two forms: bytes, for memory and the wire, and words, for files that people
/// read (`SET name1 Jaggu`). Words are unescaped here; escaping is the file's affair.
pub trait StateMachine: Send + 'static {
    /// Does a command and appends what to answer to `reply`, in the machine's own encoding. A command
    /// that it does not understand changes nothing and is answered with an error, not a panic: it
    /// was committed, and every replica must pass it the same way.
    fn apply(&mut self, index: Index, at_ms: u64, command: &Arc<[u8]>, reply: &mut Vec<u8>);

    /// All commands that were committed together were applied. What is cheaper to do for all of them
    /// at once is done now, before anybody looks at the state.
    fn settle(&mut self) {}

    /// Whether a command would write something that a read, as the machine encodes reads, looks at.
    /// When in doubt, yes. Rule 7 of the lease asks it of entries that are not committed yet.
    fn conflicts(read: &[u8], command: &[u8]) -> bool
    where
        Self: Sized;

    /// The words of a command, each handed to `word`.
    fn to_words(command: &[u8], word: &mut dyn FnMut(&[u8]))
    where
        Self: Sized;

    /// A command from its words.
    ///
    /// # Errors
    /// What is wrong with them.
    fn from_words(words: &[&[u8]]) -> Result<Vec<u8>, String>
    where
        Self: Sized;

    /// The state as it is now. It stays so while the machine goes on, can be sent to another thread,
    /// and takes a time that does not depend on how much there is: parts are shared until they
    /// change.
    fn freeze(&self) -> Box<dyn Frozen>;

    /// An empty machine, to which the lines of a frozen one are given.
    fn empty() -> Self
    where
        Self: Sized;

    /// Takes one line of a frozen machine, as words; the lines come in the order in which they were
    /// written.
    ///
    /// # Errors
    /// What is wrong with it.
    fn restore(&mut self, words: &[&[u8]]) -> Result<(), String>;

    /// That was the last line: what is made of all of them is made now.
    ///
    /// # Errors
    /// What is missing.
    fn restored(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// A state that no longer changes, to be written down a line at a time.
pub trait Frozen: Send {
    /// Hands the words of the next line to `word`; false when there is no further line.
    fn next_line(&mut self, word: &mut dyn FnMut(&[u8])) -> bool;
}
