//! The commands of a state machine, as storage sees them.

use crate::raft::StateMachine;

/// [`StateMachine::to_words`].
pub type ToWords = fn(command: &[u8], word: &mut dyn FnMut(&[u8]));
/// [`StateMachine::from_words`].
pub type FromWords = fn(words: &[&[u8]]) -> Result<Vec<u8>, String>;

/// How the commands of a state machine become words and come back.
#[derive(Clone, Copy, Debug)]
pub struct Commands {
    /// From bytes to words.
    pub to_words: ToWords,
    /// And back.
    pub from_words: FromWords,
}

impl Commands {
    /// Those of a machine.
    pub fn of<M: StateMachine>() -> Commands {
        Commands { to_words: M::to_words, from_words: M::from_words }
    }
}
