//! A group of one leads before anybody can ask it: it needs nobody's vote, only its own disk.

use super::applying;
use crate::raft::StateMachine;
use crate::replica::clock::Clock;
use crate::replica::engine::{Engine, Turn};
use crate::replica::storage::{Storage, StorageError};

/// A candidate is elected with the turn after its vote for itself is durable.
const MAX_TURNS: usize = 4;

/// Has the only node of a group lead. What its turns want besides writes is to be done later.
///
/// # Errors
/// Its vote cannot be written.
pub(super) fn lead<M: StateMachine, T>(
    engine: &mut Engine<M, T>,
    storage: &mut Storage,
    clock: &Clock,
) -> Result<Vec<Turn<T>>, StorageError> {
    let mut turns = Vec::new();
    while !engine.raft().is_leader() && turns.len() < MAX_TURNS {
        let mut turn = applying::turn(engine, clock.now());
        if let Some(write) = turn.write.take() {
            match storage.write(write.hard_state, &write.entries) {
                Ok(()) => {
                    storage.note_commit(write.commit_index);
                    engine.persisted(clock.now(), write.id);
                }
                // It leads, and reads. The disk thread waits until there is room.
                Err(error) if error.is_temporary() && storage.is_hard_state_durable() => {
                    engine.hard_state_persisted(clock.now(), write.id);
                    turn.write = Some(write);
                }
                Err(error) => return Err(error),
            }
        }
        turns.push(turn);
    }
    Ok(turns)
}
