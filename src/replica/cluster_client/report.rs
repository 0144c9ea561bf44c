//! The error text of a call that no node answered.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::outcome::NodeFailure;
use super::{CallTarget, ClusterClient};

/// Describes the failures of all nodes.
pub(super) fn no_answer(
    cluster: &ClusterClient,
    target: CallTarget,
    seen: &BTreeMap<usize, NodeFailure>,
) -> String {
    let nodes = cluster.nodes().len();
    let mut parts = Parts { nodes, parts: Vec::new() };
    let count = |is: fn(&NodeFailure) -> bool| seen.values().filter(|seen| is(seen)).count();
    let unreachable = count(|seen| matches!(seen, NodeFailure::Unreachable(_)));
    parts.push(unreachable, "cannot be reached", "cannot be reached");
    let incompatible = count(|seen| matches!(seen, NodeFailure::Incompatible));
    parts.push(incompatible, "is not a node", "are not nodes");
    parts.push(
        count(|seen| matches!(seen, NodeFailure::TimedOut)),
        "does not answer",
        "do not answer",
    );
    let no_leader = count(|seen| matches!(seen, NodeFailure::NoLeader));
    parts.push(no_leader, "knows no leader", "know no leader");
    parts.push(count(|seen| matches!(seen, NodeFailure::Busy(_))), "is busy", "are busy");
    let named = seen.values().filter_map(|seen| match seen {
        NodeFailure::NamesLeader(leader) => Some((leader.id, leader)),
        _ => None,
    });
    for (id, leader) in named.collect::<BTreeMap<_, _>>() {
        let names =
            |seen: &&NodeFailure| matches!(seen, NodeFailure::NamesLeader(named) if named.id == id);
        let count = seen.values().filter(names).count();
        let who = match cluster.index(leader) {
            Some(index) if index < cluster.given => format!("node {id}"),
            Some(_) => format!("node {id} at {}", leader.address),
            None => format!("node {id} at {}, which was not given", leader.address),
        };
        parts.push(count, &format!("names {who}"), &format!("name {who}"));
    }
    let is_known = |seen: &NodeFailure| {
        !matches!(
            seen,
            NodeFailure::Unreachable(_) | NodeFailure::Incompatible | NodeFailure::NoLeader
        )
    };
    let mut message = String::from(match target {
        CallTarget::AnyNode => "no node answers",
        CallTarget::Leader if seen.values().any(is_known) => "no leader answers",
        CallTarget::Leader => "no leader",
    });
    message.push_str(&parts.text());
    let reason = seen.values().find_map(|seen| match seen {
        NodeFailure::Unreachable(reason) => Some(reason),
        _ => None,
    });
    let busy = seen.values().find_map(|seen| match seen {
        NodeFailure::Busy(reason) => Some(reason),
        _ => None,
    });
    if let Some(reason) = busy.or(reason.filter(|_| unreachable == nodes)) {
        // Writing to a `String` does not fail.
        let _ = write!(message, " ({reason})");
    }
    message
}

/// Phrases such as "2 of 5 nodes are busy".
struct Parts {
    /// The number of nodes.
    nodes: usize,
    parts: Vec<String>,
}

impl Parts {
    fn push(&mut self, count: usize, one: &str, many: &str) {
        if count == 0 {
            return;
        }
        // The total is mentioned once.
        let of = match (self.parts.is_empty(), self.nodes) {
            (true, 1) => " of 1 node".to_owned(),
            (true, nodes) => format!(" of {nodes} nodes"),
            (false, _) => String::new(),
        };
        self.parts.push(format!("{count}{of} {}", if count == 1 { one } else { many }));
    }

    fn text(&self) -> String {
        match self.parts.is_empty() {
            true => ": no time to call a node".to_owned(),
            false => format!(": {}", self.parts.join(", ")),
        }
    }
}
