//! What clients do with a state machine, and how to tell whether it went right.

use std::fmt::Debug;

use agora::raft::StateMachine;

use crate::linearizability::Operation;
use crate::seed::Seed;

/// What is known of an operation at the end of a run.
pub type History<W> = Vec<Operation<<W as Workload>::Ask, <W as Workload>::Saw>>;

/// A state machine with something to do for it.
pub trait Workload: Clone + Debug + 'static {
    /// What is replicated.
    type Machine: StateMachine;
    /// What a client asks.
    type Ask: Clone + Debug;
    /// What it sees.
    type Saw: Clone + Debug;

    /// Whether commands bear numbers of their own: they may be sent again, whatever came of them,
    /// and need no session.
    const IS_NUMBERED: bool;

    /// A run's own workload.
    fn new(seed: &mut Seed) -> Self;

    /// What a client asks next.
    fn next(&mut self, client: u64, seed: &mut Seed) -> Self::Ask;

    /// The command that it is; `None` for a read.
    fn command(ask: &Self::Ask) -> Option<Vec<u8>>;

    /// What a command is answered by a node that need not ask anybody else, however far it is.
    fn settled(_: &Self::Machine, _: &[u8]) -> Option<Self::Saw> {
        None
    }

    /// What a read looks at, as the machine encodes it.
    fn read_set(ask: &Self::Ask) -> Vec<u8>;

    /// What a read sees.
    fn observe(ask: &Self::Ask, machine: &Self::Machine) -> Self::Saw;

    /// What the machine's answer to a command says.
    fn saw(ask: &Self::Ask, answer: &[u8]) -> Self::Saw;

    /// What must be true of a state at all times.
    fn audit(machine: &Self::Machine);

    /// What must be true of all that clients saw, and of what is there in the end. Panics if it is
    /// not.
    fn check_history(history: &History<Self>, machine: &Self::Machine)
    where
        Self: Sized;
}
