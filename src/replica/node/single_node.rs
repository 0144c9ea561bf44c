//! The election in a group of one, before the server accepts calls: the node needs no vote but its
//! own, and only its own disk. Its first entry is durable afterwards, so its whole log is known to
//! be committed.

use super::apply_guard;
use crate::raft::StateMachine;
use crate::replica::clock::{Clock, wall_ms};
use crate::replica::engine::{Engine, Output};
use crate::replica::storage::{Storage, StorageError};

/// A candidate is elected in the step after its own vote is durable; then its first entry is
/// written.
const MAX_OUTPUTS: usize = 4;

/// Makes the only node of a group its leader. Everything in the outputs except writes is left for
/// later.
///
/// # Errors
/// The vote cannot be written.
pub(super) fn become_leader<M: StateMachine, T>(
    engine: &mut Engine<M, T>,
    storage: &mut Storage,
    clock: &Clock,
) -> Result<Vec<Output<T>>, StorageError> {
    let mut outputs = Vec::new();
    let leads = |engine: &Engine<M, T>| {
        let raft = engine.raft();
        raft.is_leader() && raft.commit_index() == raft.last_index()
    };
    engine.set_wall_clock(wall_ms());
    while !leads(engine) && outputs.len() < MAX_OUTPUTS {
        let mut output = apply_guard::advance(engine, clock.now());
        if let Some(write) = output.write.take() {
            if let Some(record) = write.record.clone() {
                storage.stage_record(*record);
            }
            match storage.write(write.hard_state, &write.entries) {
                Ok(()) => {
                    storage.note_commit(write.commit_index);
                    engine.persisted(clock.now(), write.id);
                }
                // The node leads and serves reads. The disk thread retries the write until there is
                // space.
                Err(error) if error.is_temporary() && storage.is_hard_state_durable() => {
                    engine.hard_state_persisted(clock.now(), write.id);
                    let is_entry = !write.entries.is_empty();
                    output.write = Some(write);
                    if is_entry {
                        outputs.push(output);
                        break;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        outputs.push(output);
    }
    Ok(outputs)
}
