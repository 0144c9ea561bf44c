//! The health status of a node (`grpc.health.v1`): whether its services would answer.
//!
//! | name | SERVING |
//! |---|---|
//! | a service of the machine, and the server as a whole | a leader is known (this node or another), every entry that was in the log at the start is applied, the disk has space, and the node is not refused as a voter |
//! | `<service>/leader` | all of the above, this node leads, and an entry of its term is committed |
//!
//! A follower tells a client where the leader is. `<service>/leader` is for load balancers, which
//! need the leader without asking.

use crate::raft::{Index, Raft};
use crate::rpc::{Health, ServingStatus};

/// The suffix of the health name that reports leadership.
const LEADER: &str = "/leader";

/// Publishes the health of a node when it changes.
pub(super) struct HealthReport {
    health: Health,
    services: &'static [&'static str],
    /// The last index of the log at the start; entries up to it must be applied before the node is
    /// healthy.
    recovered_to: Option<Index>,
    last_reported: Option<Reported>,
}

/// The status that was published last.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Reported {
    is_serving: bool,
    is_leader: bool,
}

impl HealthReport {
    /// Reports on `services` of a node whose log ends at `last_index`.
    pub(super) fn new(
        health: Health,
        services: &'static [&'static str],
        last_index: Index,
    ) -> HealthReport {
        let names = services.iter().map(|service| format!("{service}{LEADER}"));
        names.for_each(|name| health.set(&name, ServingStatus::NotServing));
        HealthReport { health, services, recovered_to: Some(last_index), last_reported: None }
    }

    /// Publishes the current status if it differs from the last one.
    pub(super) fn update(&mut self, raft: &Raft, applied: Index, takes_writes: bool) {
        // Entries that were not committed may have been truncated.
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
