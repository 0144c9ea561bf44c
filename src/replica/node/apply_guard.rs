//! Ends the process at once when the state machine panics while it applies an entry.
//!
//! The entry may have been applied in part. No client, peer or snapshot may see such a state. The
//! log still has the entry, so a corrected program can apply it after a restart.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use crate::raft::StateMachine;
use crate::replica::engine::{Applied, Engine, Output};
use crate::rpc::panic_message;

/// Advances the engine. Does not return if an entry cannot be applied.
pub(super) fn advance<M: StateMachine, T>(engine: &mut Engine<M, T>, now: Duration) -> Output<T> {
    abort_on_panic(engine, |engine| engine.advance(now))
}

/// Applies everything that is known to be committed. `on_applied` gets the entries if the engine
/// reports them.
pub(super) fn replay<M: StateMachine, T>(
    engine: &mut Engine<M, T>,
    on_applied: &mut dyn FnMut(Vec<Applied>),
) {
    while abort_on_panic(engine, |engine| engine.replay(on_applied)) {}
}

fn abort_on_panic<M: StateMachine, T, R>(
    engine: &mut Engine<M, T>,
    mut act: impl FnMut(&mut Engine<M, T>) -> R,
) -> R {
    catch_unwind(AssertUnwindSafe(|| act(engine))).unwrap_or_else(|panic| {
        let Some(index) = engine.applying() else { resume_unwind(panic) };
        let why = panic_message(&*panic);
        log::error!("the node aborts: entry {index} of its log cannot be applied: panicked: {why}");
        std::process::abort()
    })
}
