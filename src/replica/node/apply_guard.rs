//! A panic while an entry is applied ends the process at once.
//!
//! Half of an entry may have been done then. Nobody is to see that: no answer, no message, no
//! snapshot of it; and the log has the entry, for a program without the mistake.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use crate::raft::StateMachine;
use crate::replica::engine::{Applied, Engine, Output};
use crate::rpc::panic_message;

/// A turn of the engine. It does not return if an entry cannot be applied.
pub(super) fn advance<M: StateMachine, T>(engine: &mut Engine<M, T>, now: Duration) -> Output<T> {
    abort_on_panic(engine, |engine| engine.advance(now))
}

/// Applies all that is known to be committed, and gives it to `tell`, if it is to be told.
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
        log::error!("the node ends: entry {index} of its log cannot be applied: panicked: {why}");
        std::process::abort()
    })
}
