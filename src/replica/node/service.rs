//! The interface between a node and the service of its state machine.

use super::shared::Shared;
use crate::metrics::{Exposition, Family};
use crate::raft::StateMachine;
use crate::replica::engine::Answer;
use crate::replica::view::Contents;
use crate::rpc::Reactor;

/// The service of a replicated state machine: it handles the calls that the node does not know.
///
/// Its handlers lock the node with [`super::Node::lock`], and leave a ticket for a call that cannot
/// be answered at once. Everything runs on the server's thread.
pub trait Service: Sized + Send + 'static {
    /// The replicated state machine.
    type Machine: StateMachine;
    /// The right to answer a pending call, with the data that the answer needs.
    type Ticket: Send;

    /// The full names of the RPC services that this service registers.
    const NAMES: &'static [&'static str];

    /// The paths of the methods that read, and of those that write, for the node's page.
    const READS: &'static [&'static str] = &[];
    /// See [`Self::READS`].
    const WRITES: &'static [&'static str] = &[];

    /// What makes space when the quota is used up, in words.
    const MAKES_SPACE: &'static str = "delete something";

    /// The families that [`write_metrics`](Self::write_metrics) writes.
    const METRICS: &'static [Family] = &[];

    /// Writes the metrics of the service at a scrape: in constant time, since other calls wait.
    fn write_metrics(_: &mut Shared<Self>, _: &mut Exposition) {}

    /// The initial state.
    fn machine(&self) -> Self::Machine {
        Self::Machine::empty()
    }

    /// Answers a pending call. A read is evaluated now, on the current state.
    fn answer(
        node: &mut Shared<Self>,
        ticket: Self::Ticket,
        answer: Answer,
        reactor: &mut Reactor<'_>,
    );

    /// Called after entries were applied: watches may have something to send.
    fn applied(node: &mut Shared<Self>);

    /// Called several times a second.
    fn tick(_: &mut Shared<Self>) {}

    /// What the state holds, for the node's page. It is asked for every few seconds at most, and must
    /// be short.
    fn contents(_: &Shared<Self>) -> Contents {
        Contents::default()
    }

    /// Called when this node has become leader or stopped being leader.
    fn leadership_changed(_: &mut Shared<Self>) {}
}
