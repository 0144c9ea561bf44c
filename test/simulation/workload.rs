//! A workload for a state machine, and the check of its results.

use std::fmt::Debug;

use agora::raft::StateMachine;

use crate::linearizability::Operation;
use crate::seed::Seed;

/// The history of all operations of a run.
pub type History<W> = Vec<Operation<<W as Workload>::Ask, <W as Workload>::Saw>>;

/// A state machine, and operations on it.
pub trait Workload: Clone + Debug + 'static {
    /// The replicated state machine.
    type Machine: StateMachine;
    /// An operation of a client.
    type Ask: Clone + Debug;
    /// Its result.
    type Saw: Clone + Debug;

    /// Commands have their own numbers: they need no session.
    const IS_NUMBERED: bool;

    /// The workload of a run.
    fn new(seed: &mut Seed) -> Self;

    /// The next operation of a client.
    fn next(&mut self, client: u64, seed: &mut Seed) -> Self::Ask;

    /// Whether a command has a number of its own, so that it may be sent again in any case.
    fn is_numbered(_: &Self::Ask) -> bool {
        Self::IS_NUMBERED
    }

    /// The command of an operation; `None` for a read.
    fn command(ask: &Self::Ask) -> Option<Vec<u8>>;

    /// The result of a command that no later state can change, if there is one: any node may return
    /// it.
    fn settled(_: &Self::Machine, _: &[u8]) -> Option<Self::Saw> {
        None
    }

    /// What a read depends on, in the machine's encoding.
    fn read_set(ask: &Self::Ask) -> Vec<u8>;

    /// The result of a read.
    fn observe(ask: &Self::Ask, machine: &Self::Machine) -> Self::Saw;

    /// The result of a command, decoded.
    fn saw(ask: &Self::Ask, answer: &[u8]) -> Self::Saw;

    /// Checks the invariants of a state.
    fn audit(machine: &Self::Machine);

    /// Checks the history and the final state. Panics at an error.
    fn check_history(history: &History<Self>, machine: &Self::Machine)
    where
        Self: Sized;
}
