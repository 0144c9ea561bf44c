//! What a state machine's own service does for its node.

use super::shared::Shared;
use crate::raft::StateMachine;
use crate::replica::engine::Answer;
use crate::rpc::Reactor;

/// The service of a replicated state machine: it knows the calls that the node does not.
///
/// Its handlers take the node by [`super::Node::lock`], and leave a ticket for what cannot be
/// answered at once. All of it runs on the server's thread.
pub trait Service: Sized + Send + 'static {
    /// What is replicated.
    type Machine: StateMachine;
    /// The right to answer a call, with what is needed to do so.
    type Ticket: Send;

    /// The full names of the services that its calls belong to.
    const NAMES: &'static [&'static str];

    /// What is replicated, when nothing has happened yet.
    fn machine(&self) -> Self::Machine {
        Self::Machine::empty()
    }

    /// Answers a call that waited. The state is to be read now.
    fn answer(
        node: &mut Shared<Self>,
        ticket: Self::Ticket,
        answer: Answer,
        reactor: &mut Reactor<'_>,
    );

    /// The state has changed: those who watch it may be told.
    fn applied(node: &mut Shared<Self>);

    /// This node leads from now on, or no longer.
    fn leadership_changed(_: &mut Shared<Self>) {}
}
