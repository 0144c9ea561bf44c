//! What a node says of its health (`grpc.health.v1`): whether its services would answer.
//!
//! | name | SERVING |
//! |---|---|
//! | a service of the machine, and the server as a whole | a leader is known, here or elsewhere, all that was in the log when the node started is applied, its disk has room, and it is not refused as a voter |
//! | `<service>/leader` | so, and this node leads, and an entry of its term is committed |
//!
//! A client that finds a follower is told where the leader is; `<service>/leader` is for balancers,
//! which do not ask.

use crate::raft::{Index, Raft};
use crate::rpc::{Health, ServingStatus};

/// Behind a service's name: whether it is the leader's.
const LEADER: &str = "/leader";

/// Says how a node is, whenever that changes.
pub(super) struct HealthReport {
    health: Health,
    services: &'static [&'static str],
    /// What the log had when the node started must be applied first.
    recovered_to: Option<Index>,
    last_reported: Option<Reported>,
}

/// What was said last.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Reported {
    is_serving: bool,
    is_leader: bool,
}

impl HealthReport {
    /// Of these services, on a node whose log ends at an index.
    pub(super) fn new(
        health: Health,
        services: &'static [&'static str],
        last_index: Index,
    ) -> HealthReport {
        let names = services.iter().map(|service| format!("{service}{LEADER}"));
        names.for_each(|name| health.set(&name, ServingStatus::NotServing));
        HealthReport { health, services, recovered_to: Some(last_index), last_reported: None }
    }

    /// Looks how the node is: what it has applied, and whether it takes writes.
    pub(super) fn update(&mut self, raft: &Raft, applied: Index, takes_writes: bool) {
        // What was not committed may have been cut.
        self.recovered_to.take_if(|index| applied >= raft.last_index().min(*index));
        let is_ready = self.recovered_to.is_none() && takes_writes;
        let is_own = raft.term_at(raft.commit_index()) == Some(raft.current_term());
        let reported = Reported {
            is_serving: is_ready && raft.leader().is_some(),
            is_leader: is_ready && raft.is_leader() && is_own,
        };
        if self.last_reported != Some(reported) {
            self.last_reported = Some(reported);
            self.publish(reported);
        }
    }

    fn publish(&self, reported: Reported) {
        let status = |is_serving| match is_serving {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        };
        self.health.set_each(|name| match name.strip_suffix(LEADER) {
            Some(service) if self.services.contains(&service) => status(reported.is_leader),
            _ if name.is_empty() || self.services.contains(&name) => status(reported.is_serving),
            _ => ServingStatus::Serving,
        });
    }
}
