//! Why nobody has answered, in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::outcome::Seen;
use super::{Aim, Routes};

/// Says what is known of the nodes.
pub(super) fn nobody(routes: &Routes, aim: Aim, seen: &BTreeMap<usize, Seen>) -> String {
    let nodes = routes.nodes().len();
    let mut parts = Parts { nodes, parts: Vec::new() };
    let count = |is: fn(&Seen) -> bool| seen.values().filter(|seen| is(seen)).count();
    let unreachable = count(|seen| matches!(seen, Seen::Unreachable(_)));
    parts.push(unreachable, "cannot be reached", "cannot be reached");
    let strange = count(|seen| matches!(seen, Seen::Strange));
    parts.push(strange, "answers as no node does", "answer as no node does");
    parts.push(count(|seen| matches!(seen, Seen::Silent)), "is silent", "are silent");
    let leaderless = count(|seen| matches!(seen, Seen::Leaderless));
    parts.push(leaderless, "knows no leader", "know no leader");
    parts.push(count(|seen| matches!(seen, Seen::Busy(_))), "is busy", "are busy");
    let named = seen.values().filter_map(|seen| match seen {
        Seen::Names(leader) => Some((leader.id, leader)),
        _ => None,
    });
    for (id, leader) in named.collect::<BTreeMap<_, _>>() {
        let names = |seen: &&Seen| matches!(seen, Seen::Names(named) if named.id == id);
        let count = seen.values().filter(names).count();
        let who = match routes.place(leader) {
            Some(place) if place < routes.given => format!("node {id}"),
            Some(_) => format!("node {id} at {}", leader.address),
            None => format!("node {id} at {}, which was not given", leader.address),
        };
        parts.push(count, &format!("names {who}"), &format!("name {who}"));
    }
    let is_known =
        |seen: &Seen| !matches!(seen, Seen::Unreachable(_) | Seen::Strange | Seen::Leaderless);
    let mut message = String::from(match aim {
        Aim::Anybody => "no node answers",
        Aim::Leader if seen.values().any(is_known) => "no leader answers",
        Aim::Leader => "no leader",
    });
    message.push_str(&parts.text());
    let reason = seen.values().find_map(|seen| match seen {
        Seen::Unreachable(reason) => Some(reason),
        _ => None,
    });
    let busy = seen.values().find_map(|seen| match seen {
        Seen::Busy(reason) => Some(reason),
        _ => None,
    });
    if let Some(reason) = busy.or(reason.filter(|_| unreachable == nodes)) {
        // Writing to a String does not fail.
        let _ = write!(message, " ({reason})");
    }
    message
}

/// How many nodes are how.
struct Parts {
    /// In all.
    nodes: usize,
    parts: Vec<String>,
}

impl Parts {
    fn push(&mut self, count: usize, one: &str, many: &str) {
        if count == 0 {
            return;
        }
        // Said with the first.
        let of = match (self.parts.is_empty(), self.nodes) {
            (true, 1) => " of 1 node".to_owned(),
            (true, nodes) => format!(" of {nodes} nodes"),
            (false, _) => String::new(),
        };
        self.parts.push(format!("{count}{of} {}", if count == 1 { one } else { many }));
    }

    fn text(&self) -> String {
        match self.parts.is_empty() {
            true => ": no time to ask anybody".to_owned(),
            false => format!(": {}", self.parts.join(", ")),
        }
    }
}
