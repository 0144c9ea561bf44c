//! The health status of a node (`grpc.health.v1`): whether its services would answer.
//!
//! | name | SERVING |
//! |---|---|
//! | a service of the machine, and the server as a whole | a leader is known (this node or another), every entry that was in the log at the start is applied, the disk has space, and the node is not refused as a voter |
//! | `<service>/leader` | all of the above, this node leads, and an entry of its term is committed |
//!
//! A follower tells a client where the leader is. `<service>/leader` is for load balancers, which
//! need the leader without asking. `/readyz` is as the server as a whole, with the reasons in words.

use crate::raft::{Index, Raft};
use crate::replica::membership::Loss;
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

/// What the status follows from.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Reported {
    is_recovering: bool,
    is_full: bool,
    is_refused: bool,
    knows_leader: bool,
    /// It leads and has committed an entry of its term.
    leads: bool,
}

impl Reported {
    fn is_serving(&self) -> bool {
        self.knows_leader && !self.is_recovering && !self.is_full && !self.is_refused
    }
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

    /// Publishes the current status if it differs from the last one, and returns why the node is not
    /// ready. `is_full` says that
    /// writes wait for disk space, `refused` why the node does not vote, if that is so.
    pub(super) fn update(
        &mut self,
        raft: &Raft,
        applied: Index,
        is_full: bool,
        refused: Option<Loss>,
    ) -> Option<Vec<String>> {
        // Entries that were not committed may have been truncated.
        self.recovered_to.take_if(|index| applied >= raft.last_index().min(*index));
        let is_own = raft.term_at(raft.commit_index()) == Some(raft.current_term());
        let reported = Reported {
            is_recovering: self.recovered_to.is_some(),
            is_full,
            is_refused: refused.is_some(),
            knows_leader: raft.leader().is_some(),
            leads: raft.is_leader() && is_own,
        };
        if self.last_reported == Some(reported) {
            return None;
        }
        self.last_reported = Some(reported);
        let reasons = self.reasons(raft, applied, is_full, refused);
        self.health.set_not_ready(reasons.clone());
        self.publish(reported);
        Some(reasons)
    }

    /// Why the node is not ready, a line for each reason.
    fn reasons(
        &self,
        raft: &Raft,
        applied: Index,
        is_full: bool,
        refused: Option<Loss>,
    ) -> Vec<String> {
        let mut reasons = Vec::new();
        if let Some(index) = self.recovered_to {
            let index = raft.last_index().min(index);
            reasons.push(format!(
                "recovering: its log ended at {index} when it started, {applied} entries are applied"
            ));
        }
        if raft.leader().is_none() {
            let term = raft.current_term();
            reasons.push(format!("no leader is known in term {term}"));
        }
        // The path of the file, which the error names, is for the log.
        reasons.extend(is_full.then(|| "writes wait for disk space".to_owned()));
        reasons.extend(refused.map(|loss| format!("refused as a voter: {}", loss.describe())));
        reasons
    }

    fn publish(&self, reported: Reported) {
        let status = |is_serving| match is_serving {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        };
        let (serves, leads) = (reported.is_serving(), reported.is_serving() && reported.leads);
        self.health.set_each(|name| match name.strip_suffix(LEADER) {
            Some(service) if self.services.contains(&service) => status(leads),
            _ if name.is_empty() || self.services.contains(&name) => status(serves),
            _ => ServingStatus::Serving,
        });
    }
}
