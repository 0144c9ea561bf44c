//! How storage converts the commands of a state machine.

use crate::raft::StateMachine;

/// [`StateMachine::to_words`].
pub type ToWords = fn(command: &[u8], word: &mut dyn FnMut(&[u8]));
/// [`StateMachine::from_words`].
pub type FromWords = fn(words: &[&[u8]]) -> Result<Vec<u8>, String>;

/// Conversions between the commands of a state machine and words.
#[derive(Clone, Copy, Debug)]
pub struct Commands {
    /// From bytes to words.
    pub to_words: ToWords,
    /// From words to bytes.
    pub from_words: FromWords,
}

impl Commands {
    /// The conversions of a machine.
    pub fn of<M: StateMachine>() -> Commands {
        Commands { to_words: M::to_words, from_words: M::from_words }
    }
}
